"""The link in "please confirm": it does nothing before its button is pressed, and nothing twice."""

from newsletter.model import Status
from newsletter.readers.addresses import read_address
from newsletter.readers.erasure import erase
from newsletter.readers.proof import Proof
from newsletter.readers.requests import Wish
from newsletter.readers.store import Readers
from tests.web.live.conftest import BY_HAND, SITE, Live
from tests.web.live.test_joining import title


def mailed(live: Live, email: str = "lea@example.org") -> str:
    """The path of the link that a sign-up was answered with."""
    live.sign_up(email)
    live.answers()
    return live.link()


def test_looking_at_the_link_confirms_nothing_and_the_button_does(live: Live) -> None:
    path = mailed(live)
    page = live.get(path)
    assert (page.status_code, title(page.text)) == (200, "Plus qu’un clic")
    assert '<button type="submit">Oui, je m’inscris</button>' in page.text
    assert live.status() is Status.PENDING
    done = live.post(path)
    assert (done.status_code, title(done.text)) == (200, "Bienvenue\u00a0!")
    assert "redaction@lettre.invalid" in done.text
    lea = live.reader()
    assert lea is not None
    assert lea.status is Status.ACTIVE
    assert live.steps(lea) == ["asked", "confirmed"]
    confirmed = live.office.readers.history(lea.id)[1]
    assert confirmed.proof.source == "the link in our mail"
    assert confirmed.proof.network == "192.0.2.7"
    assert confirmed.proof.words.startswith("Suivre la lettre du test\n")
    assert [each.notice.value for each in live.answers()] == ["welcome"]


def test_a_link_that_was_used_says_so_and_does_nothing_more(live: Live) -> None:
    path = mailed(live)
    live.post(path)
    lea = live.reader()
    assert lea is not None
    live.post(live.leave_path(lea), {"do": "leave"})
    for answer in (live.get(path), live.post(path)):
        assert (answer.status_code, title(answer.text)) == (200, "Ce lien a déjà servi")
    assert live.status() is Status.LEFT


def test_a_link_is_good_for_seven_days(live: Live) -> None:
    path = mailed(live)
    live.clock.goes_on(days=6, hours=23)
    assert live.get(path).status_code == 200
    live.clock.goes_on(hours=2)
    for answer in (live.get(path), live.post(path)):
        assert (answer.status_code, title(answer.text)) == (410, "Ce lien est trop ancien")
        assert '<form method="post" action="/actu/join"' in answer.text
    assert live.status() is Status.PENDING


def test_the_link_of_a_request_that_was_forgotten_is_too_old(live: Live) -> None:
    path = mailed(live)
    with live.office.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM request")
    assert live.get(path).status_code == 410
    assert live.post(path).status_code == 410


def test_a_button_on_another_site_confirms_nothing(live: Live) -> None:
    path = mailed(live)
    answer = live.post(path, headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example"})
    assert (answer.status_code, title(answer.text)) == (403, "Ce formulaire venait d’ailleurs")
    assert live.status() is Status.PENDING


def test_a_new_address_is_confirmed_by_its_owner_and_the_old_one_is_told(live: Live) -> None:
    lea = live.add()
    live.office.requests.ask(
        Wish.MOVE, read_address("new@example.org"), proof=BY_HAND, now=live.clock(), reader_id=lea.id
    )
    assert [each.notice.value for each in live.answers()] == ["move"]
    assert live.outbox.messages[-1].recipient == "new@example.org"
    path = live.link()
    assert "arrivera désormais à cette nouvelle adresse" in live.get(path).text
    assert title(live.post(path).text) == "C’est noté"
    assert live.reader() is None
    moved = live.reader("new@example.org")
    assert moved is not None
    assert (moved.id, moved.status) == (lea.id, Status.ACTIVE)
    assert [each.notice.value for each in live.answers()] == ["moved"]
    assert live.outbox.messages[-1].recipient == "lea@example.org"


def test_whoever_complained_since_is_not_brought_back_by_a_link(live: Live) -> None:
    path = mailed(live)
    with live.office.database.write() as connection:
        connection.exec_driver_sql("UPDATE reader SET status = 'complained'")
    assert title(live.post(path).text) == "Ce lien a déjà servi"
    assert live.status() is Status.COMPLAINED


def test_the_page_behind_a_link_is_kept_by_nobody_and_named_to_nobody(live: Live) -> None:
    path = mailed(live)
    for answer in (live.get(path), live.post(path)):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert path.partition("/")[2] not in answer.text
        assert SITE not in answer.text.replace('content="', "")


def test_an_erased_sign_up_is_asked_for_again_and_let_in(live: Live) -> None:
    lea = live.add()
    erase(live.office.database, lea.id, hashes=live.office.signer.hashes, now=live.clock())
    store = Readers(live.office.database, hashes=live.office.signer.hashes)
    verdict = store.add(read_address("lea@example.org"), proof=Proof(source="a list"), now=live.clock())
    assert (verdict.added, live.reader()) == (False, None)
    live.post(mailed(live))
    assert live.status() is Status.ACTIVE
