"""The sample publication -> somebody's own, in a new folder."""

import json
import re
import shutil
from datetime import date
from pathlib import Path

from newsletter.config import read_config
from newsletter.desk.new import new_issue
from newsletter.errors import ConfigError
from newsletter.settings import FILE

_PACKAGE = Path(__file__).resolve().parent.parent
_NAME = re.compile(r'^(\s*name\s*=\s*)("(?:[^"\\]|\\.)*"|\'[^\']*\')', re.MULTILINE)


def sample_folder(package: Path = _PACKAGE) -> Path:
    """The sample publication: inside an installed package, or around it in a working copy.

    Raises ConfigError if neither is there.
    """
    for folder in (package / "sample", package.parent):
        if (folder / "templates").is_dir() and (folder / FILE).is_file():
            return folder
    hint = "install it again: pip install --force-reinstall actu5"
    raise ConfigError("the sample publication is missing", where=str(package), hint=hint)


def start_publication(folder: Path, sample: Path, name: str, day: date) -> list[Path]:
    """Make `folder` a publication called `name` with a first issue for `day`; return the files, in order.

    Templates and settings are the sample's, its sender's address at example.org included, so that nothing can
    leave for real before somebody has put in their own. Raises ConfigError if the folder is not empty, cannot
    be written, or the name cannot be one.
    """
    if not name or any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "<>" for c in name):
        hint = "write it on one line, without < and >"
        raise ConfigError(f"{name!r} cannot name a publication", where=str(folder), hint=hint)
    settings = _named(
        (sample / FILE).read_text(encoding="utf-8"), read_config(sample, {}).publication.name, name
    )
    try:
        _make_empty(folder)
        shutil.copytree(sample / "templates", folder / "templates")
        (folder / FILE).write_text(settings, encoding="utf-8")
        (folder / ".gitignore").write_text(".newsletter/\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    new_issue(folder, day, read_config(folder, {}).publication)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _make_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        hint = "take a new folder: newsletter init my-paper"
        raise ConfigError("there is something here already", where=str(folder), hint=hint)
    folder.mkdir(parents=True, exist_ok=True)


def _named(settings: str, old: str, new: str) -> str:
    """The settings with another name, in the sender's display name too where that was the same."""
    # A JSON string is a TOML basic string (TOML 1.0, "String").
    settings = _NAME.sub(lambda match: match[1] + json.dumps(new, ensure_ascii=False), settings, count=1)
    shown = json.dumps(new, ensure_ascii=False)[1:-1]
    sender = re.compile(
        rf'^(\s*sender\s*=\s*"){re.escape(json.dumps(old, ensure_ascii=False)[1:-1])}(?= *<)', re.M
    )
    return sender.sub(lambda match: match[1] + shown, settings, count=1)
