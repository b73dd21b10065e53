"""Whom no list may bring back: those who were erased are known by the keyed hash of their address alone.

A hash says nothing to whoever has no key (`links.Signer.hashes`): just enough to respect a wish.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from newsletter.model import Status
from newsletter.readers import schema

Hashes = Callable[[str], Sequence[str]]
"""An address key -> its hashes, the one to be written first."""

_hash = schema.suppressed.c.hash


def suppress(connection: Connection, key: str, status: Status, hashes: Hashes, now: datetime) -> None:
    """Keep an address out from now on, as one that has this status."""
    lift(connection, key, hashes)
    row = {"hash": hashes(key)[0], "status": status.value, "at": schema.seconds(now)}
    connection.execute(insert(schema.suppressed).values(row))


def lift(connection: Connection, key: str, hashes: Hashes) -> None:
    """Let an address in again: its owner asked for it by a link that was mailed there."""
    connection.execute(delete(schema.suppressed).where(_hash.in_(hashes(key))))


def suppressed(connection: Connection, keys: Sequence[str], hashes: Hashes) -> dict[str, Status]:
    """Which of these addresses are kept out, and as what."""
    # Looked at for each sign-up, so it is not counted how many they are.
    if connection.execute(select(_hash).limit(1)).first() is None:
        return {}
    meant = {text: key for key in keys for text in hashes(key)}
    rows = connection.execute(select(_hash, schema.suppressed.c.status).where(_hash.in_(list(meant))))
    return {meant[row.hash]: Status(row.status) for row in rows}
