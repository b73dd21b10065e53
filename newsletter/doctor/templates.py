"""The templates: the next issue, the sample issue and every notice can be composed with them."""

from collections.abc import Iterator
from pathlib import Path

from newsletter.compose.edition import compose
from newsletter.compose.issue import issue_days, read_issue
from newsletter.compose.notice import compose_notice
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import cut
from newsletter.desk.publication import sample_folder
from newsletter.doctor.case import Case
from newsletter.doctor.line import Line, fails, passes, warns
from newsletter.errors import ConfigError, ContentError, TemplateError
from newsletter.links import Links, Signer
from newsletter.model import Edition, Reader
from newsletter.readers.requests import Notice

_SOMEBODY = Reader(id="specimen", email="camille@example.org", name="Camille")
_NO_SECRET = b"specimen specimen"


def coming_issue(case: Case) -> Iterator[Line]:
    """Today's issue, or the next one."""
    folder = _coming(case)
    if folder is None:
        yield warns("Next issue", "none is there, today's or later", "newsletter new")
        return
    try:
        octets = mail_of(case, _edition(case, folder, case.config.root))
    except (ContentError, TemplateError, ConfigError) as error:
        yield fails("Next issue", str(error), error.hint or f"newsletter check {folder.name}")
        return
    yield passes("Next issue", f"{folder.name} composes: a mail of {octets / 1000:,.0f} kB")


def sample_issue(case: Case) -> Iterator[Line]:
    """The issue that comes with the press, in which each kind of thing stands that templates must show."""
    sample = sample_folder()
    newest = issue_days(sample / "issues")[-1]
    try:
        _edition(case, sample / "issues" / newest.isoformat(), sample)
    except (ContentError, TemplateError) as error:
        yield fails("Sample issue", str(error), error.hint or "put the template right")
        return
    yield passes("Sample issue", "composes with the publication's templates")


def notices(case: Case) -> Iterator[Line]:
    """The mails that answer readers: confirm, welcome, …"""
    config = case.config
    made: list[str] = []
    for notice in Notice:
        try:
            compose_notice(
                notice.value,
                config.publication,
                config.look,
                templates=config.root / "templates",
                url=f"{config.publication.url}/" if config.publication.url else "",
            )
        except TemplateError as error:
            yield fails("Notices", f"{notice.value}: {error}", error.hint or "put the template right")
        else:
            made.append(notice.value)
    if len(made) == len(Notice):
        yield passes("Notices", f"{len(made)} compose: {', '.join(made)}")


def octets_of_a_mail(case: Case) -> int | None:
    """How large a mail of the next issue is; None if there is none, or it does not compose."""
    folder = _coming(case)
    try:
        return mail_of(case, _edition(case, folder, case.config.root)) if folder else None
    except (ContentError, TemplateError, ConfigError):
        return None


def mail_of(case: Case, edition: Edition) -> int:
    """How many octets a mail of an edition has, unsigned."""
    publication = case.config.publication
    # A key that is no secret signs links that are dead.
    links = Links(publication, Signer((_NO_SECRET,), list_id=publication.list_id), dead=True)
    template = cut(edition, publication, at=case.now)
    return len(Filler(template, links).fill(_SOMEBODY).content)


def _coming(case: Case) -> Path | None:
    issues = case.config.root / "issues"
    today = case.now.date()
    days = [day for day in issue_days(issues) if day >= today]
    return issues / days[0].isoformat() if days else None


def _edition(case: Case, folder: Path, root: Path) -> Edition:
    config = case.config
    issue = read_issue(folder, root=root)
    return compose(
        issue, config.publication, config.look, templates=config.root / "templates", root=config.root
    )
