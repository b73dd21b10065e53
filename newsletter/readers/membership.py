"""The rules for joining and leaving; the only code that decides on a status."""

from dataclasses import replace
from enum import StrEnum

from newsletter.model import Reader, Status


class Step(StrEnum):
    """What happened to somebody's membership, as the proof of consent calls it."""

    ASKED = "asked"
    JOINED = "joined"
    CONFIRMED = "confirmed"
    LEFT = "left"
    CAME_BACK = "came back"
    PAUSED = "paused"
    RESUMED = "resumed"
    MOVED = "moved"
    BOUNCED = "bounced"
    TAKEN_BACK = "taken back"
    COMPLAINED = "complained"
    ERASED = "erased"


def joined(known: Reader | None, newcomer: Reader) -> Reader:
    """Who is a reader after somebody else entered `newcomer`, by hand or from a file.

    Whoever is known stays as known: nobody is raised from left, bounced, complained, paused or pending by
    another's hand.
    """
    return known or newcomer


def may_be_asked(status: Status | None) -> bool:
    """Whether a sign-up is answered at all: whoever complained gets no mail again, whoever signs them up.

    The status may be one that an erased reader had; None for somebody new.
    """
    return status is not Status.COMPLAINED


def is_reader(known: Reader | None) -> bool:
    """Whether a sign-up is answered with "you are a reader already"."""
    return known is not None and known.status in (Status.ACTIVE, Status.PAUSED)


def confirmed(known: Reader) -> Reader:
    """The reader after saying yes by a link that was mailed to the address; a complaint weighs more."""
    return _unless_complained(known, Status.ACTIVE)


def left(known: Reader) -> Reader:
    """The reader after leaving; a complaint weighs more and stays."""
    return _unless_complained(known, Status.LEFT)


def came_back(known: Reader) -> Reader:
    """The reader after taking back that they left."""
    return _from(known, (Status.LEFT,), Status.ACTIVE)


def paused(known: Reader) -> Reader:
    """The reader who gets nothing for a while; only who gets something now can pause."""
    return _from(known, (Status.ACTIVE,), Status.PAUSED)


def resumed(known: Reader) -> Reader:
    """The reader at the end of a pause."""
    return _from(known, (Status.PAUSED,), Status.ACTIVE)


def bounced(known: Reader) -> Reader:
    """The reader whose address no longer takes mail; whoever left or complained stays so."""
    return _from(known, (Status.PENDING, Status.ACTIVE, Status.PAUSED), Status.BOUNCED)


def taken_back(known: Reader) -> Reader:
    """The reader whose bounces turn out to have been an outage of the provider's."""
    return _from(known, (Status.BOUNCED, Status.PAUSED), Status.ACTIVE)


def complained(known: Reader) -> Reader:
    """The reader who called our mail unwanted: for good."""
    return replace(known, status=Status.COMPLAINED)


def _unless_complained(known: Reader, status: Status) -> Reader:
    return known if known.status is Status.COMPLAINED else replace(known, status=status)


def _from(known: Reader, before: tuple[Status, ...], status: Status) -> Reader:
    return replace(known, status=status) if known.status in before else known
