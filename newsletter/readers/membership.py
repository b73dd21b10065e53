"""The rules for joining and leaving; the only code that decides on a status."""

from dataclasses import replace

from newsletter.model import Reader, Status


def joined(known: Reader | None, newcomer: Reader) -> Reader:
    """Who is a reader after somebody else entered `newcomer`, by hand or from a file.

    Whoever is known stays as known: nobody is raised from left, bounced, complained, paused or pending by
    another's hand.
    """
    return known or newcomer


def left(known: Reader) -> Reader:
    """The reader after leaving; a complaint weighs more and stays."""
    return known if known.status is Status.COMPLAINED else replace(known, status=Status.LEFT)
