"""The report: what became of readers and issues, counted so that nobody can be told by it.

No address leaves this module, and no provider is named who keeps fewer mailboxes of our readers than
`providers.LEAST`. The database does the counting; only what a server said when it refused is read row by row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from newsletter.errors import ContentError
from newsletter.model import Outcome, State
from newsletter.readers import schema
from newsletter.readers.accounts import Accounts, Rate
from newsletter.readers.comings import ON_THE_LIST, Period, Unit, periods, readers_now, unit_of
from newsletter.readers.database import Database
from newsletter.readers.membership import Step
from newsletter.readers.providers import LEAST, OTHERS, by_provider, told_apart
from newsletter.readers.reasons import HARD, REFUSED, SOFT, Reason, Reasons
from newsletter.readers.sendings import Sending, for_good, sendings

COMPLAINT = "complaint"

SLOWEST = 8
"""Servers that are told, of those who take their time."""

_row = schema.delivery.c
_reader = schema.reader.c
_attempt = schema.attempt.c
_back = schema.returned.c
_step = schema.consent.c

_DOMAIN = func.substr(_reader.address_key, schema.place_of("@", _reader.address_key) + 1)

_Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """What went wrong at one provider: its readers on the list now, and what happened since the beginning.

    `refused` counts copies; `hard` and `soft` are the readers whose copies came back, for good or for now.
    """

    name: str
    readers: int
    refused: int
    hard: int
    soft: int
    complained: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that happened from the day `since` to the moment `until`; `readers` is how many there are now."""

    since: date
    until: datetime
    unit: Unit
    readers: int
    periods: tuple[Period, ...]
    issues: tuple[Sending, ...]
    providers: tuple[ProviderFacts, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOutcome:
    """What became of one issue at one provider; `put_off` counts the readers whom it did not take at once."""

    name: str
    audience: int
    sent: int
    refused: int
    put_off: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """How long a mail server took for a copy, in milliseconds."""

    name: str
    copies: int
    mean: float
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueReport:
    """All that became of one issue; `pace` is how many copies left in each minute in which any did."""

    sending: Sending
    until: datetime
    rate: Rate | None
    pace: tuple[tuple[datetime, int], ...]
    providers: tuple[ProviderOutcome, ...]
    reasons: tuple[Reason, ...]
    hosts: tuple[Host, ...]


class Reports:
    """What the database of all issues tells. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, since: date, until: datetime, zone: ZoneInfo) -> Report:
        """The report from the beginning of a day in `zone` to a moment."""
        today = until.astimezone(zone).date()
        begin = schema.seconds(datetime.combine(since, time(), tzinfo=zone))
        end = schema.seconds(until)
        came_back = _back.at.between(begin, end)
        with self._database.read() as connection:
            issues = sendings(connection, since.isoformat(), today.isoformat())
            reasons, refused = _why(connection, issues, came_back)
            return Report(
                since=since,
                until=until,
                unit=unit_of(since, today),
                readers=readers_now(connection),
                periods=periods(connection, since, until, zone),
                issues=issues,
                providers=_providers(connection, refused, came_back, _step.at.between(begin, end)),
                reasons=reasons,
            )

    def issue(self, key: str, until: datetime) -> IssueReport:
        """The report of one issue; raises ContentError if it was never sent."""
        rate = Accounts(self._database).rate(key)
        with self._database.read() as connection:
            issues = sendings(connection, key, key)
            if not issues:
                raise ContentError("was not sent yet", where=f"issues/{key}", hint="newsletter report")
            return IssueReport(
                sending=issues[0],
                until=until,
                rate=rate,
                pace=_pace(connection, key),
                providers=_outcomes(connection, key),
                reasons=_why(connection, issues, _back.issue_key == key)[0],
                hosts=_hosts(connection, key),
            )


# ---- providers ----


def _providers(
    connection: Connection, refused: _Counts, came_back: ColumnElement[bool], steps: ColumnElement[bool]
) -> tuple[ProviderFacts, ...]:
    on = func.sum(case((_reader.status.in_(ON_THE_LIST), 1), else_=0))
    everybody = connection.execute(select(_DOMAIN, func.count(), on).group_by(_DOMAIN)).all()
    counts = {
        "readers": by_provider((domain, count) for domain, _, count in everybody),
        "refused": refused,
        **_came_back(connection, came_back),
        "left": _by_domain(connection, _leavers(steps)),
    }
    told = told_apart(by_provider((domain, count) for domain, count, _ in everybody))
    return tuple(ProviderFacts(name=name, **each) for name, each in _told(counts, told))


def _outcomes(connection: Connection, key: str) -> tuple[ProviderOutcome, ...]:
    def of_state(state: State) -> ColumnElement[int]:
        return func.sum(case((_row.state == state.value, 1), else_=0))

    query = (
        select(_DOMAIN, func.count(), of_state(State.SENT), of_state(State.REFUSED))
        .select_from(schema.delivery.outerjoin(schema.reader, _reader.id == _row.reader_id))
        .where(_row.issue_key == key)
        .group_by(_DOMAIN)
    )
    rows = connection.execute(query).all()
    put_off = select(_attempt.reader_id).where(
        _attempt.issue_key == key, _attempt.outcome == Outcome.DEFERRED.value
    )
    counts = {
        "audience": by_provider((domain, count) for domain, count, _, _ in rows),
        "sent": by_provider((domain, count) for domain, _, count, _ in rows),
        "refused": by_provider((domain, count) for domain, _, _, count in rows),
        "put_off": _by_domain(connection, put_off.distinct()),
        "left": _by_domain(connection, _leavers(_step.issue_key == key)),
    }
    told = _told(counts, told_apart(counts["audience"]))
    return tuple(ProviderOutcome(name=name, **each) for name, each in told)


def _leavers(steps: ColumnElement[bool]) -> Select[tuple[str]]:
    """The ids of readers who left by one of these steps."""
    return select(_step.reader_id).where(steps, for_good(), _step.kind == Step.LEFT.value).distinct()


def _by_domain(connection: Connection, ids: Select[tuple[str]]) -> _Counts:
    """How many of these ids there are at each provider; whoever is erased has none."""
    rows = ids.subquery()
    joined = rows.outerjoin(schema.reader, _reader.id == rows.c.reader_id)
    query = select(_DOMAIN, func.count()).select_from(joined).group_by(_DOMAIN)
    return by_provider((domain, count) for domain, count in connection.execute(query))


def _came_back(connection: Connection, which: ColumnElement[bool]) -> dict[str, _Counts]:
    """What came back, kind by kind as ProviderFacts calls it: the readers at each provider."""
    readers = func.count(func.distinct(_back.reader_id))
    query = select(_back.kind, _back.domain, readers).where(which).group_by(_back.kind, _back.domain)
    rows = connection.execute(query).all()
    return {
        name: by_provider((domain, count) for kind, domain, count in rows if kind == wanted)
        for name, wanted in (("hard", HARD), ("soft", SOFT), ("complained", COMPLAINT))
    }


def _told(counts: Mapping[str, _Counts], names: Iterable[str]) -> Iterator[tuple[str, dict[str, int]]]:
    """Each provider's counts, the highest of the first kind first.

    Last come those of all that are not told apart, if there is anything to tell.
    """

    def of(which: Callable[[str], bool]) -> dict[str, int]:
        return {
            what: sum(count for name, count in each.items() if which(name)) for what, each in counts.items()
        }

    sizes = next(iter(counts.values()))
    apart = sorted(names, key=lambda name: (-sizes.get(name, 0), name))
    for name in apart:
        yield name, of(name.__eq__)
    if any((others := of(lambda name: name not in apart)).values()):
        yield OTHERS, others


# ---- why, how fast, by whom ----


def _why(
    connection: Connection, issues: Iterable[Sending], came_back: ColumnElement[bool]
) -> tuple[tuple[Reason, ...], _Counts]:
    """Why copies were not taken, and how many each provider refused."""
    reasons = Reasons()
    domains: dict[str | None, int] = {}
    for issue in issues:
        for domain, code, text in _refusals(connection, issue) if issue.refused else ():
            # The enhanced code stands in the text, and says more than the three digits.
            reasons.count(REFUSED, "", f"{text or ''} {code or ''}")
            domains[domain] = domains.get(domain, 0) + 1
    back = (
        select(_back.kind, _back.code, func.count(func.distinct(_back.reader_id)))
        .where(came_back, _back.kind.in_((HARD, SOFT)))
        .group_by(_back.kind, _back.code)
    )
    for kind, code, count in connection.execute(back):
        reasons.count(kind, code, times=count)
    return reasons.all(), by_provider(domains.items())


def _refusals(connection: Connection, issue: Sending) -> Iterator[tuple[str | None, int | None, str | None]]:
    """Domain, code and text of each copy that was refused, None for what is not known any more."""
    said_last = and_(
        _attempt.issue_key == _row.issue_key,
        _attempt.reader_id == _row.reader_id,
        _attempt.number == _row.attempts,
        _attempt.outcome == Outcome.REFUSED.value,
    )
    rows = schema.delivery.outerjoin(schema.attempt, said_last)
    query = (
        select(_DOMAIN.label("domain"), _attempt.code, _attempt.detail)
        .select_from(rows.outerjoin(schema.reader, _reader.id == _row.reader_id))
        .where(_row.issue_key == issue.key, _row.state == State.REFUSED.value)
    )
    for row in connection.execute(query):
        yield row.domain, row.code, row.detail


def _pace(connection: Connection, key: str) -> tuple[tuple[datetime, int], ...]:
    minute = (_row.committed_at // 60).label("minute")
    query = (
        select(minute, func.count())
        .where(_row.issue_key == key, _row.state == State.SENT.value, _row.committed_at.is_not(None))
        .group_by(minute)
        .order_by(minute)
    )
    return tuple((schema.moment(at * 60), count) for at, count in connection.execute(query))


def _hosts(connection: Connection, key: str) -> tuple[Host, ...]:
    """The slowest servers, of those that took enough copies to say so."""
    mean, copies = func.avg(_attempt.milliseconds), func.count()
    query = (
        select(_attempt.host, copies, mean, func.max(_attempt.milliseconds))
        .where(_attempt.issue_key == key, _attempt.outcome == Outcome.SENT.value, _attempt.host != "")
        .group_by(_attempt.host)
        .having(copies >= LEAST)
        .order_by(mean.desc(), _attempt.host)
        .limit(SLOWEST)
    )
    return tuple(
        Host(name=host, copies=count, mean=float(average), longest=longest)
        for host, count, average, longest in connection.execute(query)
    )
