"""Plain backends -> a carrier of many messages: a thread for each, and one commit for all that are ready."""

import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from newsletter.deliver.backend import Backend, Ended, Ready, Work
from newsletter.errors import DeliveryError, InDoubt, NewsletterError, Unavailable, Vetoed
from newsletter.model import Message

WATCH_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class _Line:
    """One backend with its thread.

    `answer` is why its message must not leave, None while nothing speaks against it; `vetoed` says that the
    ledger will have nothing more to do with the message.
    """

    backend: Backend
    inbox: "queue.SimpleQueue[Message | None]" = field(default_factory=queue.SimpleQueue)
    message: Message | None = None
    started: float = 0.0
    committed: bool = False
    vetoed: bool = False
    answered: threading.Event = field(default_factory=threading.Event)
    answer: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """What a thread tells: that its message is ready to leave, or what became of it."""

    line: _Line
    result: str | BaseException | None


class Threads:
    """Each message is handed over by one plain backend, in that backend's own thread."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self._lines = [_Line(backend) for backend in backends]
        self._told: queue.SimpleQueue[_Told] = queue.SimpleQueue()
        self._opened = 0
        self._most = 0
        self._failure: NewsletterError | None = None

    def open(self) -> None:
        """Open the first backend, or raise what it raises; the others are opened when they are needed."""
        self._opened = 0
        self._open_one()

    def _open_one(self) -> None:
        self._lines[self._opened].backend.open()
        self._opened += 1

    def close(self) -> None:
        """Close all that were opened; never raises."""
        for line in self._lines[: self._opened]:
            line.backend.close()
        self._opened = 0

    def carry(self, work: Work, connections: int) -> Iterator[None]:
        """See `CarriesMany.carry`."""
        threads: list[_Line] = []
        idle: list[_Line] = []
        self._most = min(connections, len(self._lines))
        try:
            while True:
                rest = self._hand_out(work, threads, idle)
                if len(idle) == len(threads):
                    if self._failure:
                        raise self._failure
                    if rest is None:
                        return
                    work.rest(rest)
                    continue
                told = self._hear(WATCH_SECONDS if rest is None else min(rest, WATCH_SECONDS))
                idle += [each.line for each in told if each.result is not None]
                if told:
                    self._turn(work, told)
                    yield
        finally:
            for line in threads:
                if line not in idle:
                    line.answer = line.answer or Unavailable("the run was broken off")
                    line.answered.set()
                line.inbox.put(None)
            self._failure = None

    def _hand_out(self, work: Work, threads: list[_Line], idle: list[_Line]) -> float | None:
        """Give messages to idle lines, or to new ones; returns how long to wait for a message."""
        while not self._failure and (idle or len(threads) < self._most):
            try:
                found = work.next()
            except NewsletterError as error:
                self._failure = error
                return None
            if not isinstance(found, Message):
                return found
            line = idle.pop() if idle else self._start(threads)
            if line is None:
                work.put_back(found)
                continue
            line.message, line.answer = found, None
            line.committed = line.vetoed = False
            line.answered.clear()
            line.started = time.monotonic()
            line.inbox.put(found)
        return None

    def _start(self, threads: list[_Line]) -> _Line | None:
        """One line more; None if it cannot be opened, which is a failure unless others do the work."""
        line = self._lines[len(threads)]
        if len(threads) >= self._opened:
            try:
                self._open_one()
            except Exception as error:  # told when what is under way has ended, whatever it is
                if threads and isinstance(error, Unavailable) and error.passing:
                    self._most = len(threads)
                else:
                    self._failure = _failure(error, committed=False)
                return None
        threads.append(line)
        threading.Thread(target=self._serve, args=(line,), daemon=True).start()
        return line

    def _serve(self, line: _Line) -> None:
        while message := line.inbox.get():
            result: str | BaseException
            try:
                # One that returns nothing has sent all the same.
                result = str(line.backend.send(message, self._commit_of(line)) or "")
            except BaseException as error:  # told to the thread that asked, whatever it is
                result = error
            self._told.put(_Told(line, result))

    def _commit_of(self, line: _Line) -> Callable[[], None]:
        def commit() -> None:
            if not (line.committed or line.answer):
                self._told.put(_Told(line, None))
                line.answered.wait()
            if line.answer and not line.committed:
                raise line.answer

        return commit

    def _hear(self, seconds: float) -> list[_Told]:
        try:
            told = [self._told.get(timeout=seconds)]
        except queue.Empty:
            return []
        while not self._told.empty():
            told.append(self._told.get())
        return told

    def _turn(self, work: Work, told: Sequence[_Told]) -> None:
        ended = [end for each in told if (end := self._ended(work, each))]
        ready = [each.line for each in told if each.result is None]
        messages = [Ready(line.message) for line in ready if line.message]
        held: Collection[str] = ()
        try:
            if not self._failure:
                held = work.turn(ended, messages)
            elif ended:
                work.turn(ended, ())
        except NewsletterError as error:
            self._failure = self._failure or error
        for line in ready:
            line.vetoed = line.message is not None and line.message.id in held
            line.answer = self._failure or (Vetoed("withheld") if line.vetoed else None)
            line.committed = line.answer is None
            line.answered.set()
        for each in told:
            self._see_to_forgotten(work, each)

    def _see_to_forgotten(self, work: Work, told: _Told) -> None:
        """A receipt says that a message has left: it must not be sent again, whatever the plug-in forgot."""
        message = told.line.message
        if not isinstance(told.result, str) or told.line.committed or message is None:
            return
        words = "the backend sent a message that must not leave"
        if not told.line.vetoed:
            words = "the backend sent a message without committing it first"
            if not work.turn((), (Ready(message),)):
                work.turn((Ended(message, told.result, committed=True),), ())
        self._failure = Unavailable(words, hint="tell the backend's author")

    def _ended(self, work: Work, told: _Told) -> Ended | None:
        """What became of a message; None if nothing is to be noted, since it never left and stays owed."""
        line, result, message = told.line, told.result, told.line.message
        if message is None or result is None or line.vetoed:
            return None
        if isinstance(result, str) and not line.committed:
            return None
        if line.answer is not None:  # whatever was made of it
            work.put_back(message)
            return None
        taken = round((time.monotonic() - line.started) * 1000)
        if isinstance(result, str) or _is_about_one(result):
            return Ended(message, result, line.committed, milliseconds=taken)
        self._failure = self._failure or _failure(result, committed=line.committed)
        if line.committed:
            return Ended(message, InDoubt(str(result)), committed=True, milliseconds=taken)
        work.put_back(message)
        return None


def _is_about_one(result: BaseException) -> TypeGuard[DeliveryError]:
    return isinstance(result, DeliveryError) and not isinstance(result, Unavailable | Vetoed)


def _failure(error: BaseException, *, committed: bool) -> NewsletterError:
    """What ends the run; a plug-in may raise anything."""
    if isinstance(error, NewsletterError):
        return error
    hint = "the message is in doubt" if committed else "the message is still owed; tell the backend's author"
    failed = Unavailable(f"the backend failed: {type(error).__name__}: {error}", hint=hint)
    failed.__cause__ = error
    return failed
