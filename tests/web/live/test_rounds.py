"""What is done beside the answering: when it is due, whatever goes wrong in it, until it is told to stop."""

import time
from datetime import UTC, datetime

from newsletter.errors import ContentError, StoreError, Unavailable
from newsletter.web.live.health import Health
from newsletter.web.live.rounds import Duty, Rounds
from tests.web.live.conftest import Live

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


class Work:
    """Does something each time, or fails as it is told to."""

    def __init__(self) -> None:
        self.done = 0
        self.error: Exception | None = None

    def __call__(self) -> None:
        self.done += 1
        if self.error:
            raise self.error


def test_each_duty_is_done_when_it_is_due() -> None:
    now, often, seldom, log = [0.0], Work(), Work(), list[str]()
    rounds = Rounds(
        [Duty(name="often", do=often, every=1.0), Duty(name="seldom", do=seldom, every=60.0)],
        seconds=lambda: now[0],
        clock=lambda: NOW,
        log=log.append,
    )
    for second in range(121):
        now[0] = float(second)
        rounds.once()
    assert (often.done, seldom.done, log) == (121, 3, [])


def test_what_fails_is_told_once_tried_later_and_told_when_it_is_well_again() -> None:
    now, work, other, log = [0.0], Work(), Work(), list[str]()
    duty = Duty(name="answers", do=work, every=1.0)
    rounds = Rounds(
        [duty, Duty(name="other", do=other, every=1.0)],
        seconds=lambda: now[0],
        clock=lambda: NOW,
        log=log.append,
    )
    work.error = Unavailable("nobody answers", where="smtp.example.org:587")
    for second in range(61):
        now[0] = float(second)
        rounds.once()
    assert (work.done, other.done) == (3, 61)
    assert log == ["answers: smtp.example.org:587: nobody answers"]
    assert duty.trouble == "smtp.example.org:587: nobody answers"
    work.error = None
    now[0] = 90.0
    rounds.once()
    assert log[1:] == ["answers: all is well again"]
    assert (duty.trouble, duty.done_at) == ("", NOW)


def test_an_address_in_a_fault_is_not_logged() -> None:
    work, log = Work(), list[str]()
    rounds = Rounds(
        [Duty(name="answers", do=work, every=1.0)], seconds=float, clock=lambda: NOW, log=log.append
    )
    for error in (ValueError("lea@example.org"), ContentError("'lea@example.org' is no address")):
        work.error = error
        rounds.duties[0].due = 0.0
        rounds.once()
    assert [line.partition(" at ")[0] for line in log] == ["answers: ValueError", "answers: ContentError"]
    assert "lea" not in "".join(log)


def test_the_thread_ends_after_what_it_is_doing() -> None:
    work, log = Work(), list[str]()
    rounds = Rounds(
        [Duty(name="answers", do=work, every=0.1)], seconds=time.monotonic, clock=lambda: NOW, log=log.append
    )
    rounds.start()
    until = time.monotonic() + 10
    while not work.done and time.monotonic() < until:
        time.sleep(0.01)
    rounds.stop()
    done = work.done
    time.sleep(0.7)
    assert work.done == done > 0


def test_health_says_whether_all_is_well_and_nothing_else(live: Live) -> None:
    answer = live.get("healthz")
    assert answer.status_code == 200
    assert answer.json() == {"well": True, "database": "writable", "answers": {"last": None, "well": True}}
    live.duty.done_at = live.clock()
    live.duty.trouble = "smtp.example.org:587: nobody answers"
    answer = live.get("healthz")
    assert answer.status_code == 503
    assert answer.json() == {
        "well": False,
        "database": "writable",
        "answers": {"last": "2026-11-23T09:00:00+01:00", "well": False},
    }


def test_a_database_that_cannot_be_written_is_no_health(live: Live) -> None:
    class Locked:
        def write(self) -> None:
            raise StoreError("locked")

    health = Health(Locked(), [])  # type: ignore[arg-type]
    assert health.look(None).status_code == 503  # type: ignore[arg-type]
