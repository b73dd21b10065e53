"""All that is looked at, in the order in which a person would put it right."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from newsletter.doctor import domains, policy, relay, returns, settings, site, store, templates
from newsletter.doctor.case import Case
from newsletter.doctor.line import Line

Check = Callable[[Case], Iterator[Line]]


class Family(NamedTuple):
    """Checks that belong together, and what they are about."""

    name: str
    checks: tuple[Check, ...]


FAMILIES = (
    Family("Settings", (settings.sender, settings.address, settings.backend, settings.secrets, settings.files)),
    Family("Store", (store.store, store.clock)),
    Family("Templates", (templates.coming_issue, templates.sample_issue, templates.notices)),
    Family("Relay", (relay.relay,)),
    Family("DNS", (domains.mail_domains, policy.spf, policy.dkim, policy.dmarc, domains.pointers)),
    Family("Site", (site.one_click, site.health, site.web_version)),
    Family("What comes back", (returns.return_path, returns.mailbox, returns.hooks)),
    Family("Reputation", (returns.rates, returns.postmasters)),
)


def examine(case: Case) -> Iterator[tuple[str, Line]]:
    """Every line, with the family it belongs to; nothing is sent, written or changed."""
    for family in FAMILIES:
        for check in family.checks:
            for line in check(case):
                yield family.name, line
