"""Django's EmailMultiAlternatives over one connection: `django_mail.py LETTER READERS PORT`."""

import csv
import json
import sys
from email.utils import formataddr, make_msgid
from pathlib import Path

from django.conf import settings  # type: ignore[import-not-found]
from django.core.mail import EmailMultiAlternatives, get_connection  # type: ignore[import-not-found]
from django.template import Context, Engine  # type: ignore[import-not-found]


def main(letter: Path, readers: Path, port: int) -> None:
    settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT=port)
    head = json.loads((letter / "head.json").read_text(encoding="utf-8"))
    engine = Engine(autoescape=False)
    html = engine.from_string((letter / "issue.html").read_text(encoding="utf-8"))
    text = engine.from_string((letter / "issue.txt").read_text(encoding="utf-8"))
    domain = head["sender"].partition("@")[2]
    with get_connection() as connection, readers.open(encoding="utf-8", newline="") as file:
        for reader in csv.DictReader(file):
            values = Context(reader, autoescape=False)
            message = EmailMultiAlternatives(
                subject=head["subject"],
                body=text.render(values),
                from_email=formataddr((head["sender_name"], head["sender"])),
                to=[formataddr((reader["name"], reader["email"]))],
                connection=connection,
                headers={
                    "Message-ID": make_msgid(domain=domain),
                    "List-Id": f"<{head['list_id']}>",
                    "List-Unsubscribe": f"<{reader['leave_url']}>",
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                    "Feedback-ID": head["feedback_id"],
                },
            )
            message.attach_alternative(html.render(values), "text/html")
            message.send()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
