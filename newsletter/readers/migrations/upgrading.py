"""A database of an earlier version -> one of this version, step by step, by Alembic.

The version stands where it always stood, in `about`; each step is a file of `versions`.
"""

from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.ddl.sqlite import SQLiteImpl
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Dialect, Integer, MetaData, Table, TypeDecorator

_VERSIONS = Path(__file__).parent / "versions"


class _Number(TypeDecorator[str]):
    """A version is a number with us and a name with Alembic."""

    impl = Integer
    cache_ok = True

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)


class _Ours:
    """Where Alembic finds the version, whatever the database."""

    def version_table_impl(self, *, version_table: str, **options: Any) -> Table:
        return Table(version_table, MetaData(), Column("schema_version", _Number(), key="version_num"))


class _Sqlite(_Ours, SQLiteImpl):
    __dialect__ = "sqlite"


class _Postgresql(_Ours, PostgresqlImpl):
    __dialect__ = "postgresql"


def upgrade(connection: Connection) -> None:
    """Bring a database up to date, within the connection's transaction: all of it or none."""
    script = _script()

    def steps(revision: Any, _context: MigrationContext) -> Any:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection, version_table="about")
        with environment.begin_transaction():
            environment.run_migrations()


def newest() -> int:
    """The version that the steps lead to."""
    return int(_script().get_current_head() or 0)


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(_VERSIONS.parent), version_locations=[str(_VERSIONS)])
