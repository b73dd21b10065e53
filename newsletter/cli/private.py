"""Files that hold readers' addresses: made for their owner's eyes only."""

import os
from pathlib import Path
from typing import TextIO


def open_private(path: Path) -> TextIO:
    """A CSV file to write; a new one has mode 0600, one that is there keeps its own. Raises OSError."""
    return open(
        path, "w", encoding="utf-8", newline="", opener=lambda name, flags: os.open(name, flags, 0o600)
    )
