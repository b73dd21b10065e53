"""Kills senders at every step and audits what arrived: `python -m tests.bench.crash_campaign --kills 1000`.

It sends issues of a throwaway publication to a counting sink, kills (SIGKILL) and freezes (SIGSTOP, later
SIGCONT) the senders, starts them again until each issue is done, and then holds the sink's own log against
the ledger. The exit code is 1 if anybody got an issue twice or was lost, or if a step was never hit.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

from tests.bench.audit import Audit, audit, read_books
from tests.bench.campaign_report import Tally, as_data, complaints, in_words
from tests.bench.counting_sink import Line, Moment, Sink
from tests.bench.inquest import Inquest, LedgerFile
from tests.bench.marksman import Aim, Marksman, is_time
from tests.bench.throwaway import can_join, command, environment, make_publication, write_next_issue
from tests.conftest import ROOT

FIRST_DAY = date(2026, 11, 23)
FREEZES = 0.05  # of all aims, where there is more than one run
SPARE = 2  # senders that may lie frozen beside those that run
HELD = 1.0  # seconds after which we look whether a frozen sender holds the ledger's lock
SPOILED = 50  # runs of one issue that end by themselves and leave somebody owed

LOCKED = "has kept the database locked"


class CampaignError(Exception):
    """A sender did what it never should, such as ending with an unknown exit code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked of a campaign."""

    kills: int
    runs_at_once: int
    seed: int
    readers: int
    connections: int
    pipelining: bool


@dataclass(slots=True, kw_only=True)
class Sender:
    """A place for one sender at a time: its port, its settings, and the process that runs there now."""

    port: int
    folder: Path
    words: Path
    process: subprocess.Popen[bytes] | None = None
    aim: Aim | None = None
    at: float | None = None
    frozen: float = 0.0


class Campaign:
    """One campaign in `root`; a single thread plays the mail server and decides on life and death."""

    def __init__(self, options: Options, root: Path) -> None:
        self.options = options
        self.tally = Tally(seed=options.seed)
        self.log = root / "sink.log"
        self._paper = root / "paper"
        self.database = self._paper / ".newsletter" / "newsletter.db"
        self._chance = random.Random(options.seed)
        self._marksman = Marksman(self._chance, self.tally.landed)
        self._joins = can_join(root)
        if options.runs_at_once > 1 and not self._joins:
            raise CampaignError("newsletter send has no --join: add --runs-at-once 1")
        places = options.runs_at_once + SPARE
        self._sink = Sink(self.log, ports=places, pipelining=options.pipelining, chance=self._chance)
        self._sink.tell = self._on_moment
        folders = make_publication(
            self._paper, self._sink.ports, readers=options.readers, connections=options.connections
        )
        self._senders = {
            port: Sender(port=port, folder=folder, words=root / f"{port}.err")
            for port, folder in folders.items()
        }
        self._ledger = LedgerFile(self.database)
        self._environment = environment()
        self._issue = ""
        self._clock = datetime.combine(FIRST_DAY, time_of_day(6, 45))
        self._inquest = Inquest(self._sink, self._ledger)
        self._began = self._told = time.monotonic()

    def run(self) -> Audit:
        """Send issue after issue until there were kills enough, and audit it all."""
        try:
            while not self._enough:
                self._send_issue(FIRST_DAY + timedelta(days=self.tally.issues))
                self.tally.issues += 1
        finally:
            for sender in self._running:
                if sender.process:
                    sender.process.kill()
                    sender.process.wait()
            self._sink.close()
            self._ledger.close()
        self.tally.seconds = time.monotonic() - self._began
        return audit(read_books(self.log, self.database))

    # ---- one issue ----

    @property
    def _running(self) -> list[Sender]:
        return [sender for sender in self._senders.values() if sender.process]

    @property
    def _enough(self) -> bool:
        """Kills enough, and spread as they should be; but no campaign goes on for ever."""
        wanted, tally = self.options.kills, self.tally
        return tally.kills >= wanted and (tally.is_spread or tally.kills >= 2 * wanted)

    def _send_issue(self, day: date) -> None:
        self._issue = day.isoformat()
        self._clock = datetime.combine(day, time_of_day(6, 45))
        spoiled = 0
        folder: Path | None = write_next_issue(self._paper, self._issue)
        while True:
            frozen = self._ledger.is_frozen(self._issue)
            if frozen and folder:
                # What was frozen goes on without its files; composing them costs half a second a start.
                folder.rename(self._paper / f"gone-{self._issue}")
                folder = None
            work = not frozen or self._ledger.has_owed(self._issue)
            if not work and not self._running:
                return
            if work:
                self._start_what_is_missing(1 if not frozen else self.options.runs_at_once)
            self._sink.turn(self._until_next())
            spoiled += self._tend(work)
            if spoiled > SPOILED:
                raise CampaignError(
                    f"{self._issue}: somebody stays owed; the last words of a run: {self._words()}"
                )

    def _start_what_is_missing(self, wanted: int) -> None:
        for sender in self._senders.values():
            awake = sum(not other.frozen for other in self._running)
            if sender.process is None and awake < wanted:
                self._start(sender)

    def _start(self, sender: Sender) -> None:
        clock = f"{self._clock:%Y-%m-%dT%H:%M}"
        order = command(sender.folder, clock, "send", self._issue, "--yes", *["--join"] * self._joins)
        with sender.words.open("wb") as words:
            sender.process = subprocess.Popen(
                order,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )
        self.tally.starts += 1
        self._give_aim(sender)

    def _give_aim(self, sender: Sender, *, freeze: bool = False) -> None:
        sender.frozen = 0.0
        sender.aim = sender.at = None
        if not self._enough:
            many = self.options.runs_at_once > 1
            freeze = freeze or (many and self._chance.random() < FREEZES)
            missing = self.tally.kills >= self.options.kills
            sender.aim = self._marksman.freeze() if freeze else self._marksman.kill(only_missing=missing)
            if sender.aim.from_start:
                sender.at = time.monotonic() + sender.aim.delay

    def _until_next(self) -> float:
        now = time.monotonic()
        return max(0.0, min([0.02, *[sender.at - now for sender in self._running if sender.at]]))

    def _tend(self, work: bool) -> int:
        """Strike by the clock, take leave of those that ended; how many of them left somebody owed."""
        now = time.monotonic()
        self._say_how_far(now)
        spoiled = 0
        for sender in self._running:
            assert sender.process
            if sender.frozen:
                self._wake(sender, now, work)
            elif sender.at and now >= sender.at:
                lines = list(self._sink.lines(sender.port))
                self._strike(sender, self._chance.choice(lines) if lines else None)
            elif sender.process.poll() is not None:
                spoiled += self._take_leave(sender)
        return spoiled

    def _wake(self, sender: Sender, now: float, work: bool) -> None:
        """Let a frozen sender go on if nobody is owed any more, or if all others wait for its lock.

        The latter is frozen once more, at another moment.
        """
        assert sender.process
        if work and now - sender.frozen < HELD:
            return
        if work and not self._ledger.is_locked():
            sender.frozen = now
            return
        self.tally.slept += not work
        self._give_aim(sender, freeze=work)
        sender.process.send_signal(signal.SIGCONT)

    def _take_leave(self, sender: Sender) -> bool:
        """A run that ended by itself; whether somebody was left owed, who is tried again minutes later."""
        assert sender.process
        code = sender.process.returncode
        self._sink.bury(sender.port)
        sender.process = None
        if code not in (0, 4, 5):
            words = sender.words.read_text(encoding="utf-8", errors="replace")
            if code == 75 and LOCKED in words:
                return False  # it gave up on the lock of a frozen one, and is started again
            raise CampaignError(f"{self._issue}: a run ended with exit code {code}:\n{words[-2000:]}")
        if code == 4:
            self._clock += timedelta(minutes=6)
        return code == 4

    # ---- one kill ----

    def _on_moment(self, line: Line, moment: Moment) -> None:
        sender = self._senders[line.port]
        aim = sender.aim
        if aim is None or sender.process is None or sender.frozen:
            return
        if moment == Moment.HELLO and aim.step is None and sender.at is None:
            sender.at = time.monotonic() + aim.delay
        elif is_time(aim, line, moment, self._state):
            self._strike(sender, line)

    def _state(self, recipient: str) -> str:
        return self._ledger.state(self._issue, recipient)

    def _strike(self, sender: Sender, line: Line | None) -> None:
        aim, process = sender.aim, sender.process
        assert aim
        assert process
        sender.aim = sender.at = None
        if aim.freeze and sum(bool(other.frozen) for other in self._running) < SPARE:
            process.send_signal(signal.SIGSTOP)
            sender.frozen = time.monotonic()
            self.tally.freezes += 1
            self._sink.note({"what": "frozen", "port": sender.port, "issue": self._issue, "step": aim.step})
            return
        process.kill()
        if process.wait() != -signal.SIGKILL:
            return  # it was quicker, and is taken leave of in turn
        sender.process = None
        lines = self._sink.bury(sender.port)
        found = self._inquest.hold(self._issue, lines, line, aim.step)
        self.tally.kills += 1
        self.tally.landed[found.step] += 1
        self.tally.beside.update(found.beside)
        fact = {"what": "killed", "port": sender.port, "issue": self._issue, "aimed": aim.step}
        mails = [asdict(mail) for mail in found.mails]
        self._sink.note(fact | {"step": found.step, "in_flight": found.connections, "mails": mails})

    def _words(self) -> str:
        return max(self._senders.values(), key=lambda each: each.words.stat().st_mtime).words.read_text(
            "utf-8"
        )

    def _say_how_far(self, now: float) -> None:
        if now - self._told < 10:
            return
        self._told = now
        tally = self.tally
        say(
            f"{now - self._began:5.0f} s  {tally.kills:,} of {self.options.kills:,} kills,"
            f" {tally.freezes} freezes, issue {tally.issues + 1}, {self._sink.accepted:,} mails accepted"
        )


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.crash_campaign", description=__doc__)
    add = parser.add_argument
    add("--kills", type=int, default=1000, help="how many senders to kill (1000)")
    add("--runs-at-once", type=int, default=3, help="senders of one issue at the same time (3)")
    add("--seed", type=int, help="of all that is drawn by chance; time adds chance of its own")
    add("--readers", type=int, default=1000, help="readers of an issue (1000)")
    add("--connections", type=int, default=4, help="[send] connections (4)")
    add("--no-pipelining", action="store_true", help="let the server not offer PIPELINING")
    add("--json", action="store_true", help="print the result for a program")
    add("--keep", type=Path, metavar="FOLDER", help="work in this new folder and leave log and ledger there")
    return parser.parse_args(arguments)


def main() -> int:
    """Run a campaign and tell what it found; the exit code."""
    asked = read_options()
    options = Options(
        kills=asked.kills,
        runs_at_once=asked.runs_at_once,
        seed=random.randrange(10**6) if asked.seed is None else asked.seed,
        readers=asked.readers,
        connections=asked.connections,
        pipelining=not asked.no_pipelining,
    )
    say(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="crash-campaign-") as scratch:
        root = asked.keep or Path(scratch)
        root.mkdir(parents=True, exist_ok=True)
        campaign = Campaign(options, root)
        try:
            found = campaign.run()
        except CampaignError as error:
            say(f"Failed, seed {options.seed}: {error}")
            return 1
    wrong = complaints(campaign.tally, found)
    print(
        json.dumps(as_data(campaign.tally, found), indent=2)
        if asked.json
        else in_words(campaign.tally, found)
    )
    for complaint in wrong:
        say(complaint)
    say(f"Failed, seed {options.seed}" if wrong else "All is well.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
