"""Certificates of an authority that only those believe to whom SSL_CERT_FILE names it."""

import ssl
from datetime import UTC, datetime, timedelta

import trustme

NOW = datetime(2026, 11, 23, 5, 45, tzinfo=UTC)
"""The morning of the case."""

AUTHORITY = trustme.CA()


def papers(host: str, *, days: int = 60, authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    """What a server at this host shows, for so many days from the morning of the case on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    until = NOW + timedelta(days=days, hours=1)
    born = datetime(2020, 1, 1, tzinfo=UTC)
    authority.issue_cert(host, not_before=born, not_after=until).configure_cert(context)
    return context
