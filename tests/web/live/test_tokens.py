"""Tokens are worth what they were made for and nothing else; all that are worth nothing are told the same."""

import base64
import random
import time
from datetime import timedelta

import pytest

from newsletter.errors import LinkError
from newsletter.links import Purpose, Signer
from newsletter.model import Status
from tests.web.live.conftest import DAY, KEY, Live

PAGES = {"confirm": Purpose.CONFIRM, "leave": Purpose.LEAVE, "mine": Purpose.MINE}


def tokens(live: Live, about: str, signer: Signer | None = None) -> dict[str, str]:
    """Every token that there is about somebody, by purpose; a leaving's is of an issue."""
    signer = signer or live.office.signer
    life = timedelta(hours=1)
    made = {purpose.name: signer.sign_until(purpose, about, live.clock(), life) for purpose in Purpose}
    return made | {
        f"{purpose.name} of an issue": signer.sign(purpose, about, DAY.date()) for purpose in Purpose
    }


def test_a_token_of_another_purpose_list_or_key_is_as_good_as_none(live: Live) -> None:
    lea = live.add()
    nothing = live.get("leave/nothing")
    assert nothing.status_code == 404
    others = {
        "another list": Signer((KEY,), list_id="another.list"),
        "another key": Signer((b"a key of somebody else's",), list_id=live.office.publication.list_id),
    }
    tried = 0
    for page, purpose in PAGES.items():
        wrong = {name: token for name, token in tokens(live, lea.id).items() if purpose.name not in name}
        if page == "leave":
            del wrong["PROBE"]  # which does nothing there, as test_leaving.py tells
        for name, signer in others.items():
            wrong |= {f"{name} {kind}": token for kind, token in tokens(live, lea.id, signer).items()}
        for name, token in wrong.items():
            for answer in (
                live.get(f"{page}/{token}"),
                live.post(f"{page}/{token}", {"do": "leave", "sure": "yes"}),
                live.visitor().post(f"/actu/{page}/{token}", content=b"List-Unsubscribe=One-Click"),
            ):
                assert (answer.status_code, answer.text) == (404, nothing.text), (page, name)
                assert answer.headers == nothing.headers
                tried += 1
    assert tried == 303
    assert live.status() is Status.ACTIVE


def test_a_bit_more_or_less_makes_a_token_worthless(live: Live) -> None:
    lea = live.add()
    token = live.leave_path(lea).removeprefix("leave/")
    data = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    chance = random.Random(5)
    signer, tried = live.office.signer, 0
    for _ in range(100_000):
        forged = bytearray(data)
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            bit = chance.randrange(8 * len(forged))
            forged[bit // 8] ^= 1 << bit % 8
        if forged == data:
            continue
        with pytest.raises(LinkError):
            signer.check(base64.urlsafe_b64encode(forged).decode().rstrip("="), Purpose.LEAVE)
        tried += 1
    assert tried > 99_000


def test_no_odd_token_is_a_fault(live: Live) -> None:
    lea = live.add()
    token = live.leave_path(lea).removeprefix("leave/")
    nothing = live.get("leave/nothing").text
    chance = random.Random(7)
    odd = [
        token[:-1],
        token + "A",
        token[1:],
        token.upper(),
        token + "%00",
        "%FF",
        "a" * 4000,
        ".",
        "é",
        "=",
        "%2e",
    ]
    odd += ["".join(chance.choices("abcXYZ019-_", k=chance.randrange(1, 90))) for _ in range(60)]
    odd += [token[:at] + chance.choice("AZaz09-_") + token[at + 1 :] for at in range(0, len(token), 3)]
    for page in PAGES:
        for each in odd:
            if each == token:
                continue
            answer = live.get(f"{page}/{each}")
            assert (answer.status_code, answer.text) == (404, nothing), each
    assert live.status() is Status.ACTIVE


def test_an_older_key_goes_on_letting_readers_leave(live: Live) -> None:
    lea = live.add()
    list_id = live.office.publication.list_id
    newer = Signer((b"the newer key, made last week", KEY), list_id=list_id)
    object.__setattr__(live.office, "signer", newer)
    assert live.post(live.leave_path(lea), {"do": "leave"}).status_code == 200
    old = Signer((KEY,), list_id=list_id).sign(Purpose.LEAVE, lea.id, DAY.date())
    assert live.post(f"leave/{old}", {"do": "undo"}).status_code == 200
    assert live.status() is Status.ACTIVE


def test_known_and_unknown_addresses_take_the_same_time(live: Live) -> None:
    """Loosely, since the machine has other things to do: the quickest of many, within a half."""
    live.add("known@example.org")
    took: dict[str, list[float]] = {"known": [], "new": []}
    live.sign_up("warm@example.org")
    for count in range(12):
        for kind in took:
            live.clock.goes_on(minutes=6)
            email = {"known": "known@example.org", "new": f"new{count}@example.org"}[kind]
            began = time.perf_counter()
            live.sign_up(email)
            took[kind].append(time.perf_counter() - began)
    assert 0.5 < min(took["known"]) / min(took["new"]) < 2
