"""Three weeks of a very small publication, written by the press's own hands: what a report can be checked by.

28 readers join on 2 November: 0 to 11 at Gmail, 12 to 19 at Orange, 20 to 24 at atelier.example, and 25 to 27
each at a domain of their own. One issue is out on the 16th, and on the 23rd one is under way.
"""

from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import delete, insert

from newsletter.model import Commit, Delivery, Outcome, Reader
from newsletter.readers import schema
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.ledger import Ledger
from newsletter.readers.membership import Step, bounced, came_back, complained, left, paused
from newsletter.readers.proof import Proof, note
from newsletter.readers.store import Readers, Rule

START = datetime(2026, 11, 2, 6, tzinfo=UTC)
FIRST = datetime(2026, 11, 16, 6, tzinfo=UTC)
SECOND = datetime(2026, 11, 23, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 19, tzinfo=UTC)
FIRST_KEY, SECOND_KEY = "2026-11-16", "2026-11-23"

DOMAINS = (
    *(["gmail.com"] * 11 + ["googlemail.com"]),
    *(["orange.fr"] * 5 + ["wanadoo.fr"] * 3),
    *(["atelier.example"] * 5 + ["martin.example", "durand.example", "petit.example"]),
    *(["gmail.com"] * 2),
)


def name(number: int) -> str:
    return f"reader-{number:02}"


def write(database: Database) -> None:
    """Let it all happen."""
    numbers = count()
    readers = Readers(database, new_id=lambda: name(next(numbers)))
    _join(readers, range(28), START)
    _first(database, readers)
    _between(database, readers)
    _second(database)


def _join(readers: Readers, numbers: range, at: datetime) -> None:
    for number in numbers:
        address = read_address(f"lectrice.{number}@{DOMAINS[number]}")
        readers.add(address, proof=Proof(source="by hand"), now=at)


def _first(database: Database, readers: Readers) -> None:
    """27 leaves just in time, 11 and 19 are refused, and 12 is asked to wait for five minutes."""
    ledger = _frozen(database, FIRST_KEY, "Le premier numéro", FIRST)
    _step(readers, 27, left, Step.LEFT, FIRST + timedelta(seconds=10))
    at = FIRST + timedelta(seconds=20)
    _commit(ledger, FIRST_KEY, range(28), at)
    sent = [number for number in range(27) if number not in (11, 12, 19)]
    ledger.write(
        FIRST_KEY,
        deliveries=[
            *(
                _gave(number, Outcome.SENT, at, host=_host(number), milliseconds=_took(number))
                for number in sent
            ),
            _gave(11, Outcome.REFUSED, at, code=550, detail="550 5.1.1 <lectrice.11@googlemail.com> unknown"),
            _gave(19, Outcome.REFUSED, at, code=550, detail="550 5.7.1 not from you"),
            _gave(12, Outcome.DEFERRED, at, code=451, detail="451 4.7.500 later"),
        ],
        now=at,
    )
    later = at + timedelta(minutes=5)
    ledger.write(FIRST_KEY, commits=[Commit(reader_id=name(12), number=2)], now=later)
    last = _gave(12, Outcome.SENT, later, number=2, host="mx-b.example", milliseconds=1000)
    ledger.write(FIRST_KEY, deliveries=[last], now=later)


def _between(database: Database, readers: Readers) -> None:
    """0 leaves, 1 takes that back, 13 complains, 2 pauses, 20 bounces, 26 is erased, and two join."""
    hour = FIRST + timedelta(hours=1)
    _step(readers, 0, left, Step.LEFT, hour, FIRST_KEY)
    _step(readers, 1, left, Step.LEFT, hour, FIRST_KEY)
    _step(readers, 1, came_back, Step.CAME_BACK, hour + timedelta(minutes=1), FIRST_KEY)
    _step(readers, 13, complained, Step.COMPLAINED, hour, FIRST_KEY)
    _step(readers, 27, complained, Step.COMPLAINED, hour)  # gone already: nobody is lost twice
    _step(readers, 20, bounced, Step.BOUNCED, hour)
    _step(readers, 2, paused, Step.PAUSED, datetime(2026, 11, 18, 9, tzinfo=UTC))
    back = ((13, "complaint", ""), (20, "hard", "5.1.1"), (21, "soft", "5.2.2"), (21, "soft", "5.2.2"))
    with database.write() as connection:
        for digest, (number, kind, code) in enumerate(back):
            row = {"digest": str(digest), "at": schema.seconds(hour), "reader_id": name(number), "kind": kind}
            row |= {
                "issue_key": FIRST_KEY,
                "domain": DOMAINS[number],
                "code": code,
                "detail": "",
                "effect": "",
            }
            connection.execute(insert(schema.returned), row)
        connection.execute(delete(schema.reader).where(schema.reader.c.id == name(26)))
        erased = datetime(2026, 11, 19, 9, tzinfo=UTC)
        note(connection, [name(26)], Step.ERASED, Proof(source="asked for"), erased)
    _join(readers, range(28, 30), datetime(2026, 11, 20, 9, tzinfo=UTC))


def _second(database: Database) -> None:
    """20 of 24 readers have got it, 21 is in doubt, and three are still owed it."""
    ledger = _frozen(database, SECOND_KEY, "=Le second numéro", SECOND)
    numbers = [1, *range(3, 13), *range(14, 20), *range(21, 25)]
    _commit(ledger, SECOND_KEY, numbers, SECOND)
    sent = [_gave(number, Outcome.SENT, SECOND, host="mx-a.example") for number in numbers if number != 21]
    ledger.write(SECOND_KEY, deliveries=sent, now=SECOND)


def _frozen(database: Database, key: str, subject: str, at: datetime) -> Ledger:
    ledger = Ledger(database)
    ledger.freeze(issue_key=key, fingerprint="f", subject=subject, template="", date=at, now=at)
    return ledger


def _commit(ledger: Ledger, key: str, numbers: "range | list[int]", at: datetime) -> None:
    ledger.write(key, commits=[Commit(reader_id=name(number), number=1) for number in numbers], now=at)


def _step(readers: Readers, number: int, rule: Rule, step: Step, at: datetime, key: str = "") -> None:
    readers.change(name(number), rule, step, proof=Proof(source="the link", issue_key=key), now=at)


def _host(number: int) -> str:
    """Gmail and the atelier are at one server, Orange at another, the others at one that few see."""
    return (
        "mx-a.example"
        if number < 12 or 20 <= number < 25
        else "mx-b.example"
        if number < 20
        else "mx-c.example"
    )


def _took(number: int) -> int:
    return 200 if 12 <= number < 20 else 50


def _gave(reader_number: int, outcome: Outcome, at: datetime, **more: object) -> Delivery:
    reader = Reader(id=name(reader_number), email="not@read.example")
    facts: dict[str, object] = {"number": 1, "committed": True, **more}
    return Delivery(recipient=reader, outcome=outcome, at=at, **facts)  # type: ignore[arg-type]
