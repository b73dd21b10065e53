"""Many connections to a mail server, carried by one thread: each turn is one commit for all that is ready.

The letters whose text has gone out without its dot are committed together; then their dots go out. So a
message costs one round trip and a share of one durable write, and whatever happens, no more are in doubt than
there are connections.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from selectors import EVENT_READ as READ
from selectors import EVENT_WRITE as WRITE
from selectors import DefaultSelector

from newsletter.deliver.backend import Ended, Ready, Work
from newsletter.deliver.backends.connection import Connection
from newsletter.deliver.backends.openings import Openings
from newsletter.deliver.backends.session import Deadlines, Session
from newsletter.deliver.smtp_line import Ended as LetterEnded
from newsletter.deliver.smtp_line import Letter, Line, letter
from newsletter.deliver.smtp_protocol import RATE_LIMIT_SECONDS
from newsletter.errors import DeliveryError, NewsletterError, Unavailable
from newsletter.model import Message

RATE_LIMIT = "4.7.28"
WATCH_SECONDS = 0.5
"""How often deadlines are looked at: they are minutes long."""

GAIN = 50
"""Messages accepted before another connection is tried, after a server wanted no more of them."""


class SmtpLines:
    """The connections of one run; `open_session` opens one, and may be called by many threads."""

    def __init__(self, open_session: Callable[[], Session], deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._selector = DefaultSelector()
        self._open_session = open_session
        self._openings = Openings(open_session)
        self._selector.register(self._openings, READ, None)
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []
        self._ready: set[Connection] = set()
        self._blocked: set[Connection] = set()
        self._ended: list[Ended] = []
        self._committed: set[str] = set()
        self._in_hand: deque[Message] = deque()
        self._failure: NewsletterError | None = None
        self._allowed: int | None = None
        self._accepted = 0
        self._watched = 0.0

    def add(self, session: Session) -> None:
        """Take over a session that nothing has been said on; raises `Unavailable` if it is dead already."""
        connection = Connection(session, self._deadlines)
        self._connections.add(connection)
        self._selector.register(connection, READ, connection)
        self._idle.append(connection)

    def carry(self, work: Work, connections: int) -> Iterator[None]:
        """See `CarriesMany.carry`."""
        try:
            while True:
                rest = self._hand_out(work, connections)
                if self._failure:
                    self._abandon()
                if not self._ended and not self._under_way():
                    if self._failure:
                        raise self._failure
                    if rest is None:
                        return
                    work.rest(rest)
                    self._listen(0)  # to those who have hung up meanwhile
                    continue
                self._listen(WATCH_SECONDS if rest is None else min(rest, WATCH_SECONDS))
                self._watch()
                if self._turn(work):
                    yield
        finally:
            while self._in_hand:
                work.put_back(self._in_hand.pop())
            self._leave()
            self._failure = None

    def _under_way(self) -> bool:
        """Whether anything is to be waited for; a connection only where there is something to carry on it."""
        if len(self._idle) < len(self._connections):
            return True
        return bool(self._in_hand and self._openings.under_way) and not self._failure

    # ---- messages ----

    def _hand_out(self, work: Work, connections: int) -> float | None:
        """Give messages to idle connections, or have more opened; returns how long to wait for a message."""
        while not self._failure:
            while self._idle and self._idle[-1].line.spent:
                self._drop(self._idle[-1])
            if not self._idle and self._connections and self._room(connections) <= 0:
                return None
            rest = self._take(work)
            if rest != 0:
                return rest
            if not self._idle:
                self._open_more(connections)
                return None
            if new := self._letter(self._idle[-1].line):
                connection = self._idle.pop()
                self._after(connection, connection.begin(new))
        return None

    def _take(self, work: Work) -> float | None:
        """Have a message in hand: 0; or how long to wait for one, None if there is none."""
        if self._in_hand:
            return 0
        try:
            found = work.next()
        except NewsletterError as error:
            self._fail(error)
            return None
        if isinstance(found, Message):
            self._in_hand.append(found)
            return 0
        return found

    def _letter(self, line: Line) -> Letter | None:
        """The message in hand made ready for a line; None if it cannot be, which is noted."""
        message = self._in_hand.popleft()
        try:
            new = letter(message, line.extensions)
        except Unavailable as error:
            self._fail(error)
            self._in_hand.append(message)
            return None
        except DeliveryError as error:
            self._ended.append(Ended(message, error, committed=False, host=line.host))
            return None
        new.started = time.monotonic()
        return new

    def _turn(self, work: Work) -> bool:
        """One commit for all that is ready, one entry for all that has ended; False if there is nothing."""
        ready = [c for c in self._ready if c.line.ready]
        self._ready.clear()
        if self._failure:
            ready = []
        if not ready and not self._ended:
            return False
        ended, self._ended = self._ended, []
        letters = [c.line.ready for c in ready]
        messages = [Ready(new.message, c.line.host) for c, new in zip(ready, letters, strict=True) if new]
        try:
            held = work.turn(ended, messages)
        except NewsletterError as error:
            self._fail(error)
            return True
        self._committed.update(message.id for message, _ in messages if message.id not in held)
        for connection, message in zip(ready, messages, strict=True):
            if message.message.id in held:
                self._drop(connection)
        # Whoever has spoken meanwhile has spoken out of turn, and gets no dot.
        self._listen(0)
        # All dots at once: a server that is awake takes them for less than one that is woken for each.
        going = [(c, self._following(c.line, work)) for c in ready if c in self._connections]
        for connection, following in going:
            self._after(connection, connection.finish(following))
        if not self._failure:
            work.prepare(len(ready))
        return True

    def _following(self, line: Line, work: Work) -> Letter | None:
        """A letter to be offered in one go with the dot of the one before, None if that cannot be."""
        while line.takes_more and not self._failure and self._take(work) == 0:
            if new := self._letter(line):
                return new
        return None

    def _note(self, connection: Connection, ended: list[LetterEnded]) -> None:
        for new, result in ended:
            message = new.message
            committed = message.id in self._committed
            self._committed.discard(message.id)
            if result is None or isinstance(result, Unavailable):
                self._in_hand.append(message)
                if result:
                    self._fail(result)
                continue
            taken = round((time.monotonic() - new.started) * 1000)
            line = connection.line
            self._ended.append(Ended(message, result, committed, line.host, connection.tls, taken))
            if isinstance(result, str):
                self._accepted += 1
            elif result.reply[4:].startswith(RATE_LIMIT):
                self._slow_down(result)

    # ---- trouble ----

    def _fail(self, error: NewsletterError) -> None:
        """End this run when all that has its dot is answered; the first failure is the one to tell."""
        self._failure = self._failure or error

    def _slow_down(self, error: DeliveryError) -> None:
        """Stop, and go on later with one connection (Gmail's rules for senders, 4.7.28)."""
        self._allowed = 1
        self._accepted = 0
        words = "the server asks us to slow down"
        self._fail(
            Unavailable(words, where=error.where, reply=error.reply, passing=True, wait=RATE_LIMIT_SECONDS)
        )

    def _abandon(self) -> None:
        """Hang up wherever no dot is out: what is there stays owed."""
        for connection in [*self._connections]:
            if not connection.line.awaiting_dot and not connection.line.idle:
                for new, _ in connection.lost("given up"):
                    self._in_hand.append(new.message)
                self._drop(connection)

    def _watch(self) -> None:
        """Give up the connections whose time is up."""
        now = time.monotonic()
        if now - self._watched < WATCH_SECONDS:
            return
        self._watched = now
        for connection in [*self._connections]:
            if connection.overdue(now):
                self._after(connection, connection.lost("time was up"))

    # ---- connections ----

    def _room(self, connections: int) -> int:
        """How many more may be opened.

        After a server has declined some, or asked us to slow down, one is added at a time.
        """
        if self._allowed is not None:
            self._allowed = max(1, min(connections, self._allowed + self._accepted // GAIN))
            self._accepted %= GAIN
            connections = self._allowed
        return connections - len(self._connections) - self._openings.under_way

    def _open_more(self, connections: int) -> None:
        """As many more as there are: a long run is soon at full strength, and a short one opens few."""
        there = max(1, len(self._connections))
        more = min(self._room(connections), there - self._openings.under_way)
        for _ in range(more):
            self._openings.begin()

    def _opened(self) -> None:
        for result in self._openings.results():
            try:
                if isinstance(result, Unavailable):
                    raise result
                self.add(result)
            except Unavailable as error:
                # A server that takes no more connections is no trouble while it serves those it has.
                self._allowed, self._accepted = max(1, len(self._connections)), 0
                if error.wait:
                    self._slow_down(error)
                elif not error.passing or not (self._connections or self._openings.under_way):
                    self._fail(error)

    def _drop(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._selector.unregister(connection)
            connection.close()
            self._blocked.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _leave(self) -> None:
        """Take leave of the server where nothing is under way, and hang up."""
        idle, self._idle = self._idle, []
        for connection in idle:
            with suppress(OSError):
                connection.socket.send(b"QUIT\r\n")
        ends = time.monotonic() + self._deadlines.quit
        for connection in idle:
            self._selector.unregister(connection)
            self._connections.remove(connection)
            connection.leave(ends)
        for connection in [*self._connections]:
            self._drop(connection)
        self._selector.unregister(self._openings)
        self._openings.close()
        self._openings = Openings(self._open_session)
        self._selector.register(self._openings, READ, None)

    def close(self) -> None:
        """Hang up whatever there is."""
        for connection in [*self._connections]:
            self._drop(connection)
        self._openings.close()
        self._selector.close()

    # ---- events ----

    def _listen(self, seconds: float) -> None:
        for key, events in self._selector.select(0 if self._ended else seconds):
            connection = key.data
            if connection is None:
                self._opened()
            elif connection in self._connections:
                was_idle = connection.line.idle
                self._after(connection, connection.read() if events & READ else connection.write())
                if connection.line.idle and not was_idle:
                    self._idle.append(connection)

    def _after(self, connection: Connection, ended: list[LetterEnded]) -> None:
        """Note what has ended, and what is to be seen to next."""
        if ended:
            self._note(connection, ended)
        line = connection.line
        if line.closed:
            self._drop(connection)
            return
        if line.ready:
            self._ready.add(connection)
        if connection.blocked or connection in self._blocked:
            self._wait_to_write(connection)

    def _wait_to_write(self, connection: Connection) -> None:
        self._selector.modify(connection, READ | WRITE if connection.blocked else READ, connection)
        (self._blocked.add if connection.blocked else self._blocked.discard)(connection)
