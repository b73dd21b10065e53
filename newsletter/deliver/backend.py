"""What a backend is, and how one is found by its name.

A backend hands one message to whatever carries it. A package offers its own with an entry point in the group
`newsletter.backends`; it is a function that takes the `[backends.NAME]` table of newsletter.toml
(`newsletter.settings.Table`) and returns a backend. Ours are registered in the same way.
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from newsletter.errors import ConfigError, nearest
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
