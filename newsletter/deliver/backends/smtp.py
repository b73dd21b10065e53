"""Message -> a mail server, one message and one recipient at a time (RFC 5321).

The point of no return is the final dot. The whole text goes out first, then `commit` is called, then the dot:
what fails before the dot can be tried again, what fails after it is a doubt.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self

from newsletter.deliver.backend import Work
from newsletter.deliver.backends.relays import Relays
from newsletter.deliver.backends.session import Server, Session
from newsletter.deliver.backends.smtp_lines import SmtpLines
from newsletter.deliver.backends.smtp_settings import read_servers
from newsletter.deliver.smtp_protocol import (
    Phase,
    envelope_address,
    mail_command,
    rcpt_command,
    sender_address,
)
from newsletter.deliver.smtp_text import Text, text_of
from newsletter.errors import Deferred, Unavailable
from newsletter.model import Message
from newsletter.settings import Table


class SmtpBackend:
    """One session with the first relay of use, for message after message, replaced after any oddity."""

    reaches_people: bool = True

    def __init__(self, *servers: Server) -> None:
        self._servers = servers
        self._relays = Relays(servers)
        self._session: Session | None = None
        self._lines: SmtpLines | None = None

    @classmethod
    def configured(cls, table: Table) -> Self:
        """From `[backends.smtp]`, and a password or token; raises ConfigError."""
        return cls(*read_servers(table))

    def open(self) -> None:
        """Connect, turn to TLS, log in; raises `Unavailable`."""
        self.close()
        self._session = self._relays.open()

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        """Hand over one message; returns the server's reply to the final dot.

        Raises as `Backend.send` says. An address that cannot stand in an envelope is `Refused` before
        anything is sent; what the server says before RCPT is never about one reader, and only what it says
        while a session is opened, MAIL 5xx and 530 are `Unavailable` (`smtp_protocol.verdict`).
        """
        recipient = envelope_address(message.recipient)
        sender = sender_address(message.sender)
        text = text_of(message)
        session = self._begun(text, sender, recipient)
        session.ask(Phase.RCPT, rcpt_command(recipient))
        session.ask(Phase.DATA, b"DATA\r\n")
        try:
            session.write(b"".join(text.pieces))
            session.listen(Phase.TEXT)
            commit()
        except BaseException:
            session.hang_up()  # a text without its final dot is not a message (RFC 5321 §4.1.1.10)
            raise
        return session.ask(Phase.DOT, b".\r\n").text

    def carry(self, work: Work, connections: int) -> Iterator[None]:
        """See `CarriesMany.carry`; the session that `open` made is the first of the connections."""
        if self._lines is None:
            deadlines = self._servers[0].deadlines
            self._lines = SmtpLines(self._relays.open, deadlines)
        session, self._session = self._session, None
        if session is not None and not session.closed:
            with suppress(Unavailable):  # it has died since, and is replaced
                self._lines.add(session)
        yield from self._lines.carry(work, connections)

    def close(self) -> None:
        """Take leave of the server; never raises."""
        session, self._session = self._session, None
        if session is not None and not session.closed:
            session.leave()
        lines, self._lines = self._lines, None
        if lines is not None:
            lines.close()

    def _begun(self, text: Text, sender: str, recipient: str) -> Session:
        """A session that has accepted MAIL; one that died while it was idle is replaced once.

        Servers hang up on the idle, or after so many messages (RFC 5321 §3.8): that is nobody's failure.
        """
        session = self._session
        if session is not None and session.spent and not session.closed:
            session.leave()
        if session is not None and session.mails and not session.closed:
            try:
                session.ask(Phase.RSET, b"RSET\r\n")
                return _mail(session, text, sender, recipient)
            except Deferred:
                if not session.closed:
                    raise
        if session is None or session.closed:
            session = self._session = self._relays.open()
        return _mail(session, text, sender, recipient)


def _mail(session: Session, text: Text, sender: str, recipient: str) -> Session:
    command = mail_command(
        sender, recipient, session.extensions, octets=text.octets, ascii_only=text.ascii_only
    )
    session.mails += 1
    session.ask(Phase.MAIL, command)
    return session
