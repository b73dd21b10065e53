"""A report -> one HTML page that needs nothing else: no script, no other file, no other host."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

from newsletter.compose.templates import fill_page, safe
from newsletter.config import Look
from newsletter.model import Publication
from newsletter.readers.report import IssueReport, Report
from newsletter.readers.sendings import Sending, usual_rate
from newsletter.report import sections as parts
from newsletter.report.tables import rate, span, tables_of, typical_span


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure that is seen first."""

    value: str
    label: str
    note: str = ""


def page(report: Report | IssueReport, publication: Publication, look: Look, zone: ZoneInfo) -> str:
    """The page of a report, in the publication's colours and in the time of `zone`."""
    if isinstance(report, IssueReport):
        return _of_issue(report, publication, look, zone)
    return _of_all(report, publication, look, zone)


def _of_all(report: Report, publication: Publication, look: Look, zone: ZoneInfo) -> str:
    readers, _, providers, reasons = tables_of(report)
    until = report.until.astimezone(zone)
    sections = [
        parts.readers(report, readers),
        parts.sendings(report),
        parts.providers(providers),
        parts.reasons(reasons),
    ]
    return _filled(
        publication,
        look,
        title="The report",
        subtitle=f"{_long(report.since)} to {_long(until.date())}",
        made=until,
        alarm=_alarm(report.issues),
        tiles=_tiles(report),
        sections=sections,
    )


def _of_issue(report: IssueReport, publication: Publication, look: Look, zone: ZoneInfo) -> str:
    sending = report.sending
    issue, _, providers, reasons, hosts = tables_of(report)
    day = issue.column("issue")[0]
    sections = [
        parts.outcome(sending),
        *([parts.pace(report, zone)] if report.pace else []),
        parts.providers(providers),
        parts.reasons(reasons),
        *([parts.hosts(hosts)] if hosts.rows else []),
    ]
    return _filled(
        publication,
        look,
        title=sending.subject,
        subtitle=f"Issue of {day:%A} {_long(day)}",
        made=report.until.astimezone(zone),
        alarm=_alarm([sending]),
        tiles=_tiles_of_issue(report),
        sections=sections,
    )


def _filled(publication: Publication, look: Look, *, made: datetime, **values: object) -> str:
    folder = files("newsletter.report")
    return fill_page(
        (folder / "page.html.j2").read_text(encoding="utf-8"),
        {
            **values,
            "publication": publication,
            "look": look,
            "style": safe((folder / "page.css").read_text(encoding="utf-8")),
            "made": f"{made:%H:%M} on {_long(made.date())}",
        },
    )


def _long(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _alarm(issues: Sequence[Sending]) -> str:
    wrong = [issue.key for issue in issues if not issue.holds]
    return f"The books do not balance: somebody is not accounted for in {', '.join(wrong)}." if wrong else ""


# ---- what is seen first ----


def _tiles(report: Report) -> list[Tile]:
    joined = sum(one.joined for one in report.periods)
    gone = sum(one.gone for one in report.periods)
    sent, audience = (sum(getattr(one, name) for one in report.issues) for name in ("sent", "audience"))
    took, usual = typical_span(report.issues), usual_rate(report.issues)
    return [
        Tile(value=f"{report.readers:,}", label="readers", note=f"{joined:,} joined, {gone:,} gone"),
        Tile(value=f"{len(report.issues):,}", label="issues", note=f"{sent:,} copies sent"),
        Tile(
            value=parts.share(sent, audience),
            label="of all copies sent",
            note=f"{audience - sent:,} were not",
        ),
        Tile(
            value=span(took) if took else "–", label="for an issue", note="from first to last copy, typically"
        ),
        Tile(value=rate(usual), label="leave by an issue", note="typically"),
    ]


def _tiles_of_issue(report: IssueReport) -> list[Tile]:
    one = report.sending
    speed = f"{report.rate.per_second:,.1f} a second, pauses left out" if report.rate else ""
    return [
        Tile(value=f"{one.audience:,}", label="readers"),
        Tile(value=parts.share(one.sent, one.audience), label="sent", note=f"{one.not_sent:,} were not"),
        Tile(value=span(one.took) if one.took is not None else "–", label="from first to last", note=speed),
        Tile(value=f"{one.came_back:,}", label="came back"),
        Tile(
            value=rate(one.leaving_rate),
            label="left by it",
            note="1 reader" if one.left == 1 else f"{one.left:,} readers",
        ),
    ]
