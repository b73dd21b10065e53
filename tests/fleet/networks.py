"""Hosts of their own on one machine: network namespaces on a bridge, each of which can be cut off."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

BRIDGE = "nlbr0"
NETWORK = "10.77.0"
FIRST = 10


def needs_namespaces() -> None:
    """Skip where there are no namespaces to be had; fail where there must be."""
    missing = ""
    if os.geteuid() != 0:
        missing = "root"
    elif shutil.which("ip") is None:
        missing = "iproute2: apt-get install iproute2"
    elif subprocess.run(["ip", "netns", "add", "nl-probe"], capture_output=True, check=False).returncode:
        missing = "network namespaces"
    else:
        _ip("netns", "del", "nl-probe")
    if missing and os.environ.get("CI"):
        pytest.fail(f"needs {missing}")
    if missing:
        pytest.skip(f"needs {missing}")


class Network:
    """A bridge at 10.77.0.1 with so many hosts on it."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = list(hosts)
        self.address = f"{NETWORK}.1"

    def inside(self, host: str, order: Sequence[str]) -> list[str]:
        """An order as it is given on a host."""
        return ["ip", "netns", "exec", host, *order]

    def cut(self, host: str) -> None:
        """No packet comes to the host or leaves it, and nobody is told."""
        _ip("link", "set", self._cable(host), "nomaster")

    def mend(self, host: str) -> None:
        _ip("link", "set", self._cable(host), "master", BRIDGE)

    def _cable(self, host: str) -> str:
        return f"nlv{FIRST + self.hosts.index(host)}"


@contextmanager
def network(*hosts: str) -> Iterator[Network]:
    """Hosts on a bridge, whose own loopback each has to itself; all gone with the block."""
    needs_namespaces()
    made = Network(hosts)
    _tear_down(hosts)
    try:
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("addr", "add", f"{made.address}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for number, host in enumerate(hosts, FIRST):
            _ip("netns", "add", host)
            _ip("link", "add", f"nlv{number}", "type", "veth", "peer", "name", "eth0", "netns", host)
            _ip("link", "set", f"nlv{number}", "master", BRIDGE, "up")
            _ip("-n", host, "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                _ip("-n", host, "link", "set", device, "up")
        yield made
    finally:
        _tear_down(hosts)


def _tear_down(hosts: Sequence[str]) -> None:
    for host in hosts:
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "del", host)
    with suppress(subprocess.CalledProcessError):
        _ip("link", "del", BRIDGE)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
