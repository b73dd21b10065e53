"""What has to hold before the first copy of an issue leaves, and the issue frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.cli.proof import gate
from newsletter.cli.screen import bold, plural, say
from newsletter.errors import ConfigError, ContentError, NewsletterError

if TYPE_CHECKING:
    from pathlib import Path

    from newsletter.cli.press import Press
    from newsletter.cli.sending import Books
    from newsletter.model import Edition
    from newsletter.readers.approvals import Approval
    from newsletter.readers.database import Database
    from newsletter.readers.ledger import Frozen


class NotApproved(ContentError):
    """Nobody stands for the issue as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An edition that may leave, and the digest of the files it was made of."""

    edition: Edition
    files: str


def check_witness(books: Books, key: str) -> None:
    """Raise StoreError if the database has forgotten copies that had left, as one from a backup has."""
    from newsletter.readers.accounts import Accounts

    if books.witness is None:
        return
    books.witness.check(Accounts(books.database).standing(key), key)
    if books.witness.trouble:
        say(f"Warning: {books.witness.trouble}")


def ready(press: Press, folder: Path) -> Ready:
    """The issue as its files are now, composed and proof-read; raises ContentError or TemplateError."""
    files = press.files_digest(folder)
    return Ready(edition=gate(press, folder)[1], files=files)


def frozen_now(press: Press, books: Books, found: Ready) -> Frozen:
    """The issue frozen, dated now."""
    from newsletter.cli.sending import freeze
    from newsletter.deliver.message import cut

    template = cut(found.edition, press.config.publication, at=press.now())
    return freeze(press, books, found.edition, template, files=found.files)


def count_readers(books: Books) -> int:
    """How many will get an issue that is frozen now; raises ConfigError if nobody would."""
    from newsletter.model import Status

    count = books.readers.count(Status.ACTIVE)
    if not count:
        hint = "newsletter readers import FILE.csv --source WHERE"
        raise ConfigError("there is nobody to send to", where="readers", hint=hint)
    return count


def last_approval(database: Database, key: str, *, required: bool) -> Approval | None:
    """The approval that counts; raises NotApproved if there is none where one is required."""
    from newsletter.readers.approvals import Approvals

    approval = Approvals(database).last(key)
    if approval is None and required:
        message = "nobody has approved this issue"
        raise NotApproved(message, where=f"issues/{key}", hint=f"newsletter approve {key}")
    return approval


def check_approval(press: Press, database: Database, edition: Edition, *, required: bool) -> None:
    """Raise NotApproved if this is not what was approved, or nobody approved it where somebody must."""
    from newsletter.readers.approvals import differences, parts_of, text_difference, text_of

    key = edition.key
    approval = last_approval(database, key, required=required)
    if approval and approval.fingerprint != edition.fingerprint:
        changed = "; ".join(differences(approval, parts_of(edition)))
        for line in text_difference(approval, text_of(edition)):
            say(f"  {line}")
        at = approval.at.astimezone(press.zone)
        message = f"not what {approval.who} approved at {at:%H:%M on %d %B}: {changed}"
        hint = f"look at it, then newsletter approve {key}"
        raise NotApproved(message, where=f"issues/{key}", hint=hint)


def same_rehearsal(books: Books, frozen: Frozen, edition: Edition) -> Frozen | None:
    """A rehearsal that was interrupted goes on; one that is done, or of other bytes, begins again."""
    if frozen.fingerprint == edition.fingerprint and books.ledger.tally(frozen.key).owed:
        return frozen
    say(f"{frozen.key} was rehearsed before; this is a new rehearsal.")
    return None


def tell_difference(press: Press, folder: Path, frozen: Frozen) -> None:
    """One line if the files are no longer what is being sent: the frozen bytes go on all the same."""
    say(f"{bold(frozen.key)} was frozen at {frozen.frozen_at.astimezone(press.zone):%H:%M on %d %B %Y}.")
    if press.files_digest(folder) == frozen.files:
        return  # composing takes as long as hundreds of mails, which is not for a run that goes on
    try:
        same = press.edition(press.issue(folder)).fingerprint == frozen.fingerprint
    except NewsletterError as error:
        say(f"Its files cannot be composed any more ({error}); what was frozen goes on.")
        return
    if not same:
        say("Its files have changed since; what was frozen goes on.")


def plan(press: Press, key: str, subject: str, count: int, *, rehearsal: bool) -> None:
    """Say what is about to be sent, to whom, and how."""
    config = press.config
    sender = config.publication.sender
    say(f"{bold(subject)}")
    say(f"  issue    {key}")
    say(f"  from     {sender.name} <{sender.address}>")
    say(f"  to       {plural(count, 'reader')}")
    ways = " and ".join(relay.name for relay in config.named_relays) or config.relays[0].backend
    say(f"  through  {ways}{' (a rehearsal: nobody gets mail)' if rehearsal else ''}")
