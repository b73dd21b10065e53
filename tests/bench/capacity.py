"""What so many readers cost the database: `python -m tests.bench.capacity --readers 10000000`.

On a PostgreSQL server of its own, which waits for its disk: readers and proofs are entered, an issue of the
day before lies there as it is once it was sent, today's is frozen and planned into batches while people sign
up, hands in 1, 2 and 4 processes do all that workers ask of the database for some of the batches, the issues
are counted and reported on, and the old one's rows are deleted. Each step stands beside the barest way to do
as much, in the same run. With --keep the figures are written as JSON: docs/scale.md rests on docs/scale.json.
"""

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from newsletter.fleet.dispatch import batches_of
from newsletter.fleet.engine import Engine, upgrade
from newsletter.readers.accounts import Accounts
from newsletter.readers.addresses import read_address
from newsletter.readers.batches import Batches, Plan
from newsletter.readers.csv_file import Row
from newsletter.readers.database import Database
from newsletter.readers.decisions import Decisions
from newsletter.readers.importing import Incoming
from newsletter.readers.ledger import Ledger
from newsletter.readers.proof import Proof
from newsletter.readers.report import Reports
from newsletter.readers.store import Readers
from newsletter.readers.suppression import Hashes
from tests.bench.capacity_hands import HOST, KEY, RECEIPT, TLS, all_at_once, send, span, waits, write_bare
from tests.bench.capacity_steps import Book
from tests.cluster import Cluster, running

OLD = "2026-11-20"
ROOM = 3_500
"""Bytes of disk for each reader, with all that stands beside."""
SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "8GB", "maintenance_work_mem": "512MB"}
HOSTS = "{gmail.com,orange.fr,free.fr,hotmail.fr,wanadoo.fr,yahoo.fr,laposte.net,sfr.fr}"

# As various as in life, and in no order, like the ids of those who have signed up one by one.
PEOPLE = f"""
INSERT INTO people (id, email, address_key, name, status, since)
SELECT id, address, address, 'Marie-Claude Dupont', 'active', 1700000000 FROM (
  SELECT substr(translate(encode(decode(md5(n::text), 'hex'), 'base64'), '+/', '-_'), 1, 16) AS id,
    'prenom.nom' || n || '@' || ('{HOSTS}'::text[])[1 + n %% 8] AS address
  FROM generate_series(1, %s) AS n) AS made_up
"""
ENTER = """
INSERT INTO reader (id, email, address_key, name, status, since)
SELECT id, email, address_key, name, status, since FROM people
"""
PROVE = """
INSERT INTO consent (reader_id, at, kind, source, words, page, network)
SELECT id, 1700000000, 'confirmed', 'sign-up',
  'Oui, je veux recevoir la lettre chaque matin de la semaine. Je peux partir à tout moment.',
  'https://www.example.org/', '' FROM reader LIMIT %s
"""
OLD_ISSUE = """
INSERT INTO issue (key, fingerprint, subject, template, date, audience, frozen_at)
SELECT %s, 'f', 's', 't', '2026-11-20T07:00:00+01:00', count(*), 1700000000 FROM reader
"""
OLD_ROWS = """
INSERT INTO delivery (issue_key, reader_id, state, attempts, committed_at, host, reason)
SELECT %s, id, 'sent', 1, 1700000000 + (row_number() OVER (ORDER BY id)) / 5000, %s, '' FROM reader
"""
OLD_SAID = """
INSERT INTO attempt (
  issue_key, reader_id, number, at, outcome, phase, code, detail, host, tls, milliseconds)
SELECT issue_key, reader_id, 1, committed_at, 'sent', '', 250, %s, host, %s, 12
FROM delivery WHERE issue_key = %s ORDER BY reader_id
"""
BARE_ROWS = """
INSERT INTO bare_delivery (issue_key, reader_id, state, attempts, reason)
SELECT %s, id, 'owed', 0, '' FROM reader
"""


@dataclass(slots=True)
class SignUps:
    """Somebody who signs up now and then while the block lasts, and how long each had to wait."""

    database: Database
    times: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def __enter__(self) -> "SignUps":
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        assert self.thread
        self.thread.join()

    def _run(self) -> None:
        readers = Readers(self.database, hashes=_hashes)
        proof = Proof(source="sign-up")
        while not self.over.wait(0.05):
            address = read_address(f"late{random.random()}@example.org")
            began = time.perf_counter()
            readers.add(address, proof=proof, now=datetime.now(UTC))
            self.times.append(time.perf_counter() - began)

    def told(self) -> dict[str, float]:
        """The usual and the longest wait."""
        times = self.times or [0.0]
        return {"sign-up ms": median(times) * 1000, "sign-up at most ms": max(times) * 1000}


def _hashes(key: str) -> Sequence[str]:
    """In the place of the keyed hashes of those who were erased: nobody was."""
    return (key,)


def enter(book: Book, database: Database, count: int) -> None:
    """Readers and their proofs, and a list of some more by the press's own import."""
    book.run("CREATE UNLOGGED TABLE people (LIKE reader)")
    book.run(PEOPLE, (count,))
    book.run("CREATE TABLE bare_reader (LIKE reader)")
    with book.step("bare rows of readers", count, "bare_reader") as bare:
        book.run("INSERT INTO bare_reader SELECT * FROM people")
    with book.step("readers", count, "reader", against=("the INSERT of bare rows", bare.seconds)):
        book.run(ENTER)
    book.run("DROP TABLE bare_reader, people")
    part = max(count // 10, 1_000)
    with book.step("proofs", part, "consent", against=("as many bare rows", bare.seconds * part / count)):
        book.run(PROVE, (part,))
    book.run("VACUUM ANALYZE reader, consent")
    some = max(count // 100, 1_000)
    hashes: Hashes = _hashes
    rows = [
        Row(line=n, address=read_address(f"de.la.liste{n}@example.org"), name="Paul") for n in range(some)
    ]
    scaled = bare.seconds * some / count
    step = book.step("import by the press", some, against=("as many bare rows", scaled))
    with step, Incoming(database, hashes=hashes) as incoming:
        incoming.read(rows, refuse=lambda row: None)
        assert sum(incoming.enter(proof=Proof(source="fair"), now=datetime.now(UTC))) == some


def lay_down_old_issue(book: Book) -> None:
    """An issue as it stands in the tables when all of it was sent."""
    book.run(OLD_ISSUE, (OLD,))
    count = int(book.one("SELECT audience FROM issue"))
    with book.step("an issue that was sent, its deliveries", count, "delivery"):
        book.run(OLD_ROWS, (OLD, HOST))
    with book.step("an issue that was sent, its attempts", count, "attempt"):
        book.run(OLD_SAID, (RECEIPT, TLS, OLD))
    book.run("VACUUM ANALYZE delivery, attempt")


def freeze_and_plan(book: Book, database: Database, batches: Batches, engine: Engine) -> None:
    ledger = Ledger(database)
    count = int(book.one("SELECT count(*) FROM reader"))
    book.run("CREATE TABLE bare_delivery (LIKE delivery INCLUDING DEFAULTS)")
    with book.step("bare rows of an issue", count, "bare_delivery") as bare:
        book.run(BARE_ROWS, (KEY,))
    against = ("the INSERT of bare rows", bare.seconds)
    now = datetime.now(UTC)
    with book.step("freeze", count, "delivery", against=against) as step:
        with SignUps(database) as people:
            ledger.freeze(
                issue_key=KEY, fingerprint="f", subject="s", template="t", date=now, now=now, held=True
            )
        step.more = people.told()
    passing = book.timed(lambda: book.one("SELECT count(*) FROM bare_delivery"))
    against = ("one pass over the bare rows", passing)
    plan = Plan(relays=lambda number: ["main"] * number, mark="m1")
    with book.step("plan", count, "batch", "procrastinate_jobs", against=against) as step:
        with SignUps(database) as people:
            cut = batches.go_on(KEY, plan, engine.live)
            Decisions(database).let_go(KEY)
        step.more = {"batches": cut, **people.told()}


def work(book: Book, url: str, batches: Batches, engine: Engine, options: argparse.Namespace) -> None:
    """Hands at some of the batches, as many at once as asked for; then what is asked while they work."""
    book.run("CREATE TABLE bare_log (issue_key text, state text)")
    free = [int(number) for (number,) in book.run("SELECT id FROM batch ORDER BY id")]
    rows = int(book.one("SELECT max(readers) FROM batch"))
    each = max(1, min(options.sample // rows, len(free) // (2 * len(options.hands))))
    for hands, group in options.hands:
        mine, free = free[:each], free[each:]
        shares = [mine[number::hands] for number in range(hands) if mine[number::hands]]
        bare = span(all_at_once(write_bare, [(url, rows * each // hands, group)] * hands))
        against = (f"durable transactions of {group} bare rows", bare)
        name = f"hands: {hands}, {group} messages a transaction"
        with book.step(name, rows * each, against=against) as step:
            found = all_at_once(send, [(url, share, group) for share in shares])
            step.rows, step.seconds = sum(done.rows for done in found), span(found)
            step.more = waits(found)
    passing = book.timed(lambda: book.one("SELECT count(*) FROM bare_delivery"))
    count = int(book.one("SELECT audience FROM issue WHERE key = %s", (KEY,)))
    with book.step("look for what was lost", count, against=("one pass over the bare rows", passing)):
        batches.reconcile(KEY, engine.live())


def count_up(book: Book, database: Database) -> None:
    """What `status`, `report` and whoever follows ask, of the issue that goes on and of the old one."""
    ledger, reports = Ledger(database), Reports(database)
    now = datetime.now(UTC)
    count = int(book.one("SELECT audience FROM issue WHERE key = %s", (KEY,)))
    passing = book.timed(lambda: book.one("SELECT count(*) FROM bare_delivery"))
    against = ("one pass over the bare rows", passing)
    with book.step("tally of an issue that goes on", count, against=against):
        assert ledger.tally(KEY).holds
    with book.step("count of those owed", count, against=against):
        ledger.count_owed(KEY)
    with book.step("standing", count, against=against):
        Accounts(database).standing(KEY)
    with book.step("tally of an issue that was sent", count, against=against):
        assert ledger.tally(OLD).done
    with book.step("report of an issue that was sent", count, against=against):
        assert reports.issue(OLD, now).sending.holds


def forget(book: Book) -> None:
    """Delete an old issue's rows, attempts and deliveries; then give the room back."""
    count = int(book.one("SELECT audience FROM issue WHERE key = %s", (OLD,)))
    against = (
        "dropping a table of as many bare rows",
        book.timed(lambda: book.run("DROP TABLE bare_delivery")),
    )
    with book.step("delete an old issue's attempts", count, against=against):
        book.run("DELETE FROM attempt WHERE issue_key = %s", (OLD,))
    with book.step("delete an old issue's deliveries", count, against=against):
        book.run("DELETE FROM delivery WHERE issue_key = %s", (OLD,))
    with book.step("vacuum after it", count, against=against):
        book.run("VACUUM delivery, attempt")


def measure(cluster: Cluster, options: argparse.Namespace) -> None:
    for name, value in SETTINGS.items():
        cluster.order(f"ALTER SYSTEM SET {name} = '{value}'")
    cluster.restart("fast")
    url = cluster.made()
    with Database.open(url, Path()) as database, closing(Book(url)) as book:
        upgrade(database.conninfo)
        engine = Engine(database.conninfo)
        batches = batches_of(database, engine)
        version = str(book.one("SHOW server_version"))
        print(f"PostgreSQL {version}, {SETTINGS}; {options.readers:,} readers", flush=True)
        began = time.monotonic()
        enter(book, database, options.readers)
        lay_down_old_issue(book)
        freeze_and_plan(book, database, batches, engine)
        work(book, url, batches, engine, options)
        count_up(book, database)
        size = int(book.one("SELECT pg_database_size(current_database())"))
        print(f"the whole database: {size / 1e9:,.2f} GB")
        forget(book)
        print(f"all in {time.monotonic() - began:,.0f} s")
        if options.keep:
            about = {"readers": options.readers, "server": version, "settings": SETTINGS, "database": size}
            book.keep(options.keep, about)


def _hands(text: str) -> tuple[int, int]:
    hands, _, group = text.partition("x")
    return int(hands), int(group or 10)


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description=__doc__)
    add = parser.add_argument
    add("--readers", type=int, default=100_000, help="readers in the database (100000)")
    add("--sample", type=int, default=40_000, help="messages of each round of hands (40000)")
    hands = [(1, 10), (2, 10), (4, 10), (1, 50), (2, 50)]
    add("--hands", type=_hands, nargs="+", default=hands, help="processes x messages in a turn (1x10 …)")
    add("--keep", type=Path, help="a file for the figures as JSON")
    return parser.parse_args(arguments)


def main() -> int:
    """Measure and tell; the exit code."""
    options = read_options()
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < options.readers * ROOM + 10e9:
        print(f"{free / 1e9:,.0f} GB of disk are not enough", file=sys.stderr)
        return 75
    with running(durable=True) as cluster:  # gone with all its files, however this ends
        measure(cluster, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
