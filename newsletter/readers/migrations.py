"""A database of an earlier version -> one of this version, in one transaction."""

from sqlalchemy import Connection, update

from newsletter.readers import schema

# To version -> what is altered where it stands.
_ALTERED = {
    2: (
        "ALTER TABLE issue ADD COLUMN files TEXT DEFAULT '' NOT NULL",
        "DROP INDEX delivery_unsettled",
        "DROP INDEX attempt_of",
    ),
    3: ("DROP INDEX ix_consent_reader_id",),
}

# To version -> tables that are made anew, and how each is filled from the old one of the name with an "old_".
_REBUILT = {
    2: {
        "reader": """
            INSERT INTO reader (id, email, address_key, name, status, since)
            SELECT id, email, address_key, name, status, since FROM old_reader ORDER BY id
            """,
        "delivery": """
            INSERT INTO delivery (issue_key, reader_id, state, attempts, next_at, reason)
            SELECT issue_key, reader_id, state, attempts, next_at, reason
            FROM old_delivery ORDER BY issue_key, reader_id
            """,
        # The attempts had no numbers; counted in their order they get them.
        "attempt": """
            INSERT INTO attempt
              (issue_key, reader_id, number, at, outcome, phase, code, detail, host, tls, milliseconds)
            SELECT issue_key, reader_id, row_number() OVER (PARTITION BY issue_key, reader_id ORDER BY id),
              at, outcome, phase, code, detail, '', '', 0
            FROM old_attempt
            """,
    },
    3: {
        "reader": """
            INSERT INTO reader (id, email, address_key, name, status, since)
            SELECT id, email, address_key, name, status, since FROM old_reader ORDER BY id
            """,
        "consent": """
            INSERT INTO consent (id, reader_id, at, kind, source)
            SELECT id, reader_id, at, kind, source FROM old_consent ORDER BY id
            """,
    },
}


def upgrade(connection: Connection, version: int) -> None:
    """Bring a database of this version up to date; undone as a whole with its transaction.

    All tables are made as this version has them, whatever the steps on the way: so each is filled once.
    """
    rebuilt: dict[str, str] = {}
    for step in range(version + 1, schema.VERSION + 1):
        for statement in _ALTERED[step]:
            connection.exec_driver_sql(statement)
        rebuilt = {**_REBUILT[step], **rebuilt}
    for table in rebuilt:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO old_{table}")
    schema.metadata.create_all(connection)
    for table, fill in rebuilt.items():
        connection.exec_driver_sql(fill)
        connection.exec_driver_sql(f"DROP TABLE old_{table}")
    connection.execute(update(schema.about).values(schema_version=schema.VERSION))
