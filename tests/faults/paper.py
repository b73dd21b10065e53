"""A publication in its folder, as the command line sees it, that sends through one connection."""

import json
import re
from pathlib import Path

from tests.conftest import SETTINGS, Newsletter
from tests.stories.conftest import readers_file

DATABASE = ".newsletter/newsletter.db"


def publish(paper: Path, newsletter: Newsletter, port: int) -> None:
    """It has four readers, lecteur0 to lecteur3, and no patience with who is put off."""
    settings = SETTINGS.replace('backend = "folder"', 'backend = "smtp"\nconnections = 1\npatience = "0s"')
    settings += f'\n[backends.smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "plain"\n'
    (paper / "newsletter.toml").write_text(settings, encoding="utf-8")
    readers_file(paper, 4)
    assert newsletter("readers", "import", "readers.csv", "--source", "the fair").code == 0


def go_through(paper: Path, port: int) -> None:
    """From now on send through another server."""
    settings = (paper / "newsletter.toml").read_text(encoding="utf-8")
    settings = re.sub(r"port = \d+", f"port = {port}", settings)
    (paper / "newsletter.toml").write_text(settings, encoding="utf-8")


def tally(newsletter: Newsletter) -> tuple[int, int, int]:
    """How many are sent, in doubt and owed; nobody is missing."""
    status = json.loads(newsletter("status", "--json").out)
    assert status["holds"]
    return status["sent"], status["in_doubt"], status["owed"]
