"""What the report counts, against a small world in which everybody is known by name."""

from collections.abc import Iterator
from dataclasses import asdict, astuple
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert

from newsletter.errors import ContentError
from newsletter.readers import schema
from newsletter.readers.comings import Unit, unit_of
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.report import Reports
from newsletter.readers.sendings import usual_rate
from tests.readers.conftest import URL, set_row
from tests.readers.monday import FIRST, FIRST_KEY, NOW, SECOND_KEY, name, write

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def monday(tmp_path: Path) -> Iterator[Database]:
    with Database.open(URL, tmp_path) as database:
        write(database)
        yield database


def test_readers_are_counted_week_by_week(monday: Database) -> None:
    report = Reports(monday).since(date(2026, 10, 20), NOW, PARIS)
    assert report.unit is Unit.DAY
    report = Reports(monday).since(date(2026, 10, 14), NOW, PARIS)
    assert (report.unit, report.readers) == (Unit.WEEK, 25)
    assert [astuple(period) for period in report.periods] == [
        # begins, joined, left, bounced, complained, erased, readers at the end
        (date(2026, 10, 14), 0, 0, 0, 0, 0, 0),
        (date(2026, 10, 19), 0, 0, 0, 0, 0, 0),
        (date(2026, 10, 26), 0, 0, 0, 0, 0, 0),
        (date(2026, 11, 2), 28, 0, 0, 0, 0, 28),
        (date(2026, 11, 9), 0, 0, 0, 0, 0, 28),
        (date(2026, 11, 16), 3, 3, 1, 1, 1, 25),
        (date(2026, 11, 23), 0, 0, 0, 0, 0, 25),
    ]


def test_a_pause_is_no_leaving_and_who_complains_after_leaving_is_not_lost_twice(monday: Database) -> None:
    periods = Reports(monday).since(date(2026, 11, 16), NOW, PARIS).periods
    told = {period.begins.day: (period.joined, period.gone, period.readers) for period in periods}
    assert told == {
        16: (1, 5, 24),
        17: (0, 0, 24),
        18: (0, 0, 24),
        19: (0, 1, 23),
        20: (2, 0, 25),
        21: (0, 0, 25),
        22: (0, 0, 25),
        23: (0, 0, 25),
    }


def test_a_day_begins_at_midnight_in_the_publications_zone(monday: Database) -> None:
    midnight = schema.seconds(FIRST) - 7 * 3600
    with monday.write() as connection:
        for number, at in enumerate((midnight - 1, midnight)):
            row = {"reader_id": f"late-{number}", "at": at, "kind": "joined", "source": ""}
            connection.execute(insert(schema.consent), row)
    days = {
        one.begins.day: one.joined for one in Reports(monday).since(date(2026, 11, 14), NOW, PARIS).periods
    }
    assert (days[15], days[16]) == (1, 2)


def test_what_happened_after_the_report_is_not_in_it(monday: Database) -> None:
    before = Reports(monday).since(date(2026, 11, 1), FIRST - timedelta(days=1), PARIS)
    assert [period.readers for period in before.periods if period.begins.day in (1, 2, 15)] == [0, 28, 28]
    assert (before.issues, before.reasons) == ((), ())


@pytest.mark.parametrize(
    ("since", "unit"), [(date(2026, 11, 1), "day"), (date(2026, 1, 1), "week"), (date(2024, 1, 1), "month")]
)
def test_a_period_is_as_long_as_suits_the_whole(since: date, unit: str) -> None:
    assert unit_of(since, date(2026, 11, 23)) == unit


def test_each_issue_accounts_for_all_its_readers(monday: Database) -> None:
    first, second = Reports(monday).since(date(2026, 11, 2), NOW, PARIS).issues
    assert (first.key, first.subject, first.audience, first.sent, first.refused) == (
        *(FIRST_KEY, "Le premier numéro"),
        *(28, 25, 2),
    )
    assert (first.withheld, first.not_sent, first.holds) == ({"left": 1}, 3, True)
    assert first.took == timedelta(minutes=5)
    assert (first.came_back, first.complained, first.left, first.leaving_rate) == (2, 1, 1, 0.04)
    assert (second.audience, second.sent, second.in_doubt, second.owed) == (24, 20, 1, 3)
    assert (second.holds, second.took, second.left) == (True, timedelta(), 0)
    assert usual_rate((first, second)) == 0.02


def test_books_that_do_not_balance_are_told(monday: Database) -> None:
    with monday.write() as connection:
        connection.execute(delete(schema.delivery).where(schema.delivery.c.reader_id == name(5)))
    first, second = Reports(monday).since(date(2026, 11, 2), NOW, PARIS).issues
    assert (first.holds, second.holds) == (False, False)
    assert not Ledger(monday).tally(FIRST_KEY).holds


def test_providers_are_told_with_what_went_wrong_there(monday: Database) -> None:
    report = Reports(monday).since(date(2026, 11, 2), NOW, PARIS)
    assert [astuple(provider) for provider in report.providers] == [
        # name, readers, refused, hard, soft, complained, left
        ("Gmail", 13, 1, 0, 0, 0, 1),
        ("Orange", 7, 1, 0, 0, 1, 0),
        ("atelier.example", 4, 0, 1, 1, 0, 0),
        ("other providers", 1, 0, 0, 0, 0, 1),
    ]
    assert sum(provider.readers for provider in report.providers) == report.readers
    assert sum(provider.refused for provider in report.providers) == 2


def test_reasons_are_told_in_words(monday: Database) -> None:
    report = Reports(monday).since(date(2026, 11, 2), NOW, PARIS)
    assert [astuple(reason) for reason in report.reasons] == [
        ("no such mailbox", ("5.1.1",), 1, 1, 0),
        ("refused by the provider's rules", ("5.7.1",), 1, 0, 0),
        ("the mailbox is full", ("5.2.2",), 0, 0, 1),
    ]


def test_one_issue_is_told_provider_by_provider(monday: Database) -> None:
    report = Reports(monday).issue(FIRST_KEY, NOW)
    assert [astuple(provider) for provider in report.providers] == [
        # name, audience, sent, refused, put off, left
        ("Gmail", 12, 11, 1, 0, 1),
        ("Orange", 8, 7, 1, 1, 0),
        ("atelier.example", 5, 5, 0, 0, 0),
        ("other providers", 3, 2, 0, 0, 0),
    ]
    assert [reason.words for reason in report.reasons] == [
        "no such mailbox",
        "refused by the provider's rules",
        "the mailbox is full",
    ]


def test_how_an_issue_left_and_which_servers_were_slow(monday: Database) -> None:
    report = Reports(monday).issue(FIRST_KEY, NOW)
    assert report.pace == ((FIRST, 24), (FIRST + timedelta(minutes=5), 1))
    assert [(host.name, host.copies, round(host.mean), host.longest) for host in report.hosts] == [
        ("mx-b.example", 7, 314, 1000),
        ("mx-a.example", 16, 50, 50),
    ]
    assert report.rate
    assert (report.rate.sent, report.rate.seconds) == (25, 2)


def test_an_issue_that_was_not_sent_has_no_report(monday: Database) -> None:
    with pytest.raises(ContentError, match="was not sent yet"):
        Reports(monday).issue("2026-11-24", NOW)


def test_a_refusal_whose_words_are_lost_still_counts(monday: Database) -> None:
    with monday.write() as connection:
        connection.execute(delete(schema.attempt))
    reasons = Reports(monday).issue(FIRST_KEY, NOW).reasons
    assert ("no reason given", 2) in [(reason.words, reason.refused) for reason in reasons]


def test_a_copy_that_expired_is_accounted_for(monday: Database) -> None:
    set_row(monday, name(3), state="expired")
    second = Reports(monday).issue(SECOND_KEY, NOW).sending
    assert (second.sent, second.expired, second.holds) == (19, 1, True)


def test_no_report_holds_an_address_or_the_domain_of_one_reader(monday: Database) -> None:
    reports = Reports(monday)
    whole = [asdict(reports.since(date(2026, 11, 2), NOW, PARIS)), asdict(reports.issue(FIRST_KEY, NOW))]
    for secret in ("@", "lectrice", "martin.example", "durand.example", "petit.example", "mx-c", "reader-"):
        assert secret not in str(whole)


def test_an_empty_database_has_an_empty_report(database: Database) -> None:
    report = Reports(database).since(date(2026, 11, 2), NOW, PARIS)
    assert (report.readers, report.issues, report.providers, report.reasons) == (0, (), (), ())
    assert {period.readers for period in report.periods} == {0}
