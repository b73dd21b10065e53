"""A database of an earlier version -> one of this version, in one transaction."""

from sqlalchemy import Connection, update

from newsletter.readers import schema

_TO_2 = (
    "ALTER TABLE delivery ADD COLUMN committed_at INTEGER",
    "ALTER TABLE delivery ADD COLUMN host TEXT NOT NULL DEFAULT ''",
    "DROP INDEX attempt_of",
    "ALTER TABLE attempt RENAME TO attempt_1",
)
_AFTER_2 = (
    """
    INSERT OR IGNORE INTO attempt
    SELECT issue_key, reader_id, 0, at, outcome, phase, code, detail, '', '', 0 FROM attempt_1
    """,
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
