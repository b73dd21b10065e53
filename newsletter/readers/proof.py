"""The proof of consent: who agreed to what and when, from where, to which words.

The law asks whoever mails to be able to show it (GDPR, article 7 §1). Rows are added, never changed, but for
the network, which is cut short when it has served (`erasure.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from newsletter.readers import schema
from newsletter.readers.membership import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Where a wish came from: in words, and, for one that came by the site, what was seen where, and by whom.

    `words` are those that the person agreed to, `page` the address of the page they stood on, `network` the
    address of the machine that asked, `issue_key` the issue whose link was followed.
    """

    source: str
    words: str = ""
    page: str = ""
    network: str = ""
    issue_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of somebody's membership, and its proof."""

    at: datetime
    step: Step
    proof: Proof


def note(connection: Connection, ids: Sequence[str], step: Step, proof: Proof, now: datetime) -> None:
    """Write down the same step of readers, with its proof."""
    row = {
        "at": schema.seconds(now),
        "kind": step.value,
        "source": proof.source,
        "words": proof.words,
        "page": proof.page,
        "network": proof.network,
        "issue_key": proof.issue_key,
    }
    connection.execute(insert(schema.consent), [{"reader_id": reader_id, **row} for reader_id in ids])


def history(connection: Connection, reader_id: str) -> list[Event]:
    """All steps of a reader, the first one first."""
    consent = schema.consent.c
    rows = connection.execute(
        select(schema.consent).where(consent.reader_id == reader_id).order_by(consent.id)
    )
    return [
        Event(
            at=schema.moment(row.at),
            step=Step(row.kind),
            proof=Proof(
                source=row.source,
                words=row.words,
                page=row.page,
                network=row.network,
                issue_key=row.issue_key,
            ),
        )
        for row in rows
    ]
