CREATE TABLE about (
    schema_version INTEGER NOT NULL,
    instance_id TEXT NOT NULL
);
CREATE TABLE reader (
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    address_key TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT status_is_known CHECK (status IN ('pending', 'active', 'paused', 'left', 'bounced', 'complained')),
    UNIQUE (address_key)
)
 WITHOUT ROWID;
CREATE TABLE consent (
    id INTEGER NOT NULL,
    reader_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_consent_reader_id ON consent (reader_id);
CREATE TABLE issue (
    "key" TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    subject TEXT NOT NULL,
    template TEXT NOT NULL,
    date TEXT NOT NULL,
    audience INTEGER NOT NULL,
    frozen_at INTEGER NOT NULL,
    cancelled_at INTEGER,
    files TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY ("key")
);
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
)
 WITHOUT ROWID;
CREATE TABLE approval (
    id INTEGER NOT NULL,
    issue_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    parts TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_approval_issue_key ON approval (issue_key);
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
    CONSTRAINT state_is_known CHECK (state IN ('owed', 'in doubt', 'sent', 'refused', 'withheld', 'expired')),
    FOREIGN KEY(issue_key) REFERENCES issue ("key")
);
CREATE INDEX delivery_unsettled ON delivery (issue_key, coalesce(next_at, 0), reader_id)
WHERE state = 'owed' OR state = 'in doubt';
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
);
INSERT INTO about VALUES (2, '0123456789abcdef');
INSERT INTO reader VALUES
  ('ravi', 'ravi@example.org', 'ravi@example.org', '', 'active', 1),
  ('lea', 'Lea@example.org', 'lea@example.org', 'Léa', 'active', 2),
  ('max', 'max@example.org', 'max@example.org', '', 'left', 3),
  ('zoe', 'zoe@example.org', 'zoe@example.org', 'Zoé', 'active', 4);
INSERT INTO consent VALUES (7, 'lea', 2, 'joined', 'import');
INSERT INTO issue VALUES
  ('2026-11-23', 'f1', 'Fusion', '{}', '2026-11-23T07:00:00+01:00', 4, 1795413600, NULL, '');
INSERT INTO delivery VALUES
  ('2026-11-23', 'lea', 'owed', 2, 1795413900, NULL, '', ''),
  ('2026-11-23', 'max', 'withheld', 0, NULL, NULL, '', 'left'),
  ('2026-11-23', 'ravi', 'sent', 1, NULL, NULL, '', ''),
  ('2026-11-23', 'zoe', 'in doubt', 0, NULL, NULL, '', '');
INSERT INTO attempt VALUES
  ('2026-11-23', 'ravi', 1, 1795413601, 'sent', 'dot', 250, '250 ok', '', '', 0),
  ('2026-11-23', 'lea', 1, 1795413602, 'deferred', 'RCPT', 450, '450 first', '', '', 0),
  ('2026-11-23', 'max', 1, 1795413602, 'withheld', '', 0, 'left', '', '', 0),
  ('2026-11-23', 'lea', 2, 1795413602, 'deferred', 'RCPT', 451, '451 second', '', '', 0);
