"""What a message must be for its reader: the sample that a sink kept is read as a mail program would."""

import html
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage

from tests.bench.papers import name_of
from tests.bench.sinks import Sample

ONCE = (
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "MIME-Version",
)


def faults(samples: list[Sample]) -> list[str]:
    """What is wrong with these messages, one line for each that is not as it must be."""
    found = []
    ids: set[str] = set()
    for sample in samples:
        try:
            message = message_from_bytes(sample.content, policy=policy.SMTP)
            wrong = list(_faults(message, sample))
            message_id = str(message["Message-ID"])
            if message_id in ids:
                wrong.append("a Message-ID for the second time")
            ids.add(message_id)
        except (MessageError, ValueError, LookupError, AttributeError, IndexError) as error:
            wrong = [f"cannot be parsed: {error!r}"]
        if wrong:
            found.append(f"{sample.recipient}: {'; '.join(wrong)}")
    return found


def _faults(message: EmailMessage, sample: Sample) -> Iterator[str]:
    name = name_of(int("".join(filter(str.isdigit, sample.recipient.partition("@")[0]))))
    for header in ONCE:
        if (count := len(message.get_all(header, []))) != 1:
            yield f"{count} of {header}"
    to = [(address.display_name, address.addr_spec) for address in message["To"].addresses]
    if to != [(name, sample.recipient)]:
        yield f"To names {to}"
    if "<https://" not in str(message["List-Unsubscribe"]):
        yield f"List-Unsubscribe is {message['List-Unsubscribe']!s}"
    if not sample.content.endswith(b"\r\n"):
        yield "does not end with CRLF"
    greeting = f"Bonjour {name}," if name else "Bonjour,"
    for subtype in ("plain", "html"):
        part = message.get_body((subtype,))
        content = part.get_content() if part else ""
        if greeting not in (html.unescape(content) if subtype == "html" else content):
            yield f"no {greeting!r} in its text/{subtype}"
