"""A network between the run and its server, on loopback: slow, torn apart, or cut at any octet."""

import contextlib
import queue
import random
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Self

PIECE = 4096


class Wire(threading.Thread):
    """One direction of one connection; what comes in leaves a while later, or never."""

    def __init__(self, source: socket.socket, target: socket.socket, network: "Network") -> None:
        super().__init__(daemon=True)
        self.source = source
        self.target = target
        self.network = network
        self.torn = False
        self._late: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True)

    def run(self) -> None:
        self._writer.start()
        data = b"."
        while data:
            try:
                data = self.source.recv(PIECE)
            except OSError:
                data = b""
            self._late.put((time.monotonic() + self.network.seconds, data))
        self._writer.join()

    def _write(self) -> None:
        while True:
            due, data = self._late.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not data:
                    self.target.shutdown(socket.SHUT_WR)
                    return
                if not self.torn:
                    self.target.sendall(data)
            except OSError:
                return
            if self.network.is_cut_by(len(data)):
                reset(self.source)
                reset(self.target)
                return


def reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
        end.close()


class Network:
    """Connections to `port` of its own lead to a server's.

    A packet takes `seconds` each way. `tear` loses whatever travels on the connections there are; `cuts` is
    the mean number of octets after which a connection is broken off, by chance, 0 for never.
    """

    def __init__(self, server_port: int, *, seconds: float = 0.0, cuts: int = 0, seed: int = 0) -> None:
        self.seconds = seconds
        self.wires: list[Wire] = []
        self._server = ("127.0.0.1", server_port)
        self.cuts = cuts
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def tear(self) -> None:
        """From now on nothing arrives any more, either way, and nobody is told."""
        for wire in self.wires:
            wire.torn = True

    def is_cut_by(self, octets: int) -> bool:
        with self._lock:
            return bool(self.cuts) and self._chance.random() < octets / self.cuts

    def heal(self) -> None:
        """No more cuts."""
        self.cuts = 0

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._server)
            except OSError:
                return
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for wire in (Wire(near, far, self), Wire(far, near, self)):
                self.wires.append(wire)
                wire.start()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()
        for wire in self.wires:
            for end in (wire.source, wire.target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        for wire in self.wires:
            wire.join(5)
            wire.source.close()
