"""What one reader's message costs once the template is cut: `python -m tests.bench.fill`.

The references are the least and the most that the same message can cost in Python: copying its bytes, and
building it with the standard library's EmailMessage.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from newsletter.deliver.fill import Filler
from newsletter.deliver.message import cut
from newsletter.fields import field
from newsletter.links import Links, Signer
from newsletter.model import Edition, Mailbox, Publication, Reader

ROUNDS = 101
FILLS = 50
"""So few that a round is over before a busy machine gives the processor to somebody else."""
AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
PUBLICATION = Publication(
    name="L’actu du banc d’essai",
    url="https://lettre.example.org",
    sender=Mailbox(name="L’actu du banc d’essai", address="bonjour@example.org"),
)
LINKS = Links(PUBLICATION, Signer((b"k" * 32,), list_id=PUBLICATION.list_id))
NAMES = ("Zoé", "Anaïs & Léo", "Maël O'Brien", "Camille", "")
READERS = tuple(
    Reader(id=f"{number:016d}", email=f"prenom.nom{number}@mail.example.net", name=NAMES[number % 5])
    for number in range(FILLS)
)

_SENTENCE = "L’été, 38 000 € et « des guillemets » : la phrase d’un numéro, comme on en lit tous les jours. "


def edition(paragraphs: int) -> Edition:
    """An issue of so many paragraphs, with the blanks that our own templates have."""
    texts = [f"{number}. {_SENTENCE * 3}" for number in range(paragraphs)]
    shown = "\n".join(
        f'<tr><td style="padding:8px 24px;font-family:Helvetica,Arial,sans-serif"><p>{text}</p></td></tr>'
        for text in texts
    )
    ways = f'<a href="{field("leave_url")}">Se désinscrire</a>'
    return Edition(
        key="2026-11-23",
        subject="Un numéro de banc d’essai : tout y est",
        preheader="",
        html=f"<p>Bonjour{field('name', ' ')},</p>\n<table>{shown}</table>\n<p>{field('email')}</p>{ways}\n",
        text=f"Bonjour{field('name', ' ')},\n\n"
        + "\n\n".join(texts)
        + f"\n\n{field('email')}\n{field('leave_url')}\n",
        sender=PUBLICATION.sender,
    )


EDITIONS = (edition(7), edition(59))
"""About 8.4 and 61 KB on the wire."""


def medians(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Microseconds a message, medians of rounds in which the works take turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, spent in zip(works, times, strict=True):
            started = time.perf_counter()
            work()
            spent.append((time.perf_counter() - started) / FILLS * 1e6)
    return [statistics.median(spent) for spent in times]


def built(edition: Edition, reader: Reader) -> bytes:
    """The same mail by the standard library, its blanks filled by replacing text."""
    leave = LINKS.leave(reader.id, AT.date())[0]
    message = EmailMessage(policy=SMTP)
    message["From"] = f"Newsletter <{PUBLICATION.sender.address}>"
    message["To"] = reader.email
    message["Subject"] = edition.subject
    values = (("name", reader.name), ("email", reader.email), ("leave_url", leave))
    text, html = edition.text, edition.html
    for name, value in values:
        text, html = text.replace(field(name), value), html.replace(field(name), value)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message.as_bytes()


def bench(edition: Edition) -> None:
    template = cut(edition, PUBLICATION, at=AT)
    filler = Filler(template, LINKS)
    returning = Filler(template, LINKS, bounces="bounces@example.org")
    segments = [list(filler.fill(reader).segments) for reader in READERS]
    fill, back, copy, stdlib = medians(
        ROUNDS,
        lambda: all(filler.fill(reader) for reader in READERS),
        lambda: all(returning.fill(reader) for reader in READERS),
        lambda: all(b"".join(parts) for parts in segments),
        lambda: built(edition, READERS[0]),
    )
    stdlib *= FILLS
    print(
        f"{len(filler.fill(READERS[0]).content) / 1000:5.1f} kB: fill {fill:5.2f} us a reader, "
        f"with return paths {back:5.2f}; copying its bytes {copy:.2f} us (ratio {fill / copy:.1f}), "
        f"EmailMessage {stdlib:,.0f} us (ratio {stdlib / fill:,.0f})"
    )


def main() -> None:
    for each in EDITIONS:
        bench(each)


if __name__ == "__main__":
    main()
