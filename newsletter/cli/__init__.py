"""The commands; the only place where the parts are joined.

Each command's module imports nothing but click and the press's own small modules at its top: whatever is slow
to load is loaded by the command that uses it, so that `newsletter --help` is instant.
"""

import importlib
import io
import os
import sys
from datetime import datetime
from pathlib import Path

import click

from newsletter import __version__
from newsletter.cli.screen import say, styled
from newsletter.errors import ConfigError, NewsletterError, nearest

# In the order of an editor's day: what --help lists.
_COMMANDS = {
    "init": "newsletter.cli.desk:init",
    "new": "newsletter.cli.desk:new",
    "import": "newsletter.cli.desk:import_article",
    "check": "newsletter.cli.check:check",
    "preview": "newsletter.cli.preview:preview",
    "diff": "newsletter.cli.diff:diff",
    "build": "newsletter.cli.compose:build",
    "test": "newsletter.cli.send:test",
    "approve": "newsletter.cli.decide:approve",
    "send": "newsletter.cli.send:send",
    "schedule": "newsletter.cli.schedule:schedule",
    "status": "newsletter.cli.status:status",
    "settle": "newsletter.cli.settle:settle",
    "pause": "newsletter.cli.pause:pause",
    "resume": "newsletter.cli.pause:resume",
    "cancel": "newsletter.cli.decide:cancel",
    "worker": "newsletter.cli.worker:worker",
    "site": "newsletter.cli.site:site",
    "serve": "newsletter.cli.serve:serve",
    "form": "newsletter.cli.serve:form",
    "report": "newsletter.cli.report:report",
    "readers": "newsletter.cli.readers:readers",
    "bounces": "newsletter.cli.bounces:bounces",
    "db": "newsletter.cli.db:db",
    "dkim": "newsletter.cli.dkim:dkim",
    "doctor": "newsletter.cli.doctor:doctor",
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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # click itself would only look among commands that are loaded.
        if args[0] not in _COMMANDS and (meant := nearest(args[0], _COMMANDS)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {meant!r}?")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96})
@click.option("-C", "folder", type=click.Path(path_type=Path), help="Work as if started in this folder.")
@click.option(
    "--clock",
    type=click.DateTime(["%Y-%m-%dT%H:%M"]),
    metavar="YYYY-MM-DDTHH:MM",
    help="Take this for the time, to try things out.",
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

    if clock and not 1970 <= clock.year < 9999:  # so that there is a day before, and one after
        raise ConfigError(
            f"no issue is of the year {clock.year}", where="--clock", hint="write a year of ours"
        )
    try:
        context.obj = Press(folder or Path.cwd(), clock)
    except FileNotFoundError as error:
        hint = "go to a folder that is there: cd"
        raise ConfigError("the current folder is no longer there", where=".", hint=hint) from error


def main() -> None:
    """Run the command line and exit with a documented code (docs/exit-codes.md)."""
    _open_streams()
    code = run(sys.argv[1:])
    _close_streams()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; what a person can put right is told in two lines, and its exit code returned."""
    try:
        return _run(arguments)
    except (BrokenPipeError, SystemExit):
        # Whoever read our output has gone away (`newsletter status | head`), which click turns into an exit:
        # the shell's own code for it. The signal stays ignored, as it would end us too when a mail server
        # hangs up.
        return 141
    except OSError as error:
        if error.filename is not None:
            raise
        hint = "make room, or write it elsewhere"
        full = ConfigError(f"cannot be written: {error.strerror}", where="standard output", hint=hint)
        _tell(full)
        return full.exit_code


def _run(arguments: list[str]) -> int:
    try:
        result = cli.main(arguments, prog_name="newsletter", standalone_mode=False)
    except NewsletterError as error:
        _tell(error)
        return error.exit_code
    except click.exceptions.Abort:
        say("Interrupted: nothing was begun that is not written down.")
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return result if isinstance(result, int) else 0


def _tell(error: NewsletterError) -> None:
    say(f"{styled('Error:', 'red')} {error}")
    if error.hint:
        say(f"{styled('Hint:', 'cyan')} {error.hint}")


def _open_streams() -> None:
    """What we print is UTF-8 whatever the locale; a stream that was closed (`>&-`) leads nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


def _close_streams() -> None:
    """Drop what could not be printed, or Python would try again at its own end, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
