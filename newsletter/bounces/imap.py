"""An IMAP mailbox that mail comes back to (RFC 3501), over TLS and nothing else.

What has not our own keyword is given out, without its being marked as seen by that (BODY.PEEK); what was
recorded gets the keyword, is marked as seen, and moved if the settings say where to. A mail for a person gets
no more than the keyword. Where a server knows no keywords, what is seen is taken for recorded.
"""

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from newsletter.bounces.mime import LONGEST
from newsletter.bounces.sources import Mail
from newsletter.errors import ConfigError, Unavailable

PATIENCE = 30.0
"""Seconds for any one answer."""
_KEYWORD = "NewsletterRecorded"
_SAFE = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapSettings:
    """Where the mailbox is; `moved_to` is the folder for what was recorded, "" to leave it where it is."""

    host: str
    username: str
    password: str = field(repr=False)
    port: int = 993
    security: Literal["tls", "starttls"] = "tls"
    folder: str = "INBOX"
    moved_to: str = ""
    where: str = ""


class ImapMailbox:
    """An IMAP mailbox as a source; opened on being made, `close` takes leave.

    Raises ConfigError if the server does not take the name, password or folder, Unavailable if it is not to
    be had or breaks off: what was not acknowledged is then given out the next time.
    """

    def __init__(self, settings: ImapSettings, *, context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._where = f"{settings.host}:{settings.port}"
        context = context or ssl.create_default_context()
        for name in (settings.username, settings.password, settings.folder, settings.moved_to or "-"):
            if not _SAFE.fullmatch(name) or not name.isascii():
                message = "IMAP's user name, password and folders are 1 to 200 printable ASCII characters"
                raise ConfigError(
                    message, where=settings.where, hint="folders go in modified UTF-7 (RFC 3501 §5.1.3)"
                )
        try:
            self._server = self._connected(context)
        except (OSError, imaplib.IMAP4.error) as error:
            raise Unavailable(f"no IMAP over TLS: {error}", where=self._where, passing=True) from error
        try:
            self._log_in()
        except BaseException:
            self.close()
            raise

    def mails(self) -> Iterator[Mail]:
        which = ("UNKEYWORD", _KEYWORD) if self._keywords else ("UNSEEN",)
        numbers = self._ask("SEARCH", *which, "UNDELETED")[0]
        for uid in numbers.split() if isinstance(numbers, bytes) else ():
            # A part of it is asked for, so that nobody can make us hold more.
            answer = self._ask("FETCH", uid.decode("ascii"), f"(BODY.PEEK[]<0.{LONGEST}>)")
            content = next((piece[1] for piece in answer if isinstance(piece, tuple)), None)
            if content is not None:
                yield Mail(content, uid.decode("ascii"))

    def acknowledge(self, mail: Mail, *, for_a_person: bool = False) -> None:
        seen = not for_a_person or not self._keywords
        flags = " ".join(filter(None, (_KEYWORD if self._keywords else "", r"\Seen" if seen else "")))
        self._ask("STORE", mail.mark, "+FLAGS.SILENT", f"({flags})")
        if for_a_person or not self._settings.moved_to:
            return
        folder = _quoted(self._settings.moved_to)
        if b"MOVE" in self._abilities:  # RFC 6851
            self._ask("MOVE", mail.mark, folder)
        else:
            self._ask("COPY", mail.mark, folder)
            self._ask("STORE", mail.mark, "+FLAGS.SILENT", r"(\Deleted)")
            if b"UIDPLUS" in self._abilities:  # RFC 4315; without it we would expunge what others have marked
                self._ask("EXPUNGE", mail.mark)

    def close(self) -> None:
        """Take leave; never raises."""
        try:
            self._server.logout()
        except (OSError, imaplib.IMAP4.error):
            self._server.shutdown()

    def _connected(self, context: ssl.SSLContext) -> imaplib.IMAP4:
        host, port = self._settings.host, self._settings.port
        if self._settings.security == "tls":
            return imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=PATIENCE)
        server = imaplib.IMAP4(host, port, timeout=PATIENCE)
        try:
            server.starttls(context)  # raises if the server does not offer it: no password goes in the clear
        except BaseException:
            server.shutdown()
            raise
        return server

    def _log_in(self) -> None:
        settings = self._settings
        try:
            self._server.login(_quoted(settings.username), settings.password)
        except self._server.abort as error:
            raise Unavailable(f"broke off: {error}", where=self._where, passing=True) from error
        except self._server.error as error:
            hint = "set NEWSLETTER_IMAP_PASSWORD"
            raise ConfigError(
                f"{self._where} does not take name and password", where=settings.where, hint=hint
            ) from error
        except OSError as error:
            raise Unavailable(f"broke off: {error}", where=self._where, passing=True) from error
        # Servers tell more of themselves to whom they know.
        told = self._guarded(self._server.capability)[1]
        self._abilities = b" ".join(each for each in told if isinstance(each, bytes)).upper().split()
        for folder in dict.fromkeys(filter(None, (settings.moved_to, settings.folder))):
            status, answer = self._guarded(self._server.select, _quoted(folder))
            if status != "OK":
                raise ConfigError(
                    f"no folder {folder!r} at {self._where}: {_text(answer)}", where=settings.where
                )
        flags = self._server.response("PERMANENTFLAGS")[1]
        self._keywords = any(rb"\*" in piece for piece in flags if isinstance(piece, bytes))  # RFC 3501 §7.1

    def _ask(self, command: str, *arguments: str) -> list[bytes | tuple[bytes, bytes] | None]:
        status, answer = self._guarded(self._server.uid, command, *arguments)
        if status != "OK":
            raise Unavailable(f"no to {command}: {_text(answer)}", where=self._where, passing=True)
        return answer

    def _guarded(self, call: "Callable[..., tuple[str, Any]]", *arguments: str) -> "tuple[str, _Answer]":
        try:
            return call(*arguments)
        except (OSError, imaplib.IMAP4.error) as error:
            raise Unavailable(f"broke off: {error}", where=self._where, passing=True) from error


_Answer = list[bytes | tuple[bytes, bytes] | None]


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(answer: "_Answer") -> str:
    """What the server said, on one line."""
    return b" ".join(piece for piece in answer if isinstance(piece, bytes)).decode("ascii", "replace")[:200]
