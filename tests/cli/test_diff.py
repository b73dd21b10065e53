"""What a change of templates does to issues: a real git repository, a real Chromium."""

import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import command, replaced, told
from tests.conftest import ARTICLE, Newsletter, needs, write_issue

CSS = "templates/mail/article.css.j2"
KEY = "2026-11-23"
LARGER = replaced(CSS, "font-size: 27px", "font-size: 30px")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(paper: Path) -> Path:
    """The publication with a second issue, all of it committed."""
    needs("git")
    write_issue(paper, "2026-11-24", **{"01_autre": ARTICLE.replace("premier article", "autre jour")})
    git(paper, "init", "-q", "-b", "main")
    git(paper, "add", ".")
    git(paper, "commit", "-q", "-m", "all")
    return paper


def test_nothing_differs_when_nothing_was_changed(repository: Path, newsletter: Newsletter) -> None:
    answer = newsletter("diff", "--exit-code")
    assert (answer.code, answer.out, answer.err) == (0, "2026-11-23: same\n2026-11-24: same\n", "")


def test_a_change_of_template_is_shown_once_and_counted_for_each_issue(
    repository: Path, newsletter: Newsletter
) -> None:
    LARGER(repository)
    answer = newsletter("diff")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "2026-11-23: differs in html",
        "2026-11-24: differs in html",
        "",
        "--- 2026-11-23 (HEAD): html",
        "+++ 2026-11-23 (now): html",
        "@@ after “1 · Tech” @@",
        " <h2>",
        "   margin:0",
        '   font-family:Georgia, "Times New Roman", serif',
        "-  font-size:27px",
        "+  font-size:30px",
        "   line-height:1.22",
        "   font-weight:bold",
        "",
        "2026-11-24 (now): html: a change as shown above",
    ]


def test_a_program_can_ask_for_an_exit_code(repository: Path, newsletter: Newsletter) -> None:
    LARGER(repository)
    assert newsletter("diff", "--exit-code").code == 8
    git(repository, "commit", "-q", "-a", "-m", "larger titles")
    assert newsletter("diff", "--exit-code").code == 0
    assert newsletter("diff", "--exit-code", "--against", "HEAD~1").code == 8


def test_a_setting_and_a_word_count_as_change(repository: Path, newsletter: Newsletter) -> None:
    replaced("newsletter.toml", "redaction@lettre.invalid", "bonjour@lettre.invalid")(repository)
    replaced("templates/words/fr.po", "Lire en ligne\u00a0:", "À lire en ligne\u00a0:")(repository)
    answer = newsletter("diff", KEY)
    assert answer.out.splitlines()[0].startswith("2026-11-23: differs in headers, text")
    assert "-From: La lettre du test <redaction@lettre.invalid>\n" in answer.out
    assert "+From: La lettre du test <bonjour@lettre.invalid>\n" in answer.out
    assert "-Lire en ligne\u00a0: https://lettre.invalid/2026-11-23/\n+À lire en ligne\u00a0: " in answer.out


def test_an_issue_that_was_edited_or_never_committed_does_not_count_as_change(
    repository: Path, newsletter: Newsletter
) -> None:
    replaced(f"issues/{KEY}/01-premier.md", "La fin", "Le tout dernier mot")(repository)
    write_issue(repository, "2026-11-25")
    answer = newsletter("diff")
    assert answer.out == "2026-11-23: same\n2026-11-24: same\n2026-11-25: same\n"


def test_a_logo_is_the_one_of_then(repository: Path, newsletter: Newsletter) -> None:
    Image.new("RGB", (80, 20), "#123456").save(repository / "logo.png")
    replaced("newsletter.toml", "[send]", '[look]\nlogo = "logo.png"\n\n[send]')(repository)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "logo")
    Image.new("RGB", (80, 20), "#654321").save(repository / "logo.png")
    answer = newsletter("diff", KEY)
    assert answer.out.startswith("2026-11-23: differs in html, pictures\n")


def test_only_the_last_issues_are_looked_at(repository: Path, newsletter: Newsletter) -> None:
    assert newsletter("diff", "--last", "1").out == "2026-11-24: same\n"


def test_a_publication_in_a_folder_of_the_repository_is_found_there(
    paper: Path, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("git")
    git(paper.parent, "init", "-q")
    git(paper.parent, "add", ".")
    git(paper.parent, "commit", "-q", "-m", "all")
    monkeypatch.chdir(paper / "issues")
    LARGER(paper)
    assert newsletter("diff").out.startswith("2026-11-23: differs in html\n")


def test_neither_the_files_nor_what_is_staged_are_touched(repository: Path, newsletter: Newsletter) -> None:
    LARGER(repository)
    git(repository, "add", ".")
    replaced(CSS, "font-size: 30px", "font-size: 33px")(repository)

    def state() -> tuple[bytes, str]:
        listed = subprocess.run(
            ["git", "status", "--porcelain"], cwd=repository, capture_output=True, text=True
        )
        return (repository / ".git/index").read_bytes(), listed.stdout

    before = state()
    assert "font-size:33px" in newsletter("diff").out
    assert state() == before


def test_another_issue_can_be_compared_with(paper: Path, newsletter: Newsletter) -> None:
    write_issue(paper, "2026-11-24", **{"01_autre": ARTICLE.replace("premier article", "autre jour")})
    answer = newsletter("diff", "2026-11-24", "--against", KEY)
    lines = answer.out.splitlines()
    assert lines[0].startswith("2026-11-24: differs in headers, text, html (")
    assert "--- 2026-11-23: text" in lines
    assert "+++ 2026-11-24: text" in lines
    assert "-LE TITRE DU PREMIER ARTICLE" in lines
    assert "+LE TITRE DU AUTRE JOUR" in lines


def test_what_could_not_be_composed_then_differs(repository: Path, newsletter: Newsletter) -> None:
    replaced("templates/mail/issue.txt.j2", "{{", "{{ nonsense }}{{")(repository)
    git(repository, "commit", "-q", "-a", "-m", "broken")
    git(repository, "checkout", "-q", "HEAD~1", "--", "templates")
    answer = newsletter("diff", KEY, "--exit-code")
    assert answer.code == 8
    assert answer.out.startswith("2026-11-23: could not be composed as of HEAD: templates/mail/issue.txt.j2:")


def test_what_cannot_be_composed_now_is_an_error_after_all_others_were_told(
    repository: Path, newsletter: Newsletter
) -> None:
    LARGER(repository)
    replaced(f"issues/{KEY}/issue.md", "subject:", "sujet:")(repository)
    answer = newsletter("diff")
    assert answer.code == 3
    lines = answer.out.splitlines()
    assert lines[0].startswith("2026-11-23: cannot be composed: issues/2026-11-23/issue.md:2: ")
    assert lines[1] == "2026-11-24: differs in html"
    assert "+  font-size:30px" in lines
    assert told(answer)[0].startswith("Error: issues/2026-11-23/issue.md:2: ")


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (
            ["--against", "nowhere"],
            "--against: git knows no revision 'nowhere'",
            "name a branch, a tag, a commit or the date of an issue; in CI, git fetch it first",
        ),
        (
            ["--against", "--output=x"],
            "--against: git knows no revision '--output=x'",
            "name a branch, a tag, a commit or the date of an issue; in CI, git fetch it first",
        ),
        (
            [KEY, "--last", "2"],
            "--last: counts issues, and one is named",
            "leave --last out, or ISSUE and the date",
        ),
    ],
)
def test_what_cannot_be_compared_is_told_with_a_way_out(
    repository: Path, newsletter: Newsletter, arguments: list[str], error: str, hint: str
) -> None:
    answer = newsletter("diff", *arguments)
    assert (answer.code, told(answer), answer.out) == (2, [f"Error: {error}", f"Hint: {hint}"], "")


def test_without_a_repository_another_issue_is_proposed(
    paper: Path, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(paper.parent))
    answer = newsletter("diff")
    assert answer.code == 2
    assert told(answer)[0].startswith("Error: --against: the publication is in no git repository (")
    assert told(answer)[1] == (
        "Hint: compare with another issue instead, as in: newsletter diff today --against 2026-11-20"
    )


def test_a_revision_before_the_publication_or_with_settings_of_another_time_is_told(
    paper: Path, newsletter: Newsletter
) -> None:
    needs("git")
    git(paper, "init", "-q")
    git(paper, "add", "issues")
    git(paper, "commit", "-q", "-m", "issues alone")
    answer = newsletter("diff")
    assert (answer.code, told(answer)[0]) == (2, "Error: newsletter.toml: was not there yet at 'HEAD'")
    settings = (paper / "newsletter.toml").read_text(encoding="utf-8")
    (paper / "newsletter.toml").write_text(settings + "\n[fax]\n", encoding="utf-8")
    git(paper, "add", ".")
    git(paper, "commit", "-q", "-m", "a fax")
    (paper / "newsletter.toml").write_text(settings, encoding="utf-8")
    answer = newsletter("diff")
    assert answer.code == 2
    assert told(answer)[0].endswith("(as of HEAD)")


def test_pictures_show_what_differs_and_nothing_else(repository: Path, newsletter: Newsletter) -> None:
    needs("chromium")
    replaced("templates/mail/palette.j2", "#b0b5bf", "#ff00ff")(repository)
    stale = repository / "changes/2026-11-23-375-light.png"
    stale.parent.mkdir()
    stale.write_bytes(b"of an earlier run")
    answer = newsletter("diff", KEY, "--pictures", "changes")
    assert answer.code == 0
    assert answer.err == "taking pictures of 2026-11-23 …\nchanges/index.html\n"
    written = sorted(path.name for path in (repository / "changes").iterdir())
    assert written == ["2026-11-23-375-dark.png", "2026-11-23-700-dark.png", "index.html"]
    with Image.open(repository / "changes/2026-11-23-375-dark.png") as picture:
        assert picture.width == 3 * 375 + 4 * 20
        image = picture.convert("RGB")
    panels = [image.crop((20 + n * 395, 44, 395 + n * 395, image.height)) for n in range(3)]
    counted = [
        sum(n for n, pixel in each.getcolors(1 << 20) or [] if pixel == (255, 0, 255)) for each in panels
    ]
    assert counted[0] == 0
    assert counted[1] > 20
    page = (repository / "changes/index.html").read_text(encoding="utf-8")
    assert "375 px, light: <span>looks the same</span>" in page
    assert 'src="2026-11-23-375-dark.png"' in page
    assert '<span class="added">+' in page


def test_the_page_of_pictures_lists_what_is_the_same_or_broken_too(
    repository: Path, newsletter: Newsletter
) -> None:
    needs("chromium")
    replaced(f"issues/{KEY}/issue.md", "subject:", "sujet:")(repository)
    answer = newsletter("diff", "--pictures", "changes")
    assert answer.code == 3
    page = (repository / "changes/index.html").read_text(encoding="utf-8")
    assert "<b>2026-11-24</b><span>same</span>" in page
    assert "<b>2026-11-23</b><span>cannot be composed: issues/2026-11-23/issue.md:2: " in page
    assert [path.name for path in (repository / "changes").iterdir()] == ["index.html"]


def test_a_folder_that_cannot_be_written_is_told(repository: Path, newsletter: Newsletter) -> None:
    needs("chromium")
    (repository / "changes").write_text("a file", encoding="utf-8")
    answer = newsletter("diff", "--pictures", "changes/here")
    assert answer.code == 2
    assert told(answer) == [
        "Error: changes/here/2026-11-23-375-light.png: cannot be written: Not a directory",
        "Hint: name another folder with --pictures",
    ]


def test_pictures_without_a_browser_are_refused_before_anything_is_done(
    repository: Path, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    answer = newsletter("diff", "--pictures", "changes")
    assert (answer.code, told(answer)) == (
        2,
        [
            "Error: chromium: pictures are taken by Chromium, which is not installed",
            "Hint: apt install chromium, or run it without pictures",
        ],
    )
    assert not (repository / "changes").exists()


def test_without_git_the_way_out_is_told(
    repository: Path, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    answer = newsletter("diff")
    assert answer.code == 2
    assert told(answer)[0] == "Error: git: the past is read by git, which is not installed"


@pytest.mark.parametrize(
    ("plain", "line"), [("", b"\x1b[32m+  font-size:30px"), ("1", b"\n+  font-size:30px")]
)
def test_colours_are_for_terminals_of_people_who_want_them(
    repository: Path, newsletter: Newsletter, plain: str, line: bytes
) -> None:
    LARGER(repository)
    assert "\x1b" not in newsletter("diff").out
    ours, terminal = pty.openpty()
    environment = {**os.environ, "NO_COLOR": plain, "TERM": "xterm"}
    run = command(repository, "diff", KEY, stdout=terminal, env=environment)
    assert run.wait(timeout=30) == 0
    os.close(terminal)
    seen = b""
    with suppress(OSError):  # how a terminal says that it is at its end
        while piece := os.read(ours, 1024):
            seen += piece
    os.close(ours)
    if run.stderr:
        run.stderr.close()
    assert line in seen
    assert (b"\x1b" in seen) is not bool(plain)
