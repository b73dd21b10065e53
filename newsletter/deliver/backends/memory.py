"""Message -> a list in memory: for tests and trials."""

from collections.abc import Callable
from typing import Self

from newsletter.model import Message
from newsletter.settings import Table


class MemoryBackend:
    """Keeps what it is given in `messages`, in order, also after it is closed."""

    reaches_people: bool = False

    def __init__(self) -> None:
        self.messages: list[Message] = []

    @classmethod
    def configured(cls, table: Table) -> Self:
        """From `[backends.memory]`, which has no settings; raises ConfigError."""
        table.done()
        return cls()

    def open(self) -> None:
        """Nothing is needed."""

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        """Keep the message; returns its number, from 1."""
        commit()
        self.messages.append(message)
        return f"message {len(self.messages)} in memory"

    def close(self) -> None:
        """Nothing is held open."""
