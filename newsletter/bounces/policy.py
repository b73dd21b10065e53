"""What came back, and what a reader had before -> what is to be done about it, with the reason in a sentence.

Pure: nothing is read or written here. The rules, in the order in which they are asked:

- The answer of a machine, a warning of delay and whatever is for a person to read never count.
- What cannot be proven (`Returned.proof`) never changes a status, whatever it says, and counts for nothing:
  anybody can write a bounce. It costs us little, since each copy has a return path, a token and a Message-ID
  of its own, and a real bounce brings back one of them. An unproven STOP may still be the reader's: it is
  answered with a link to leave, which does nothing to whom did not ask.
- A complaint ends it for good, a STOP at once.
- Many readers of one provider at once are an outage, or a block of ours: held, and nobody pays for it.
- A hard bounce: nobody is there; no mail goes to the address any more.
- Soft ones count one for each issue, however many mails come back of it. Five of them, over fourteen days at
  least, pause the reader and earn one probe; a probe that comes back as well says that nobody is there. A
  week in which three issues arrived starts the count anew.

Mailman counts in this way (threshold 5.0, stale after seven days); the figures are those of its defaults.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from newsletter.bounces.returned import Kind, Returned
from newsletter.model import Status

SCORE = 5
SPAN = timedelta(days=14)
QUIET = timedelta(days=7)
QUIET_ISSUES = 3
"""So long without anything coming back, and so many issues in it, starts the count anew."""
BURST = 10
"""Readers of one provider within `BURST_SPAN`, from which on it may be an outage …"""
BURST_SHARE = 0.2
"""… if they are also this share of all whom it was to serve."""
BURST_SPAN = timedelta(hours=1)
AGAIN = timedelta(hours=24)
"""A hard bounce held in a burst counts if it comes again so long after, for another issue."""
PROBE = timedelta(days=7)
"""How long a probe is waited for; mail hosts give up after five days (RFC 5321 §4.5.4.1)."""


class Action(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    COUNT = "count"
    HOLD = "hold"
    """Keep it, apart from the count: the provider is in trouble, not the reader."""
    PAUSE = "pause"
    """Pause the reader, and send one probe on a day without an issue for this reader, `Past.probed`."""
    RESUME = "resume"
    BOUNCE = "bounce"
    COMPLAIN = "complain"
    LEAVE = "leave"
    ASK = "ask"
    """Write back with a link to leave, at most once a day to one address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done, and why, in one sentence for whoever looks after the readers."""

    action: Action
    reason: str


class Earlier(Protocol):
    """What came back earlier about the same reader; `day` is that of the issue, None if it was not known."""

    @property
    def kind(self) -> Kind: ...
    @property
    def day(self) -> date | None: ...
    @property
    def at(self) -> datetime: ...
    @property
    def is_proven(self) -> bool: ...
    @property
    def is_held(self) -> bool: ...


class Past(Protocol):
    """What is known of a reader before this came back.

    `earlier` is what came back within the last year, oldest first and without this one; `copies` are the days
    of the issues that went to the reader in that time, oldest first; `probed` is the day of the probe that is
    out, None if none is.
    """

    @property
    def status(self) -> Status: ...
    @property
    def earlier(self) -> Sequence[Earlier]: ...
    @property
    def copies(self) -> Sequence[date]: ...
    @property
    def probed(self) -> date | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """How one provider of mailboxes does: of how many readers something hard or soft came back from an hour
    before to an hour after (this one included), and to how many its last issue went, 0 if that is not known.
    """

    name: str
    returned: int = 0
    copies: int = 0

    @property
    def is_down(self) -> bool:
        return self.returned >= BURST and self.returned >= BURST_SHARE * self.copies


def decide(returned: Returned, past: Past, provider: Provider, *, now: datetime) -> Decision:
    """What is to be done about one thing that came back about a known reader; `now` is aware.

    The answer is the same however often it is asked. Record all mails of a batch before asking about the
    first, so that `provider` knows of all of them; and when a provider turns out to be down, ask again about
    what came back from it in the last hour: what was done in haste then comes out as HOLD, and can be taken
    back.
    """
    if returned.kind in _NEVER_COUNTS:
        return Decision(action=Action.NOTHING, reason=_NEVER_COUNTS[returned.kind])
    if (
        past.status in (Status.COMPLAINED, Status.LEFT, Status.BOUNCED)
        and returned.kind is not Kind.COMPLAINT
    ):
        return Decision(action=Action.NOTHING, reason=f"no mail goes to this reader any more ({past.status})")
    if not returned.is_proven:
        return _unproven(returned)
    if returned.kind is Kind.COMPLAINT:
        return Decision(
            action=Action.COMPLAIN, reason=f"called it spam{_to(returned)}: never written to again"
        )
    if returned.kind is Kind.STOP:
        return Decision(action=Action.LEAVE, reason="asked to leave by mail")
    if provider.is_down and not _came_again(returned, past, now):
        many = f"{provider.returned} readers of {provider.name} came back within an hour"
        return Decision(action=Action.HOLD, reason=f"{many}: its outage or its block, not the reader's fault")
    if past.probed and returned.day == past.probed:
        return Decision(action=Action.BOUNCE, reason=f"the probe came back as well: {_said(returned)}")
    if returned.kind is Kind.HARD:
        return Decision(action=Action.BOUNCE, reason=_said(returned))
    return _soft(returned, past, now)


def after_probe(past: Past, *, now: datetime) -> Decision:
    """What becomes of a reader whose probe is out: active again if nothing came back for `PROBE`."""
    if past.probed is None or now.date() - past.probed < PROBE:
        return Decision(
            action=Action.NOTHING,
            reason="the probe may still come back" if past.probed else "no probe is out",
        )
    return Decision(action=Action.RESUME, reason=f"the probe of {past.probed} has not come back")


def provider_of(returned: Returned, email: str, *, ours: str = "") -> str:
    """What names the provider of a mailbox: the domain of the host that spoke, or that of the address.

    `ours` is the domain of our own hosts, which speak for whoever did not answer them.
    """
    domain = email.rpartition("@")[2].lower()
    labels = returned.host.lower().strip("[]. ").split(".")
    if len(labels) < 2 or not labels[-1].isalpha():
        return domain
    kept = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS else 2
    host = ".".join(labels[-kept:])
    return domain if ours and (host == ours or ours.endswith("." + host)) else host


_SECOND_LEVELS = ("ac", "co", "com", "gouv", "gov", "net", "or", "org", "asso")
_NEVER_COUNTS = {
    Kind.AUTO_REPLY: "the answer of a machine never counts",
    Kind.DELAYED: "it is only delayed, and still being tried",
    Kind.OTHER: "it says nothing about the address",
}


def _unproven(returned: Returned) -> Decision:
    if returned.kind is Kind.STOP:
        return Decision(action=Action.ASK, reason="a mail that anybody could have written asks to leave")
    reason = "it has nothing of our own mail in it, so that anybody could have written it"
    return Decision(action=Action.NOTHING, reason=reason)


def _soft(returned: Returned, past: Past, now: datetime) -> Decision:
    at = _when(returned, now)
    day = returned.day or at.date()
    counted = _since_quiet(past, day)
    first = min([each.at for each in counted if each.at <= at], default=at)
    days = {each.day or each.at.date() for each in counted} | {day}
    span = at - first
    said = f"{_said(returned)}; {len(days)} of {SCORE} in {span.days} days"
    if past.status is not Status.ACTIVE or len(days) < SCORE or span < SPAN:
        return Decision(action=Action.COUNT, reason=said)
    return Decision(action=Action.PAUSE, reason=f"{said}: paused, and one probe to see")


def _since_quiet(past: Past, day: date) -> list[Earlier]:
    """What counts of what came back before: nothing from before a week in which mail arrived."""
    counted = [
        each
        for each in past.earlier
        if each.kind in (Kind.SOFT, Kind.HARD) and each.is_proven and not each.is_held
    ]
    returned_days = {
        each.day or each.at.date() for each in past.earlier if each.kind in (Kind.SOFT, Kind.HARD)
    }
    kept: list[Earlier] = []
    later = day
    for each in sorted(counted, key=lambda each: each.day or each.at.date(), reverse=True):
        of = each.day or each.at.date()
        arrived = [copy for copy in past.copies if of < copy < later and copy not in returned_days]
        if later - of > QUIET and len(arrived) >= QUIET_ISSUES:
            break
        kept.append(each)
        later = of
    return kept


def _came_again(returned: Returned, past: Past, now: datetime) -> bool:
    """Whether the same hard bounce was held before, for another issue, too long ago for one outage."""
    at = _when(returned, now)
    return returned.kind is Kind.HARD and any(
        each.kind is Kind.HARD and each.is_held and each.day != returned.day and at - each.at >= AGAIN
        for each in past.earlier
    )


def _when(returned: Returned, now: datetime) -> datetime:
    """When it came back: as it says, but never later than now."""
    return min(returned.at or now, now)


def _to(returned: Returned) -> str:
    return f" to {returned.host}" if returned.host else ""


def _said(returned: Returned) -> str:
    code = f" ({returned.code})" if returned.code else ""
    return f"{returned.explanation}{code}" + (f", says {returned.host}" if returned.host else "")
