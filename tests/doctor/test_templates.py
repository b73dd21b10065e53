"""Templates are tried out with all that they must carry: the next issue, the sample, every notice."""

from pathlib import Path

from newsletter.doctor.line import Verdict
from newsletter.doctor.templates import coming_issue, notices, octets_of_a_mail, sample_issue
from newsletter.readers.requests import Notice
from tests.conftest import write_issue
from tests.doctor.conftest import Make, only, told


def test_what_leaves_next_is_composed_and_weighed(case: Make, paper_root: Path) -> None:
    write_issue(paper_root, "2026-11-20")
    write_issue(paper_root, "2026-11-24")
    found = case()
    line = only(coming_issue(found))
    assert line.verdict is Verdict.PASS
    octets = octets_of_a_mail(found)
    assert octets
    assert line.seen == f"2026-11-23 composes: a mail of {octets / 1000:,.0f} kB"
    assert 10_000 < octets < 100_000


def test_no_coming_issue_is_a_warning_and_one_that_does_not_compose_fails(
    case: Make, paper_root: Path
) -> None:
    article = paper_root / "issues/2026-11-23/01-premier.md"
    article.write_text("no front matter", encoding="utf-8")
    line = only(coming_issue(case()))
    assert (line.verdict, line.seen.startswith("issues/2026-11-23/01-premier.md:1: ")) == (Verdict.FAIL, True)
    assert line.do
    assert octets_of_a_mail(case()) is None
    (paper_root / "issues/2026-11-23").rename(paper_root / "issues/2026-11-20")
    line = only(coming_issue(case()))
    assert (line.verdict, line.do) == (Verdict.WARN, "newsletter new")
    assert octets_of_a_mail(case()) is None


def test_the_sample_issue_is_composed_with_the_publications_own_templates(
    case: Make, paper_root: Path
) -> None:
    assert told(sample_issue(case())) == [
        ("Sample issue", "pass", "composes with the publication's templates")
    ]
    template = paper_root / "templates/mail/article.mjml.j2"
    template.write_text(template.read_text("utf-8") + "{{ misspelt }}", encoding="utf-8")
    line = only(sample_issue(case()))
    assert (line.verdict, "misspelt" in line.seen) == (Verdict.FAIL, True)
    assert only(coming_issue(case())).verdict is Verdict.FAIL


def test_every_notice_is_composed(case: Make, paper_root: Path) -> None:
    names = ", ".join(notice.value for notice in Notice)
    assert told(notices(case())) == [("Notices", "pass", f"{len(Notice)} compose: {names}")]
    template = paper_root / "templates/mail/notice.txt.j2"
    template.write_text(
        "{% if notice == 'welcome' %}{{ misspelt }}{% endif %}" + template.read_text("utf-8"), "utf-8"
    )
    line = only(notices(case()))
    assert (line.verdict, line.seen.startswith("welcome: ")) == (Verdict.FAIL, True)
