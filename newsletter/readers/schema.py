"""The tables of the store, the same for SQLite and PostgreSQL.

Moments are whole seconds since 1970 in UTC; what a person reads (the Date of an issue) is text.
"""

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    func,
    literal_column,
    text,
)
from sqlalchemy import Integer as AnyInteger
from sqlalchemy import Text as AnyText
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from newsletter.model import Progress, State, Status

VERSION = 5

metadata = MetaData()

# Of 64 bits in both.
Integer = AnyInteger().with_variant(BigInteger(), "postgresql")


class Text(AnyText):
    """A text, in the order of its bytes, which is Python's own, whatever language the server speaks."""


@compiles(Text, "postgresql")
def _text(element: Text, compiler: PGTypeCompiler, **options: Any) -> str:
    return 'TEXT COLLATE "C"'


def seconds(moment: datetime) -> int:
    return math.floor(moment.timestamp())


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class place_of(FunctionElement[int]):  # noqa: N801 - a function, written as SQLAlchemy's own
    """Where a text stands in another, from 1 on: `place_of("@", column)`."""

    inherit_cache = True
    type = AnyInteger()

    def __init__(self, part: str, whole: ColumnElement[str]) -> None:
        super().__init__(whole, literal_column(f"'{part}'"))


@compiles(place_of, "sqlite")
def _instr(element: "place_of", compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(place_of, "postgresql")
def _strpos(element: "place_of", compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")


# `moved_to` is the address of the database that has taken this one's place, "" for none.
about = Table(
    "about",
    metadata,
    Column("schema_version", Integer, nullable=False),
    Column("instance_id", Text, nullable=False),
    Column("moved_to", Text, nullable=False, server_default=""),
)

# Kept in the order of the ids, which is the order in which an issue is sent. `paused_until` is when a pause
# ends by itself.
reader = Table(
    "reader",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("address_key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("since", Integer, nullable=False),
    Column("paused_until", Integer),
    _one_of("status", Status),
    sqlite_with_rowid=False,
)

# Few are paused, and they are looked for again and again.
Index(
    "reader_paused",
    reader.c.paused_until,
    sqlite_where=text("paused_until IS NOT NULL"),
    postgresql_where=text("paused_until IS NOT NULL"),
)

# The proof of who agreed to what: when, from where, to which words. Rows are added, never changed, but for
# what may not be kept for long. No foreign key: it outlives the reader.
consent = Table(
    "consent",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reader_id", Text, nullable=False, index=True),
    Column("at", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("words", Text, nullable=False, server_default=""),
    Column("page", Text, nullable=False, server_default=""),
    Column("network", Text, nullable=False, server_default=""),
    Column("issue_key", Text, nullable=False, server_default=""),
)

# What somebody asked for by the site or by mail, and the one notice that answers it: a mail has a row here
# before it leaves. `wish` is what was asked, `notice` which mail answers it, `used_at` when the link in that
# mail was used. For a new sign-up `reader_id` is empty until it is decided upon.
request = Table(
    "request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("wish", Text, nullable=False),
    Column("reader_id", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False),
    Column("address_key", Text, nullable=False, index=True),
    Column("words", Text, nullable=False, server_default=""),
    Column("page", Text, nullable=False, server_default=""),
    Column("network", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    Column("notice", Text, nullable=False, server_default=""),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", Integer),
    Column("answered_at", Integer),
    Column("detail", Text, nullable=False, server_default=""),
    Column("used_at", Integer),
    _one_of("state", Progress),
)
Index(
    "request_open",
    request.c.at,
    sqlite_where=text(f"state IN ('{Progress.ASKED}', '{Progress.OWED}')"),
    postgresql_where=text(f"state IN ('{Progress.ASKED}', '{Progress.OWED}')"),
)
Index("request_answered", request.c.answered_at)

# Whom no list may bring back: addresses only as their keyed hash, which says nothing without the key.
suppressed = Table(
    "suppressed",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("at", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# What came back, mail by mail: `digest` is of the mail's bytes, so that each is counted once. `domain` is the
# mailbox provider's, `proof` why we believe that it is about a copy of ours, "" for nothing; `effect` is what
# was decided upon it, "" until that is done, and `reason` why.
returned = Table(
    "returned",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("at", Integer, nullable=False, index=True),
    Column("reader_id", Text, nullable=False, index=True),
    Column("issue_key", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("host", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False),
    Column("proof", Text, nullable=False, server_default=""),
    Column("effect", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
)
Index(
    "returned_undecided",
    returned.c.at,
    sqlite_where=text("effect = ''"),
    postgresql_where=text("effect = ''"),
)
Index("returned_of_domain", returned.c.domain, returned.c.at)

# `audience` is counted at the freeze, so that the rows can be checked against it ever after.
# `files` is a digest of what the issue was made of, to tell quickly whether any of that has changed since.
issue = Table(
    "issue",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("audience", Integer, nullable=False),
    Column("frozen_at", Integer, nullable=False),
    Column("cancelled_at", Integer),
    Column("files", Text, nullable=False, server_default=""),
    Column("paused_at", Integer),
)

# `attempts` is the number of the row's last attempt, `committed_at` and `host` when and to whom it was about
# to leave, so that whoever settles a doubt knows where to look.
# One address is owed one issue once (R5, UNIQUE(issue, address key)) by construction: an address key belongs
# to one reader, and a reader has one row an issue. `reader_id` is no foreign key: rows outlive the reader.
# With rowids, unlike its neighbours: each row changes twice, and that way its key need not move with it.
delivery = Table(
    "delivery",
    metadata,
    Column("issue_key", Text, primary_key=True),
    Column("reader_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Integer),
    Column("committed_at", Integer),
    Column("host", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False),
    _one_of("state", State),
    # PostgreSQL looks the issue up anew for each row: at a freeze, millions of times.
    ForeignKeyConstraint(["issue_key"], ["issue.key"]).ddl_if(dialect="sqlite"),
)

# When a row is due; those never put off come first. The 0 is written out because SQLite compares the text of
# an expression with that of its index.
due_at = func.coalesce(delivery.c.next_at, literal_column("0"))

# Rows that can still change, few beside those that are settled. A query finds this index by naming one of the
# two states as written here, which a bound parameter would not do.
UNSETTLED = f"state = '{State.OWED}' OR state = '{State.IN_DOUBT}'"
is_owed = text(f"state = '{State.OWED}'")
is_in_doubt = text(f"state = '{State.IN_DOUBT}'")
Index(
    "delivery_unsettled",
    delivery.c.issue_key,
    due_at,
    delivery.c.reader_id,
    sqlite_where=text(UNSETTLED),
    postgresql_where=text(UNSETTLED),
)

# What happened, event by event (R11): rows are added, never changed. Kept in the order of its key, which is
# half the work of a table with an index beside it; the same twice in one second is noted once.
attempt = Table(
    "attempt",
    metadata,
    Column("issue_key", Text, primary_key=True),
    Column("reader_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Integer, primary_key=True, autoincrement=False),
    Column("outcome", Text, primary_key=True),
    Column("phase", Text, nullable=False),
    Column("code", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("tls", Text, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# What a person decided, and who: rows are added, never changed. No reader means the whole issue.
decision = Table(
    "decision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_key", Text, ForeignKey("issue.key"), nullable=False),
    Column("reader_id", Text),
    Column("at", Integer, nullable=False),
    Column("who", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("note", Text, nullable=False),
)

# Which edition was approved: the last row of an issue counts. `parts` has a digest of each part as JSON and
# `text` what a reader would read, so that a change can be told in words.
approval = Table(
    "approval",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_key", Text, nullable=False, index=True),
    Column("fingerprint", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("who", Text, nullable=False),
    Column("parts", Text, nullable=False),
    Column("text", Text, nullable=False),
)

# What is done once on a day of the publication's schedule, by whoever has its row: `day` is the local date,
# `what` the start of sending it, its end, or a reason for which someone is told. Rows are added, never
# changed.
claim = Table(
    "claim",
    metadata,
    Column("day", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("host", Text, nullable=False),
)
