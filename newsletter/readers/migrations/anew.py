"""A table made anew in the place of an old one, where SQLite could not alter what there is to be altered."""

from alembic import op


def make_anew(table: str, made: str, filled: str) -> None:
    """Make a table by the statement `made` and fill it by `filled` from the old one, then called old_TABLE.

    The old one's indexes must be gone: their names are needed.
    """
    op.rename_table(table, f"old_{table}")
    op.execute(made)
    op.execute(filled)
    op.drop_table(f"old_{table}")
