"""Version 5: issues can be held; what is done once a day; batches, and the workers they are shared out to."""

from alembic import op
from sqlalchemy import Column, Double, UniqueConstraint, text

from newsletter.readers.schema import Integer, Text

revision = "5"
down_revision = "4"

_OPEN = text("closed_at IS NULL")


def upgrade() -> None:
    op.add_column("issue", Column("paused_at", Integer))
    op.create_table(
        "claim",
        Column("day", Text, primary_key=True),
        Column("what", Text, primary_key=True),
        Column("at", Integer, nullable=False),
        Column("host", Text, nullable=False),
    )
    op.create_table(
        "batch",
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
    op.create_index("batch_open", "batch", ["issue_key"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "worker",
        Column("name", Text, primary_key=True),
        Column("relay", Text, primary_key=True),
        Column("began_at", Integer, nullable=False),
        Column("seen_at", Integer, nullable=False),
        Column("batch", Integer),
        Column("per_second", Double, nullable=False, server_default="0"),
    )
    op.create_table(
        "relay",
        Column("name", Text, primary_key=True),
        Column("trouble", Text, nullable=False),
        Column("times", Integer, nullable=False),
        Column("rests_until", Integer, nullable=False),
    )
    op.create_table(
        "pace",
        Column("name", Text, primary_key=True),
        Column("next_at", Double, nullable=False),
    )
    op.create_table(
        "run",
        Column("name", Text, primary_key=True),
        Column("issue_key", Text, nullable=False),
        Column("alone", Integer, nullable=False),
        Column("seen_at", Integer, nullable=False),
    )
