"""The commands; the only place where the parts are joined.

Each command's module imports nothing but click and the press's own small modules at its top: whatever is slow
to load is loaded by the command that uses it, so that `newsletter --help` is instant.
"""

import importlib
import signal
import sys
from datetime import datetime
from pathlib import Path

import click

from newsletter import __version__
from newsletter.errors import NewsletterError

# In the order of an editor's day: what --help lists.
_COMMANDS = {
    "init": "newsletter.cli.desk:init",
    "new": "newsletter.cli.desk:new",
    "import": "newsletter.cli.desk:import_article",
    "check": "newsletter.cli.compose:check",
    "build": "newsletter.cli.compose:build",
    "test": "newsletter.cli.send:test",
    "send": "newsletter.cli.send:send",
    "status": "newsletter.cli.status:status",
    "readers": "newsletter.cli.readers:readers",
    "demo": "newsletter.cli.demo:demo",
}


class _Commands(click.Group):
    """The commands by name, each loaded when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96})
@click.option("-C", "folder", type=click.Path(path_type=Path), help="Work as if started in this folder.")
@click.option(
    "--clock", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="Take this for the time, to try things out."
)
@click.version_option(__version__, prog_name="newsletter")
@click.pass_context
def cli(context: click.Context, folder: Path | None, clock: datetime | None) -> None:
    """Write, check and send the newsletter of every weekday morning.

    \b
    Example:
      newsletter new
      newsletter check
      newsletter test --to me@example.org
      newsletter send
    """
    from newsletter.cli.press import Press

    context.obj = Press(folder or Path.cwd(), clock)


def main() -> None:
    """Run the command line and exit with a documented code (docs/exit-codes.md)."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; what a person can put right is told in two lines, and its exit code returned."""
    # A reader of our output that goes away (`newsletter status | head`) ends us quietly.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        result = cli.main(arguments, prog_name="newsletter", standalone_mode=False)
    except NewsletterError as error:
        _tell(error)
        return error.exit_code
    except click.exceptions.Abort:
        click.echo("Interrupted: nothing was begun that is not written down.", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return result if isinstance(result, int) else 0


def _tell(error: NewsletterError) -> None:
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {error}", err=True)
    if error.hint:
        click.echo(f"{click.style('Hint:', fg='cyan', bold=True)} {error.hint}", err=True)
