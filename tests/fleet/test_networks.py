"""F15: a host that is cut off from the database in mid-batch, on real networks of its own."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.fleet_ledger import LedgerServer
from tests.bench.throwaway import command, environment, make_publication, write_next_issue
from tests.cluster import needs_server, running
from tests.conftest import PYTHON, ROOT
from tests.fleet.house import CLOCK, KEY, wait_for
from tests.fleet.networks import NETWORK, Network, needs_namespaces, network

READERS = 5000  # at 120 a second, so that much is left for the host that comes back, also on a busy machine
CUT_SECONDS = 10.0
HOSTS = ("nl-east", "nl-west")


@contextmanager
def process(order: Sequence[str], words: Path, **options: int) -> Iterator["subprocess.Popen[str]"]:
    """A process that ends with the block."""
    with words.open("w") as errors:
        popen = subprocess.Popen(
            order,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=options.get("stdout", errors),
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        yield popen
    finally:
        if popen.poll() is None:
            os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()
        if popen.stdout:
            popen.stdout.close()


def accepted(log: Path) -> Counter[str]:
    facts = (json.loads(line) for line in log.read_text("utf-8").splitlines())
    return Counter(str(fact["recipient"]) for fact in facts if fact["what"] == "accepted")


def sink(stack: ExitStack, net: Network, host: str, log: Path) -> int:
    """A mail server on a host's own loopback; its port."""
    order = net.inside(host, [PYTHON, "-m", "tests.fleet.sink_process", str(log)])
    popen = stack.enter_context(process(order, log.with_suffix(".err"), stdout=subprocess.PIPE))
    assert popen.stdout is not None
    return int(popen.stdout.readline())


def test_f15_what_a_host_had_that_is_cut_off_goes_on_elsewhere_and_nobody_gets_it_twice(
    tmp_path: Path,
) -> None:
    needs_namespaces()
    needs_server()
    with ExitStack() as stack:
        net = stack.enter_context(network(*HOSTS))
        cluster = stack.enter_context(running(network=NETWORK))
        url = cluster.empty()
        logs = [tmp_path / f"{host}.log" for host in HOSTS]
        ports = [sink(stack, net, host, log) for host, log in zip(HOSTS, logs, strict=True)]
        folders = make_publication(
            tmp_path / "paper",
            [*ports, 1],
            readers=READERS,
            connections=4,
            more="per_second = 120\n",
            store=url,
        )
        write_next_issue(tmp_path / "paper", KEY)
        *places, desk = folders.values()
        desk_settings = desk / "newsletter.toml"
        text = desk_settings.read_text(encoding="utf-8").replace('patience = "0s"', 'patience = "2m"')
        desk_settings.write_text(text, encoding="utf-8")
        ledger = LedgerServer(url)
        stack.callback(ledger.close)
        words = [tmp_path / f"{host}.words" for host in HOSTS]
        for host, place, said in zip(HOSTS, places, words, strict=True):
            stack.enter_context(process(net.inside(host, command(place, CLOCK, "worker")), said))
        wait_for(lambda: len(ledger.rows("SELECT name FROM worker")) == 2)
        order = command(desk, CLOCK, "send", KEY, "--yes")
        send = stack.enter_context(process(order, tmp_path / "send.words"))

        wait_for(lambda: sum(accepted(logs[0]).values()) > 60)
        net.cut(HOSTS[0])
        cut = time.monotonic()
        east = next(
            str(name)
            for (name,) in ledger.rows("SELECT DISTINCT worker FROM batch WHERE worker <> ''")
            if str(name) in words[0].read_text(encoding="utf-8")
        )
        held = ledger.in_hand(east)
        assert held
        wait_for(lambda: ledger.taken_over(east, held) == held, seconds=30)
        print(f"taken over {time.monotonic() - cut:.1f} s after the cut")
        wait_for(lambda: time.monotonic() - cut > CUT_SECONDS)
        before = sum(accepted(logs[0]).values())
        net.mend(HOSTS[0])
        mended = time.monotonic()
        wait_for(lambda: sum(accepted(logs[0]).values()) > before)
        print(f"sends again {time.monotonic() - mended:.1f} s after the network is back")

        assert send.wait(120) in (0, 5), (tmp_path / "send.words").read_text(encoding="utf-8")
        wait_for(lambda: ledger.owed(KEY) == 0)
        states = Counter(dict(ledger.rows("SELECT state, count(*) FROM delivery GROUP BY state")))
        east_copies, west_copies = (accepted(log) for log in logs)
        copies = east_copies + west_copies
        assert set(copies.values()) == {1}
        assert states["sent"] + states["in doubt"] == READERS
        assert len(copies) >= states["sent"]
        assert states["in doubt"] <= 8  # of four connections
        again = sum(east_copies.values()) - before
        print(f"in doubt {states['in doubt']}; the host that came back sent {again} more")
