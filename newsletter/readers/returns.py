"""What came back, written down mail by mail, and what was decided upon each.

First all mails of a batch are written down, then they are decided upon: a provider's outage is seen only by
looking at all of them. What was written down and not decided upon, because somebody pulled the plug, is
decided upon the next time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Row, distinct, func, insert, select, update

from newsletter.model import Reader, State, Status
from newsletter.readers import schema
from newsletter.readers.addresses import Address
from newsletter.readers.database import Database
from newsletter.readers.membership import Step
from newsletter.readers.proof import Proof, history
from newsletter.readers.requests import Notice, owe
from newsletter.readers.store import Rule, change, known_by_id, known_by_key

_returned = schema.returned.c
_request = schema.request.c
_delivery = schema.delivery.c

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """One mail that came back, about one reader, "" for nobody we know.

    `day` is that of the issue, None if it is not known; `domain` the mailbox provider's, `detail` what the
    host said in few words, `proof` why we believe it, "" for nothing. `effect` is what was decided, "" as
    long as nothing is, and `reason` why.
    """

    digest: str
    at: datetime
    reader_id: str
    day: date | None
    domain: str
    kind: str
    code: str
    host: str
    detail: str
    proof: str
    effect: str = ""
    reason: str = ""


class Returns:
    """All that came back to one publication. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- writing down ----

    def record(self, returns: Iterable[Return]) -> int:
        """Write down what was not written down before; how many mails that were."""
        rows = [_as_row(each) for each in returns]
        if not rows:
            return 0
        with self._database.write() as connection:
            known = set(
                connection.scalars(
                    select(_returned.digest).where(_returned.digest.in_([row["digest"] for row in rows]))
                )
            )
            fresh = {row["digest"]: row for row in rows if row["digest"] not in known}
            if fresh:
                connection.execute(insert(schema.returned), list(fresh.values()))
        return len(fresh)

    def decided(
        self,
        one: Return,
        *,
        effect: str,
        reason: str,
        now: datetime,
        rule: Rule | None = None,
        step: Step | None = None,
        notice: Notice | None = None,
    ) -> None:
        """Write down what was decided upon one mail, and do it, in one transaction.

        `rule` and `step` are what becomes of the reader, `notice` a mail that the reader is owed for it.
        """
        day = one.day.isoformat() if one.day else ""
        proof = Proof(source=f"{one.kind} came back: {reason}", issue_key=day)
        with self._database.write() as connection:
            mine = update(schema.returned).where(_returned.digest == one.digest)
            mine = mine.where(_returned.effect == one.effect)
            if connection.execute(mine.values(effect=effect, reason=reason)).rowcount != 1:
                return  # another run was quicker
            reader = known_by_id(connection, one.reader_id)
            if reader is None:
                return
            if rule and step:
                reader = change(connection, reader, rule, step, proof=proof, now=now)
            if notice and not _asked_lately(connection, reader, notice, now):
                owe(connection, notice, reader, proof=proof, now=now)

    def take_back(self, one: Return, rule: Rule | None, *, effect: str, reason: str, now: datetime) -> None:
        """Decide anew upon a mail that was decided upon in haste, and by `rule` undo what came of it.

        Nothing is undone if the reader has taken another step since.
        """
        with self._database.write() as connection:
            mine = update(schema.returned).where(_returned.digest == one.digest)
            connection.execute(mine.values(effect=effect, reason=reason))
            reader = known_by_id(connection, one.reader_id)
            steps = history(connection, one.reader_id)
            if rule and reader and steps and steps[-1].step in (Step.BOUNCED, Step.PAUSED):
                change(connection, reader, rule, Step.TAKEN_BACK, proof=Proof(source=reason), now=now)

    # ---- looking ----

    def undecided(self) -> list[Return]:
        """What is to be decided upon, the oldest first."""
        query = select(schema.returned).where(_returned.effect == "").order_by(_returned.at)
        with self._database.read() as connection:
            return [_as_return(row) for row in connection.execute(query)]

    def of(self, reader_id: str, since: datetime) -> list[Return]:
        """What came back of one reader, the oldest first."""
        query = (
            select(schema.returned)
            .where(_returned.reader_id == reader_id, _returned.at >= schema.seconds(since))
            .order_by(_returned.at)
        )
        with self._database.read() as connection:
            return [_as_return(row) for row in connection.execute(query)]

    def of_domain(self, domain: str, since: datetime, until: datetime) -> list[Return]:
        """What came back from one provider in a while, the oldest first."""
        at = _returned.at.between(schema.seconds(since), schema.seconds(until))
        query = select(schema.returned).where(_returned.domain == domain, at).order_by(_returned.at)
        with self._database.read() as connection:
            return [_as_return(row) for row in connection.execute(query)]

    def readers_of(self, domain: str, since: datetime, until: datetime, kinds: Sequence[str]) -> int:
        """Of how many readers something of these kinds came back from one provider in a while."""
        at = _returned.at.between(schema.seconds(since), schema.seconds(until))
        query = select(func.count(distinct(_returned.reader_id))).where(
            _returned.domain == domain, at, _returned.kind.in_(kinds), _returned.proof != ""
        )
        with self._database.read() as connection:
            return connection.scalar(query) or 0

    def copies_to(self, domain: str) -> int:
        """To how many readers at one provider the last issue went."""
        at = schema.reader.c.address_key.endswith(f"@{domain}", autoescape=True)
        with self._database.read() as connection:
            key = connection.scalar(select(func.max(schema.issue.c.key)))
            query = (
                select(func.count())
                .select_from(schema.delivery.join(schema.reader, _delivery.reader_id == schema.reader.c.id))
                .where(_delivery.issue_key == key, _delivery.state == State.SENT.value, at)
            )
            return connection.scalar(query) or 0

    def copies_of(self, reader_id: str, since: datetime) -> list[date]:
        """The days of the issues that went to a reader, the oldest first."""
        query = (
            select(_delivery.issue_key)
            .join(schema.issue, schema.issue.c.key == _delivery.issue_key)
            .where(
                _delivery.reader_id == reader_id,
                _delivery.state.in_((State.SENT.value, State.IN_DOUBT.value)),
                schema.issue.c.frozen_at >= schema.seconds(since),
            )
            .order_by(_delivery.issue_key)
        )
        with self._database.read() as connection:
            return [date.fromisoformat(key) for key in connection.scalars(query)]

    def probed(self, reader_id: str) -> date | None:
        """The day of the probe that a paused reader was last sent, None if there was none since the pause."""
        with self._database.read() as connection:
            return _probed(connection, reader_id)

    def on_probation(self) -> list[tuple[Reader, date]]:
        """The readers who are paused with a probe out, and the day of the probe."""
        query = (
            select(_request.reader_id)
            .join(schema.reader, schema.reader.c.id == _request.reader_id)
            .where(_request.notice == Notice.PROBE.value, schema.reader.c.status == Status.PAUSED.value)
        )
        with self._database.read() as connection:
            found = []
            for reader_id in sorted(set(connection.scalars(query))):
                reader, day = known_by_id(connection, reader_id), _probed(connection, reader_id)
                if reader and day:
                    found.append((reader, day))
            return found

    def known(self, reader_id: str, addresses: Sequence[Address]) -> Reader | None:
        """The reader of an id, or else of the first of some addresses that somebody has."""
        with self._database.read() as connection:
            if reader_id:
                return known_by_id(connection, reader_id)
            found = known_by_key(connection, [address.key for address in addresses])
        return next((found[each.key] for each in addresses if each.key in found), None)


def _probed(connection: Connection, reader_id: str) -> date | None:
    steps = [each for each in history(connection, reader_id) if each.step is Step.PAUSED]
    if not steps:
        return None
    at = connection.scalar(
        select(func.max(_request.answered_at)).where(
            _request.reader_id == reader_id,
            _request.notice == Notice.PROBE.value,
            _request.answered_at >= schema.seconds(steps[-1].at),
        )
    )
    return None if at is None else schema.moment(at).date()


def _asked_lately(connection: Connection, reader: Reader, notice: Notice, now: datetime) -> bool:
    """Whether the reader got this notice within a day."""
    since = schema.seconds(now - timedelta(days=1))
    query = select(func.count()).where(
        _request.reader_id == reader.id, _request.notice == notice.value, _request.answered_at > since
    )
    return bool(connection.scalar(query))


def _as_row(one: Return) -> dict[str, object]:
    return {
        "digest": one.digest,
        "at": schema.seconds(one.at),
        "reader_id": one.reader_id,
        "issue_key": one.day.isoformat() if one.day else "",
        "domain": one.domain,
        "kind": one.kind,
        "code": one.code,
        "host": one.host,
        "detail": one.detail,
        "proof": one.proof,
    }


def _as_return(row: Row[tuple[object, ...]]) -> Return:
    return Return(
        digest=row.digest,
        at=schema.moment(row.at),
        reader_id=row.reader_id,
        day=date.fromisoformat(row.issue_key) if row.issue_key else None,
        domain=row.domain,
        kind=row.kind,
        code=row.code,
        host=row.host,
        detail=row.detail,
        proof=row.proof,
        effect=row.effect,
        reason=row.reason,
    )
