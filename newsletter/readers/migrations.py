"""A database of an earlier version -> one of this version, in one transaction."""

from sqlalchemy import Connection, update

from newsletter.readers import schema

_TO_2 = (
    "ALTER TABLE issue ADD COLUMN files TEXT DEFAULT '' NOT NULL",
    "DROP INDEX delivery_unsettled",
    "DROP INDEX attempt_of",
    "ALTER TABLE reader RENAME TO reader_1",
    "ALTER TABLE delivery RENAME TO delivery_1",
    "ALTER TABLE attempt RENAME TO attempt_1",
)
_AFTER_2 = (
    """
    INSERT INTO reader (id, email, address_key, name, status, since)
    SELECT id, email, address_key, name, status, since FROM reader_1 ORDER BY id
    """,
    """
    INSERT INTO delivery (issue_key, reader_id, state, attempts, next_at, reason)
    SELECT issue_key, reader_id, state, attempts, next_at, reason
    FROM delivery_1 ORDER BY issue_key, reader_id
    """,
    # The attempts had no numbers; counted in their order they get them.
    """
    INSERT INTO attempt
      (issue_key, reader_id, number, at, outcome, phase, code, detail, host, tls, milliseconds)
    SELECT issue_key, reader_id, row_number() OVER (PARTITION BY issue_key, reader_id ORDER BY id),
      at, outcome, phase, code, detail, '', '', 0
    FROM attempt_1
    """,
    "DROP TABLE reader_1",
    "DROP TABLE delivery_1",
    "DROP TABLE attempt_1",
)

# To version -> what is done before and after the tables that are not there are made.
_STEPS = {2: (_TO_2, _AFTER_2)}


def upgrade(connection: Connection, version: int) -> None:
    """Bring a database of this version up to date; undone as a whole with its transaction."""
    for step in range(version + 1, schema.VERSION + 1):
        before, after = _STEPS[step]
        for statement in before:
            connection.exec_driver_sql(statement)
        schema.metadata.create_all(connection)
        for statement in after:
            connection.exec_driver_sql(statement)
    connection.execute(update(schema.about).values(schema_version=schema.VERSION))
