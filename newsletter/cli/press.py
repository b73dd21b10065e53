"""What every command starts from: the publication around the current folder, the time, the issue meant."""

import time
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.config import Config, read_config
from newsletter.errors import ConfigError, ContentError
from newsletter.settings import FILE, Table

if TYPE_CHECKING:
    from newsletter.deliver.backend import Backend
    from newsletter.links import Links, Signer
    from newsletter.model import Edition, Issue
    from newsletter.readers.database import Database
    from newsletter.ways import Relay


class Press:
    """One publication as the command line sees it; `clock` sets another time, from which it goes on."""

    def __init__(self, folder: Path, clock: datetime | None = None) -> None:
        self.folder = folder.absolute()
        self.clock = clock
        self._started = time.monotonic()

    @cached_property
    def config(self) -> Config:
        """The settings of the publication that holds the current folder; raises ConfigError."""
        for folder in (self.folder, *self.folder.parents):
            if (folder / FILE).is_file():
                return read_config(folder)
        return read_config(self.folder)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.config.publication.time_zone)

    def now(self) -> datetime:
        """The time, in the publication's zone."""
        return self.utc_now().astimezone(self.zone)

    @property
    def today(self) -> date:
        return self.now().date()

    def shown(self, path: Path) -> str:
        """A path as the person at the keyboard would type it."""
        return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

    # ---- which issue ----

    def issue_folder(self, named: str | None, *, nearest: bool) -> Path:
        """The folder of the issue that is meant.

        Without a name it is, if `nearest`, the first issue from today on that was not sent, or the last one
        before; else today's. Raises ContentError if there is none.
        """
        from newsletter.compose.issue import day_of, issue_days

        issues = self.config.root / "issues"
        days = issue_days(issues)
        if named is None and nearest:
            sent = self._sent_keys()
            waiting = [day for day in days if day.isoformat() not in sent]
            coming = [day for day in waiting if day >= self.today]
            if not waiting:
                message = "every issue has been sent" if days else "no issue yet"
                raise self._no_issue(message, "newsletter new")
            return issues / (coming[0] if coming else waiting[-1]).isoformat()
        if named in (None, "today"):
            if self.today not in days:
                later = [day for day in days if day > self.today]
                hint = f"newsletter new {self.today}" + (f", or name another: {later[0]}" if later else "")
                raise self._no_issue(f"no issue of today, {self.today}", hint)
            return issues / self.today.isoformat()
        if named == "next":
            later = [day for day in days if day > self.today]
            if not later:
                raise self._no_issue(f"no issue after today, {self.today}", "newsletter new")
            return issues / later[0].isoformat()
        if named is not None and day_of(named):
            return issues / named
        path = self.folder / (named or "")
        if day_of(path.name) is None:
            if path.is_dir() and path.parent == issues:
                hint = "name the folder after the day the issue appears, as in issues/2026-11-23"
                raise ContentError(f"{path.name!r} is not a date", where=f"issues/{path.name}", hint=hint)
            hint = "write a date such as 2026-11-23, today, next, or the path of an issue's folder"
            raise ConfigError(f"no issue is called {named!r}", where="ISSUE", hint=hint)
        return path

    def _no_issue(self, message: str, hint: str) -> ContentError:
        """No issue where one is looked for, perhaps because of a folder such as issues/2026-11-3."""
        from newsletter.compose.issue import day_of

        folders = sorted(path.name for path in self.config.root.glob("issues/[0-9]*") if path.is_dir())
        if misnamed := next((name for name in folders if day_of(name) is None), ""):
            hint = f"{hint}; the name of issues/{misnamed} is not a date"
        return ContentError(message, where="issues", hint=hint)

    def _sent_keys(self) -> set[str]:
        from newsletter.readers.ledger import Ledger

        if not self.has_database():
            return set()
        with self.database() as database:
            return {key for key, done in Ledger(database).issue_keys().items() if done}

    # ---- the parts, joined ----

    def files_digest(self, folder: Path) -> str:
        """Two digests of the files that an issue is composed from: of its folder, and of those around it."""
        from newsletter.compose.sources import digest_of

        root, logo = self.config.root, self.config.look.logo
        around = [root / "templates", root / FILE, *([root / logo] if logo else [])]
        return f"{self.issue_digest(folder)} {digest_of(around, root)}"

    def issue_digest(self, folder: Path) -> str:
        """The first of these: a digest of an issue's own files."""
        from newsletter.compose.sources import digest_of

        return digest_of([folder], self.config.root)

    def issue(self, folder: Path) -> "Issue":
        from newsletter.compose.issue import read_issue

        return read_issue(folder, root=self.config.root)

    def edition(self, issue: "Issue") -> "Edition":
        from newsletter.compose.edition import compose

        config = self.config
        return compose(
            issue, config.publication, config.look, templates=config.root / "templates", root=config.root
        )

    def backend(self, relay: "Relay | None" = None) -> "Backend":
        """The backend of a relay, of the first one if none is named.

        One that reaches people only if everything is in place for that.
        """
        from newsletter.deliver.backend import find_backend
        from newsletter.deliver.readiness import check_ready

        relay = relay or self.config.relays[0]
        backend = find_backend(relay.backend, relay.table, where=relay.where)
        if backend.reaches_people:
            check_ready(self.config.publication)
        return backend

    def has_database(self) -> bool:
        """Whether there is a database; a server's is taken to be there."""
        file = self.config.store.file
        return not file or (self.config.root / file).exists()

    def database(self) -> "Database":
        """The publication's own database; a file is made at the first use."""
        from newsletter.readers.database import Database

        store = self.config.store
        return Database.open(store.url, self.root, password=store.password)

    def store_table(self, url: str) -> Table:
        """The table [store] as it would be with this address."""
        return Table({"url": url}, name="store", root=self.config.root)

    def rehearsal_database(self) -> "Database":
        """The rehearsal's own database; a power cut may cost its last rows, which nobody would miss."""
        from newsletter.readers.database import Database

        return Database.open("sqlite:///.newsletter/rehearsal.db", self.root, durable=False)

    def links(self, *, dead: bool = False) -> "Links":
        """What is different in each reader's copy, signed; raises ConfigError if there is no key for it."""
        from newsletter.links import Links

        return Links(self.config.publication, self.signer(), dead=dead)

    def signer(self) -> "Signer":
        """What makes and checks links; raises ConfigError if there is no key for it."""
        from newsletter.links import read_signer

        return read_signer(self.root / ".newsletter", self.config.publication.list_id)

    @property
    def root(self) -> Path:
        """The publication's folder as errors may call it."""
        return Path(self.shown(self.config.root))

    def sending_time(self, day: date) -> datetime:
        """The hour at which the issue of a day is meant to leave."""
        return datetime.combine(day, self.config.schedule.hour, tzinfo=self.zone)

    def utc_now(self) -> datetime:
        """The time in UTC; asked for every message of a run."""
        if self.clock is None:
            return datetime.now(UTC)
        began = self.clock.replace(tzinfo=self.zone).astimezone(UTC)  # of an hour that comes twice, the first
        return began + timedelta(seconds=time.monotonic() - self._started)
