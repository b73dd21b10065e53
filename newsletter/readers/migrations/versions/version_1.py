"""Version 1: the first tables; nothing leads there, since new databases are made whole."""

revision = "1"
down_revision = None


def upgrade() -> None:
    raise AssertionError("no database is older than its first version")
