"""An alert -> one mail to whoever keeps the publication, through the backend of readers' mail."""

from collections.abc import Sequence
from html import escape

from newsletter.alerts.alert import Alert
from newsletter.deliver.backend import Backend
from newsletter.deliver.dkim import Seal
from newsletter.deliver.notice import notice_message
from newsletter.model import Edition, Publication

KEY = "alert"


def mail_alert(
    alert: Alert, to: str, backend: Backend, publication: Publication, *, seals: Sequence[Seal] = ()
) -> None:
    """Send the alert to one address, from the publication's own; it is in no ledger.

    It needs no template, which may be what is wrong. The same alert has the same Message-ID. Raises what the
    backend raises, or ContentError for an address that cannot stand in a mail.
    """
    page = f'<!doctype html><html lang="en"><title>{escape(alert.subject)}</title>'
    edition = Edition(
        key=KEY,
        subject=alert.subject,
        preheader="",
        html=f'{page}<pre style="white-space: pre-wrap">{escape(alert.text)}</pre></html>\n',
        text=alert.text,
        sender=publication.sender,
        reply_to=publication.reply_to,
    )
    message = notice_message(
        edition, request_id=f"{alert.issue} {alert.reason}", to=to, at=alert.at, seals=seals
    )
    backend.open()
    try:
        backend.send(message, lambda: None)
    finally:
        backend.close()
