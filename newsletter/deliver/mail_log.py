"""Postfix's mail.log -> what it says of messages known by their Message-ID.

A line proves that a message was accepted if the queue manager says it (`qmgr: ID: from=…`), or a delivery
agent (`smtp: ID: to=…, status=…`): both only ever see what was accepted as a whole. The line with the
Message-ID (`cleanup: ID: message-id=…`) proves nothing, as it is written when the header is read, before the
end of the text. That there is no trace proves nothing either: nobody here can tell what a log leaves out.

Checked against the logs of Postfix 3.7: a text that was cut short has its Message-ID logged after the line
that says so, and queue ids are given again, the short ones within seconds.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_LINE = 500
"""Characters of a line that are kept as evidence."""

_STAMP = re.compile(
    r"(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d) "  # RFC 3164 §4.1.2
    r"|(?P<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) "  # RFC 3339 §5.6
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_REST = re.compile(r"(?P<warning>warning: )?(?:(?P<id>[0-9A-Za-z]{6,20}): )?(?P<rest>.*)")
_MANAGERS = ("qmgr", "oqmgr", "nqmgr")
_PROGRAMS = ("smtpd", "cleanup", *_MANAGERS)
_STATUS = re.compile(r"to=<.*, status=(?:sent|bounced|deferred|expired) ")
_CUT_SHORT = re.compile(r"(?:lost connection|timeout|too many errors) after (?:DATA|BDAT|END-OF-MESSAGE)\b")
_OBJECTION = re.compile(r"(?:milter-)?(?:reject|discard|hold)[: ]|to=<.*, status=bounced ")


@dataclass(slots=True, kw_only=True)
class Trace:
    """What a log says of one message: the line that proves it was accepted, what became of it then, hints.

    All are lines of the log; "" and () where it says nothing. A trace without `accepted` proves nothing.
    """

    accepted: str = ""
    delivered: str = ""
    hints: tuple[str, ...] = ()


class MailLog:
    """Reads logs, oldest first, for the messages whose Message-IDs, without brackets, are `wanted`.

    `traces` has what was found, `lines` counts Postfix's own lines.
    """

    def __init__(self, wanted: Collection[str]) -> None:
        self.traces: dict[str, Trace] = {}
        self.lines = 0
        self._wanted = wanted
        self._first = ""
        self._last = ""
        self._messages: dict[str, str] = {}  # queue id -> Message-ID
        self._receiving: dict[str, str] = {}  # smtpd's process -> the queue id it fills
        self._early: dict[str, str] = {}  # queue id -> a hint from before its Message-ID is known

    @property
    def span(self) -> tuple[str, str]:
        """When Postfix's first line was written and when its last, as it says there; "" if it does not."""
        first, last = _STAMP.match(self._first), _STAMP.match(self._last)
        return first[0].rstrip(" ") if first else "", last[0].rstrip(" ") if last else ""

    def read(self, lines: Iterable[str]) -> None:
        """Take in the lines of one file."""
        for line in lines:
            # "Nov 23 08:25:06 mta postfix/qmgr[7178]: …"; before the last slash stands syslog_name, for
            # instance "postfix", "postfix-out", "postfix/submission".
            head, _, rest = line.partition("]: ")
            tag, bracket, process = head.rpartition("[")
            name, slash, program = tag.rpartition("/")
            if rest and bracket and slash and name and process.isdigit():
                self.lines += 1
                self._first = self._first or line
                self._last = line
                if program in _PROGRAMS or "status=" in rest:
                    self._take(line.rstrip("\r\n")[:LONGEST_LINE], program, process, rest.rstrip("\r\n"))

    def _take(self, line: str, program: str, process: str, text: str) -> None:
        match = _REST.match(text)
        if match is None:
            return
        queue_id, rest = match["id"], match["rest"]
        if program == "smtpd":
            self._smtpd(line, process, queue_id, rest)
        if not queue_id:
            return
        if program == "cleanup" and rest.startswith("message-id="):
            self._name(queue_id, rest.removeprefix("message-id=").strip("<>"))
        elif match["warning"] or (_OBJECTION.match(rest) and program == "cleanup"):
            self._hint(queue_id, line)
        elif message_id := self._messages.get(queue_id):
            self._about(self.traces[message_id], line, program, rest)
            if program in _MANAGERS and rest == "removed":
                del self._messages[queue_id]

    def _smtpd(self, line: str, process: str, queue_id: str | None, rest: str) -> None:
        if queue_id and rest.startswith("client="):
            # The queue id is given to another message.
            self._receiving[process] = queue_id
            self._messages.pop(queue_id, None)
            self._early.pop(queue_id, None)
        elif process in self._receiving and _CUT_SHORT.match(rest):
            self._hint(self._receiving[process], line)
        elif rest.startswith("disconnect "):
            self._receiving.pop(process, None)

    def _name(self, queue_id: str, message_id: str) -> None:
        early = self._early.pop(queue_id, "")
        self._messages.pop(queue_id, None)
        if message_id in self._wanted:
            self._messages[queue_id] = message_id
            self.traces.setdefault(message_id, Trace())
            if early:
                self._hint(queue_id, early)

    def _about(self, trace: Trace, line: str, program: str, rest: str) -> None:
        if program in _MANAGERS and rest.startswith("from=<"):
            trace.accepted = trace.accepted or line
        elif program != "cleanup" and _STATUS.match(rest):
            trace.accepted = trace.accepted or line
            trace.delivered = line

    def _hint(self, queue_id: str, line: str) -> None:
        if message_id := self._messages.get(queue_id):
            trace = self.traces[message_id]
            trace.hints = (*trace.hints, line)
        else:
            self._early[queue_id] = line


def begins(line: str, now: datetime) -> datetime | None:
    """When a line of a log was written, so that logs can be put in order; None if it does not say so.

    The older form of syslog has neither year nor zone (RFC 3164 §4.1.2): they are those of `now`, or the year
    before if that would lie in the future.
    """
    stamp = _STAMP.match(line)
    try:
        if not stamp:
            return None
        if stamp["whole"]:
            return datetime.fromisoformat(stamp["whole"])
        month = _MONTHS.index(stamp["month"]) + 1
        hours, minutes, seconds = (int(part) for part in stamp["time"].split(":"))
        day, zone = int(stamp["day"]), now.tzinfo
        for year in (now.year, now.year - 1):
            at = datetime(year, month, day, hours, minutes, seconds, tzinfo=zone)
            if at <= now + timedelta(days=1):
                return at
    except ValueError:
        return None  # the 31st of a month that has none, and 29 February of another year
    return None
