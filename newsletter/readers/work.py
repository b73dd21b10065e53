"""The tables of what is shared out to workers: batches, who works, how fast, and where it hurts."""

from sqlalchemy import Column, Double, Index, Table, UniqueConstraint, text

from newsletter.readers.schema import Integer, Text
from newsletter.readers.schema import metadata as metadata

NOW = "CAST(extract(epoch FROM clock_timestamp()) AS bigint)"
"""The database's clock, which is one for all hosts."""

# An issue in parts, which workers take on: the readers whose ids come after `after`, up to and with `last`,
# and the relay by which they are written to; `mark` tells which key their links are signed with. It is closed
# when none of them is owed the issue.
batch = Table(
    "batch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_key", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("last", Text, nullable=False),
    Column("readers", Integer, nullable=False),
    Column("relay", Text, nullable=False),
    Column("mark", Text, nullable=False),
    Column("worker", Text, nullable=False, server_default=""),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("begun_at", Integer),
    Column("closed_at", Integer),
    UniqueConstraint("issue_key", "after"),
)
Index(
    "batch_open",
    batch.c.issue_key,
    sqlite_where=text("closed_at IS NULL"),
    postgresql_where=text("closed_at IS NULL"),
)

# Who works, and for which relay; `batch` is what at. `seen_at` is by the database's clock. Rows come and go.
worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("relay", Text, primary_key=True),
    Column("began_at", Integer, nullable=False),
    Column("seen_at", Integer, nullable=False),
    Column("batch", Integer),
    Column("per_second", Double, nullable=False, server_default="0"),
)

# A relay that could not be used is left alone until `rests_until`, by all who work for it, because of its
# `trouble`; `times` counts how often in a row.
relay = Table(
    "relay",
    metadata,
    Column("name", Text, primary_key=True),
    Column("trouble", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("rests_until", Integer, nullable=False),
)

# Where in time the next free place is in the row of a relay, or of a recipients' domain at a relay: seconds
# since 1970 by the database's clock.
pace = Table(
    "pace",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next_at", Double, nullable=False),
)

# A run of one machine, and the issue that it has in hand: its messages in flight would be doubts to another
# machine that settles some. With `alone` nobody may take part. `seen_at` is by the database's clock. Rows
# come and go.
run = Table(
    "run",
    metadata,
    Column("name", Text, primary_key=True),
    Column("issue_key", Text, nullable=False),
    Column("alone", Integer, nullable=False),
    Column("seen_at", Integer, nullable=False),
)
