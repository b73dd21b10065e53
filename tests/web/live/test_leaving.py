"""Leaving: looking does nothing, one press does, at once; and whoever has the link can do no harm."""

from datetime import timedelta

import pytest

from newsletter.links import PROBED, Purpose
from newsletter.model import Status
from tests.web.live.conftest import HOST, Live
from tests.web.live.test_joining import title

ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'


def test_looking_at_the_link_does_nothing_and_the_button_does_at_once(live: Live) -> None:
    lea = live.add()
    path = live.leave_path(lea)
    page = live.get(path)
    assert (page.status_code, title(page.text)) == (200, "Vous voulez nous quitter\u00a0?")
    assert "lea@example.org" not in page.text
    assert live.status() is Status.ACTIVE
    done = live.post(path, {"do": "leave"})
    assert (done.status_code, title(done.text)) == (200, "C’est fait")
    assert live.status() is Status.LEFT
    event = live.office.readers.history(lea.id)[-1]
    assert (event.step, event.proof.source, event.proof.issue_key, event.proof.network) == (
        "left",
        "the link in an issue",
        "2026-11-23",
        "192.0.2.7",
    )


def test_leaving_can_be_undone_for_a_day_from_any_browser(live: Live) -> None:
    lea = live.add()
    path = live.leave_path(lea)
    assert "C’était une erreur, je reste" in live.post(path, {"do": "leave"}).text
    live.clock.goes_on(hours=23)
    assert "C’était une erreur, je reste" in live.get(path).text
    back = live.post(path, {"do": "undo"})
    assert "Vous restez" in back.text
    assert live.status() is Status.ACTIVE
    live.post(path, {"do": "leave"})
    live.clock.goes_on(hours=25)
    assert "C’était une erreur" not in live.get(path).text
    live.post(path, {"do": "undo"})
    assert live.status() is Status.LEFT
    assert live.steps(lea) == ["joined", "left", "came back", "left"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (ONE_CLICK, FORM),
        (ONE_CLICK + b"\r\n", FORM),
        (ONE_CLICK, {}),
        (MULTIPART, {"Content-Type": "multipart/form-data; boundary=b"}),
        (ONE_CLICK, {**FORM, "Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}),
    ],
)
def test_one_click_of_a_mail_program_leaves_at_once(live: Live, body: bytes, headers: dict[str, str]) -> None:
    lea = live.add()
    path = live.leave_path(lea)
    for _ in range(3):
        answer = live.visitor("203.0.113.9").post(f"/actu/{path}", content=body, headers=headers)
        assert (answer.status_code, answer.text, answer.headers.get("location")) == (200, "", None)
        assert "set-cookie" not in answer.headers
    assert live.status() is Status.LEFT
    assert live.steps(lea) == ["joined", "left"]
    assert live.office.readers.history(lea.id)[-1].proof.source == "one click in the mail program"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"List-Unsubscribe=One-click",
        b"list-unsubscribe=One-Click",
        ONE_CLICK + b"&do=nothing",
        b"x" + ONE_CLICK,
        b"\0\xff\xfe",
        MULTIPART.replace(b"One-Click", b"Two-Clicks"),
    ],
)
def test_another_body_does_not_leave(live: Live, body: bytes) -> None:
    lea = live.add()
    answer = live.visitor().post(f"/actu/{live.leave_path(lea)}", content=body, headers=FORM)
    assert answer.status_code == 422
    assert live.status() is Status.ACTIVE


def test_a_token_in_the_body_does_not_stand_in_for_that_of_the_path(live: Live) -> None:
    lea, eva = live.add(), live.add("eva@example.org")
    token = live.leave_path(eva).removeprefix("leave/")
    live.post(live.leave_path(lea), {"do": "leave", "token": token})
    assert live.status() is Status.LEFT
    assert live.status("eva@example.org") is Status.ACTIVE
    forged = live.post("leave/forged", {"do": "leave", "token": token})
    assert forged.status_code == 404
    assert live.status("eva@example.org") is Status.ACTIVE


def test_somebody_who_needs_a_break_takes_one_and_ends_it(live: Live) -> None:
    lea = live.add()
    path = live.leave_path(lea)
    page = live.post(path, {"do": "pause", "weeks": "2"})
    assert "En pause\u00a0: rien n’arrivera avant le lundi 7 décembre 2026." in page.text
    until = live.office.readers.paused_until(lea.id)
    assert until is not None
    assert until.astimezone(live.clock().tzinfo).isoformat() == "2026-12-07T00:00:00+01:00"
    assert title(live.get(path).text) == "Votre abonnement est en pause"
    assert "La pause est finie" in live.post(path, {"do": "resume"}).text
    assert live.status() is Status.ACTIVE
    live.post(path, {"do": "pause", "weeks": "1"})
    live.clock.goes_on(days=8)
    assert live.office.readers.resume_all(live.clock()) == 1
    assert live.status() is Status.ACTIVE


@pytest.mark.parametrize("weeks", ["", "3", "-1", "52", "1e9", "²"])
def test_a_pause_is_one_of_those_that_are_offered(live: Live, weeks: str) -> None:
    lea = live.add()
    assert live.post(live.leave_path(lea), {"do": "pause", "weeks": weeks}).status_code == 422
    assert live.status() is Status.ACTIVE


def test_a_friend_who_got_the_mail_can_neither_look_nor_take_nor_erase(live: Live) -> None:
    lea = live.add()
    path = live.leave_path(lea)
    for wish in ("json", "csv", "erase", "move"):
        answer = live.post(path, {"do": wish, "sure": "yes", "email": "friend@example.org"})
        assert answer.status_code == 422
        assert "lea@example.org" not in answer.text
    assert live.get(path.replace("leave/", "mine/")).status_code == 404
    mailed = live.post(path, {"do": "mine"})
    assert "lea@example.org" not in mailed.text
    assert [each.notice.value for each in live.answers()] == ["mine"]
    assert live.outbox.messages[-1].recipient == "lea@example.org"
    assert "lea@example.org" in live.get(live.link()).text


def test_the_link_to_what_is_theirs_is_mailed_once_a_day(live: Live) -> None:
    lea = live.add()
    for _ in range(4):
        assert live.post(live.leave_path(lea), {"do": "mine"}).status_code == 200
    assert len(live.answers()) == 1


def test_the_link_of_somebody_erased_leads_to_no_error(live: Live) -> None:
    lea = live.add()
    path = live.leave_path(lea)
    with live.office.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM reader")
    assert live.get(path).status_code == 200
    assert live.post(path, {"do": "leave"}).status_code == 200
    assert live.post(path, {"do": "undo"}).status_code == 200
    assert live.post(path, {"do": "mine"}).status_code == 200
    assert live.answers() == []
    one_click = live.visitor().post(f"/actu/{path}", content=ONE_CLICK, headers=FORM)
    assert one_click.status_code == 200


def test_the_link_in_a_test_mail_does_nothing(live: Live) -> None:
    live.add()
    assert title(live.get("leave/test").text) == "Un lien dans un e-mail d’essai"
    assert live.post("leave/test", {"do": "leave"}).status_code == 200
    assert live.visitor().post("/actu/leave/test", content=ONE_CLICK, headers=FORM).status_code == 200
    assert live.status() is Status.ACTIVE


def test_a_probe_is_answered_as_one_click_is_and_can_make_nobody_leave(live: Live) -> None:
    lea = live.add()
    before = live.steps(lea)
    token = live.office.signer.sign_until(Purpose.PROBE, lea.id, live.clock(), timedelta(hours=1))
    page = live.get(f"leave/{token}")
    assert (page.status_code, page.text) == (200, live.get("leave/test").text)
    clicked = live.visitor().post(f"/actu/leave/{token}", content=ONE_CLICK, headers=FORM)
    assert (clicked.status_code, clicked.text) == (200, PROBED)
    for do in ("leave", "undo", "pause", "resume", "mine"):
        assert live.post(f"leave/{token}", {"do": do, "weeks": "1"}).text == page.text
    assert (live.status(), live.steps(lea)) == (Status.ACTIVE, before)
    live.clock.goes_on(hours=2)
    assert live.get(f"leave/{token}").status_code == 404


def test_a_button_on_another_site_does_nothing(live: Live) -> None:
    lea = live.add()
    path = f"/actu/{live.leave_path(lea)}"
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://shop.example"},
        {"Origin": f"https://{HOST}.evil.example"},
    ):
        answer = live.visitor().post(path, data={"do": "leave"}, headers=headers)
        assert answer.status_code == 403, headers
    assert live.status() is Status.ACTIVE
    # What a browser without Sec-Fetch-Site says of a page that is not to be named.
    live.visitor().post(path, data={"do": "leave"}, headers={"Origin": "null"})
    assert live.status() is Status.LEFT
