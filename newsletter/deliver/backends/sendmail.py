"""Message -> the `sendmail` command of this machine's mail server.

Postfix, Exim, Sendmail, msmtp and others have one. Such a command takes the end of what it reads for the end
of the mail. Were it fed through a pipe, a run that is killed would close the pipe, and half a mail would
leave (Postfix 3.7 queues it). So it is given the whole mail as a file, and the point of no return is its
start: `commit`, then the command.
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Self

from newsletter.deliver.smtp_protocol import Phase, envelope_address
from newsletter.errors import Blocked, Deferred, DeliveryError, InDoubt, Refused, Unavailable
from newsletter.model import Message
from newsletter.settings import Table, without_secrets

SECONDS = 600.0
"""What the command may take; a server has as long for its answer to the final dot (RFC 5321 §4.5.3.2.6)."""

CHARACTERS = 500
"""Of what the command says on standard error, as kept in errors."""

_HINT = 'install a mail server, or write command = "…" in [backends.sendmail]'

# Exit codes as sysexits.h names them, and as msmtp, which speaks with the relay itself, uses them.
_MEANS: dict[int, type[DeliveryError]] = {
    64: Blocked,  # USAGE
    65: Refused,  # DATAERR: an address that is none; msmtp: the relay refused the recipient for good
    66: Blocked,  # NOINPUT
    67: Refused,  # NOUSER
    68: Deferred,  # NOHOST: the recipient's, but msmtp's own relay, which is nobody's fault for good
    69: Deferred,  # UNAVAILABLE; msmtp: the relay put the recipient off
    70: Blocked,  # SOFTWARE
    71: Deferred,  # OSERR
    72: Blocked,  # OSFILE
    73: Deferred,  # CANTCREAT
    74: InDoubt,  # IOERR; msmtp: the connection broke, maybe after the dot
    75: Deferred,  # TEMPFAIL
    76: InDoubt,  # PROTOCOL; msmtp: no answer, maybe to the dot
    77: Blocked,  # NOPERM
    78: Blocked,  # CONFIG
    126: Blocked,  # a shell found the command and could not run it (POSIX)
    127: Blocked,  # a shell did not find it
}


class SendmailBackend:
    """Runs `COMMAND -i -f SENDER -- RECIPIENT` for each message, without a shell."""

    reaches_people: bool = True

    def __init__(self, command: Sequence[str], *, seconds: float = SECONDS) -> None:
        self._command = tuple(command)
        self._seconds = seconds

    @classmethod
    def configured(cls, table: Table) -> Self:
        """From `[backends.sendmail]`; raises ConfigError."""
        text = table.string("command", "/usr/sbin/sendmail")
        table.done()
        try:
            command = shlex.split(text)
        except ValueError as error:
            raise table.error("command", f"{text!r} cannot be read: {error}", "close the quotes") from error
        if not command or not shutil.which(command[0]):
            raise table.error("command", f"no program {text!r} can be run here", _HINT)
        return cls(command)

    def open(self) -> None:
        """See that the command is there; raises `Unavailable`."""
        if not shutil.which(self._command[0]):
            raise Unavailable("cannot be run", where=self._command[0], hint=_HINT)

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        """Run the command with one message, and return that it was taken.

        Its lines end with LF, as such commands read them: all take LF, and not all take CRLF for one line
        end. Raises as `Backend.send` says. After `commit` the exit code decides: a code that has no agreed
        meaning is `Unavailable`, which leaves this message in doubt and ends the run before there are many; a
        command that is killed or takes too long is `InDoubt`, and stopped.
        """
        recipient = envelope_address(message.recipient)
        try:
            sender = envelope_address(message.sender)
        except Refused as error:
            raise Unavailable(f"the sender cannot be used: {error}", phase=Phase.MAIL) from error
        arguments = [*self._command, "-i", "-f", sender, "--", recipient]
        with _file(message.content.replace(b"\r\n", b"\n")) as mail, _file(b"") as words:
            commit()
            code = self._run(arguments, mail, words)
            if code:
                raise self._error(code, _read(words))
        return f"taken by {self._command[0]}"

    def close(self) -> None:
        """Nothing is held open."""

    def _run(self, arguments: list[str], mail: IO[bytes], words: IO[bytes]) -> int:
        """The command's exit code, negative if a signal ended it.

        It stands in a session of its own, where Ctrl-C does not reach it, and is told none of our secrets.
        What it says goes to a file: a pipe would have to be read, and daemons that it leaves behind hold it
        open.
        """
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and both addresses are in the form of an address
                arguments,
                stdin=mail,
                stdout=subprocess.DEVNULL,
                stderr=words,
                env=without_secrets(os.environ),
                start_new_session=True,
            )
        except OSError as error:
            raise Blocked(
                f"cannot be started: {error.strerror}", where=self._command[0], hint=_HINT
            ) from error
        try:
            return process.wait(self._seconds)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise InDoubt(f"took over {self._seconds:g} seconds", where=self._command[0]) from error
            raise

    def _error(self, code: int, said: str) -> DeliveryError:
        where = self._command[0]
        if code < 0:
            return InDoubt(f"was ended by signal {-code}", where=where, reply=said)
        words = f"ended with {code}: {said}" if said else f"ended with {code}"
        kind = _MEANS.get(code, Unavailable)
        hint = "run it by hand to see what it means" if kind in (Blocked, Unavailable) else ""
        return kind(words, where=where, hint=hint, reply=said)


def _file(content: bytes) -> IO[bytes]:
    """A file without a name, to be read from its start; raises `Unavailable`."""
    file = None
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - who asks for it closes it
        file.write(content)
        file.seek(0)
    except OSError as error:
        if file is not None:
            with suppress(OSError):
                file.close()
        raise Unavailable(
            f"cannot be written to: {error.strerror}",
            where=tempfile.gettempdir(),
            hint="make room on the disk, then go on",
        ) from error
    return file


def _read(words: IO[bytes]) -> str:
    """What the command said, on one line."""
    words.seek(0)
    lines = words.read(4 * CHARACTERS).decode("utf-8", "backslashreplace").splitlines()
    text = " ".join(line for line in lines if line)
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return visible if len(visible) <= CHARACTERS else visible[: CHARACTERS - 1] + "…"
