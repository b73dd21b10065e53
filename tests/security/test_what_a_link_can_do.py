"""What whoever holds a link can do with it: no more than it is for, and not without end."""

import pytest

from newsletter.bounces.mail import read_returned
from newsletter.bounces.recorder import Recorder
from newsletter.links import Links
from newsletter.model import Reader, Status
from newsletter.web.live.limits import PER_READER
from tests.bounces.mails import report
from tests.web.live.conftest import DAY, Live
from tests.web.live.conftest import live as live
from tests.web.live.conftest import site as site

WISHES = ("leave", "undo", "pause", "resume", "mine", "move", "json", "csv", "erase", "confirm", "wipe", "")

# Of all that can be asked for: what the holder of each link may; looking is free.
MAY = {
    "leave": {"leave", "undo", "pause", "resume", "mine"},
    "mine": {"leave", "undo", "pause", "resume", "move", "json", "csv", "erase"},
}
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def path_of(live: Live, page: str, reader: Reader) -> str:
    return live.leave_path(reader) if page == "leave" else live.mine_path(reader)


def wishing(wish: str) -> dict[str, str]:
    """The form that asks for it, with all that any page would want to know."""
    more = {"weeks": "1", "until": "2026-12-01", "email": "friend@example.org", "sure": "yes"}
    return {"do": wish, **more, "token": "of-somebody-else", "reader": "somebody-else"}


@pytest.mark.parametrize("page", MAY)
@pytest.mark.parametrize("wish", WISHES)
def test_a_link_does_what_it_is_for_and_nothing_else(live: Live, page: str, wish: str) -> None:
    lea, zoe = live.add("lea@example.org"), live.add("zoe@example.org")
    answer = live.post(path_of(live, page, lea), wishing(wish))
    assert answer.status_code == (200 if wish in MAY[page] else 422)
    after = live.office.readers.get(lea.id)
    if wish not in MAY[page]:
        assert after == lea
    if page == "leave":
        assert after, "nobody is erased by a link that was passed on"
        assert after.email == "lea@example.org"
        assert "lea@example.org" not in answer.text
    assert live.office.readers.get(zoe.id) == zoe
    for mail in live.answers():
        recipient = live.outbox.messages[-1].recipient
        assert (mail.notice.value, recipient) in (("mine", "lea@example.org"), ("move", "friend@example.org"))


@pytest.mark.parametrize("page", MAY)
def test_nobody_fills_the_disk_by_changing_their_mind(live: Live, page: str) -> None:
    """Each step is written down for good: without a bound one link would do to write for ever."""
    lea = live.add()
    path = path_of(live, page, lea)
    codes = []
    for _ in range(3 * PER_READER):
        codes += [live.post(path, {"do": "leave"}).status_code, live.post(path, {"do": "undo"}).status_code]
    assert codes.count(429) == 2 * PER_READER
    assert len(live.steps(lea)) <= 2 * PER_READER + 2
    assert live.status() is Status.LEFT, "leaving is never refused"
    assert live.visitor().post(f"/actu/{live.leave_path(lea)}", content=ONE_CLICK, headers=FORM).is_success
    zoe = live.add("zoe@example.org")
    assert live.post(path_of(live, page, zoe), wishing("pause")).status_code == 200, "nobody else pays for it"
    live.clock.goes_on(hours=1)
    assert live.post(path_of(live, page, lea), {"do": "undo"}).status_code == 200


# What a provider reports when somebody presses "this is spam" (RFC 5965), and anybody can write.
ARF = "Feedback-Type: abuse\nUser-Agent: Signal/1.0\nVersion: 1\nOriginal-Rcpt-To: lea@example.org\n"
FORWARDED = "From: lea@example.org\nTo: friend@example.org\nSubject: Fwd: ce matin\n\nPour partir : {}\n"
COPY = "From: redaction@lettre.invalid\nTo: lea@example.org\nMessage-ID: <{}>\nList-Unsubscribe: <{}>\n"


def complain(live: Live, original: str) -> dict[str, int]:
    links = Links(live.office.publication, live.office.signer)
    recorder = Recorder(live.office.database, links, ours="lettre.invalid")
    mail = report(ARF, sort="feedback-report", original=original)
    recorder.record(read_returned(mail, live.office.signer), now=live.clock())
    return dict(recorder.decide_all(now=live.clock()))


def test_a_friend_cannot_have_somebody_shut_out_for_good_by_a_complaint(live: Live) -> None:
    """A mail that was passed on has the link to leave in it: good for leaving, which can be undone."""
    lea = live.add()
    url, _, _, _ = Links(live.office.publication, live.office.signer).copies(DAY.date()).copy(lea.id)
    assert complain(live, FORWARDED.format(url)) == {"leave": 1}
    assert live.status() is Status.LEFT
    live.sign_up("lea@example.org")
    live.answers()
    assert live.post(live.link(), {"do": "confirm"}).status_code == 200
    assert live.status() is Status.ACTIVE


def test_a_provider_that_sends_back_the_copy_itself_is_believed(live: Live) -> None:
    lea = live.add()
    url, _, message_id, _ = Links(live.office.publication, live.office.signer).copies(DAY.date()).copy(lea.id)
    assert complain(live, COPY.format(message_id, url)) == {"complain": 1}
    assert live.status() is Status.COMPLAINED
