"""What answers people by mail, for whichever command does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.cli.screen import say

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.readers.database import Database
    from newsletter.web.answering import Answering


def answering(press: Press, database: Database) -> Answering:
    """What sends the notices that people are owed, signed if there are keys; whose dangers are told."""
    from newsletter.compose.notice import compose_notice
    from newsletter.deliver.dkim import read_seals
    from newsletter.readers.requests import Requests
    from newsletter.web.answering import Addresses, Answering

    config = press.config
    signer, links = press.signer(), press.links()
    seals, warnings = read_seals(config.dkim)
    for warning in warnings:
        say(f"Warning: {warning}")
    return Answering(
        Requests(database, signer.hashes),
        Addresses(config.publication.url, signer),
        compose=lambda notice, url: compose_notice(
            notice.value, config.publication, config.look, templates=config.root / "templates", url=url
        ),
        seals=seals,
        return_path=lambda reader_id, day: links.copies(day, bounces=config.send.bounces).copy(reader_id)[3],
        per_hour=config.site.answers_per_hour,
    )
