"""Edition -> files to look at, filled in for a reader who does not exist."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.deliver.dkim import Seal
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import cut
from newsletter.errors import ConfigError
from newsletter.fields import Place, fill
from newsletter.links import Links, Signer
from newsletter.model import Edition, Message, Publication, Reader

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.web.sheet import Sheet

_READER = Reader(id="specimen", email="camille@example.org", name="Camille")


def specimen(
    edition: Edition, publication: Publication, *, at: datetime, seals: Sequence[Seal] = ()
) -> Message:
    """The mail as that reader would get it, dated `at`, signed with `seals`; its links to leave are dead."""
    return Filler(cut(edition, publication, at=at), _links(publication), seals=seals).fill(_READER)


def _links(publication: Publication) -> Links:
    # A key that is no secret: what it signs is worth nothing, and the bytes are the same on every machine.
    return Links(publication, Signer((b"specimen specimen",), list_id=publication.list_id), dead=True)


def specimen_values(publication: Publication, *, at: datetime) -> dict[str, str]:
    """What fills the blanks for that reader."""
    web, mail = _links(publication).leave(_READER.id, at.date())
    return {"name": _READER.name, "email": _READER.email, "leave_url": web or mail}


def sheet_of(press: "Press", folder: Path) -> "Sheet":
    """The issue in `folder`, composed, as that reader would see it; raises ContentError or TemplateError."""
    from newsletter.web.sheet import Sheet

    publication = press.config.publication
    issue = press.issue(folder)
    edition = press.edition(issue)
    at = press.sending_time(issue.day)
    return Sheet(
        issue=issue,
        edition=edition,
        publication=publication,
        message=specimen(edition, publication, at=at).content,
        values=specimen_values(publication, at=at),
        at=at,
        look=press.config.look,
        root=press.config.root,
    )


def write_specimen(edition: Edition, publication: Publication, folder: Path, *, at: datetime) -> list[Path]:
    """Write issue.html with its pictures, issue.txt and issue.eml into `folder`; which files, in that order.

    The message is dated `at`; its links to leave are dead. Raises ConfigError if a file cannot be written.
    """
    values = specimen_values(publication, at=at)
    html = fill(edition.html, values, Place.HTML)
    for rendition in edition.renditions:
        # A browser has neither the mail's parts nor a web site that is not yet there.
        html = html.replace(rendition.src, f"pictures/{rendition.name}")
    files = {
        folder / "issue.html": html.encode(),
        folder / "issue.txt": fill(edition.text, values, Place.TEXT).encode(),
        folder / "issue.eml": specimen(edition, publication, at=at).content,
    }
    files |= {folder / "pictures" / rendition.name: rendition.content for rendition in edition.renditions}
    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            hint = "name another folder with -o"
            raise ConfigError(f"cannot be written: {error.strerror}", where=str(path), hint=hint) from error
    return list(files)
