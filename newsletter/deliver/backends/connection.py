"""A socket on which a line is spoken: it blocks nobody, and knows when its time is up."""

import socket
import ssl
import time
from contextlib import suppress

from newsletter.deliver.backends.session import Deadlines, Session
from newsletter.deliver.smtp_line import Ended, Letter, Line
from newsletter.deliver.smtp_protocol import Phase

BLOCK = 65536

MORE = getattr(socket, "MSG_MORE", 0)
"""Where the kernel has this, the text waits for the dot that follows soon, and the server wakes up once."""

_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """One connection, opened and logged in; `blocked` says that the kernel takes no more for now.

    Methods return what has ended by what they did; `line.closed` says that the connection is of no more use.
    """

    def __init__(self, session: Session, deadlines: Deadlines) -> None:
        """Take over a session that nothing has been said on; raises `Unavailable` if it is dead already."""
        self.socket, replies = session.detach()
        self.socket.setblocking(False)
        self.line = Line(extensions=session.extensions, replies=replies, host=session.host)
        self.tls = session.tls
        self.blocked = False
        self._deadlines = deadlines
        self._text = memoryview(b"")
        self._more = 0 if isinstance(self.socket, ssl.SSLSocket) else MORE
        self._since = 0.0  # when the step began that the line is at

    def fileno(self) -> int:
        return self.socket.fileno()

    def overdue(self, now: float) -> bool:
        """Whether the step it is at has taken longer than it may; `now` is monotonic seconds."""
        phase = self.line.phase
        if phase is None:
            return False
        allowed = self._deadlines.block if phase is Phase.TEXT else self._deadlines.of(phase)
        return now - self._since > allowed

    def begin(self, letter: Letter) -> list[Ended]:
        self.line.begin(letter)
        return self.write()

    def finish(self, following: Letter | None) -> list[Ended]:
        self.line.finish(following)
        return self.write()

    def lost(self, why: str) -> list[Ended]:
        return self.line.lost(why)

    def read(self) -> list[Ended]:
        """Take in what is there, and go on with what that allows."""
        line = self.line
        answers = line.answers
        try:
            ended = self._heard()
        except _LATER:
            return []
        except OSError as error:
            return line.lost(error.strerror or str(error))
        if line.closed:
            return ended
        if line.text_wanted and not self._text:
            self._text = memoryview(b"".join(line.text_wanted.text.pieces))
        if self._text or line.output:
            return ended + self.write()
        if line.answers != answers:
            self._since = time.monotonic()
        return ended

    def _heard(self) -> list[Ended]:
        """What the bytes that are there end; TLS may hold more of them than the socket shows."""
        data = self.socket.recv(BLOCK)
        if not data:
            return self.line.lost("the server closed the connection")
        ended = self.line.feed(data)
        while isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() and not self.line.closed:
            ended += self.line.feed(self.socket.recv(BLOCK))
        return ended

    def write(self) -> list[Ended]:
        """Hand over what there is to hand over, as far as the kernel takes it."""
        line = self.line
        self.blocked = moved = False
        try:
            while line.output:
                line.written(self.socket.send(line.output))
                moved = True
            while self._text:
                self._text = self._text[self.socket.send(self._text, self._more) :]
                moved = True
                if not self._text:
                    line.text_written()
        except _LATER:
            self.blocked = True
        except OSError as error:
            return self._last_words() + line.lost(error.strerror or str(error))
        if moved:
            self._since = time.monotonic()
        return []

    def _last_words(self) -> list[Ended]:
        """What the server has still said before it hung up on us, perhaps that it has taken a message."""
        ended: list[Ended] = []
        with suppress(OSError):  # there is no more, or it is gone with the connection
            while not self.line.closed:
                ended += self._heard()
        return ended

    def leave(self, ends: float) -> None:
        """Wait for the answer to QUIT until `ends`, in monotonic seconds, and hang up."""
        with suppress(OSError):
            self.socket.settimeout(max(0.001, ends - time.monotonic()))
            self.socket.recv(BLOCK)
        self.close()

    def close(self) -> None:
        self.socket.close()
