"""Plain backends -> a carrier of many messages: a thread for each, and one commit for all that are ready."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from newsletter.deliver.backend import Backend, Ended, Ready, Work
from newsletter.errors import DeliveryError, InDoubt, NewsletterError, Unavailable, Vetoed
from newsletter.model import Message

WATCH_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class _Line:
    """One backend with its thread; `answer` is what the ledger says to a commit, None for yes."""

    backend: Backend
    inbox: "queue.SimpleQueue[Message | None]" = field(default_factory=queue.SimpleQueue)
    message: Message | None = None
    started: float = 0.0
    committed: bool = False
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
        try:
            while True:
                rest = self._hand_out(work, threads, idle, connections)
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
                line.inbox.put(None)
            self._failure = None

    def _hand_out(
        self, work: Work, threads: list[_Line], idle: list[_Line], connections: int
    ) -> float | None:
        """Give messages to idle lines, or to new ones; returns how long to wait for a message."""
        while not self._failure and (idle or len(threads) < min(connections, len(self._lines))):
            try:
                found = work.next()
                if not isinstance(found, Message):
                    return found
                if not idle:
                    idle.append(self._start(threads))
            except NewsletterError as error:
                self._failure = error
                return None
            line = idle.pop()
            line.message, line.committed, line.started = found, False, time.monotonic()
            line.inbox.put(found)
        return None

    def _start(self, threads: list[_Line]) -> _Line:
        line = self._lines[len(threads)]
        if len(threads) >= self._opened:
            self._open_one()
        threads.append(line)
        threading.Thread(target=self._serve, args=(line,), daemon=True).start()
        return line

    def _serve(self, line: _Line) -> None:
        while message := line.inbox.get():
            result: str | BaseException
            try:
                result = line.backend.send(message, self._commit_of(line))
            except BaseException as error:  # told to the thread that asked, whatever it is
                result = error
            self._told.put(_Told(line, result))

    def _commit_of(self, line: _Line) -> Callable[[], None]:
        def commit() -> None:
            line.answered.clear()
            self._told.put(_Told(line, None))
            line.answered.wait()
            if line.answer:
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
        answer: BaseException | None = self._failure
        held: dict[str, BaseException] = {}
        try:
            if not answer:
                held = {key: Vetoed("withheld") for key in work.turn(ended, messages)}
            elif ended:
                work.turn(ended, ())
        except NewsletterError as error:
            answer = self._failure = self._failure or error
        for line in ready:
            line.answer = answer or held.get(line.message.id if line.message else "")
            line.committed = line.answer is None
            line.answered.set()
        for each in told:
            self._see_to_forgotten(work, each)

    def _see_to_forgotten(self, work: Work, told: _Told) -> None:
        """A receipt says that a message has left: it must not be sent again, whatever the plug-in forgot."""
        message = told.line.message
        if isinstance(told.result, str) and message and not told.line.committed:
            if not work.turn((), (Ready(message),)):
                work.turn((Ended(message, told.result, committed=True),), ())
            words, hint = (
                "the backend sent a message without committing it first",
                "tell the backend's author",
            )
            self._failure = Unavailable(words, hint=hint)

    def _ended(self, work: Work, told: _Told) -> Ended | None:
        """What became of a message; None if nothing is to be noted, since it never left and stays owed."""
        line, result, message = told.line, told.result, told.line.message
        if message is None or result is None or result is line.answer:
            return None
        if isinstance(result, str) and not line.committed:
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
