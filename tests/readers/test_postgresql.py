"""What only a server can do: lose the answer to a commit, be shared by many, be told to be careless."""

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from newsletter.errors import StoreError
from newsletter.readers import entries, queue, schema
from newsletter.readers.database import Database
from newsletter.readers.decisions import Decisions
from newsletter.readers.ledger import Ledger
from newsletter.readers.store import Readers
from tests.cluster import Cluster
from tests.readers.conftest import (
    KEY,
    NOW,
    RELAY,
    commit,
    commits,
    crowd,
    due,
    enter,
    events,
    freeze,
    gave,
    leaves,
    record,
    state,
)


@pytest.fixture
def store(cluster: Cluster) -> str:
    return cluster.cleared()


class Deaf:
    """A port that leads to a server; the first COMMIT from when it is `armed` loses the connection."""

    def __init__(self, port: int, *, after: bool) -> None:
        self._server = ("127.0.0.1", port)
        self._after = after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.armed = False
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            theirs = socket.create_connection(self._server)
            threading.Thread(target=self._forth, args=(ours, theirs), daemon=True).start()
            threading.Thread(target=self._back, args=(theirs, ours), daemon=True).start()

    def _forth(self, ours: socket.socket, theirs: socket.socket) -> None:
        while data := ours.recv(65536):
            if b"COMMIT" in data and self.armed and not self.lost:
                self.lost += 1
                if self._after:
                    ours.shutdown(socket.SHUT_WR)  # the answer finds nobody any more
                    theirs.sendall(data)
                    theirs.recv(65536)
                break
            theirs.sendall(data)
        for end in (ours, theirs):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _back(self, theirs: socket.socket, ours: socket.socket) -> None:
        try:
            while data := theirs.recv(65536):
                ours.sendall(data)
        except OSError:
            pass

    def close(self) -> None:
        self._listener.close()


def test_a_commit_whose_answer_is_lost_is_found_to_be_done(
    cluster: Cluster, store: str, database: Database, tmp_path: Path
) -> None:
    ids = crowd(database, 3)
    freeze(Ledger(database))
    deaf = Deaf(cluster.port, after=True)
    with Database.open(store.replace(str(cluster.port), str(deaf.port)), tmp_path) as far:
        deaf.armed = True
        assert commit(Ledger(far), *ids) == {}
    assert deaf.lost == 1
    assert [state(Ledger(database), each)[0] for each in ids] == ["in doubt"] * 3
    deaf.close()


def test_a_commit_that_never_arrived_is_told_and_may_be_made_again(
    cluster: Cluster, store: str, database: Database, tmp_path: Path
) -> None:
    ids = crowd(database, 3)
    freeze(Ledger(database))
    deaf = Deaf(cluster.port, after=False)
    with Database.open(store.replace(str(cluster.port), str(deaf.port)), tmp_path) as far:
        deaf.armed = True
        with pytest.raises(StoreError, match="not to be had") as caught:
            commit(Ledger(far), *ids)
        assert caught.value.passing
        assert [state(Ledger(database), each)[0] for each in ids] == ["owed"] * 3
        assert commit(Ledger(far), *ids) == {}
    deaf.close()


def test_nobody_waits_for_a_row_that_another_run_is_just_committing(
    store: str, database: Database, tmp_path: Path
) -> None:
    one, two, three = crowd(database, 3)
    ledger = Ledger(database)
    freeze(ledger)
    with Database.open(store, tmp_path, busy_timeout=0.3) as other, other.drive(writing=True) as driver:
        driver.execute("SELECT 1 FROM delivery WHERE reader_id = ?1 FOR UPDATE", (two,)).fetchall()
        assert commit(ledger, one, two, three) == {two: ""}
    assert commit(ledger, two) == {}


def test_a_sign_up_does_not_wait_for_a_freeze_nor_a_run_for_a_sign_up(
    store: str, database: Database, tmp_path: Path
) -> None:
    ids = crowd(database, 2)
    ledger = Ledger(database)
    freeze(ledger)
    with Database.open(store, tmp_path, busy_timeout=0.3) as other:
        with database.write(issue="2026-11-24"):
            enter(Readers(other), "lea@example.org")
            with pytest.raises(StoreError, match=r"kept the database locked for 0\.3 s"):
                Ledger(other).freeze(
                    issue_key="2026-11-24", fingerprint="f", subject="", template="", date=NOW, now=NOW
                )
        with database.write():
            assert commit(Ledger(other), ids[0]) == {}
            record(Ledger(other), gave(ids[0]))
            with pytest.raises(StoreError, match=r"kept the database locked for 0\.3 s"):
                enter(Readers(other), "max@example.org")


def test_whoever_leaves_between_two_commits_gets_nothing_more(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    lea, max_ = enter(readers, "lea@example.org", "max@example.org")
    freeze(ledger)
    assert commit(ledger, lea) == {}
    assert leaves(readers, "max@example.org")
    assert commit(ledger, max_) == {max_: "left"}


def test_many_runs_and_somebody_who_cancels_never_stand_in_each_others_way(
    store: str, database: Database, tmp_path: Path
) -> None:
    ids = crowd(database, 400)
    freeze(Ledger(database))
    committed: list[str] = []
    failures: list[BaseException] = []
    half = threading.Event()

    def run(number: int) -> None:
        try:
            with Database.open(store, tmp_path) as own:
                ledger = Ledger(own)
                while group := due(ledger, limit=20):
                    order = group if number % 2 else group[::-1]
                    vetoes = ledger.write(KEY, commits=commits(*order), now=NOW)
                    mine = [each for each in order if each not in vetoes]
                    ledger.write(KEY, deliveries=[gave(each) for each in mine], now=NOW)
                    committed.extend(mine)
                    if len(committed) > 200:
                        half.set()
        except BaseException as error:
            failures.append(error)
            half.set()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    half.wait(30)
    Decisions(database).cancel(KEY, who="ada", now=NOW)
    for thread in threads:
        thread.join(60)
    assert failures == []
    tally = Ledger(database).tally(KEY)
    assert (tally.holds, tally.owed, tally.in_doubt) == (True, 0, 0)
    late = 400 - len(committed)  # none, if the runs were quicker than whoever cancels
    assert (tally.sent, tally.withheld) == (len(committed), {"cancelled": late} if late else {})
    assert sorted(committed) == sorted(set(committed)) <= ids


def test_a_server_that_is_told_to_be_careless_is_not_with_us(
    cluster: Cluster, store: str, tmp_path: Path
) -> None:
    cluster.order("ALTER SYSTEM SET synchronous_commit = off")
    cluster.order("SELECT pg_reload_conf()")
    try:
        for durable, found in ((True, "on"), (False, "off")):
            with Database.open(store, tmp_path, durable=durable) as database:
                with database.read() as connection:
                    assert connection.scalar(text("SHOW synchronous_commit")) == found
                with database.drive(writing=False) as driver:
                    assert driver.execute("SHOW synchronous_commit").fetchone() == (found,)
    finally:
        cluster.order("ALTER SYSTEM RESET synchronous_commit")
        cluster.order("SELECT pg_reload_conf()")


def test_a_nul_in_what_a_mail_server_says_is_no_reason_to_lose_it(
    database: Database, readers: Readers, ledger: Ledger
) -> None:
    (lea,) = enter(readers, "lea@example.org")
    freeze(ledger)
    commit(ledger, lea)
    record(ledger, gave(lea, detail="250 \0 ok"))
    assert [event[4] for event in events(database)] == ["250 \N{REPLACEMENT CHARACTER} ok"]
    with database.write() as connection:
        row = {"reader_id": lea, "at": 0, "kind": "joined", "source": "a\0b"}
        connection.execute(insert(schema.consent), row)
    with database.read() as connection:
        found = connection.scalars(select(schema.consent.c.source).order_by(schema.consent.c.id)).all()
    assert found[-1] == "a\N{REPLACEMENT CHARACTER}b"


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(StoreError, match="not to be had: connection failed") as caught:
        Database.open(f"postgresql://press:hush@127.0.0.1:{port}/news", tmp_path)
    assert caught.value.where == f"postgresql://press@127.0.0.1:{port}/news"
    assert caught.value.passing
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("query", ["connect_timeuot=3", "host=one.example&host=two.example:x", "port=x"])
def test_an_address_that_says_what_no_server_understands_is_told(tmp_path: Path, query: str) -> None:
    with pytest.raises(StoreError) as caught:
        Database.open(f"postgresql://press@127.0.0.1/news?{query}", tmp_path)
    assert caught.value.where == "[store] url"
    assert not caught.value.passing


def test_an_empty_database_is_not_filled_by_surprise(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.empty()
    with pytest.raises(StoreError, match="has no tables yet") as caught:
        Database.open(url, tmp_path)
    assert caught.value.hint == "newsletter db upgrade"
    cluster.drop(url)


def plan(database: Database, statement: str, *values: object) -> str:
    with database.drive(writing=True) as driver:
        rows = driver.execute(f"EXPLAIN {statement}", values).fetchall()
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("known", [False, True], ids=["just-frozen", "counted-since"])
def test_each_row_is_found_by_its_key_and_the_queue_by_its_index(
    database: Database, ledger: Ledger, known: bool
) -> None:
    """Whatever the server has counted so far: right after a freeze it knows nothing of the issue's rows."""
    ids = crowd(database, 8_000)
    freeze(ledger, key="2026-11-20")
    if known:
        with database.write() as connection:
            connection.execute(text("ANALYZE"))
    freeze(ledger)
    some = json.dumps(ids[:20])
    by_key = [
        plan(database, entries._COMMIT, KEY, 1, 0, RELAY, some),
        plan(database, entries._SENT, KEY, 1, some),
        plan(database, entries._RECORD, KEY, ids[0], 1, True, "sent", 1, None, ""),
        plan(database, entries._WITHHOLD, KEY, some, "left"),
    ]
    for steps in by_key:
        assert "using delivery_pkey" in steps
        assert "delivery_unsettled" not in steps
        assert "Seq Scan on delivery" not in steps
    first, final = queue.EVERYBODY
    for statement, last in ((queue._THEN, (ids[500], 50, final)), (queue._LATER, (1, 50, final, first))):
        steps = plan(database, statement, KEY, 0, *last)
        assert "using delivery_unsettled" in steps
        assert "Seq Scan on delivery" not in steps


def test_a_commit_reads_its_own_rows_only_of_an_issue_that_is_newer_than_the_servers_statistics(
    database: Database, ledger: Ledger
) -> None:
    ids = crowd(database, 3000)
    freeze(ledger, key="2026-11-20")
    with database.write() as connection:
        connection.execute(text("ANALYZE delivery"))
    freeze(ledger)
    commit(ledger, *ids[:10])
    with database.drive(writing=True) as driver:
        entries.commit_all(driver, KEY, commits(*ids[1000:1010]), NOW)
        entries.record(driver, KEY, [gave(one) for one in ids[:10]])
        read = driver.execute(
            "SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_index"
            " WHERE indrelid = 'delivery'::regclass"
        ).fetchone()
    assert read[0] < 100
