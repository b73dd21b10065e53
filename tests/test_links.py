"""A token says who is asking, for one purpose, list and issue, and cannot be made by anybody else."""

import base64
import hmac
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ConfigError, LinkError
from newsletter.links import Claim, Links, Purpose, Signer, read_signer
from newsletter.model import Mailbox, Publication

DAY = date(2026, 11, 23)
KEY, OTHER = b"k" * 32, b"o" * 32


def signer(*keys: bytes, list_id: str = "lettre.invalid") -> Signer:
    return Signer(keys or (KEY,), list_id=list_id)


def refuses(by: Signer, token: str) -> bool:
    with pytest.raises(LinkError) as caught:
        by.check(token, Purpose.LEAVE)
    return caught.value.message == "not one of our links"


def test_a_token_says_who_and_from_which_issue() -> None:
    token = signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert signer().check(token, Purpose.LEAVE) == Claim(
        purpose=Purpose.LEAVE, reader_id="abcdefghijklmnop", day=DAY
    )
    assert token == signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert token.replace("-", "").replace("_", "").isalnum()


def test_a_token_of_another_key_or_list_is_refused() -> None:
    token = signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert refuses(signer(OTHER), token)
    assert refuses(signer(list_id="other.invalid"), token)


def test_after_a_change_of_keys_old_links_still_work() -> None:
    token = signer(KEY).sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert signer(OTHER, KEY).check(token, Purpose.LEAVE).reader_id == "abcdefghijklmnop"
    assert signer(OTHER, KEY).sign(Purpose.LEAVE, "abcdefghijklmnop", DAY) != token


@given(st.integers(min_value=0, max_value=8 * 39 - 1))
def test_no_single_bit_may_change(bit: int) -> None:
    token = signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    data = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert len(data) == 39
    data[bit // 8] ^= 1 << bit % 8
    assert refuses(signer(), base64.urlsafe_b64encode(data).rstrip(b"=").decode())


@given(st.text(max_size=80))
def test_nothing_else_is_a_token(text: str) -> None:
    assert refuses(signer(), text)


def test_ways_to_leave_and_message_ids(publication: Publication) -> None:
    links = Links(publication, signer())
    token = signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert links.leave("abcdefghijklmnop", DAY) == (
        f"https://lettre.invalid/leave/{token}",
        f"mailto:redaction@lettre.invalid?subject=leave%20{token}",
    )
    assert Links(replace(publication, url=""), signer()).leave("abcdefghijklmnop", DAY)[0] == ""
    ids = {
        links.message_id(reader, day) for reader in ("a" * 16, "b" * 16) for day in (DAY, date(2026, 11, 24))
    }
    assert len(ids) == 4
    assert all(i.endswith("@lettre.invalid") for i in ids)


def test_a_message_id_is_not_what_the_token_of_the_same_copy_is_proven_by(publication: Publication) -> None:
    links = Links(publication, signer())
    tag = base64.urlsafe_b64decode(links.leave("abcdefghijklmnop", DAY)[0].rpartition("/")[2])[-16:]
    message_id = links.message_id("abcdefghijklmnop", DAY)
    assert bytes.fromhex(message_id.partition("@")[0]) != tag
    # Both are one HMAC-SHA256: RFC 2104, by the standard library.
    body = base64.urlsafe_b64decode(signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY))[:-16]
    whole = hmac.digest(KEY, b"lettre.invalid\0" + body, "sha256")
    assert Links(publication, signer()).message_id("abcdefghijklmnop", DAY).startswith(whole[16:].hex())


@pytest.mark.parametrize("key", [b"k" * 16, b"k" * 64, b"k" * 65, b"k" * 200])
def test_tags_are_hmac_by_the_book_for_keys_of_any_length(key: bytes) -> None:
    token = signer(key).sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    data = base64.urlsafe_b64decode(token)
    assert data[-16:] == hmac.digest(key, b"lettre.invalid\0" + data[:-16], "sha256")[:16]


def test_the_address_in_a_mailto_is_escaped(publication: Publication) -> None:
    links = Links(replace(publication, reply_to="a&b=c+d%@lettre.invalid"), signer(), dead=True)
    assert links.leave("r", DAY)[1] == "mailto:a%26b%3Dc+d%25@lettre.invalid?subject=leave%20test"


# ---- return paths ----


def return_path(publication: Publication, reader_id: str, by: Signer, bounces: str = "b@x.fr") -> str:
    return Links(publication, by).copies(DAY, bounces=bounces).copy(reader_id)[3]


@pytest.mark.parametrize(
    "reader_id", ["abcdefghijklmnop", "-_-_-_-_-_-_-_-_", "AAAAAAAAAAAAAAAA", "r", "reader-17"]
)
def test_a_return_path_says_whose_copy_came_back(publication: Publication, reader_id: str) -> None:
    address = return_path(publication, reader_id, signer())
    assert signer().bounced(address) == Claim(purpose=Purpose.BOUNCE, reader_id=reader_id, day=DAY)
    local = address.partition("@")[0]
    assert len(local) <= 64
    assert local == local.lower()
    assert signer().bounced(address.upper()).reader_id == reader_id
    assert signer(OTHER, KEY).bounced(address).reader_id == reader_id


def test_a_return_path_stands_for_one_reader_and_one_issue(publication: Publication) -> None:
    assert return_path(publication, "abcdefghijklmnop", signer()) == (
        "b+0b4a67" + "69b71d79f8218a39259a7a29" + "93cbb28f3d3c491f4a4d" + "@x.fr"
    )


def test_an_id_that_leaves_no_room_has_no_token_but_the_mail_still_comes_back(
    publication: Publication,
) -> None:
    assert return_path(publication, "test-1790000000.123-0", signer()) == "b@x.fr"


@given(st.integers(min_value=0, max_value=8 * 25 - 1))
def test_no_single_bit_of_a_return_path_may_change(bit: int) -> None:
    publication = Publication(name="x", sender=Mailbox(name="x", address="x@lettre.invalid"))
    token = return_path(publication, "abcdefghijklmnop", signer())[2:-5]
    data = bytearray.fromhex(token)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(LinkError):
        signer().bounced(f"b+{data.hex()}@x.fr")


@given(st.text(max_size=60))
def test_nothing_else_is_a_return_path(text: str) -> None:
    for address in (text, f"b+{text}@x.fr", f"{text}@x.fr"):
        with pytest.raises(LinkError) as caught:
            signer().bounced(address)
        assert caught.value.message == "not one of our return paths"


def test_a_return_path_of_another_key_or_list_is_refused_and_is_no_link_to_leave_by(
    publication: Publication,
) -> None:
    address = return_path(publication, "abcdefghijklmnop", signer())
    for other in (signer(OTHER), signer(list_id="other.invalid")):
        with pytest.raises(LinkError):
            other.bounced(address)
    leave = base64.urlsafe_b64decode(signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY))
    with pytest.raises(LinkError):
        signer().bounced(f"b+{leave[4:].hex()}@x.fr")


def test_a_reader_without_return_paths_is_written_to_from_the_senders_address(
    publication: Publication,
) -> None:
    assert return_path(publication, "abcdefghijklmnop", signer(), bounces="") == ""


def test_dead_links_lead_nowhere(publication: Publication) -> None:
    web, mail = Links(publication, signer(), dead=True).leave("abcdefghijklmnop", DAY)
    assert web == "https://lettre.invalid/leave/test"
    assert mail.endswith("?subject=leave%20test")
    assert refuses(signer(), "test")


def test_the_key_is_made_once_for_its_owners_eyes_only(tmp_path: Path) -> None:
    first = read_signer(tmp_path / "state", "x", {})
    path = tmp_path / "state" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    again = read_signer(tmp_path / "state", "x", {})
    assert again.check(first.sign(Purpose.LEAVE, "r", DAY), Purpose.LEAVE).reader_id == "r"


def test_keys_from_the_environment_come_first_and_need_no_file(tmp_path: Path) -> None:
    by = read_signer(tmp_path / "state", "x", {"NEWSLETTER_SECRET": f"{'n' * 32} {'k' * 32}"})
    assert not (tmp_path / "state").exists()
    old = Signer((b"k" * 32,), list_id="x").sign(Purpose.LEAVE, "r", DAY)
    assert by.check(old, Purpose.LEAVE).reader_id == "r"


def test_a_key_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("k" * 32)
    path.chmod(0o644)
    with pytest.raises(ConfigError) as caught:
        read_signer(tmp_path, "x", {"NEWSLETTER_SECRET_FILE": str(path)})
    assert caught.value.hint == f"chmod 600 {path}"
    with pytest.raises(ConfigError, match="fewer than 16"):
        read_signer(tmp_path, "x", {"NEWSLETTER_SECRET": "short"})
