"""What must be in place before a mail may reach people."""

import re

from newsletter.errors import ConfigError
from newsletter.model import Publication
from newsletter.settings import FILE

_EXAMPLE = re.compile(r"(?:^|\.)example(?:\.(?:com|net|org))?$", re.IGNORECASE)
"""Domains that stand for nobody (RFC 2606 §2 and §3)."""


def is_nobodys(domain: str) -> bool:
    """Whether a domain stands for nobody, being one of those that examples are made of."""
    return _EXAMPLE.search(domain) is not None


def check_ready(publication: Publication) -> None:
    """Raise ConfigError while a mail to real people would break the law or lead nowhere.

    Who sends, and from where, is required by French law (LCEN art. 20, CPCE L34-5); so is a way to leave,
    which the check of every edition sees to.
    """
    if not publication.postal_address:
        hint = 'add postal_address = "…" to [publication]'
        raise ConfigError("no postal address: nothing can be sent to people", where=FILE, hint=hint)
    if is_nobodys(publication.sender.domain):
        hint = 'set sender = "Name <you@your-domain>" in [publication]'
        message = f"the sender is {publication.sender.address!r}, an address of nobody's"
        raise ConfigError(message, where=FILE, hint=hint)
