"""Version 3: the site and what comes back: requests, proofs with words and place, pauses, suppression."""

from alembic import op

from newsletter.readers.migrations.anew import make_anew

revision = "3"
down_revision = "2"

_READER = """
CREATE TABLE reader (
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    address_key TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    since INTEGER NOT NULL,
    paused_until INTEGER,
    PRIMARY KEY (id),
    CONSTRAINT status_is_known CHECK (
        status IN ('pending', 'active', 'paused', 'left', 'bounced', 'complained')
    ),
    UNIQUE (address_key)
) WITHOUT ROWID
"""
_CONSENT = """
CREATE TABLE consent (
    id INTEGER NOT NULL,
    reader_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    words TEXT DEFAULT '' NOT NULL,
    page TEXT DEFAULT '' NOT NULL,
    network TEXT DEFAULT '' NOT NULL,
    issue_key TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (id)
)
"""
_REQUEST = """
CREATE TABLE request (
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    wish TEXT NOT NULL,
    reader_id TEXT DEFAULT '' NOT NULL,
    email TEXT NOT NULL,
    address_key TEXT NOT NULL,
    words TEXT DEFAULT '' NOT NULL,
    page TEXT DEFAULT '' NOT NULL,
    network TEXT DEFAULT '' NOT NULL,
    state TEXT NOT NULL,
    notice TEXT DEFAULT '' NOT NULL,
    tries INTEGER DEFAULT '0' NOT NULL,
    next_at INTEGER,
    answered_at INTEGER,
    detail TEXT DEFAULT '' NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (id),
    CONSTRAINT state_is_known CHECK (
        state IN ('asked', 'owed', 'in doubt', 'sent', 'refused', 'withheld')
    )
)
"""
_SUPPRESSED = """
CREATE TABLE suppressed (
    hash TEXT NOT NULL,
    status TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (hash)
) WITHOUT ROWID
"""
_RETURNED = """
CREATE TABLE returned (
    digest TEXT NOT NULL,
    at INTEGER NOT NULL,
    reader_id TEXT NOT NULL,
    issue_key TEXT NOT NULL,
    domain TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    host TEXT DEFAULT '' NOT NULL,
    detail TEXT NOT NULL,
    proof TEXT DEFAULT '' NOT NULL,
    effect TEXT DEFAULT '' NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (digest)
)
"""
_INDEXES = (
    "CREATE INDEX reader_paused ON reader (paused_until) WHERE paused_until IS NOT NULL",
    "CREATE INDEX ix_consent_reader_id ON consent (reader_id)",
    "CREATE INDEX ix_request_address_key ON request (address_key)",
    "CREATE INDEX request_open ON request (at) WHERE state IN ('asked', 'owed')",
    "CREATE INDEX request_answered ON request (answered_at)",
    "CREATE INDEX ix_returned_at ON returned (at)",
    "CREATE INDEX ix_returned_reader_id ON returned (reader_id)",
    "CREATE INDEX returned_undecided ON returned (at) WHERE effect = ''",
    "CREATE INDEX returned_of_domain ON returned (domain, at)",
)
_READERS = """
INSERT INTO reader (id, email, address_key, name, status, since)
SELECT id, email, address_key, name, status, since FROM old_reader ORDER BY id
"""
_CONSENTS = """
INSERT INTO consent (id, reader_id, at, kind, source)
SELECT id, reader_id, at, kind, source FROM old_consent ORDER BY id
"""


def upgrade() -> None:
    op.execute("DROP INDEX ix_consent_reader_id")
    make_anew("reader", _READER, _READERS)
    make_anew("consent", _CONSENT, _CONSENTS)
    for made in (_REQUEST, _SUPPRESSED, _RETURNED, *_INDEXES):
        op.execute(made)
