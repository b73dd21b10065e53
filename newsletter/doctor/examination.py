"""All that is looked at, in the order in which a person would put it right."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from newsletter.doctor import domains, policy, relay, returns, settings, site, store, templates
from newsletter.doctor.case import Case
from newsletter.doctor.line import Line, fails, unknown
from newsletter.errors import DeliveryError, NewsletterError, StoreError

Check = Callable[[Case], Iterator[Line]]


class Family(NamedTuple):
    """Checks that belong together, and what they are about."""

    name: str
    checks: tuple[Check, ...]


FAMILIES = (
    Family(
        "Settings",
        (
            settings.sender,
            settings.address,
            settings.ways_out,
            settings.hours,
            settings.secrets,
            settings.files,
        ),
    ),
    Family("Store", (store.store, store.clock)),
    Family("Templates", (templates.coming_issue, templates.sample_issue, templates.notices)),
    Family("Relay", (relay.relays, relay.workers)),
    Family("DNS", (domains.mail_domains, policy.spf, policy.dkim, policy.dmarc, domains.pointers)),
    Family("Site", (site.one_click, site.health, site.web_version)),
    Family("What comes back", (returns.return_path, returns.mailbox, returns.hooks)),
    Family("Reputation", (returns.rates, returns.postmasters)),
)


def examine(case: Case, families: Sequence[Family] = FAMILIES) -> Iterator[tuple[str, Line]]:
    """Every line, with the family it belongs to; nothing is sent, written or changed.

    A check that cannot do its work, a file being out of reach for instance, says so in a line of its own.
    """
    for family in families:
        for check in family.checks:
            try:
                for line in check(case):
                    yield family.name, line
            except (StoreError, DeliveryError) as error:
                yield family.name, unknown(family.name, str(error), error.hint)
            except NewsletterError as error:
                yield family.name, fails(family.name, str(error), error.hint)
            except OSError as error:
                seen = f"{error.filename or 'something'} cannot be looked at: {error.strerror or error}"
                yield family.name, unknown(family.name, seen, "run it as the user who sends")
