"""What is not kept: a person erased at their wish, and what has served its time.

Deleted means gone: SQLite writes zeros in its place (`database.py`), and the log of changes is emptied. What
is left of a person is a random id in the ledger, from which nothing leads back to them, and the keyed hash of
their address, so that no list brings them back. Copies elsewhere (backups, the mail server's log, the files
of a rehearsal) are beyond the reach of this module.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, exists, func, or_, select, update

from newsletter.model import Outcome, Reader, Status
from newsletter.readers import schema
from newsletter.readers.addresses import Address
from newsletter.readers.database import Database
from newsletter.readers.membership import Step
from newsletter.readers.proof import Proof, note
from newsletter.readers.requests import FORGOTTEN_AFTER
from newsletter.readers.store import PAUSE_OVER, as_reader, key_of, known_by_id, known_by_key
from newsletter.readers.suppression import Hashes, suppress

AT_THEIR_WISH = "asked to be erased"
TOO_LONG_AGO = "no sign of life for three years"

YEARS = 3
"""How long somebody is kept who gives no sign of life (the CNIL's advice); opening a mail is none."""

_PAGE = 500

# What a reader does by themselves. Bounces are not theirs, nor is the end of a pause.
_THEIR_OWN = (
    Step.ASKED,
    Step.JOINED,
    Step.CONFIRMED,
    Step.LEFT,
    Step.CAME_BACK,
    Step.PAUSED,
    Step.RESUMED,
    Step.MOVED,
)

_reader = schema.reader.c
_consent = schema.consent.c
_request = schema.request.c
_returned = schema.returned.c
_attempt = schema.attempt.c
_decision = schema.decision.c


# ---- one person ----


def erase(
    database: Database, reader_id: str, *, hashes: Hashes, now: datetime, why: str = AT_THEIR_WISH
) -> bool:
    """Erase a reader, and keep their address out from now on; False if nobody has the id.

    A run that is sending withholds their copy (`entries.ERASED`). Raises StoreError.
    """
    with database.write() as connection:
        reader = known_by_id(connection, reader_id)
        if reader is not None:
            _erase(connection, reader, hashes, now, why)
    database.wipe()
    return reader is not None


def erase_address(database: Database, address: Address, *, hashes: Hashes, now: datetime) -> bool:
    """Erase whoever has an address, or only asked for something with it; False if nothing is known of it."""
    with database.write() as connection:
        reader = known_by_key(connection, [address.key]).get(address.key)
        if reader is not None:
            _erase(connection, reader, hashes, now, AT_THEIR_WISH)
            found = True
        else:
            asked = delete(schema.request).where(_request.address_key == address.key)
            found = connection.execute(asked).rowcount > 0
            if found:
                suppress(connection, address.key, Status.LEFT, hashes, now)
    database.wipe()
    return found


def is_known(database: Database, address: Address) -> bool:
    """Whether anything is kept of an address: a reader, or only what was asked for with it."""
    asked = exists().where(_request.address_key == address.key)
    with database.read() as connection:
        return bool(known_by_key(connection, [address.key]) or connection.scalar(select(asked)))


def _erase(connection: Connection, reader: Reader, hashes: Hashes, now: datetime, why: str) -> None:
    key, mine = key_of(reader), reader.id
    stays = reader.status in (Status.COMPLAINED, Status.BOUNCED)
    suppress(connection, key, reader.status if stays else Status.LEFT, hashes, now)
    connection.execute(delete(schema.reader).where(_reader.id == mine))
    connection.execute(
        delete(schema.request).where(or_(_request.reader_id == mine, _request.address_key == key))
    )
    # That somebody joined and left stays, for the count; who it was, and where and how, does not.
    connection.execute(
        update(schema.consent)
        .where(_consent.reader_id == mine)
        .values(source="", words="", page="", network="")
    )
    note(connection, [mine], Step.ERASED, Proof(source=why), now)
    connection.execute(
        update(schema.returned)
        .where(_returned.reader_id == mine)
        .values(detail="", domain="", host="", reason="")
    )
    connection.execute(update(schema.decision).where(_decision.reader_id == mine).values(note=""))
    # Carriers quote the address in what they say. The issues are named, for rows are found by their key.
    connection.execute(
        update(schema.attempt)
        .where(_attempt.issue_key.in_(select(schema.issue.c.key)), _attempt.reader_id == mine)
        .where(_attempt.outcome != Outcome.WITHHELD.value)
        .values(detail="")
    )


# ---- whoever gives no sign of life ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """A reader, and when they last did something by themselves."""

    reader: Reader
    last: datetime


def inactive(database: Database, now: datetime) -> Iterator[Silent]:
    """Those who have given no sign of life for three years, by their ids; a page in memory at a time."""
    before = schema.seconds(years_before(now, YEARS))
    own = _by_themselves(_reader.id)
    last = select(func.max(_consent.at)).where(own).scalar_subquery()
    query = (
        select(_reader.id, _reader.email, _reader.name, _reader.status, _reader.since, last.label("last"))
        .where(_reader.since < before, ~exists().where(own, _consent.at >= before))
        .order_by(_reader.id)
        .limit(_PAGE)
    )
    after = ""
    while True:
        with database.read() as connection:
            page = connection.execute(query.where(_reader.id > after)).all()
        for row in page:
            yield Silent(reader=as_reader(row), last=schema.moment(max(row.since, row.last or 0)))
        if len(page) < _PAGE:
            return
        after = page[-1].id


def forget(database: Database, silent: Iterable[Silent], *, hashes: Hashes, now: datetime) -> int:
    """Erase these readers, unless they have given a sign of life meanwhile; how many that were."""
    count = 0
    before = schema.seconds(years_before(now, YEARS))
    for each in silent:
        with database.write() as connection:
            reader = known_by_id(connection, each.reader.id)
            since_then = exists().where(_by_themselves(each.reader.id), _consent.at >= before)
            if reader is not None and not connection.scalar(select(since_then)):
                _erase(connection, reader, hashes, now, TOO_LONG_AGO)
                count += 1
    database.wipe()
    return count


def _by_themselves(reader_id: ColumnElement[str] | str) -> ColumnElement[bool]:
    """The proofs of what a reader did by themselves."""
    kinds = [step.value for step in _THEIR_OWN]
    return and_(_consent.reader_id == reader_id, _consent.kind.in_(kinds), _consent.source != PAUSE_OVER)


def years_before(now: datetime, years: int) -> datetime:
    """The same day so many years ago; of 29 February the day before."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)


# ---- what has served its time ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many networks were cut short, and how many requests and unconfirmed sign-ups removed."""

    networks: int
    requests: int
    pending: int


def sweep(database: Database, now: datetime, *, after: timedelta = FORGOTTEN_AFTER) -> Swept:
    """Remove what has served its time: networks in proofs, requests, sign-ups that nobody confirmed.

    To be run once a day; running it again does no harm. Raises StoreError.
    """
    before = schema.seconds(now - after)
    with database.write() as connection:
        networks = _cut_networks(connection, before)
        requests = connection.execute(delete(schema.request).where(_request.at < before)).rowcount
        pending = _remove_pending(connection, before)
    if networks or requests or pending:
        database.wipe()
    return Swept(networks=networks, requests=requests, pending=pending)


def _cut_networks(connection: Connection, before: int) -> int:
    """Leave of a network no more than says where about in the world it is."""
    whole = (
        select(_consent.id, _consent.network)
        .where(_consent.at < before, _consent.network != "", ~_consent.network.contains("/"))
        .order_by(_consent.id)
        .limit(_PAGE)
    )
    shorten = update(schema.consent).where(_consent.id == bindparam("row")).values(network=bindparam("short"))
    count = 0
    while rows := connection.execute(whole).all():
        connection.execute(shorten, [{"row": row.id, "short": shortened(row.network)} for row in rows])
        count += len(rows)
    return count


def shortened(network: str) -> str:
    """The network that a machine's address is in, without the machine: /24 or /48; "" for what is none."""
    try:
        address = ip_address(network)
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or IPv6Address(int(address))  # which takes off a zone as in %eth0
        return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))
    except ValueError:
        return ""


def _remove_pending(connection: Connection, before: int) -> int:
    """Remove whoever never said yes, with their proof, unless they asked again since."""
    again = exists().where(_consent.reader_id == _reader.id, _consent.at >= before)
    never = and_(_reader.status == Status.PENDING.value, _reader.since < before, ~again)
    ids = select(_reader.id).where(never)
    connection.execute(delete(schema.consent).where(_consent.reader_id.in_(ids)))
    return connection.execute(delete(schema.reader).where(never)).rowcount
