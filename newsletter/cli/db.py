"""`newsletter db`: the database itself, when it changes with the press or moves to a server."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.ask import ask_word
from newsletter.cli.lock import AnotherRun, is_sending
from newsletter.cli.press import Press
from newsletter.cli.screen import number, say
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from newsletter.readers.database import Database
    from newsletter.readers.moving import Moved


@click.group()
def db() -> None:
    """Look after the database itself.

    \b
    Example:
      newsletter db upgrade
    """


@db.command(short_help="Make the tables, or bring them to the version of the press.")
@click.option("--yes", is_flag=True, help="Ask nothing: there is a copy.")
@click.pass_obj
def upgrade(press: Press, yes: bool) -> None:
    """Make the tables in an empty database, or bring those of an earlier press up to date.

    All of it is done, or nothing. A database in a file is copied first, and stays beside it as it was; of one
    on a server you make a copy yourself.

    \b
    Example:
      newsletter db upgrade
    """
    from newsletter.readers.database import unchecked

    store = press.config.store
    with unchecked(store.url, press.root, password=store.password) as database:
        _upgrade(press, database, yes=yes)
        _upgrade_queue(database)
    if (press.config.state / "rehearsal.db").exists():
        with unchecked("sqlite:///.newsletter/rehearsal.db", press.root) as rehearsal:
            rehearsal.make()
            if rehearsal.is_behind():
                rehearsal.upgrade()


def _upgrade_queue(database: "Database") -> None:
    """The tables of the queue that workers have their batches from, on a server."""
    if database.conninfo:
        from newsletter.fleet.engine import upgrade

        if upgrade(database.conninfo):
            say("The queue for workers is ready.")


def _upgrade(press: Press, database: "Database", *, yes: bool) -> None:
    from newsletter.readers.schema import VERSION
    from newsletter.readers.sqlite import Sqlite

    if database.make():
        say(f"The tables are made, of version {VERSION}.")
        return
    if not database.is_behind():
        say(f"There is nothing to do: the tables are of version {VERSION}.")
        return
    before = database.version()
    if isinstance(database, Sqlite):
        path = Path(f"{database.where}.version-{before}")
        database.copy(path)
        kept = f" As they were, they stand in {path}: delete that once all is well, for people are in it."
    else:
        question = "Is there a copy, as by pg_dump? Type upgrade to go on"
        ask_word("upgrade", question, yes=yes, where="--yes")
        kept = ""
    database.upgrade()
    say(f"The tables were of version {before}, and are of version {VERSION} now.{kept}")


@db.command(short_help="Carry the publication over to a PostgreSQL server.")
@click.argument("url")
@click.pass_obj
def move(press: Press, url: str) -> None:
    """Carry the publication over from its file to the empty database on a PostgreSQL server.

    Every row is compared afterwards. The file stays, and takes no more changes. A password comes from
    NEWSLETTER_STORE_PASSWORD, or as it does to psql.

    \b
    Example:
      newsletter db move postgresql://press@db.example.org/news
    """
    from newsletter.readers.database import unchecked
    from newsletter.readers.ledger import Ledger
    from newsletter.stores import read_store

    table = press.store_table(url)
    target_store = read_store(table)
    if target_store.file:
        hint = "newsletter db move postgresql://press@db.example.org/news"
        raise ConfigError(f"{url!r} is not a server's", where="URL", hint=hint)
    if not press.config.store.file:
        raise ConfigError("the publication is on a server already", where="[store] url")
    with press.database() as source:
        for key in Ledger(source).issue_keys():
            if is_sending(press, key):
                hint = f"newsletter status {key} --watch, and move when it is done"
                raise AnotherRun(f"{key} is being sent", where=press.shown(press.config.state), hint=hint)
        with unchecked(url, press.root, password=target_store.password) as target:
            _move(source, target, url)
            _upgrade_queue(target)
    say(f'Now write url = "{url}" below [store] in newsletter.toml.')
    say(f"{source.where} stays as it was, and takes no more changes.")


def _move(source: "Database", target: "Database", url: str) -> None:
    from newsletter.readers.moving import move
    from newsletter.readers.postgresql import Postgresql
    from newsletter.readers.sqlite import Sqlite

    def told(moved: "Moved") -> None:
        say(f"  {moved.table:<10} {number(moved.rows):>12} rows, each the same; digest {moved.digest[:16]}")

    assert isinstance(source, Sqlite)
    assert isinstance(target, Postgresql)
    target.make()
    target.check()
    move(source, target, url, told=told)
