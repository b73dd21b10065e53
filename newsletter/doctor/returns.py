"""What comes back, and what it says of us: the mailbox, the calls of providers, complaints and bounces."""

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from newsletter.bounces.imap import ImapMailbox
from newsletter.bounces.settings import BounceSettings, read_settings
from newsletter.doctor.case import OFFLINE, Case
from newsletter.doctor.line import Line, fails, passes, unknown, warns
from newsletter.doctor.site import not_there
from newsletter.doctor.web import NoAnswer, ask
from newsletter.errors import ConfigError, StoreError, Unavailable
from newsletter.readers.condition import look_at
from newsletter.readers.report import Reports
from newsletter.readers.sendings import Sending

WEEKS = 4

COMPLAINTS_TARGET, COMPLAINTS_LIMIT = 0.001, 0.003
"""Gmail's and Yahoo's lines for the share of mail that readers call spam."""

BOUNCES_TARGET, BOUNCES_LIMIT = 0.05, 0.10
"""Amazon's lines for the share of mail that comes back: under review, and paused."""


def return_path(case: Case) -> Iterator[Line]:
    """Where mail comes back to, and whether it can be told whose it was."""
    bounces, sender = case.config.send.bounces, case.config.publication.sender.address
    if not bounces:
        do = 'set bounces = "bounces@your-domain" in [send], and let newsletter bounces read it'
        yield warns("Return path", f"{sender}, the same for all: whose copy came back is guessed", do)
        return
    do = "newsletter test --to an address that does not exist, and see that it comes back"
    yield unknown("Return path", f"{bounces}: whether +TOKEN is delivered cannot be seen without a mail", do)


def mailbox(case: Case) -> Iterator[Line]:
    """The mailbox that newsletter bounces reads: logged in to, and left as it was."""
    title = "Bounce mailbox"
    try:
        settings = read_settings(case.config.bounces)
    except ConfigError as error:
        yield fails(title, str(error), error.hint)
        return
    hooks = _hooks(settings)
    if settings.imap is None:
        if not hooks:
            do = "set [bounces] host and username, or the calls of your provider: docs/bounces.md"
            yield warns(title, "none, and no provider tells: dead addresses are written to for ever", do)
        return
    if case.offline:
        yield unknown(title, OFFLINE)
        return
    try:
        ImapMailbox(settings.imap).close()
    except ConfigError as error:
        yield fails(title, str(error), error.hint)
    except Unavailable as error:
        yield unknown(title, f"cannot be reached from here: {error}", "check host and port in [bounces]")
    else:
        yield passes(title, f"{settings.imap.host} lets {settings.imap.username} in; nothing was fetched")


def hooks(case: Case) -> Iterator[Line]:
    """Whether the site takes each provider's calls, which turns away one without proof."""
    try:
        names = _hooks(read_settings(case.config.bounces))
    except ConfigError:
        return  # as told of the mailbox
    url = case.config.publication.url
    for name in names:
        title = f"Calls of {name}"
        if case.site_unasked:
            yield unknown(title, case.site_unasked)
            continue
        try:
            said = ask("POST", f"{url}/hooks/{name}", b"")
        except NoAnswer as error:
            yield not_there(title, url, error)
            continue
        if said.status == 401:
            yield passes(title, f"{url}/hooks/{name} asks for the proof of a call, as it should")
        elif said.status == 404:
            do = "start newsletter serve again, with the same settings and secrets as here"
            yield fails(title, f"{url}/hooks/{name} is not there: what it tells is lost", do)
        else:
            seen = f"{url}/hooks/{name} is answered with {said.status}"
            yield unknown(title, seen, "look at the site's log")


def rates(case: Case) -> Iterator[Line]:
    """Complaints and bounces of the last weeks, as our own books have them."""
    try:
        issues = _issues(case)
    except StoreError as error:
        yield unknown("Complaints", str(error))
        return
    sent = sum(one.sent for one in issues)
    if not sent:
        yield unknown("Complaints", f"nothing was sent in the last {WEEKS} weeks")
        yield unknown("Bounces", f"nothing was sent in the last {WEEKS} weeks")
        return
    yield complaints(sum(one.complained for one in issues), sent)
    yield bounces(sum(one.came_back + one.refused for one in issues), sent)


def complaints(count: int, sent: int) -> Line:
    """How many call it spam, against the lines of Gmail and Yahoo."""
    told = f"{count:,} of {sent:,} copies in {WEEKS} weeks, {100 * count / sent:.2f} %"
    seen = f"{told}; 0.10 % is much, 0.30 % too much"
    do = "newsletter report: from which issue on? write to those who asked for it, and show the way out"
    if count / sent >= COMPLAINTS_LIMIT:
        return fails("Complaints", seen, do)
    if count / sent >= COMPLAINTS_TARGET:
        return warns("Complaints", seen, do)
    return passes("Complaints", seen)


def bounces(count: int, sent: int) -> Line:
    """How many copies nobody took, or came back."""
    told = f"{count:,} of {sent:,} copies in {WEEKS} weeks, {100 * count / sent:.1f} %"
    seen = f"{told}; 5 % is much, 10 % too much"
    do = "newsletter report: why? where did these addresses come from?"
    if count / sent >= BOUNCES_LIMIT:
        return fails("Bounces", seen, do)
    if count / sent >= BOUNCES_TARGET:
        return warns("Bounces", seen, do)
    return passes("Bounces", seen)


def postmasters(case: Case) -> Iterator[Line]:
    """What only the mail services know."""
    do = "look yourself: postmaster.google.com and the others in docs/doctor.md"
    yield unknown("Standing", "what Gmail, Yahoo, Microsoft and Orange think of you, only they know", do)


def _issues(case: Case) -> tuple[Sending, ...]:
    found = look_at(case.config.store, case.root)
    if found is None or found.readers is None:
        return ()
    zone = ZoneInfo(case.config.publication.time_zone)
    since = case.now.astimezone(zone).date() - timedelta(weeks=WEEKS)
    with case.database() as database:
        return Reports(database).since(since, case.now, zone).issues


def _hooks(settings: BounceSettings) -> list[str]:
    known = {"ses": settings.ses, "postmark": settings.postmark, "mailgun": settings.mailgun}
    return [name for name, one in known.items() if one]
