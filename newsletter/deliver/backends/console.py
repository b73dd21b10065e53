"""Message -> the terminal, whole: what would travel, for the eye or for a pipe."""

import sys
from collections.abc import Callable
from typing import Self, TextIO

from newsletter.errors import Unavailable
from newsletter.model import Message
from newsletter.settings import Table


class ConsoleBackend:
    """Prints each message with the terminal's line ends, and an empty line after it."""

    reaches_people: bool = False

    def __init__(self, stream: TextIO | None = None) -> None:
        """Print to `stream`, or else to what is standard output when the backend is opened."""
        self._given = stream
        self._stream: TextIO = stream or sys.stdout

    @classmethod
    def configured(cls, table: Table) -> Self:
        """From `[backends.console]`, which has no settings; raises ConfigError."""
        table.done()
        return cls()

    def open(self) -> None:
        """Find standard output."""
        self._stream = self._given or sys.stdout

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        """Print the message; raises `Unavailable` if nobody reads on, as after `| head`."""
        text = message.content.decode("ascii", "backslashreplace").replace("\r\n", "\n")
        commit()
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except OSError as error:
            raise Unavailable(f"cannot print: {error.strerror}", where="standard output") from error
        return f"printed, {len(message.content)} octets"

    def close(self) -> None:
        """Standard output stays open."""
