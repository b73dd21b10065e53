"""Kills workers at every step and audits what arrived: `python -m tests.bench.fleet_campaign --kills 200`.

Three workers on PostgreSQL send issues of a throwaway publication to a counting sink. They are killed
(SIGKILL) and frozen (SIGSTOP, later SIGCONT), and the database crashes now and then; whoever died is started
again. The audit then holds the sink's own log against the ledger. The exit code is 1 if anybody got an issue
twice or was lost.
"""

import argparse
import json
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

from tests.bench.audit import AUDIENCES, READERS, ROWS, Audit, audit, books_of
from tests.bench.campaign_report import NAMED, Tally, as_data, in_words
from tests.bench.counting_sink import Line, Moment, Sink
from tests.bench.fleet_ledger import LedgerServer
from tests.bench.inquest import Inquest, Step
from tests.bench.marksman import Aim, Marksman, is_time
from tests.bench.throwaway import command, environment, make_publication, write_next_issue
from tests.cluster import Cluster, running
from tests.conftest import ROOT

FIRST_DAY = date(2026, 11, 23)
FREEZES = 0.15
TAKEOVER = 30.0  # seconds after which somebody else must have what a dead worker had
LONGEST = 180.0  # seconds in which an issue must be done once nobody is killed any more


class CampaignError(Exception):
    """The press did what it never should, such as leaving somebody owed for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked of a campaign; the database crashes after every `crash_after` kills, 0 for never."""

    kills: int
    seed: int
    workers: int = 3
    readers: int = 1500
    connections: int = 4
    crash_after: int = 25


@dataclass(slots=True, kw_only=True)
class Place:
    """A place for one worker at a time: its port, its settings, and the process that runs there now."""

    port: int
    folder: Path
    words: Path
    process: subprocess.Popen[bytes] | None = None
    aim: Aim | None = None
    at: float | None = None
    frozen: float = 0.0

    @property
    def name(self) -> str:
        """What the press calls the worker that is there."""
        return f"{socket.gethostname()}:{self.process.pid}" if self.process else ""


@dataclass(slots=True, kw_only=True)
class Orphans:
    """Batches that a worker had in hand when it was struck, and since when nobody has them."""

    worker: str
    batches: set[int]
    since: float


@dataclass(slots=True, kw_only=True)
class Takeovers:
    """Seconds until somebody else had what a dead or frozen worker had; and crashes of the database."""

    after_kill: list[float] = field(default_factory=list)
    after_freeze: list[float] = field(default_factory=list)
    crashes: int = 0


class Campaign:
    """One campaign in `root`; a single thread plays the mail server and decides on life and death."""

    def __init__(self, options: Options, root: Path, cluster: Cluster) -> None:
        self.options = options
        self.tally = Tally(seed=options.seed)
        self.takeovers = Takeovers()
        self.log = root / "sink.log"
        self._cluster = cluster
        self._paper = root / "paper"
        self._chance = random.Random(options.seed)
        self._marksman = Marksman(self._chance, self.tally.landed)
        self._sink = Sink(self.log, ports=options.workers + 1, pipelining=True, chance=self._chance)
        self._sink.tell = self._on_moment
        url = cluster.empty()
        folders = make_publication(
            self._paper, self._sink.ports, readers=options.readers, connections=options.connections, store=url
        )
        *places, (_, self._desk) = folders.items()
        self._places = {
            port: Place(port=port, folder=folder, words=root / f"{port}.err") for port, folder in places
        }
        self._desk_words = root / "desk.err"
        self._send: subprocess.Popen[bytes] | None = None
        self._ledger = LedgerServer(url)
        self._environment = environment()
        self._issue = ""
        self._clock = datetime.combine(FIRST_DAY, time_of_day(6, 45))
        self._inquest = Inquest(self._sink, self._ledger)
        self._orphans: list[tuple[Orphans, list[float]]] = []
        self._began = self._told = time.monotonic()
        self._quiet_since = 0.0

    def run(self) -> Audit:
        """Send issue after issue until there were kills enough, and audit it all."""
        try:
            while not self._enough:
                self._send_issue(FIRST_DAY + timedelta(days=self.tally.issues))
                self.tally.issues += 1
            rows = [self._ledger.rows(query) for query in (ROWS, AUDIENCES, READERS)]
        finally:
            for process in [place.process for place in self._places.values()] + [self._send]:
                if process and process.poll() is None:
                    process.kill()
                    process.wait()
            self._sink.close()
            self._ledger.close()
        self.tally.seconds = time.monotonic() - self._began
        rows_of, audiences, readers = rows
        books = books_of(
            self.log,
            [(str(issue), str(email), str(state)) for issue, email, state in rows_of],
            [(str(issue), int(count)) for issue, count in audiences],
            [(str(email),) for (email,) in readers],
        )
        return audit(books)

    # ---- one issue ----

    @property
    def _enough(self) -> bool:
        return self.tally.kills >= self.options.kills

    def _send_issue(self, day: date) -> None:
        self._issue = day.isoformat()
        self._clock = datetime.combine(day, time_of_day(6, 45))
        write_next_issue(self._paper, self._issue)
        self._quiet_since = 0.0
        while True:
            self._start_what_is_missing()
            if self._send is None:
                self._send = self._follow()
            self._sink.turn(self._until_next())
            self._tend()
            self._watch_orphans()
            code = self._send.poll()
            if code is not None:
                self._send = None
                if self._is_over(code):
                    return
            self._check_time()

    def _follow(self) -> subprocess.Popen[bytes]:
        """`newsletter send`, which gives the issue to the workers and follows them."""
        order = command(self._desk, f"{self._clock:%Y-%m-%dT%H:%M}", "send", self._issue, "--yes")
        with self._desk_words.open("wb") as words:
            return subprocess.Popen(
                order,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )

    def _is_over(self, code: int) -> bool:
        words = self._desk_words.read_text(encoding="utf-8", errors="replace")
        if code == 75:
            return False  # no worker, or no database: whoever is at the keyboard types it again
        if code not in (0, 4, 5):
            raise CampaignError(f"{self._issue}: send ended with exit code {code}:\n{words[-2000:]}")
        frozen = any(place.frozen for place in self._places.values())
        return not self._ledger.owed(self._issue) and not self._orphans and not frozen

    def _check_time(self) -> None:
        if not self._enough:
            return
        self._quiet_since = self._quiet_since or time.monotonic()
        if time.monotonic() - self._quiet_since > LONGEST:
            owed, batches = self._ledger.owed(self._issue), self._ledger.open_batches()
            raise CampaignError(
                f"{self._issue}: {owed} still owed in {batches} open batches\n{self._words()}"
            )

    def _start_what_is_missing(self) -> None:
        for place in self._places.values():
            if place.process is None:
                order = command(place.folder, f"{self._clock:%Y-%m-%dT%H:%M}", "worker")
                with place.words.open("ab") as words:
                    place.process = subprocess.Popen(
                        order,
                        cwd=ROOT,
                        env=self._environment,
                        stdin=subprocess.DEVNULL,
                        stdout=words,
                        stderr=words,
                        start_new_session=True,
                    )
                self.tally.starts += 1
                self._give_aim(place)

    def _give_aim(self, place: Place) -> None:
        place.frozen = 0.0
        place.aim = place.at = None
        if not self._enough:
            freeze = self._chance.random() < FREEZES
            place.aim = self._marksman.freeze() if freeze else self._marksman.kill(only_missing=False)
            if place.aim.from_start:
                place.at = time.monotonic() + 1 + place.aim.delay

    def _until_next(self) -> float:
        now = time.monotonic()
        return max(0.0, min([0.02, *[place.at - now for place in self._places.values() if place.at]]))

    def _tend(self) -> None:
        """Strike by the clock, wake the frozen, take leave of those that ended."""
        now = time.monotonic()
        self._say_how_far(now)
        for place in self._places.values():
            if place.process is None:
                continue
            if place.frozen:
                mine = [orphans for orphans, _ in self._orphans if orphans.worker == place.name]
                if not mine and now - place.frozen > self._chance.uniform(1, 4):
                    place.process.send_signal(signal.SIGCONT)
                    self._give_aim(place)
            elif place.at and now >= place.at and not self._is_short_of_workers:
                lines = list(self._sink.lines(place.port))
                self._strike(place, self._chance.choice(lines) if lines else None)
            elif place.process.poll() is not None:
                self._sink.bury(place.port)
                if place.process.returncode != 0:
                    raise CampaignError(
                        f"a worker ended by itself: {place.process.returncode}\n{self._words()}"
                    )
                place.process = None

    def _watch_orphans(self) -> None:
        """When has somebody else what a struck worker had?"""
        now = time.monotonic()
        for orphans, times in [*self._orphans]:
            taken = self._ledger.taken_over(orphans.worker, orphans.batches)
            times += [now - orphans.since] * len(taken)
            orphans.batches -= taken
            if not orphans.batches:
                self._orphans.remove((orphans, times))
            elif now - orphans.since > TAKEOVER:
                raise CampaignError(f"nobody took over what {orphans.worker} had\n{self._words()}")

    # ---- one kill ----

    def _on_moment(self, line: Line, moment: Moment) -> None:
        place = self._places.get(line.port)
        if place is None or place.aim is None or place.process is None or place.frozen:
            return
        if self._is_short_of_workers:
            return
        if moment == Moment.HELLO and place.aim.step is None and place.at is None:
            place.at = time.monotonic() + place.aim.delay
        elif is_time(place.aim, line, moment, self._state):
            self._strike(place, line)

    @property
    def _is_short_of_workers(self) -> bool:
        """Whether to let the living take over first: or nobody would be there to do it."""
        return self._enough or len(self._orphans) >= self.options.workers - 1

    def _state(self, recipient: str) -> str:
        return self._ledger.state(self._issue, recipient)

    def _strike(self, place: Place, line: Line | None) -> None:
        aim, process = place.aim, place.process
        assert aim
        assert process
        place.aim = place.at = None
        orphans = Orphans(worker=place.name, batches=set(), since=time.monotonic())
        if aim.freeze:
            process.send_signal(signal.SIGSTOP)
            place.frozen = time.monotonic()
            self.tally.freezes += 1
            self._sink.note({"what": "frozen", "port": place.port, "issue": self._issue, "step": aim.step})
        else:
            process.kill()
            process.wait()
        orphans.batches = self._ledger.in_hand(orphans.worker)
        if orphans.batches:
            times = self.takeovers.after_freeze if aim.freeze else self.takeovers.after_kill
            self._orphans.append((orphans, times))
        if not aim.freeze:
            place.process = None
            self._bury(place, line, aim.step)
            every = self.options.crash_after
            if every and self.tally.kills % every == 0:
                self._crash()

    def _bury(self, place: Place, line: Line | None, step: Step | None) -> None:
        lines = self._sink.bury(place.port)
        found = self._inquest.hold(self._issue, lines, line, step)
        self.tally.kills += 1
        self.tally.landed[found.step] += 1
        self.tally.beside.update(found.beside)
        fact = {"what": "killed", "port": place.port, "issue": self._issue, "aimed": step}
        mails = [asdict(mail) for mail in found.mails]
        self._sink.note(fact | {"step": found.step, "in_flight": found.connections, "mails": mails})

    def _crash(self) -> None:
        """The database crashes, and comes back; the wires stand still meanwhile."""
        self._sink.note({"what": "crash", "issue": self._issue})
        self._ledger.close()
        self._cluster.restart("immediate")
        self.takeovers.crashes += 1

    def _words(self) -> str:
        places = [place.words for place in self._places.values()] + [self._desk_words]
        return "\n".join(
            path.read_text(encoding="utf-8", errors="replace")[-600:] for path in places if path.exists()
        )

    def _say_how_far(self, now: float) -> None:
        if now - self._told < 10:
            return
        self._told = now
        tally = self.tally
        say(
            f"{now - self._began:5.0f} s  {tally.kills:,} of {self.options.kills:,} kills,"
            f" {tally.freezes} freezes, {self.takeovers.crashes} crashes, issue {tally.issues + 1},"
            f" {self._sink.accepted:,} mails accepted"
        )


def complaints(found: Audit) -> list[str]:
    """All that is not as it should be, in words."""
    return [f"{kind}: {fault}" for kind, faults in found.faults.items() for fault in faults[:NAMED]]


def takeovers_in_words(takeovers: Takeovers) -> str:
    """The figures of the report that only a fleet has."""
    lines = [f"{takeovers.crashes} crashes of the database"]
    for what, times in (("kill", takeovers.after_kill), ("freeze", takeovers.after_freeze)):
        lines.append(f"batches taken over after a {what}: {_spread(times)}")
    return "\n".join(lines)


def _spread(times: Sequence[float]) -> str:
    if not times:
        return "none"
    longest, middle = max(times), statistics.median(times)
    return f"{len(times)}, after {middle:.1f} s (median), {longest:.1f} s at most"


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fleet_campaign", description=__doc__)
    add = parser.add_argument
    add("--kills", type=int, default=200, help="how many workers to kill (200)")
    add("--workers", type=int, default=3, help="workers at the same time (3)")
    add("--seed", type=int, help="of all that is drawn by chance; time adds chance of its own")
    add("--readers", type=int, default=1500, help="readers of an issue (1500)")
    add("--connections", type=int, default=4, help="[send] connections of each worker (4)")
    add(
        "--crash-after",
        type=int,
        default=25,
        help="kills between two crashes of the database, 0 for none (25)",
    )
    add("--json", action="store_true", help="print the result for a program")
    add("--keep", type=Path, metavar="FOLDER", help="work in this new folder and leave the log there")
    return parser.parse_args()


def main() -> int:
    """Run a campaign and tell what it found; the exit code."""
    asked = read_options()
    options = Options(
        kills=asked.kills,
        seed=random.randrange(10**6) if asked.seed is None else asked.seed,
        workers=asked.workers,
        readers=asked.readers,
        connections=asked.connections,
        crash_after=asked.crash_after,
    )
    say(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="fleet-campaign-") as scratch, running(durable=True) as cluster:
        root = asked.keep or Path(scratch)
        root.mkdir(parents=True, exist_ok=True)
        campaign = Campaign(options, root, cluster)
        try:
            found = campaign.run()
        except CampaignError as error:
            say(f"Failed, seed {options.seed}: {error}")
            return 1
    if asked.json:
        data = as_data(campaign.tally, found) | {"takeovers": asdict(campaign.takeovers)}
        print(json.dumps(data | {"complaints": complaints(found)}, indent=2))
    else:
        print(in_words(campaign.tally, found))
        print(takeovers_in_words(campaign.takeovers))
    wrong = complaints(found)
    for complaint in wrong:
        say(complaint)
    say(f"Failed, seed {options.seed}" if wrong else "All is well.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
