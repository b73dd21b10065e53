"""A DNS server on loopback, by UDP and TCP, that knows a few names, and fails as it is told to.

`DnsServer({"lettre.example": {"MX": ["10 mx.lettre.example."]}})` knows one name. It has the root as every
resolver of the world has it, unless it is `walled`. What it does otherwise is said by name: `mute` gets no
answer, `failing` SERVFAIL, `refused` REFUSED, and what is told of `truncated` fits by TCP only.
"""

import socket
import threading
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[str, Mapping[str, Sequence[str]]]

ROOT = {"SOA": ["a.root-servers.net. nstld.verisign-grs.com. 2026112300 1800 900 604800 86400"]}
SOA = "ns.{0}. hostmaster.{0}. 1 3600 900 604800 3600"


class DnsServer:
    """Answers until it is left; `asked` are the questions as they came: name, type, "udp" or "tcp"."""

    def __init__(
        self,
        zone: Zone = {},  # noqa: B006
        *,
        mute: Collection[str] = (),
        failing: Collection[str] = (),
        refused: Collection[str] = (),
        truncated: Collection[str] = (),
        walled: bool = False,
    ) -> None:
        self.zone = {"": {} if walled else ROOT, **{name.lower(): records for name, records in zone.items()}}
        self.mute, self.failing, self.refused, self.truncated = mute, failing, refused, truncated
        self.walled = walled
        self.asked: list[tuple[str, str, str]] = []
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._udp.settimeout(0.05)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._serve_udp), threading.Thread(target=self._serve_tcp)]

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._tcp.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._tcp.close()
        self._udp.close()

    def _serve_udp(self) -> None:
        while not self._over.is_set():
            try:
                data, client = self._udp.recvfrom(4096)
            except TimeoutError:
                continue
            if answer := self._answer(dns.message.from_wire(data), "udp"):
                self._udp.sendto(answer.to_wire(), client)

    def _serve_tcp(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                stream = connection.makefile("rwb")
                with stream:
                    length = int.from_bytes(stream.read(2))
                    query = dns.message.from_wire(stream.read(length))
                    if answer := self._answer(query, "tcp"):
                        wire = answer.to_wire(max_size=65_535)
                        stream.write(len(wire).to_bytes(2) + wire)

    def _answer(self, query: dns.message.Message, way: str) -> dns.message.Message | None:
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower().removeprefix(".").removesuffix(".")
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, way))
        if name in self.mute:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name in self.refused:
            answer.set_rcode(dns.rcode.REFUSED)
        elif way == "udp" and name in self.truncated:
            answer.flags |= dns.flags.TC
        elif not self._is_there(name):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif records := self.zone.get(name, {}).get(kind):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
        return answer

    def _is_there(self, name: str) -> bool:
        """Whether there is such a name: one that has records, or stands above one that has (RFC 8020)."""
        if not name:
            return not self.walled
        return any(each == name or each.endswith(f".{name}") for each in self.zone)


def txt(text: str) -> str:
    """A text as TXT records have it: in strings of at most 255 octets."""
    return " ".join(f'"{text[n : n + 255]}"' for n in range(0, len(text), 255))


def dead_resolver() -> tuple[socket.socket, tuple[str, int]]:
    """A port where packets arrive and nobody answers; the socket is to be closed."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    return silent, silent.getsockname()
