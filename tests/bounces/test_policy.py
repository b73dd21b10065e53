"""What follows from what came back: the dead are left alone at once, the others are given time, and nobody is
taken off by a mail that somebody made up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from newsletter.bounces.policy import Action, Provider, after_probe, decide, provider_of
from newsletter.bounces.returned import Kind, Proof, Returned
from newsletter.links import Claim, Purpose
from newsletter.model import Status

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
TODAY = NOW.date()
CALM = Provider(name="example.org", returned=1, copies=400)


@dataclass(frozen=True)
class Seen:
    kind: Kind
    day: date | None
    at: datetime
    is_proven: bool = True
    is_held: bool = False


@dataclass(frozen=True)
class Known:
    status: Status = Status.ACTIVE
    earlier: Sequence[Seen] = ()
    copies: Sequence[date] = ()
    probed: date | None = None


def returned(kind: Kind, *, proof: Proof = Proof.RETURN_PATH, day: date = TODAY, **more: object) -> Returned:
    claim = Claim(purpose=Purpose.BOUNCE, reader_id="a", day=day) if proof is not Proof.NONE else None
    words = {"explanation": "no such mailbox", "code": "5.1.1", "host": "mx.example.org", **more}
    return Returned(kind=kind, digest="d", proof=proof, claim=claim, **words)  # type: ignore[arg-type]


def soft(days_ago: int, **more: bool) -> Seen:
    at = NOW - timedelta(days=days_ago)
    return Seen(Kind.SOFT, at.date(), at, **more)


def weekdays(days: int) -> list[date]:
    all_days = [TODAY - timedelta(days=n) for n in range(days, -1, -1)]
    return [day for day in all_days if day.weekday() < 5]


def test_a_hard_bounce_ends_it_at_once_and_says_why() -> None:
    decision = decide(returned(Kind.HARD), Known(), CALM, now=NOW)
    assert decision.action is Action.BOUNCE
    assert decision.action is Action.BOUNCE
    assert decision.reason == "no such mailbox (5.1.1), says mx.example.org"


def test_a_complaint_ends_it_for_good_whatever_the_reader_was() -> None:
    for status in Status:
        decision = decide(returned(Kind.COMPLAINT), Known(status=status), CALM, now=NOW)
        assert decision.action is Action.COMPLAIN


def test_a_stop_lets_the_reader_go() -> None:
    decision = decide(returned(Kind.STOP), Known(), CALM, now=NOW)
    assert decision.action is Action.LEAVE


@pytest.mark.parametrize("kind", [Kind.AUTO_REPLY, Kind.DELAYED, Kind.OTHER])
def test_machines_delays_and_letters_never_count(kind: Kind) -> None:
    assert decide(returned(kind), Known(), CALM, now=NOW).action is Action.NOTHING


@pytest.mark.parametrize("kind", [Kind.HARD, Kind.SOFT, Kind.COMPLAINT])
def test_a_mail_that_anybody_could_have_written_does_nothing(kind: Kind) -> None:
    past = Known(earlier=[soft(n) for n in (20, 15, 10, 5)], copies=weekdays(30))
    decision = decide(returned(kind, proof=Proof.NONE), past, CALM, now=NOW)
    assert decision.action is Action.NOTHING


def test_a_stop_that_anybody_could_have_written_is_answered_with_a_question() -> None:
    decision = decide(returned(Kind.STOP, proof=Proof.NONE), Known(), CALM, now=NOW)
    assert decision.action is Action.ASK


@pytest.mark.parametrize("status", [Status.LEFT, Status.BOUNCED, Status.COMPLAINED])
def test_who_gets_no_mail_any_more_is_left_alone(status: Status) -> None:
    for kind in (Kind.HARD, Kind.SOFT, Kind.STOP):
        assert decide(returned(kind), Known(status=status), CALM, now=NOW).action is Action.NOTHING


# Soft bounces


def test_five_soft_bounces_in_a_fortnight_pause_the_reader_and_earn_a_probe() -> None:
    past = Known(earlier=[soft(14), soft(11), soft(8), soft(4)], copies=weekdays(20))
    decision = decide(
        returned(Kind.SOFT, explanation="the mailbox is full", code="5.2.2"), past, CALM, now=NOW
    )
    assert decision.action is Action.PAUSE
    assert decision.reason == (
        "the mailbox is full (5.2.2), says mx.example.org; 5 of 5 in 14 days: paused, and one probe to see"
    )


def test_four_are_not_enough() -> None:
    past = Known(earlier=[soft(14), soft(8), soft(4)], copies=weekdays(20))
    decision = decide(returned(Kind.SOFT), past, CALM, now=NOW)
    assert decision.action is Action.COUNT
    assert decision.reason.endswith("; 4 of 5 in 14 days")


def test_five_within_thirteen_days_are_not_enough() -> None:
    past = Known(earlier=[soft(13), soft(11), soft(8), soft(4), soft(3), soft(2)], copies=weekdays(20))
    assert decide(returned(Kind.SOFT), past, CALM, now=NOW).action is Action.COUNT


def test_one_issue_counts_once_however_often_it_comes_back() -> None:
    many = [Seen(Kind.SOFT, TODAY, NOW - timedelta(days=14, hours=n)) for n in range(9)]
    assert decide(returned(Kind.SOFT), Known(earlier=many), CALM, now=NOW).action is Action.COUNT


def test_what_was_held_or_not_proven_does_not_count() -> None:
    for unlike in ({"is_held": True}, {"is_proven": False}):
        past = Known(earlier=[soft(n, **unlike) for n in (15, 12, 9, 6, 3)], copies=weekdays(20))
        assert decide(returned(Kind.SOFT), past, CALM, now=NOW).action is Action.COUNT


def test_a_quiet_week_starts_the_count_anew() -> None:
    past = Known(earlier=[soft(30), soft(29), soft(28), soft(27), soft(1)], copies=weekdays(40))
    decision = decide(returned(Kind.SOFT), past, CALM, now=NOW)
    assert decision.action is Action.COUNT
    assert decision.reason.endswith("; 2 of 5 in 1 days")


def test_a_weekly_letter_has_no_quiet_week_between_two_issues() -> None:
    weeks = [28, 21, 14, 7]
    copies = [TODAY - timedelta(days=n) for n in (*weeks, 0)]
    past = Known(earlier=[soft(n) for n in weeks], copies=copies)
    assert decide(returned(Kind.SOFT), past, CALM, now=NOW).action is Action.PAUSE


def test_a_reader_on_holiday_is_counted_and_not_paused_again() -> None:
    past = Known(status=Status.PAUSED, earlier=[soft(n) for n in (14, 11, 8, 4)], copies=weekdays(20))
    assert decide(returned(Kind.SOFT), past, CALM, now=NOW).action is Action.COUNT


def test_a_date_from_the_future_makes_no_fortnight() -> None:
    past = Known(earlier=[soft(4), soft(3), soft(2), soft(1)], copies=weekdays(20))
    late = returned(Kind.SOFT, at=NOW + timedelta(days=300))
    assert decide(late, past, CALM, now=NOW).action is Action.COUNT


# The probe


def test_a_probe_that_comes_back_says_that_nobody_is_there() -> None:
    probed = TODAY - timedelta(days=2)
    past = Known(status=Status.PAUSED, earlier=[soft(n) for n in (20, 15, 10, 5)], probed=probed)
    decision = decide(returned(Kind.SOFT, day=probed), past, CALM, now=NOW)
    assert decision.action is Action.BOUNCE
    assert decision.reason.startswith("the probe came back as well")


def test_an_issue_that_comes_back_late_is_not_taken_for_the_probe() -> None:
    past = Known(status=Status.PAUSED, probed=TODAY - timedelta(days=2))
    assert (
        decide(returned(Kind.SOFT, day=TODAY - timedelta(days=3)), past, CALM, now=NOW).action is Action.COUNT
    )


def test_a_probe_that_does_not_come_back_within_a_week_wakes_the_reader() -> None:
    waiting = Known(status=Status.PAUSED, probed=TODAY - timedelta(days=6))
    assert after_probe(waiting, now=NOW).action is Action.NOTHING
    decision = after_probe(Known(status=Status.PAUSED, probed=TODAY - timedelta(days=7)), now=NOW)
    assert decision.action is Action.RESUME
    assert decision.reason == "the probe of 2026-11-20 has not come back"
    assert after_probe(Known(), now=NOW).action is Action.NOTHING


# A provider that is down


def test_readers_of_a_provider_that_is_down_do_not_pay_for_it() -> None:
    down = Provider(name="orange.fr", returned=90, copies=400)
    for kind in (Kind.HARD, Kind.SOFT):
        decision = decide(returned(kind), Known(), down, now=NOW)
        assert decision.action is Action.HOLD
        assert decision.reason.startswith("90 readers of orange.fr came back within an hour")


def test_a_provider_that_is_down_keeps_nobody_from_leaving() -> None:
    down = Provider(name="orange.fr", returned=90, copies=400)
    assert decide(returned(Kind.STOP), Known(), down, now=NOW).action is Action.LEAVE
    assert decide(returned(Kind.COMPLAINT), Known(), down, now=NOW).action is Action.COMPLAIN


@pytest.mark.parametrize(
    ("many", "copies", "down"), [(9, 10, False), (10, 50, True), (10, 51, False), (10, 0, True)]
)
def test_few_or_a_small_share_are_no_outage(many: int, copies: int, down: bool) -> None:
    assert Provider(name="x", returned=many, copies=copies).is_down is down


def test_a_company_that_closed_is_believed_the_second_time() -> None:
    down = Provider(name="closed.example", returned=12, copies=12)
    held = Seen(Kind.HARD, TODAY - timedelta(days=1), NOW - timedelta(hours=24), is_held=True)
    assert decide(returned(Kind.HARD), Known(earlier=[held]), down, now=NOW).action is Action.BOUNCE
    soon = Seen(Kind.HARD, TODAY - timedelta(days=1), NOW - timedelta(hours=23), is_held=True)
    assert decide(returned(Kind.HARD), Known(earlier=[soon]), down, now=NOW).action is Action.HOLD
    same = Seen(Kind.HARD, TODAY, NOW - timedelta(hours=48), is_held=True)
    assert decide(returned(Kind.HARD), Known(earlier=[same]), down, now=NOW).action is Action.HOLD


@pytest.mark.parametrize(
    ("host", "email", "name"),
    [
        ("smtp-in.orange.fr", "zoe@wanadoo.fr", "orange.fr"),
        ("aspmx.l.google.com", "zoe@example.org", "google.com"),
        ("mx1.mail.co.uk", "zoe@example.org", "mail.co.uk"),
        ("mx.interieur.gouv.fr", "zoe@interieur.gouv.fr", "interieur.gouv.fr"),
        ("[192.0.2.7]", "zoe@Example.org", "example.org"),
        ("", "zoe@example.org", "example.org"),
        ("mail.press.example", "zoe@example.org", "example.org"),
    ],
)
def test_a_provider_is_named_after_its_host_or_the_address(host: str, email: str, name: str) -> None:
    assert provider_of(returned(Kind.SOFT, host=host), email, ours="press.example") == name


def test_the_answer_is_the_same_however_often_it_is_asked() -> None:
    past = Known(earlier=[soft(14), soft(11), soft(8), soft(4)], copies=weekdays(20))
    answers = {decide(returned(Kind.SOFT), past, CALM, now=NOW).reason for _ in range(3)}
    assert len(answers) == 1
