"""A small IMAP server on loopback, over TLS: one mailbox in memory, and the commands that are used on it."""

import contextlib
import re
import socket
import ssl
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import trustme

AUTHORITY = trustme.CA()


def client_context() -> ssl.SSLContext:
    """A context that believes the server's certificate."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@dataclass
class Letter:
    uid: int
    content: bytes
    flags: set[str] = field(default_factory=set)


class ImapServer:
    """Serves `letters`, one connection at a time; `folders` other than INBOX take what is moved there.

    `keywords` says whether it keeps flags of others' making; `implicit` whether TLS is there from the start,
    else by STARTTLS if `starttls`; after `hang_up_after` it breaks off.
    """

    def __init__(
        self,
        *contents: bytes,
        keywords: bool = True,
        implicit: bool = True,
        starttls: bool = True,
        moves: bool = True,
        hang_up_after: str = "",
    ) -> None:
        self.letters = [Letter(number, content) for number, content in enumerate(contents, 7)]
        self.folders: dict[str, list[bytes]] = {"Recorded": []}
        self.commands: list[str] = []
        self._keywords, self._implicit, self._starttls = keywords, implicit, starttls
        self._moves = moves
        self._hang_up_after = hang_up_after
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert("localhost").configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A thread that waits in accept() is not woken by closing what it waits on.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
                self._talk(connection, opened)

    def _talk(self, connection: socket.socket, opened: contextlib.ExitStack) -> None:
        opened.enter_context(connection)
        if self._implicit:
            connection = opened.enter_context(self._context.wrap_socket(connection, server_side=True))
        lines = opened.enter_context(connection.makefile("rb"))
        connection.sendall(b"* OK here\r\n")
        while line := lines.readline():
            tag, _, command = line.decode().rstrip("\r\n").partition(" ")
            self.commands.append(command)
            if command.upper().startswith("STARTTLS"):
                connection.sendall(f"{tag} OK begin\r\n".encode())
                connection = opened.enter_context(self._context.wrap_socket(connection, server_side=True))
                lines = opened.enter_context(connection.makefile("rb"))
                continue
            if self._hang_up_after and command.startswith(self._hang_up_after):
                return
            connection.sendall(self._answer(command) + tag.encode() + b" " + self._end(command) + b"\r\n")
            if command.upper() == "LOGOUT":
                return

    def _end(self, command: str) -> bytes:
        if command.startswith("LOGIN") and command != 'LOGIN "zoe" "s3cret \\"word\\""':
            return b"NO wrong"
        if command.startswith("SELECT") and command.split('"')[1] not in ("INBOX", *self.folders):
            return b"NO no such mailbox"
        return b"OK done"

    def _answer(self, command: str) -> bytes:
        words = command.split(" ")
        if words[0] == "CAPABILITY":
            known = any(command.startswith("LOGIN") for command in self.commands)
            move = " MOVE" if self._moves and known else " UIDPLUS" if known else ""
            return f"* CAPABILITY IMAP4rev1{' STARTTLS' if self._starttls else ''}{move}\r\n".encode()
        if words[0] == "SELECT":
            own = r" \*" if self._keywords else ""
            flags = f"* OK [PERMANENTFLAGS (\\Seen \\Deleted{own})] ok"
            return f"* {len(self.letters)} EXISTS\r\n{flags}\r\n".encode()
        if words[0] == "LOGOUT":
            return b"* BYE\r\n"
        return self._by_uid(words[1], words[2], " ".join(words[3:])) if words[0] == "UID" else b""

    def _by_uid(self, verb: str, which: str, rest: str) -> bytes:
        if verb == "SEARCH":
            unwanted = {"\\Seen"} if which == "UNSEEN" else {rest.split(" ")[0]}
            found = [each.uid for each in self.letters if not each.flags & (unwanted | {"\\Deleted"})]
            return f"* SEARCH {' '.join(map(str, found))}\r\n".encode()
        (letter,) = (each for each in self.letters if each.uid == int(which))
        if verb == "FETCH":
            head = f"* 1 FETCH (UID {which} BODY[]<0> {{{len(letter.content)}}}\r\n".encode()
            return head + letter.content + b")\r\n"
        if verb == "STORE":
            letter.flags |= set(re.findall(r"[\\\w]+", rest.partition("(")[2]))
        if verb in ("MOVE", "COPY"):
            self.folders[rest.strip('"')].append(letter.content)
        if verb == "EXPUNGE":
            assert "\\Deleted" in letter.flags
        if verb in ("MOVE", "EXPUNGE"):
            self.letters.remove(letter)
        return b""
