"""What a backend is, and how one is found by its name.

A backend hands one message to whatever carries it. A package offers its own with an entry point in the group
`newsletter.backends`; it is a function that takes the `[backends.NAME]` table of newsletter.toml
(`newsletter.settings.Table`) and returns a backend. Ours are registered in the same way.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple, Protocol, runtime_checkable

from newsletter.errors import ConfigError, DeliveryError, nearest
from newsletter.model import Message
from newsletter.settings import Table

GROUP = "newsletter.backends"


@runtime_checkable
class Backend(Protocol):
    """One carrier, used by one thread; `reaches_people` is False if a run through it is a rehearsal."""

    reaches_people: bool

    def open(self) -> None:
        """Get ready, or raise `Unavailable`."""

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        """Hand over one message for its one recipient and return the carrier's receipt.

        Call `commit` exactly once, at the last moment at which nothing has left, and let pass whatever it
        raises: then nothing may leave. Before `commit`, anything raised leaves the message to be tried again;
        after it, `Refused` or `Deferred` say that the carrier declined, and anything else is a doubt.
        Raises `Refused`, `Deferred`, `InDoubt`, `Unavailable`.
        """

    def close(self) -> None:
        """Let go of what `open` took; never raises."""


class Ready(NamedTuple):
    """A message that has been handed over as far as it can be taken back; `host` is who has it."""

    message: Message
    host: str = ""


class Ended(NamedTuple):
    """What became of a message: the carrier's receipt, or why there is none.

    `committed` says whether it had passed the point of no return; `host`, `tls` and `milliseconds` are as in
    `model.Delivery`.
    """

    message: Message
    result: str | DeliveryError
    committed: bool
    host: str = ""
    tls: str = ""
    milliseconds: int = 0


class Work(Protocol):
    """What a carrier of many messages is given: it asks for messages, and tells what becomes of them."""

    def next(self) -> Message | float | None:
        """The next message; or the seconds until there may be one; or None: there is none for now."""

    def prepare(self, messages: int) -> None:
        """Make so many messages that `next` will give: there is time now, while the carrier is waited for."""

    def put_back(self, message: Message) -> None:
        """Take back a message that was not tried: `next` will give it again."""

    def turn(self, ended: Sequence[Ended], ready: Sequence[Ready]) -> Collection[str]:
        """Write down what became of messages, and commit others, in one durable step.

        Returns the ids of those that must not leave, and of which nothing more is to be told. Raises, and
        then none of the ready may leave.
        """

    def rest(self, seconds: float) -> None:
        """Wait, with nothing under way."""


@runtime_checkable
class CarriesMany(Protocol):
    """A backend that has many messages on their way at once, and commits them in groups.

    Beside `open` and `close` of `Backend`, whose promises hold for each message.
    """

    def open(self) -> None:
        """Get ready, or raise `Unavailable`."""

    def carry(self, work: Work, connections: int) -> Iterator[None]:
        """Carry all that `work` gives, on at most so many connections; yields after each turn.

        Raises what `Backend.send` may raise for everybody, and what `work` raises, when all that had passed
        the point of no return is told.
        """

    def close(self) -> None:
        """Let go of what `open` took; never raises."""


def backend_names() -> tuple[str, ...]:
    """The names of all backends that are installed."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def find_backend(name: str, table: Table, *, where: str = "[send] backend") -> Backend:
    """The backend of this name, configured; raises ConfigError if it is unknown or a setting is wrong.

    `where` is the line that names it.
    """
    found: EntryPoint | None = next(iter(entry_points(group=GROUP, name=name)), None)
    if found is None:
        names = backend_names()
        meant = nearest(name, names)
        hint = f'did you mean "{meant}"?' if meant else "installed: " + ", ".join(names)
        raise ConfigError(f"no backend is called {name!r}", where=where, hint=hint)
    try:
        configured: Callable[[Table], Backend] = found.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"backend {name!r} cannot be loaded: {error}", where=found.value) from error
    return configured(table)
