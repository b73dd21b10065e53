"""The gate: levels, waivers, formats, fixes."""

import json
from pathlib import Path

import pytest

from newsletter.check.fix import fixed
from newsletter.check.proof import Place, Text
from newsletter.check.proofread import RULES, proofread
from newsletter.check.rule import Fix, Level
from newsletter.cli.press import Press
from newsletter.cli.proof import proof_of
from tests.check.conftest import ARTICLE, ISSUE, Proofread
from tests.conftest import ROOT, Newsletter

LONG = ARTICLE + "Un mot de plus pour le numéro. " * 300


def test_a_good_issue_gives_no_error(proofread_issue: Proofread) -> None:
    assert [found for found in proofread_issue() if found.level is Level.ERROR] == []


def test_more_than_five_minutes_is_an_error_at_the_longest_article(proofread_issue: Proofread) -> None:
    (found,) = proofread_issue({"02-long.md": LONG}, "five-minutes")
    assert (str(found.place), found.level) == ("issues/2026-11-23/02-long.md:4:1", Level.ERROR)


def test_a_waiver_lets_a_rule_pass_and_is_told(proofread_issue: Proofread) -> None:
    head = ISSUE.replace("editor: Camille\n", "waive:\n  five-minutes: numéro spécial budget\n")
    (found,) = proofread_issue({"issue.md": head, "02-long.md": LONG}, "five-minutes")
    assert found.waived == "numéro spécial budget"


def test_a_waiver_of_a_rule_that_does_not_exist_is_an_error_on_its_line(proofread_issue: Proofread) -> None:
    head = ISSUE.replace("editor: Camille\n", "waive:\n  five-minute: numéro spécial\n")
    (found,) = proofread_issue({"issue.md": head}, "unknown-waiver")
    assert (str(found.place), found.hint) == ("issues/2026-11-23/issue.md:5", 'did you mean "five-minutes"?')


def test_a_mark_of_the_import_is_found_where_it_stands(proofread_issue: Proofread) -> None:
    text = ARTICLE + "\nUn chiffre [À VÉRIFIER : lequel ?] de plus.\n"
    (found,) = proofread_issue({"01-un.md": text}, "import-mark")
    assert str(found.place) == "issues/2026-11-23/01-un.md:6:12"


def test_code_and_addresses_are_no_prose_and_keep_their_room() -> None:
    source = "Un `code  vide` et [ici](https://a.example/x,y) puis\n```\nx ,y\n```\nfin ,non"
    text = Text(path="x.md", line=3, column=1, name="body", source=source)
    assert len(text.prose) == len(source)
    assert "code" not in text.prose
    assert "https" not in text.prose
    assert "x ,y" not in text.prose
    assert text.prose.endswith("fin ,non")
    assert text.place(source.index("fin")) == Place("x.md", 7, 1)


def test_names_are_lasting_and_no_two_rules_share_one() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(rule.why.endswith(".") and rule.how for rule in RULES)


def test_fixes_are_made_where_they_fit_and_nowhere_else() -> None:
    def fix(line: int, column: int, old: str, new: str) -> Fix:
        return Fix(place=Place("x.md", line, column), old=old, new=new)

    text, done = fixed("a ,b\r\nc ,d\r\n", [fix(1, 2, " ,", ","), fix(2, 2, "!!", ","), fix(9, 1, "a", "b")])
    assert (text, len(done)) == ("a,b\r\nc ,d\r\n", 1)


def test_findings_for_programs_and_for_pull_requests(newsletter: Newsletter, paper: Path) -> None:
    newsletter("new", "2026-11-24")
    answer = newsletter("check", "2026-11-24", "--format", "json")
    first = json.loads(answer.out.splitlines()[0])
    assert answer.code == 3
    assert (first["rule"], first["level"], first["line"]) == ("import-mark", "error", 4)
    lines = newsletter("check", "2026-11-24", "--format", "github").out.splitlines()
    assert lines[0].startswith("::error file=issues/2026-11-24/01-premier-article.md,line=4,col=")


def test_what_cannot_be_composed_is_one_finding(newsletter: Newsletter, paper: Path) -> None:
    newsletter("new", "2026-11-24")
    (paper / "issues/2026-11-24/issue.md").write_text("---\nsubject: [\n---\n")
    answer = newsletter("check", "2026-11-24", "--format", "json")
    found = json.loads(answer.out)
    assert (answer.code, found["rule"], found["path"]) == (
        3,
        "cannot-be-composed",
        "issues/2026-11-24/issue.md",
    )


def test_strict_takes_warnings_for_errors(newsletter: Newsletter, paper: Path) -> None:
    folder = next((paper / "issues").iterdir())
    head = (folder / "issue.md").read_text(encoding="utf-8")
    subject = next(line for line in head.splitlines() if line.startswith("subject:"))
    (folder / "issue.md").write_text(head.replace(subject, 'subject: "Court"'), encoding="utf-8")
    assert newsletter("check", folder.name).code == 0
    assert newsletter("check", folder.name, "--strict").code == 3


@pytest.mark.parametrize("theme", ["", "gazette"])
@pytest.mark.parametrize("day", sorted(path.name for path in (ROOT / "issues").iterdir()))
def test_nothing_is_found_in_the_samples(tmp_path: Path, day: str, theme: str) -> None:
    for name in ("issues", "templates"):
        (tmp_path / name).symlink_to(ROOT / name)
    settings = (ROOT / "newsletter.toml").read_text(encoding="utf-8")
    assert 'theme = ""\n' in settings
    path = tmp_path / "newsletter.toml"
    path.write_text(settings.replace('theme = ""\n', f'theme = "{theme}"\n'), encoding="utf-8")
    press = Press(tmp_path)
    issue = press.issue(tmp_path / "issues" / day)
    assert proofread(proof_of(press, issue, press.edition(issue))) == []
