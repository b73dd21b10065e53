"""The publication as git has it at a revision: the templates and settings of then, the issues of now."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.cli.press import Press
from newsletter.errors import ConfigError
from newsletter.settings import FILE, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_OURS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What git sets for its hooks, and what would lead it to other files than those in the folder."""

_NO_GIT = "compare with another issue instead, as in: newsletter diff today --against 2026-11-20"


@contextmanager
def past(press: Press, revision: str) -> Iterator[Press]:
    """The press of a revision, in a folder that goes away; neither the files nor git's index are touched.

    Raises ConfigError if there is no git, no repository or no such revision, or if its settings cannot be
    read by the press of today.
    """
    root = press.config.root
    repository = _Repository(root, revision)
    with tempfile.TemporaryDirectory(prefix="newsletter-") as name:
        folder = Path(name).resolve()
        repository.lay_out(folder, [FILE, "templates"])
        (folder / "issues").symlink_to(root / "issues")
        then = Press(folder, press.clock)
        try:
            logo = then.config.look.logo
        except ConfigError as error:
            message = f"{error.message} (as of {revision})"
            raise ConfigError(message, where=error.where, hint="name a later revision: --against") from error
        if logo:
            repository.lay_out(folder, [logo])
        yield then


class _Repository:
    """The tree of the publication's folder at a revision."""

    def __init__(self, root: Path, revision: str) -> None:
        self._root = root
        self._revision = revision
        self._git_dir = self._ask(
            ["rev-parse", "--absolute-git-dir"], "the publication is in no git repository", _NO_GIT
        )
        verify = ["rev-parse", "--verify", "--quiet", "--end-of-options"]
        commit = self._ask(
            [*verify, f"{revision}^{{commit}}"],
            f"git knows no revision {revision!r}",
            "name a branch, a tag, a commit or the date of an issue; in CI, git fetch it first",
        )
        self._tree = self._ask(
            [*verify, f"{commit}:./"],
            f"was not there yet at {revision!r}",
            "name a later revision: --against",
        )
        if not self._files([FILE]):
            hint = "name a later revision: --against"
            raise ConfigError(f"was not there yet at {revision!r}", where=FILE, hint=hint)

    def lay_out(self, folder: Path, paths: list[str]) -> None:
        """Write these files, and all files in these folders, into `folder`."""
        index = folder / ".index"
        place = [f"--git-dir={self._git_dir}", f"--work-tree={folder}"]
        unexpected = f"{self._revision!r} cannot be laid out"
        self._ask([*place, "read-tree", self._tree], unexpected, _NO_GIT, index=index)
        self._ask(
            [*place, "checkout-index", "-z", "--stdin"],
            unexpected,
            _NO_GIT,
            index=index,
            folder=folder,
            given=self._files(paths),
        )
        index.unlink()

    def _files(self, paths: list[str]) -> str:
        """The names of these files, each ended by a NUL."""
        return self._ask(
            ["ls-tree", "-r", "-z", "--name-only", "--full-tree", self._tree, "--", *paths],
            "git lists no files",
            _NO_GIT,
        )

    def _ask(
        self,
        arguments: list[str],
        trouble: str,
        hint: str,
        *,
        index: Path | None = None,
        folder: Path | None = None,
        given: str = "",
    ) -> str:
        """What git prints; raises ConfigError that says the `trouble`, and what git says of it."""
        environment = {
            name: value for name, value in without_secrets(os.environ).items() if name not in _NOT_OURS
        }
        if index:
            environment["GIT_INDEX_FILE"] = str(index)
        try:
            done = subprocess.run(  # noqa: S603
                ["git", *arguments],  # noqa: S607
                cwd=folder or self._root,
                env=environment,
                input=os.fsencode(given),
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            missing = "the past is read by git, which is not installed"
            raise ConfigError(missing, where="git", hint="apt install git, or " + _NO_GIT) from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").rstrip("\n").rpartition("\n")[2]
            raise ConfigError(trouble + (f" ({said})" if said else ""), where="--against", hint=hint)
        return os.fsdecode(done.stdout).rstrip("\n")
