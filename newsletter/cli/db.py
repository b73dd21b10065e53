"""`newsletter db`: the database itself, when it changes with the press."""

import click

from newsletter.cli.press import Press
from newsletter.cli.screen import say


@click.group()
def db() -> None:
    """Look after the database itself.

    \b
    Example:
      newsletter db upgrade
    """


@db.command()
@click.pass_obj
def upgrade(press: Press) -> None:
    """Make the tables in an empty database.

    \b
    Example:
      newsletter db upgrade
    """
    from newsletter.readers.database import make

    store = press.config.store
    if make(store.url, press.root, password=store.password):
        say("The tables are made.")
    else:
        say("There is nothing to be done.")
