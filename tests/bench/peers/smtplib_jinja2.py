"""Jinja2, EmailMessage and smtplib over one connection: `smtplib_jinja2.py LETTER READERS PORT`."""

import csv
import json
import smtplib
import sys
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

from jinja2 import Environment


def main(letter: Path, readers: Path, port: int) -> None:
    head = json.loads((letter / "head.json").read_text(encoding="utf-8"))
    engine = Environment(keep_trailing_newline=True)
    html = engine.from_string((letter / "issue.html").read_text(encoding="utf-8"))
    text = engine.from_string((letter / "issue.txt").read_text(encoding="utf-8"))
    domain = head["sender"].partition("@")[2]
    with smtplib.SMTP("127.0.0.1", port) as server, readers.open(encoding="utf-8", newline="") as file:
        for reader in csv.DictReader(file):
            message = EmailMessage()
            message["Date"] = formatdate()
            message["From"] = Address(head["sender_name"], addr_spec=head["sender"])
            message["To"] = Address(reader["name"], addr_spec=reader["email"])
            message["Subject"] = head["subject"]
            message["Message-ID"] = make_msgid(domain=domain)
            message["List-Id"] = f"<{head['list_id']}>"
            message["List-Unsubscribe"] = f"<{reader['leave_url']}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            message["Feedback-ID"] = head["feedback_id"]
            message.set_content(text.render(reader))
            message.add_alternative(html.render(reader), subtype="html")
            server.send_message(message)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
