"""Signing up: one answer for all, a mail for whoever has the address."""

import asyncio
from collections import Counter
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlencode

import pytest

from newsletter.model import Status
from newsletter.readers.addresses import read_address
from tests.web.live.conftest import FIRST, PER_HOUR, SITE, Live, hidden

ASKED = "Regardez dans votre boîte de réception"
ONCE_MORE = "Encore un clic"


def title(page: str) -> str:
    return page.partition("<title>")[2].partition(" · ")[0]


def test_signing_up_on_an_article_writes_down_who_where_and_which_words(live: Live) -> None:
    answer = live.sign_up("lea@example.org")
    assert (answer.status_code, title(answer.text)) == (200, ASKED)
    assert live.reader() is None
    assert [each.notice.value for each in live.answers()] == ["confirm"]
    lea = live.reader()
    assert lea is not None
    assert lea.status is Status.PENDING
    (event,) = live.office.readers.history(lea.id)
    assert event.proof.source == "the site"
    assert event.proof.page == f"{SITE}/{FIRST}"
    assert event.proof.network == "192.0.2.7"
    assert event.proof.words == (
        "Suivre la lettre du test\n"
        "Cinq minutes par jour, c’est tout.\n"
        "En vous inscrivant, vous acceptez de recevoir la lettre du test par e-mail\u00a0; chaque envoi"
        " contient un lien pour se désinscrire. Votre adresse ne sert à rien d’autre."
    )
    mail = live.outbox.messages[-1]
    assert mail.recipient == "lea@example.org"
    assert live.link().startswith("confirm/")


@pytest.mark.parametrize("status", [None, *Status])
def test_the_answer_is_the_same_whatever_is_known_of_the_address(live: Live, status: Status | None) -> None:
    if status:
        lea = live.add()
        with live.office.database.write() as connection:
            connection.exec_driver_sql("UPDATE reader SET status = ? WHERE id = ?", (status.value, lea.id))
    live.sign_up("lea@example.org")
    live.answers()
    page = live.get(FIRST).text
    live.clock.goes_on(seconds=3)
    known = live.post("join", {"email": "lea@example.org", **hidden(page)})
    other = live.post("join", {"email": "eva@example.org", **hidden(page)})
    assert known.status_code == other.status_code == 200
    assert known.text == other.text.replace("eva@example.org", "lea@example.org")
    differing = {"content-length"}
    assert {k: v for k, v in known.headers.items() if k not in differing} == {
        k: v for k, v in other.headers.items() if k not in differing
    }


def test_whoever_reads_us_already_learns_it_by_mail_alone(live: Live) -> None:
    live.add()
    assert "déjà" not in live.sign_up("lea@example.org").text
    assert [each.notice.value for each in live.answers()] == ["already"]
    assert live.status() is Status.ACTIVE


def test_an_address_that_cannot_be_one_is_told_and_stays_in_its_field(live: Live) -> None:
    for typed, said in {
        "": "Il manque l’adresse.",
        "lea": "Il n’y a pas de @",
        "lea@example.org, eva@example.org": "Une seule adresse à la fois",
        "lea@example": "Aucun courrier ne peut arriver à cette adresse.",
        '"><script>alert(1)</script>@x': "Aucun courrier",
    }.items():
        answer = live.sign_up(typed)
        assert answer.status_code == 422, typed
        assert said in answer.text
        assert "<script>" not in answer.text
        assert 'aria-invalid="true" aria-describedby="problem-1"' in answer.text
    assert 'value="lea"' in live.sign_up("lea").text
    assert live.asked() == 0


def test_what_other_programs_would_send_elsewhere_is_not_taken(live: Live) -> None:
    for hostile in (
        "<evil@z.fr>b@y.fr",
        '"a\r\nRCPT TO:<evil@z.fr>"@y.fr',
        "evil@z.fr <b@y.fr>",
        "b@y.fr,evil@z.fr",
        "=?utf-8?q?evil=40z.fr?=@y.fr",
        "a@[127.0.0.1]",
        "a\0@y.fr",
        "x" * 300 + "@y.fr",
    ):
        assert live.sign_up(hostile).status_code == 422, hostile
    assert live.asked() == 0


def test_a_program_that_fills_every_field_gets_the_same_answer_and_nothing_is_written(live: Live) -> None:
    answer = live.sign_up("lea@example.org", website="https://spam.example")
    person = live.sign_up("eva@example.org")
    assert answer.text == person.text.replace("eva@example.org", "lea@example.org")
    live.answers()
    assert live.reader() is None
    assert live.asked() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": ""},
        {"nonce": "forged"},
        {"box": "00000000"},
        {"box": ""},
    ],
)
def test_a_form_from_elsewhere_takes_one_step_more(live: Live, change: dict[str, str]) -> None:
    answer = live.sign_up("lea@example.org", **change)
    assert (answer.status_code, title(answer.text)) == (200, ONCE_MORE)
    assert 'value="lea@example.org"' in answer.text
    assert live.asked() == 0
    live.clock.goes_on(seconds=3)
    second = live.post("join", {"email": "lea@example.org", "website": "", **hidden(answer.text)})
    assert title(second.text) == ASKED
    live.answers()
    (event,) = live.office.readers.history(found(live))
    assert event.proof.page == f"{SITE}/{FIRST}"


def found(live: Live) -> str:
    reader = live.office.readers.find(read_address("lea@example.org"))
    assert reader is not None
    return reader.id


def test_a_form_on_another_site_takes_one_step_more_with_a_good_number_too(live: Live) -> None:
    page = live.get(FIRST).text
    live.clock.goes_on(seconds=3)
    fields = {"email": "lea@example.org", **hidden(page)}
    for headers in (
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://www.lettre.invalid"},
        {"Origin": "https://shop.example"},
        {"Origin": "null"},
    ):
        answer = live.visitor().post("/actu/join", data=fields, headers=headers)
        assert title(answer.text) == ONCE_MORE, headers
    assert live.asked() == 0
    plain = live.visitor().post("/actu/join", data=fields)  # a browser that says nothing of where it was
    assert title(plain.text) == ASKED


def test_nobody_is_quicker_than_two_seconds_and_no_page_is_older_than_a_day(live: Live) -> None:
    page = live.get(FIRST).text
    for seconds, expected in ((1, ONCE_MORE), (1, ASKED), (86_390, ASKED), (10, ONCE_MORE)):
        live.clock.goes_on(seconds=seconds)
        answer = live.post("join", {"email": "lea@example.org", **hidden(page)})
        assert title(answer.text) == expected, seconds


def test_one_network_may_ask_thirty_times_an_hour_whoever_the_addresses_belong_to(live: Live) -> None:
    codes = []
    for count in range(32):
        page = live.get(FIRST).text
        live.clock.goes_on(seconds=3)
        fields = {"email": f"victim{count}@example.org", **hidden(page)}
        codes.append(live.visitor(f"192.0.2.{count}").post("/actu/join", data=fields).status_code)
    assert codes == [200] * 30 + [429] * 2
    assert live.visitor("192.0.3.1").get("/actu/join").status_code == 200
    page = live.get(FIRST).text
    live.clock.goes_on(seconds=3)
    fields = {"email": "b@example.org", **hidden(page)}
    assert live.visitor("192.0.3.1").post("/actu/join", data=fields).status_code == 200
    late = live.visitor("192.0.2.1").post("/actu/join", data=fields)
    assert late.status_code == 429
    assert late.headers["retry-after"] == "3600"
    assert "Trop de demandes" in late.text


def test_the_page_to_sign_up_on_is_there_for_whoever_opens_it(live: Live) -> None:
    answer = live.get("join")
    assert (answer.status_code, title(answer.text)) == (200, "S’inscrire")
    assert hidden(answer.text)["nonce"]
    assert answer.headers["cache-control"] == "no-store"


def test_the_address_of_the_page_is_kept_without_what_is_secret_in_it(live: Live) -> None:
    page = live.get(FIRST).text
    live.clock.goes_on(seconds=3)
    for number, (referer, kept) in enumerate(
        {
            f"{SITE}/leave/SECRET": f"{SITE}/leave/",
            f"{SITE}/archive/?q=secret#s": f"{SITE}/archive/",
            "https://user:pass@other.example/page": "https://other.example/page",
            "javascript:alert(1)": "",
        }.items()
    ):
        email = f"lea{number}@example.org"
        fields = {"email": email, **hidden(page)}
        live.visitor().post("/actu/join", data=fields, headers={"Referer": referer})
        live.answers()
        reader = live.reader(email)
        assert reader is not None
        (event,) = live.office.readers.history(reader.id)
        assert event.proof.page == kept


async def raw_post(live: Live, ip: str, body: bytes) -> int:
    """One sign-up by the app's own protocol: ten thousand of them should not take minutes."""
    headers = [(b"host", b"lettre.invalid"), (b"content-type", b"application/x-www-form-urlencoded")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/actu/join",
        "query_string": b"",
        "headers": headers,
        "client": (ip, 1),
    }
    codes = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            codes.append(message["status"])

    await live.app(scope, receive, send)
    return int(codes[0])


def test_ten_thousand_sign_ups_from_everywhere_are_answered_no_more_often_than_the_cap(live: Live) -> None:
    page = live.get(FIRST).text
    live.clock.goes_on(seconds=3)
    fields = hidden(page)

    async def attack() -> Counter[int]:
        codes: Counter[int] = Counter()
        for count in range(10_000):
            body = urlencode({"email": f"victim{count}@example.org", **fields}).encode()
            codes[await raw_post(live, f"{20 + count % 100}.{count // 256}.{count % 256}.1", body)] += 1
        return codes

    assert asyncio.run(attack()) == {200: 200, 429: 9800}
    while answers := live.answers():
        assert {each.state.value for each in answers} == {"sent"}
    assert len(live.outbox.messages) == PER_HOUR
