"""The store: it opens, is whole, keeps what it is told, has room for an issue; and the clock beside it."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from newsletter.deliver.backends.folder import FolderBackend
from newsletter.deliver.backends.maildir import MaildirBackend
from newsletter.doctor.case import Case
from newsletter.doctor.line import Line, fails, passes, unknown, warns
from newsletter.doctor.web import NoAnswer, ask
from newsletter.errors import StoreError
from newsletter.readers.accounts import Accounts
from newsletter.readers.condition import Condition, look_at
from newsletter.readers.witness import NAME as WITNESS
from newsletter.readers.witness import Witness

FOR_EACH = 1000
"""Bytes that a reader's row of one issue takes, with its attempts and the log of changes: rather too many."""

FOR_ALL = 50_000_000
"""Bytes to have beside that."""

MOST_OFF = timedelta(seconds=60)

_IMPORT = "newsletter readers import readers.csv --source WHERE"


def store(case: Case) -> Iterator[Line]:
    """What is known of the database itself."""
    try:
        found = look_at(case.config.store, case.root)
    except StoreError as error:
        yield fails("Database", str(error), error.hint)
        return
    if found is None:
        yield warns("Database", "there is none yet, and nobody to send to", _IMPORT)
        return
    yield opens(found)
    yield durability(found)
    yield integrity(found)
    yield room(found, _bytes_of_mails(case, found.readers or 0))
    if found.current and not found.damage and found.readers is not None:
        yield from _remembers(case)


def opens(found: Condition) -> Line:
    """Which database it is, and whether this press may write to it."""
    seen = f"{found.place}: {found.engine}, schema {found.version}"
    if found.version < found.known:
        return fails("Database", f"{seen}, and this press needs {found.known}", "newsletter db upgrade")
    if found.version > found.known:
        return fails("Database", f"{seen}, of a newer press", "pip install --upgrade actu5")
    readers = "" if found.readers is None else f"; {found.readers:,} on the list"
    if found.readers == 0:
        return warns("Database", f"{seen}; nobody to send to", _IMPORT)
    return passes("Database", f"{seen}{readers}")


def durability(found: Condition) -> Line:
    """Whether what was committed is there after a power cut."""
    if found.durable is None:
        return unknown("Durability", found.settings or "cannot be told without opening it for writing")
    if found.durable:
        return passes("Durability", f"a commit outlives a power cut: {found.settings}")
    do = "turn them on again: a commit that is lost is a mail that is sent twice"
    return fails("Durability", f"a power cut may lose commits: {found.settings}", do)


def integrity(found: Condition) -> Line:
    """Whether the database is whole."""
    if found.damage is None:
        return unknown("Integrity", "not looked at: the database's server sees to it")
    if found.damage:
        do = 'restore it: docs/sending.md, "A database from a backup"'
        return fails("Integrity", f"damaged: {found.damage}", do)
    return passes("Integrity", "a quick look found nothing wrong")


def room(found: Condition, mails: int) -> Line:
    """Whether the disk has room for an issue, of which `mails` bytes are files of mails."""
    if found.free is None:
        return unknown("Free disk", "that of the database's server is not seen from here")
    need = FOR_ALL + FOR_EACH * (found.readers or 0) + mails
    seen = f"{_size(found.free)} free, and an issue needs about {_size(need)}"
    if found.free < need:
        return fails("Free disk", seen, "make room: an issue that does not fit stops in the middle")
    if found.free < 3 * need:
        return warns("Free disk", seen, "make room soon")
    return passes("Free disk", seen)


def _bytes_of_mails(case: Case, readers: int) -> int:
    """What backends that write files write on this machine: 100 kB a mail, as check allows them."""
    return readers * 100_000 if isinstance(case.backend, FolderBackend | MaildirBackend) else 0


def _remembers(case: Case) -> Iterator[Line]:
    """Whether the database knows of all that was sent, or is older than that."""
    with case.database() as database:
        accounts = Accounts(database)
        witness = Witness(case.root / ".newsletter" / WITNESS)
        seen = witness.issues(accounts.standing("").instance)
        try:
            for key in seen:
                witness.check(accounts.standing(key), key)
        except StoreError as error:
            yield fails("Memory", str(error), error.hint)
            return
    if witness.trouble:
        yield unknown("Memory", witness.trouble)
    elif seen:
        yield passes("Memory", f"the database knows of every copy that left, last of {seen[-1]}")


def clock(case: Case) -> Iterator[Line]:
    """The clock against that of the site, if that runs on another machine."""
    url = case.config.publication.url
    do = "see that it is set by NTP: timedatectl"
    if case.site_unasked:
        yield unknown("Clock", f"nobody to compare it with; the site: {case.site_unasked}", do)
        return
    try:
        said = ask("HEAD", f"{url}/")
        theirs = parsedate_to_datetime(said.headers.get("date", ""))
        theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)  # of "-0000" (RFC 5322 §3.3)
    except NoAnswer as error:
        yield unknown("Clock", f"{url} cannot be asked for its time: {error}", do)
        return
    except ValueError:
        yield unknown("Clock", f"{url} does not say what time it is", do)
        return
    if said.here:
        yield unknown("Clock", f"{url} is on this machine, whose only other clock this is not", do)
        return
    off = abs(case.now - theirs)
    seen = f"{off.total_seconds():.0f} s from that of {url}"
    yield passes("Clock", seen) if off <= MOST_OFF else fails("Clock", seen, do)


def _size(size: int) -> str:
    for unit, words in ((10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:,.1f} {words}"
    return f"{size / 1000:,.0f} kB"
