"""Version 2: attempts have numbers, decisions and approvals are kept; readers in the order of their ids."""

from alembic import op

from newsletter.readers.migrations.anew import make_anew

revision = "2"
down_revision = "1"

_READER = """
CREATE TABLE reader (
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    address_key TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT status_is_known CHECK (
        status IN ('pending', 'active', 'paused', 'left', 'bounced', 'complained')
    ),
    UNIQUE (address_key)
) WITHOUT ROWID
"""
_DELIVERY = """
CREATE TABLE delivery (
    issue_key TEXT NOT NULL,
    reader_id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER,
    committed_at INTEGER,
    host TEXT DEFAULT '' NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (issue_key, reader_id),
    CONSTRAINT state_is_known CHECK (
        state IN ('owed', 'in doubt', 'sent', 'refused', 'withheld', 'expired')
    ),
    FOREIGN KEY(issue_key) REFERENCES issue ("key")
)
"""
_ATTEMPT = """
CREATE TABLE attempt (
    issue_key TEXT NOT NULL,
    reader_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    phase TEXT NOT NULL,
    code INTEGER NOT NULL,
    detail TEXT NOT NULL,
    host TEXT NOT NULL,
    tls TEXT NOT NULL,
    milliseconds INTEGER NOT NULL,
    PRIMARY KEY (issue_key, reader_id, number, at, outcome)
) WITHOUT ROWID
"""
_DECISION = """
CREATE TABLE decision (
    id INTEGER NOT NULL,
    issue_key TEXT NOT NULL,
    reader_id TEXT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(issue_key) REFERENCES issue ("key")
)
"""
_APPROVAL = """
CREATE TABLE approval (
    id INTEGER NOT NULL,
    issue_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    parts TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (id)
)
"""
_READERS = """
INSERT INTO reader (id, email, address_key, name, status, since)
SELECT id, email, address_key, name, status, since FROM old_reader ORDER BY id
"""
_DELIVERIES = """
INSERT INTO delivery (issue_key, reader_id, state, attempts, next_at, reason)
SELECT issue_key, reader_id, state, attempts, next_at, reason
FROM old_delivery ORDER BY issue_key, reader_id
"""
# The attempts had no numbers; counted in their order they get them.
_ATTEMPTS = """
INSERT INTO attempt (issue_key, reader_id, number, at, outcome, phase, code, detail, host, tls, milliseconds)
SELECT issue_key, reader_id, row_number() OVER (PARTITION BY issue_key, reader_id ORDER BY id),
  at, outcome, phase, code, detail, '', '', 0
FROM old_attempt
"""


def upgrade() -> None:
    op.execute("ALTER TABLE issue ADD COLUMN files TEXT DEFAULT '' NOT NULL")
    op.execute("DROP INDEX delivery_unsettled")
    op.execute("DROP INDEX attempt_of")
    make_anew("reader", _READER, _READERS)
    make_anew("delivery", _DELIVERY, _DELIVERIES)
    op.execute(
        "CREATE INDEX delivery_unsettled ON delivery (issue_key, coalesce(next_at, 0), reader_id)"
        " WHERE state = 'owed' OR state = 'in doubt'"
    )
    make_anew("attempt", _ATTEMPT, _ATTEMPTS)
    op.execute(_DECISION)
    op.execute(_APPROVAL)
    op.execute("CREATE INDEX ix_approval_issue_key ON approval (issue_key)")
