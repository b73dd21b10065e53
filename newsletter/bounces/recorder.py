"""What came back -> what becomes of the readers: first all of it is written down, then it is decided upon."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from newsletter.bounces.policy import (
    BURST,
    BURST_SPAN,
    Action,
    Decision,
    Provider,
    after_probe,
    decide,
    provider_of,
)
from newsletter.bounces.returned import Kind, Proof, Returned, recognised
from newsletter.errors import ContentError
from newsletter.links import Claim, Links, Purpose
from newsletter.model import Reader, Status
from newsletter.readers.addresses import Address, read_address
from newsletter.readers.database import Database
from newsletter.readers.membership import Step, bounced, complained, left, paused, resumed, taken_back
from newsletter.readers.proof import Proof as Consent
from newsletter.readers.requests import Notice
from newsletter.readers.returns import YEAR, Return, Returns
from newsletter.readers.store import Readers, Rule

_DONE: dict[Action, tuple[Rule, Step, Notice | None]] = {
    Action.BOUNCE: (bounced, Step.BOUNCED, None),
    Action.COMPLAIN: (complained, Step.COMPLAINED, None),
    Action.LEAVE: (left, Step.LEFT, Notice.LEFT),
    Action.PAUSE: (paused, Step.PAUSED, Notice.PROBE),
}
_COUNTS = (Kind.HARD, Kind.SOFT)


class Recorder:
    """Writes down what comes back to one publication, and decides upon it; used by one thread.

    `ours` is the domain of our own mail hosts. Every method may raise StoreError.
    """

    def __init__(self, database: Database, links: Links, *, ours: str) -> None:
        self._returns = Returns(database)
        self._readers = Readers(database)
        self._links = links
        self._ours = ours
        self._copies: dict[str, int] = {}  # by provider, for as long as one deciding goes on

    def record(self, found: Iterable[Returned], *, now: datetime) -> int:
        """Write these down, unless they are known; how many were not."""
        return self._returns.record([self._as_return(each, now) for each in found])

    def decide_all(self, *, now: datetime) -> Counter[str]:
        """Decide upon all that is written down and do it; how often what was done.

        Decides anew upon what came in the last hour from a provider that turns out to be in trouble.
        """
        self._copies.clear()
        done: Counter[str] = Counter()
        domains = set()
        for one in self._returns.undecided():
            decision = self._decide(one, now)
            rule, step, notice = _DONE.get(decision.action, (None, None, None))
            notice = Notice.LEAVE if decision.action is Action.ASK else notice
            effect = decision.action.value
            self._returns.decided(
                one, effect=effect, reason=decision.reason, now=now, rule=rule, step=step, notice=notice
            )
            done[effect] += 1
            domains.add(one.domain)
        for domain in sorted(domains):
            done["taken back"] += self._take_back(domain, now)
        self._end_probations(now)
        return +done

    def _take_back(self, domain: str, now: datetime) -> int:
        since = now - BURST_SPAN
        taken = 0
        for one in self._returns.of_domain(domain, since, now):
            if one.effect in (Action.BOUNCE.value, Action.PAUSE.value, Action.COUNT.value):
                decision = self._decide(one, now, again=True)
                if decision.action is Action.HOLD:
                    undo = None if one.effect == Action.COUNT.value else taken_back
                    self._returns.take_back(
                        one, undo, effect=decision.action.value, reason=decision.reason, now=now
                    )
                    taken += 1
        return taken

    def _end_probations(self, now: datetime) -> None:
        for reader, day in self._returns.on_probation():
            decision = after_probe(_Past(reader, self._returns, now, probed=day), now=now)
            if decision.action is Action.RESUME:
                proof = Consent(source=decision.reason)
                self._readers.change(reader.id, resumed, Step.RESUMED, proof=proof, now=now)

    def _decide(self, one: Return, now: datetime, *, again: bool = False) -> Decision:
        reader = self._readers.get(one.reader_id) if one.reader_id else None
        if reader is None:
            return Decision(action=Action.NOTHING, reason="about nobody whom we write to")
        # Asked again, the reader is seen as before: what was decided is what is in question.
        status = Status.ACTIVE if again else reader.status
        past = _Past(reader, self._returns, now, status=status, without=one.digest)
        return decide(_as_returned(one), past, self._provider(one), now=now)

    def _provider(self, one: Return) -> Provider:
        count = self._returns.readers_of(
            one.domain, one.at - BURST_SPAN, one.at + BURST_SPAN, [kind.value for kind in _COUNTS]
        )
        if count >= BURST and one.domain not in self._copies:
            self._copies[one.domain] = self._returns.copies_to(one.domain)
        return Provider(name=one.domain, returned=count, copies=self._copies.get(one.domain, 0))

    def _as_return(self, returned: Returned, now: datetime) -> Return:
        """The row of what came back, with the reader it is about, perhaps proven by a Message-ID of ours."""
        addresses = _addresses(returned)
        reader = self._returns.known(returned.claim.reader_id if returned.claim else "", addresses)
        if reader:
            returned = recognised(returned, reader.id, self._days(reader, now), self._links)
            returned = self._weighed(returned, reader)
            if _from_a_friend(returned, addresses, reader):
                returned = replace(returned, proof=Proof.NONE)
        email = reader.email if reader else addresses[0].email if addresses else ""
        return self._row(returned, reader, email, now)

    def _weighed(self, returned: Returned, reader: Reader) -> Returned:
        """A complaint that has no more of ours than the link to leave in it is a wish to leave.

        Whoever had the issue passed on by the reader has that link too, and may do with it what can be
        undone. A provider that reports a complaint sends back the copy's own header (RFC 5965 §2), and with
        it the Message-ID.
        """
        claim = returned.claim
        if returned.kind is not Kind.COMPLAINT or returned.proof is not Proof.LEAVE_TOKEN or claim is None:
            return returned
        if self._links.message_id(reader.id, claim.day) in returned.message_ids:
            return replace(returned, proof=Proof.MESSAGE_ID)
        return replace(returned, kind=Kind.STOP)

    def _row(self, returned: Returned, reader: Reader | None, email: str, now: datetime) -> Return:
        return Return(
            digest=returned.digest,
            at=min(returned.at or now, now),
            reader_id=reader.id if reader else "",
            day=returned.day,
            domain=provider_of(returned, email, ours=self._ours),
            kind=returned.kind.value,
            code=returned.code,
            host=returned.host,
            detail=returned.explanation,
            proof=returned.proof.value if returned.is_proven else "",
        )

    def _days(self, reader: Reader, now: datetime) -> Iterator[date]:
        """The days of the issues that went to a reader; the database is asked once the first is wanted."""
        yield from self._returns.copies_of(reader.id, now - YEAR)


@dataclass(frozen=True, slots=True)
class _Earlier:
    kind: Kind
    day: date | None
    at: datetime
    is_proven: bool
    is_held: bool


class _Past:
    """What is known of a reader, looked up where it is asked for."""

    def __init__(
        self,
        reader: Reader,
        returns: Returns,
        now: datetime,
        *,
        status: Status | None = None,
        without: str = "",
        probed: date | None = None,
    ) -> None:
        self.status = status or reader.status
        self._id = reader.id
        self._returns = returns
        self._since = now - YEAR
        self._without = without
        self._probed = probed

    @property
    def earlier(self) -> list[_Earlier]:
        return [
            _Earlier(
                kind=Kind(each.kind),
                day=each.day,
                at=each.at,
                is_proven=bool(each.proof),
                is_held=each.effect == Action.HOLD.value,
            )
            for each in self._returns.of(self._id, self._since)
            if each.digest != self._without
        ]

    @property
    def copies(self) -> list[date]:
        return self._returns.copies_of(self._id, self._since)

    @property
    def probed(self) -> date | None:
        return self._probed or self._returns.probed(self._id)


def _from_a_friend(returned: Returned, addresses: list[Address], reader: Reader) -> bool:
    """Whether a wish to leave is proven by a reader's copy, but written by somebody who had it from them."""
    keys = [address.key for address in addresses]
    return returned.kind is Kind.STOP and bool(keys) and Address(email=reader.email).key not in keys


def _addresses(returned: Returned) -> list[Address]:
    found = []
    for text in returned.addresses:
        try:
            found.append(read_address(text))
        except ContentError:
            continue
    return found


def _as_returned(one: Return) -> Returned:
    claim = Claim(purpose=Purpose.BOUNCE, reader_id=one.reader_id, day=one.day) if one.day else None
    return Returned(
        kind=Kind(one.kind),
        digest=one.digest,
        proof=Proof(one.proof) if one.proof else Proof.NONE,
        claim=claim,
        code=one.code,
        host=one.host,
        explanation=one.detail,
        at=one.at,
    )
