"""One SMTP connection's conversation, message after message (RFC 5321, RFC 2920): no socket, no clock.

Bytes come in by `feed`, what is to be written waits in `output`. Where the server takes commands in one go,
the next message's MAIL, RCPT and DATA travel with the final dot of the one before; else each command waits
for its answer. The text itself never travels with its dot: between the two stands the commit.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from newsletter.deliver.smtp_blame import is_rate_limited
from newsletter.deliver.smtp_protocol import (
    Extensions,
    Phase,
    envelope_address,
    failure,
    in_step,
    mail_command,
    no_answer,
    rcpt_command,
    sender_address,
    verdict,
)
from newsletter.deliver.smtp_replies import Garbled, Replies, Reply
from newsletter.deliver.smtp_text import Text, text_of
from newsletter.errors import DeliveryError
from newsletter.model import Message

DATA = b"DATA\r\n"
DOT = b".\r\n"

_ALL_WELL = [250, 250, 250, 354]
"""The replies to a dot, MAIL, RCPT and DATA that went out together, where all goes well."""


@dataclass(slots=True)
class Letter:
    """A message with what is said for it; `error` is what spoke against it.

    `started` is when it was taken up, in seconds of any clock.
    """

    message: Message
    text: Text
    mail: bytes
    rcpt: bytes
    started: float = 0.0
    error: DeliveryError | None = None


def letter(message: Message, extensions: Extensions) -> Letter:
    """A message made ready for a server; raises `Refused`, `Withheld` or `Unavailable` if that cannot be."""
    text = text_of(message)
    recipient = envelope_address(message.recipient)
    sender = sender_address(message.sender)
    mail = mail_command(sender, recipient, extensions, octets=text.octets, ascii_only=text.ascii_only)
    return Letter(message=message, text=text, mail=mail, rcpt=rcpt_command(recipient))


class Ended(NamedTuple):
    """What became of a letter: the receipt, or the error; None if it was not tried, and may be elsewhere."""

    letter: Letter
    result: str | DeliveryError | None


@dataclass(slots=True)
class Line:
    """The conversation on one connection; `host` is who it is with, for errors.

    `text_wanted` is the letter whose text the server waits for, `ready` the one whose text has been handed
    over and that waits for its commit; `closed` says why the connection is of no more use, "" while it is;
    `answers` counts replies.
    """

    extensions: Extensions
    replies: Replies
    host: str
    output: bytes = b""
    text_wanted: Letter | None = None
    ready: Letter | None = None
    closed: str = ""
    answers: int = 0
    _offers: int = 0
    _expected: deque[tuple[Phase, Letter | None]] = field(default_factory=deque)
    _written_to_dot: int = 0
    _reset_first: bool = False
    _pipelining: bool = field(init=False)

    def __post_init__(self) -> None:
        self._pipelining = self.extensions.offers("PIPELINING")

    @property
    def idle(self) -> bool:
        return not (self._expected or self.text_wanted or self.ready or self.closed)

    @property
    def spent(self) -> bool:
        """Whether the server takes no further message on this connection (RFC 9422 §4.1)."""
        return 0 < self.extensions.most_messages <= self._offers

    @property
    def takes_more(self) -> bool:
        """Whether another letter may be offered in one go with a dot."""
        return self._pipelining and not self.spent

    @property
    def awaiting_dot(self) -> bool:
        """Whether a message has been handed over whole, and the server has not said what became of it."""
        return bool(self._expected) and self._expected[0][0] is Phase.DOT

    @property
    def phase(self) -> Phase | None:
        """What is waited for; None for nothing."""
        if self._expected:
            return self._expected[0][0]
        return Phase.TEXT if self.text_wanted else None

    def begin(self, new: Letter) -> None:
        """Offer a letter on an idle line."""
        if self._reset_first:
            self._say(b"RSET\r\n", Phase.RSET, new)
            self._reset_first = False
            if not self._pipelining:
                return
        self._offer(new)

    def text_written(self) -> None:
        """The whole text of `text_wanted` is in the kernel's hands."""
        self.ready, self.text_wanted = self.text_wanted, None

    def finish(self, following: Letter | None) -> None:
        """End the text of `ready`, which has been committed, and offer the next letter behind it."""
        self.output += DOT
        self._written_to_dot = len(self.output)
        self._expected.append((Phase.DOT, self.ready))
        self.ready = None
        if following:
            self._offer(following)

    def written(self, octets: int) -> None:
        """So much of `output` is in the kernel's hands."""
        self.output = self.output[octets:]
        self._written_to_dot = max(0, self._written_to_dot - octets)

    def _offer(self, new: Letter) -> None:
        self._offers += 1
        if self._pipelining:
            self.output += new.mail + new.rcpt + DATA
            self._expected += ((Phase.MAIL, new), (Phase.RCPT, new), (Phase.DATA, new))
        else:
            self._say(new.mail, Phase.MAIL, new)

    def _say(self, line: bytes, phase: Phase, about: Letter | None) -> None:
        self.output += line
        self._expected.append((phase, about))

    def feed(self, data: bytes) -> list[Ended]:
        """Take in what the server said; returns what that ends.

        After it a text may be wanted, or the line be closed.
        """
        events = self.replies.feed(data)
        if len(events) == len(self._expected) == len(_ALL_WELL) and self._all_goes_well(events):
            return self._all_well(events[0])
        ended: list[Ended] = []
        for event in events:
            if isinstance(event, Garbled):
                return ended + self.lost(event.reason)
            if not self._expected:
                return ended + self.lost(f"the server spoke out of turn: {event.text!r}")
            phase, about = self._expected[0]
            if phase is Phase.DOT and self._written_to_dot:
                return ended + self.lost(f"the server spoke before the dot: {event.text!r}")
            kind = verdict(phase, event)
            parting = event.code == 421 and self._was_served_before(phase) and not is_rate_limited(event)
            if kind and (parting or phase is Phase.RSET):
                return ended + self.lost(f"the server said {event.text!r}")
            self._expected.popleft()
            self.answers += 1
            end = self._answered(phase, about, event, kind) if about else None
            if end:
                ended.append(end)
            if self.closed or (kind and not in_step(phase, event)):
                return ended + self.lost(self.closed or f"the server said {event.text!r}")
        if self.replies.waiting and not self._expected:
            return ended + self.lost(f"the server spoke out of turn: {self.replies.begun!r}")
        return ended

    def _all_goes_well(self, events: list[Reply | Garbled]) -> bool:
        if self._written_to_dot or self.replies.waiting or not self.awaiting_dot:
            return False
        return [event.code for event in events if isinstance(event, Reply)] == _ALL_WELL

    def _all_well(self, receipt: Reply | Garbled) -> list[Ended]:
        """What `feed` does with the usual answer under pipelining, in a third of the time."""
        (_, sent), (_, self.text_wanted), *_ = self._expected
        self._expected.clear()
        self.answers += len(_ALL_WELL)
        return [Ended(sent, receipt.text)] if sent and isinstance(receipt, Reply) else []

    def _answered(
        self, phase: Phase, about: Letter, reply: Reply, kind: type[DeliveryError] | None
    ) -> Ended | None:
        error = failure(kind, phase, reply, where=self.host, text=reply.text) if kind else None
        if phase is Phase.DOT:
            self._reset_first = not self._pipelining
            return Ended(about, error or reply.text)
        if phase is Phase.RSET:
            if not self._pipelining:
                self._offer(about)
            return None
        about.error = about.error or error
        if phase is Phase.DATA and kind is None:
            if about.error:
                # A text sent now would go to nobody, or to somebody else (RFC 2920 §3.1): hang up instead.
                self.closed = "the server wants a text for a refused recipient"
                return Ended(about, about.error)
            self.text_wanted = about
            return None
        if about.error and (phase is Phase.DATA or not self._pipelining):
            self._reset_first = True
            return Ended(about, about.error)
        if not self._pipelining and phase is Phase.MAIL:
            self._say(about.rcpt, Phase.RCPT, about)
        elif not self._pipelining:
            self._say(DATA, Phase.DATA, about)
        return None

    def _was_served_before(self, phase: Phase) -> bool:
        """Whether the server has taken others on this connection, and has said nothing of the next."""
        return phase is Phase.RSET or (phase is Phase.MAIL and self._offers > 1)

    def lost(self, why: str) -> list[Ended]:
        """The connection is gone: what that means for the letters on it (delivery.md §3).

        One whose dot was handed over is in doubt. One that came after others, and that the server has not
        answered at all, may be tried on another connection: servers hang up on the idle, or after so many
        messages (RFC 5321 §3.8), and that is nobody's failure.
        """
        self.closed = self.closed or why
        ended: list[Ended] = []
        for current in (self.text_wanted, self.ready):
            if current:
                ended.append(Ended(current, self._lost_error(Phase.TEXT, why)))
        first: dict[int, tuple[Phase, Letter]] = {}
        for phase, about in self._expected:
            if about:
                first.setdefault(id(about), (phase, about))
        for phase, about in first.values():
            if phase is Phase.DOT:
                handed_over = not self._written_to_dot
                ended.append(Ended(about, self._lost_error(Phase.DOT if handed_over else Phase.TEXT, why)))
            elif about.error:
                ended.append(Ended(about, about.error))
            elif self._was_served_before(phase):
                ended.append(Ended(about, None))
            else:
                ended.append(Ended(about, self._lost_error(phase, why)))
        self.text_wanted = self.ready = None
        self._expected.clear()
        self.output = b""
        return ended

    def _lost_error(self, phase: Phase, why: str) -> DeliveryError:
        if self.replies.waiting:
            why = f"{why}, in the middle of a reply: {self.replies.begun!r}"
        return no_answer(phase, f"no answer to {phase}: {why}", where=self.host)
