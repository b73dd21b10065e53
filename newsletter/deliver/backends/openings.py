"""Connections to a mail server, opened beside each other: each takes several round trips, or minutes."""

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from newsletter.deliver.backends.session import Session
from newsletter.errors import Unavailable


class Openings:
    """Sessions being opened, a thread each; a selector may wait for it: it is readable when one is done."""

    def __init__(self, open_session: Callable[[], Session]) -> None:
        """Raises `Unavailable` if the system has no sockets left for us."""
        self._open_session = open_session
        self._results: queue.SimpleQueue[Session | Unavailable] = queue.SimpleQueue()
        try:
            self._bell, self._rope = socket.socketpair()
        except OSError as error:
            message = f"no connection can be opened: {error.strerror}"
            raise Unavailable(message, hint="allow more open files: ulimit -n 1024") from error
        self._bell.setblocking(False)
        self._closed = False
        self.under_way = 0

    def fileno(self) -> int:
        return self._bell.fileno()

    def begin(self) -> None:
        self.under_way += 1
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self) -> None:
        result: Session | Unavailable
        try:
            result = self._open_session()
        except Unavailable as error:
            result = error
        except Exception as error:  # a thread has nobody to tell
            result = Unavailable(f"no connection could be opened: {type(error).__name__}: {error}")
        self._results.put(result)
        with suppress(OSError):  # nobody is waiting any more
            self._rope.send(b".")
        if self._closed:
            self._hang_up()

    def results(self) -> Iterator[Session | Unavailable]:
        """What has been opened, or could not be, since the last time."""
        try:
            self._bell.recv(4096)
        except BlockingIOError:
            return
        while not self._results.empty():
            self.under_way -= 1
            yield self._results.get()

    def close(self) -> None:
        """Forget what is still being opened: it is hung up when it is there."""
        self._closed = True
        self._hang_up()
        self._bell.close()
        self._rope.close()

    def _hang_up(self) -> None:
        with suppress(queue.Empty):
            while True:
                result = self._results.get_nowait()
                if isinstance(result, Session):
                    result.hang_up()
