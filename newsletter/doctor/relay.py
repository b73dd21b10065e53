"""The way out: each mail server is called, secured, logged in to, asked what it takes; no mail begins."""

import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from newsletter.deliver.backend import Backend
from newsletter.deliver.backends.folder import FolderBackend
from newsletter.deliver.backends.maildir import MaildirBackend
from newsletter.deliver.backends.sendmail import SendmailBackend
from newsletter.deliver.backends.ses import SesBackend
from newsletter.deliver.backends.session import Deadlines, Server, Session
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.deliver.backends.smtp_settings import read_servers
from newsletter.deliver.smtp_protocol import Phase
from newsletter.doctor.case import OFFLINE, Case
from newsletter.doctor.line import Line, fails, passes, unknown, warns
from newsletter.doctor.names import Names, Silence
from newsletter.doctor.templates import octets_of_a_mail
from newsletter.errors import ConfigError, DeliveryError, Unavailable
from newsletter.readers.crew import Crew
from newsletter.ways import Relay

PATIENCE = Deadlines(connect=10, greeting=20, command=20, quit=2)

SOON = 21
"""Days before its end from which on a certificate is told: those of 90 days are renewed after 60."""

_EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "LIMITS")

_ROOM = 1.1
"""A mail may grow by its signature, and by longer links than a specimen's."""


def relays(case: Case) -> Iterator[Line]:
    """What can be said of each way out; of several, each line names its own."""
    for relay, backend in case.ways:
        for line in _way(case, relay, backend):
            yield line if len(case.ways) == 1 else replace(line, title=f"{relay.name}: {line.title}")


def _way(case: Case, relay: Relay, backend: Backend | ConfigError) -> Iterator[Line]:
    if isinstance(backend, ConfigError):
        yield unknown("Relay", "not called: its settings are at fault, see above")
    elif isinstance(backend, SmtpBackend):
        servers = read_servers(relay.table)
        octets = None if case.offline else octets_of_a_mail(case)
        for server in servers:
            if case.resolver is None:
                yield unknown(server.name, OFFLINE)
            else:
                yield from call(server, octets, case.now, case.resolver)
    elif isinstance(backend, SendmailBackend):
        yield _ready(backend, "Program")
        yield unknown("Relay", "the queue of this machine is its mail server's affair", "look: mailq")
    elif isinstance(backend, SesBackend):
        yield unknown("Relay", OFFLINE) if case.offline else _ready(backend, "Credentials")
        do = "see SES's console: is it out of the sandbox, is the domain verified?"
        yield unknown("Quota", "SES is not asked what it would take without a mail to send", do)
    elif isinstance(backend, FolderBackend | MaildirBackend) or not backend.reaches_people:
        yield passes("Relay", f"none: {relay.backend} keeps mails on this machine")
    else:
        do = "newsletter test --to yourself@your-domain"
        yield unknown("Relay", f"the backend {relay.backend!r} cannot be tried without a mail", do)


def servers_of(case: Case) -> tuple[Server, ...]:
    """The mail servers that mail leaves through, in order; none if that is not how it leaves."""
    found = [read_servers(relay.table) for relay, backend in case.ways if isinstance(backend, SmtpBackend)]
    return tuple(server for servers in found for server in servers)


def workers(case: Case) -> Iterator[Line]:
    """Whether somebody works for each relay that is to have a share of an issue."""
    if case.config.store.file:
        return
    with case.database() as database:
        at_work = Counter(worker.relay for worker in Crew(database).workers() if worker.is_alive)
    missing = [relay.name for relay in case.config.relays if relay.share and not at_work[relay.name]]
    if missing:
        seen = f"nobody works for {' and '.join(missing)}"
        yield warns("Workers", seen, "newsletter worker; or newsletter send --here")
    else:
        yield passes("Workers", ", ".join(f"{count} for {name}" for name, count in sorted(at_work.items())))


def call(server: Server, octets: int | None, now: datetime, names: Names) -> Iterator[Line]:
    """A session with one relay, up to where a mail would begin; `octets` is how large that would be."""
    title = server.name
    try:
        session = Session(replace(server, deadlines=PATIENCE))
    except DeliveryError as error:
        yield _not_opened(server, error, names)
        return
    session.leave()
    offers = [name for name in _EXTENSIONS if session.extensions.offers(name)]
    login = f"logged in as {server.username}" if server.username else "no login asked for"
    yield passes(title, f"answers, {login}; offers {', '.join(offers) or 'no extension that we use'}")
    yield _tls(session, now)
    yield _size(session, octets)


def _tls(session: Session, now: datetime) -> Line:
    if session.certificate_ends is None:
        return passes("TLS", "none, and none needed: the relay is this machine")
    ends = datetime.fromtimestamp(session.certificate_ends, UTC)
    days = (ends - now).days
    seen = f"{session.tls}; the certificate holds until {ends:%Y-%m-%d}, {days} days"
    if days < SOON:
        return warns("TLS", seen, "ask the relay's keeper to renew it")
    return passes("TLS", seen)


def _size(session: Session, octets: int | None) -> Line:
    most = session.extensions.most_octets
    if not most:
        return unknown("Size", "the relay does not say how large a mail may be")
    takes = f"takes mails of {most / 1e6:,.1f} MB"
    if octets is None:
        return unknown("Size", f"{takes}; there is no issue to compare with", "newsletter new")
    seen = f"{takes}, and the next issue has {octets / 1e6:,.2f} MB"
    if octets * _ROOM > most:
        return fails("Size", seen, 'make its pictures smaller, or write pictures = "hosted" in [look]')
    return passes("Size", seen)


def _not_opened(server: Server, error: DeliveryError, names: Names) -> Line:
    """A relay that says no fails; one that is not to be reached from here is not known."""
    title = server.name
    if error.phase == Phase.CONNECT:
        if _no_such_host(server.host, error, names):
            return fails(title, f"there is no host {server.host!r}", error.hint)
        return unknown(title, f"cannot be reached from here: {error.message}", error.hint)
    if isinstance(error, Unavailable) and error.passing:
        return unknown(title, error.message, error.hint)
    return fails(title, error.message, error.hint)


def _no_such_host(host: str, error: DeliveryError, names: Names) -> bool:
    """Whether the system found no address of that name, and DNS says for certain that there is none."""
    lost = error.__cause__
    if lost is None or not isinstance(lost.__cause__, socket.gaierror):
        return False
    try:
        return not names.addresses(host)
    except Silence:
        return False


def _ready(backend: SendmailBackend | SesBackend, title: str) -> Line:
    try:
        backend.open()
    except Unavailable as error:
        return fails(title, str(error), error.hint)
    finally:
        backend.close()
    return passes(title, "there")
