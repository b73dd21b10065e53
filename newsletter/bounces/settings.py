"""The table [bounces] -> where mail comes back to, and which providers may tell of it."""

from dataclasses import dataclass

from newsletter.bounces.imap import ImapSettings
from newsletter.bounces.webhooks import Mailgun, Postmark, Ses
from newsletter.settings import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceSettings:
    """The mailbox, and each provider whose calls are believed; None for what is not set up."""

    imap: ImapSettings | None = None
    ses: Ses | None = None
    postmark: Postmark | None = None
    mailgun: Mailgun | None = None


def read_settings(table: Table) -> BounceSettings:
    """What the table says; raises ConfigError for what cannot be meant.

    Secrets are NEWSLETTER_IMAP_PASSWORD, NEWSLETTER_POSTMARK_WEBHOOK ("NAME:PASSWORD") and
    NEWSLETTER_MAILGUN_KEY.
    """
    host = table.string("host", "")
    security = table.choice("security", "tls", ("tls", "starttls"))
    port = table.integer("port", 143 if security == "starttls" else 993, least=1, most=65_535)
    username = table.string("username", "")
    folder, moved_to = table.string("folder", "INBOX"), table.string("moved_to", "")
    topics = table.strings("topics")
    table.done()
    imap = None
    if host:
        password = table.secret("IMAP_PASSWORD")
        if not username or not password:
            missing = "username" if not username else "password"
            hint = 'write username = "…"' if not username else "set NEWSLETTER_IMAP_PASSWORD"
            raise table.error("host", f"the mailbox has no {missing}", hint)
        imap = ImapSettings(
            host=host,
            username=username,
            password=password,
            port=port,
            security="starttls" if security == "starttls" else "tls",
            folder=folder,
            moved_to=moved_to,
            where=table.where("host"),
        )
    postmark, mailgun = table.secret("POSTMARK_WEBHOOK"), table.secret("MAILGUN_KEY")
    return BounceSettings(
        imap=imap,
        ses=Ses(topics=topics) if topics else None,
        postmark=Postmark(secret=postmark) if postmark else None,
        mailgun=Mailgun(key=mailgun) if mailgun else None,
    )
