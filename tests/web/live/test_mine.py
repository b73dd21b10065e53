"""A reader's own page: where they stand, and everything that is theirs to do."""

import csv
import io
import json
from pathlib import Path

import pytest

from newsletter.model import Status
from tests.web.live.conftest import Live
from tests.web.live.test_joining import title


def test_the_page_says_where_the_reader_stands(live: Live) -> None:
    lea = live.add()
    page = live.get(live.mine_path(lea))
    assert (page.status_code, title(page.text)) == (200, "Mon abonnement")
    assert "Vous recevez La lettre du test à cette adresse" in page.text
    assert '<p class="address">lea@example.org</p>' in page.text
    assert "lundi 23 novembre 2026</time> · inscription par la rédaction" in page.text


def test_a_pause_ends_on_the_day_that_was_typed(live: Live) -> None:
    lea = live.add()
    path = live.mine_path(lea)
    assert 'min="2026-11-24" max="2027-02-23"' in live.get(path).text
    page = live.post(path, {"do": "pause", "until": "2026-12-24"})
    assert "rien n’arrivera avant le jeudi 24 décembre 2026." in page.text
    assert live.status() is Status.PAUSED
    page = live.post(path, {"do": "pause", "until": "2027-01-04"})
    assert "avant le lundi 4 janvier 2027." in page.text
    assert "La pause est finie" in live.post(path, {"do": "resume"}).text
    assert live.status() is Status.ACTIVE


@pytest.mark.parametrize("until", ["", "soon", "2026-11-23", "2027-02-24", "9999-12-31", "2026-13-01"])
def test_a_pause_of_another_length_is_told(live: Live, until: str) -> None:
    lea = live.add()
    page = live.post(live.mine_path(lea), {"do": "pause", "until": until})
    assert page.status_code == 422
    assert "entre le mardi 24 novembre 2026 et le mardi 23 février 2027." in page.text
    assert live.status() is Status.ACTIVE


def test_another_address_is_written_to_and_nothing_changes_before_it_answers(live: Live) -> None:
    lea = live.add()
    path = live.mine_path(lea)
    wrong = live.post(path, {"do": "move", "email": "new.example.org"})
    assert wrong.status_code == 422
    assert 'value="new.example.org"' in wrong.text
    page = live.post(path, {"do": "move", "email": "new@example.org"})
    assert "Un e-mail part pour la nouvelle adresse" in page.text
    live.answers()
    assert live.outbox.messages[-1].recipient == "new@example.org"
    assert live.reader("new@example.org") is None
    assert live.status() is Status.ACTIVE
    live.post(live.link())
    assert live.status("new@example.org") is Status.ACTIVE
    assert live.status() is None


def test_the_page_of_somebody_elses_address_says_nothing_of_them(live: Live) -> None:
    lea = live.add()
    live.add("eva@example.org")
    path = live.mine_path(lea)
    known = live.post(path, {"do": "move", "email": "eva@example.org"})
    unknown = live.post(path, {"do": "move", "email": "ada@example.org"})
    assert known.text == unknown.text.replace("ada@example.org", "eva@example.org")


def test_everything_that_is_kept_can_be_taken_along(live: Live) -> None:
    lea = live.add()
    live.post(live.leave_path(lea), {"do": "mine"})
    path = live.mine_path(lea)
    answer = live.post(path, {"do": "json"})
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    data = json.loads(answer.text)
    assert data["reader"]["email"] == "lea@example.org"
    assert data["history"][0]["source"] == "by hand"
    assert data["requests"][0]["network"] == "192.0.2.7"
    table = live.post(path, {"do": "csv"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.content.startswith(b"\xef\xbb\xbfwhat,value\r\n")
    rows = dict(list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))[1:])
    assert rows["reader, email"] == "lea@example.org"


def test_a_cell_is_no_formula(live: Live) -> None:
    lea = live.add()
    with live.office.database.write() as connection:
        connection.exec_driver_sql("UPDATE reader SET name = '=cmd|'' /C calc''!A1'")
    table = live.post(live.mine_path(lea), {"do": "csv"}).content.decode("utf-8-sig")
    rows = dict(list(csv.reader(io.StringIO(table)))[1:])
    assert rows["reader, name"] == "'=cmd|' /C calc'!A1"


def test_erasing_asks_once_more_and_then_leaves_nothing(live: Live) -> None:
    lea = live.add()
    live.sign_up("lea@example.org")
    live.answers()
    path = live.mine_path(lea)
    asked = live.post(path, {"do": "erase"})
    assert title(asked.text) == "Tout effacer\u00a0?"
    assert live.status() is Status.ACTIVE
    done = live.post(path, {"do": "erase", "sure": "yes"})
    assert (done.status_code, title(done.text)) == (200, "Plus rien n’est conservé de vous")
    assert live.reader() is None
    after = live.get(path)
    assert (after.status_code, title(after.text)) == (410, "Plus rien n’est conservé de vous")
    assert live.post(path, {"do": "json"}).status_code == 410
    live.office.database.close()
    for file in Path(live.office.database.where).parent.iterdir():
        assert b"lea@example.org" not in file.read_bytes(), file.name


def test_leaving_from_the_page_can_be_undone_there(live: Live) -> None:
    lea = live.add()
    path = live.mine_path(lea)
    assert "C’était une erreur, je reste" in live.post(path, {"do": "leave"}).text
    assert live.status() is Status.LEFT
    assert "Vous restez" in live.post(path, {"do": "undo"}).text
    assert live.status() is Status.ACTIVE


def test_the_link_is_good_for_a_day(live: Live) -> None:
    lea = live.add()
    path = live.mine_path(lea)
    live.clock.goes_on(hours=23, minutes=59)
    assert live.get(path).status_code == 200
    live.clock.goes_on(minutes=2)
    for answer in (live.get(path), live.post(path, {"do": "erase", "sure": "yes"})):
        assert (answer.status_code, title(answer.text)) == (410, "Ce lien est trop ancien")
        assert "lea@example.org" not in answer.text
    assert live.status() is Status.ACTIVE


def test_nothing_is_done_for_a_button_that_is_not_there_or_on_another_site(live: Live) -> None:
    lea = live.add()
    path = live.mine_path(lea)
    assert live.post(path, {"do": "drop table"}).status_code == 422
    assert live.post(path).status_code == 422
    far = {"Sec-Fetch-Site": "cross-site"}
    assert live.post(path, {"do": "erase", "sure": "yes"}, headers=far).status_code == 403
    assert live.status() is Status.ACTIVE


@pytest.mark.parametrize("status", list(Status))
def test_the_page_is_there_whatever_became_of_the_reader(live: Live, status: Status) -> None:
    lea = live.add()
    with live.office.database.write() as connection:
        connection.exec_driver_sql("UPDATE reader SET status = ?", (status.value,))
    assert live.get(live.mine_path(lea)).status_code == 200
    assert live.get(live.leave_path(lea)).status_code == 200
