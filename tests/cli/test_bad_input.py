"""Bad input gets two clear lines with file and line, a documented exit code, and nothing is sent."""

import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import FIRST, ISSUE_MD, SEND, Door, nothing_sent, refuses, replaced, told
from tests.conftest import ARTICLE, ROOT, Newsletter, write_issue

Change = Callable[[Path], object]

FOLDER = "issues/2026-11-23"


def written(file: str, content: str | bytes) -> Change:
    data = content.encode() if isinstance(content, str) else content
    return lambda paper: (paper / file).write_bytes(data)


def removed(*files: str) -> Change:
    def remove(paper: Path) -> None:
        for file in files:
            (paper / file).unlink()

    return remove


def both(first: Change, second: Change) -> Change:
    return lambda paper: (first(paper), second(paper))


def with_picture(name: str, content: bytes | None = None, alt: str = "Une courbe") -> Change:
    """The first article shows this picture, on its line 4; with `content` the file is there."""
    shown = replaced(FIRST, "section: Tech", f"picture: {name}\nalt: {alt}")
    return shown if content is None else both(shown, written(f"{FOLDER}/{name}", content))


def bomb() -> bytes:
    """A PNG of a few bytes that would have 2,500 million pixels."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b"0"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


# ---- what writers can do wrong ----

PLACE_IT = "put the picture into the folder 2026-11-23 and write its name only"
QUOTE_IT = 'put a value with a colon, a quote or a # in it between quotes: title: "…"'
NAME_IT = "name it NN-slug.md, two digits and a-z0-9 words joined by hyphens: 01-budget.md"
ADD_ONE = "add one, e.g. 01-hello.md, or: newsletter import FILE"
EXPORT_IT = "export it as JPEG (a photograph) or PNG (a drawing)"
TITLE = 'title: "Le titre du premier article"'

ARTICLES: dict[str, tuple[Change, str, str]] = {
    "no issue today": (
        lambda paper: shutil.rmtree(paper / FOLDER),
        "issues: no issue of today, 2026-11-23",
        "newsletter new 2026-11-23",
    ),
    "a folder that is almost a date": (
        lambda paper: (paper / FOLDER).rename(paper / "issues" / "2026-11-3"),
        "issues: no issue of today, 2026-11-23",
        "newsletter new 2026-11-23; the name of issues/2026-11-3 is not a date",
    ),
    "an empty folder": (
        removed(ISSUE_MD, FIRST),
        f"{FOLDER}: no issue.md",
        f"rmdir {FOLDER}, then: newsletter new 2026-11-23",
    ),
    "no issue.md": (removed(ISSUE_MD), f"{FOLDER}: no issue.md", "add one with a subject: line"),
    "no articles": (removed(FIRST), f"{FOLDER}: no articles", ADD_ONE),
    "no title": (
        replaced(FIRST, f"{TITLE}\n", ""),
        f"{FIRST}:1: no title",
        'add a "title:" line between the --- lines',
    ),
    "an empty title": (
        replaced(FIRST, TITLE, "title:"),
        f"{FIRST}:2: no title",
        'add a "title:" line between the --- lines',
    ),
    "no subject": (
        replaced(ISSUE_MD, "subject:", "# subject:"),
        f"{ISSUE_MD}:1: no subject",
        'add a "subject:" line between the --- lines',
    ),
    "a key that stands twice": (
        replaced(FIRST, "section: Tech", "author: Ada Test"),
        f"{FIRST}:4: key 'author' stands twice",
        "delete one of the two",
    ),
    "broken YAML": (
        replaced(FIRST, TITLE, "title: Le titre: encore un"),
        f"{FIRST}:2: broken YAML: mapping values are not allowed here",
        QUOTE_IT,
    ),
    "an unknown key": (
        replaced(FIRST, "author:", "autor:"),
        f"{FIRST}:3: unknown key 'autor'",
        'did you mean "author"?',
    ),
    "an unknown key like no other": (
        replaced(ISSUE_MD, "editor:", "zzz:"),
        f"{ISSUE_MD}:4: unknown key 'zzz'",
        "known: subject, preheader, editor, waive",
    ),
    "no front matter": (
        written(FIRST, "Bonjour\n"),
        f"{FIRST}:1: no front matter",
        "begin the file with a line --- then key: value lines, then a line ---",
    ),
    "front matter without end": (
        replaced(FIRST, "\n---\n", "\n"),
        f"{FIRST}:1: the front matter has no end",
        "close it with a line --- before the text",
    ),
    "no text": (
        written(FIRST, "---\ntitle: Un\n---\n\n"),
        f"{FIRST}:4: the article has no text",
        "write it below the ---",
    ),
    "two articles with one number": (
        written(f"{FOLDER}/01-second.md", ARTICLE),
        f"{FOLDER}/01-second.md: number 01 is taken by 01-premier.md",
        "give one of them another number",
    ),
    "a file that is no article": (
        written(f"{FOLDER}/Brouillon.md", ARTICLE),
        f"{FOLDER}/Brouillon.md: not the name of an article",
        NAME_IT,
    ),
    "Latin-1": (
        written(FIRST, ARTICLE.encode("latin-1", "replace")),
        f"{FIRST}:3: not UTF-8 (byte 0xe9)",
        "save the file as UTF-8",
    ),
    "UTF-16": (
        written(FIRST, ARTICLE.encode("utf-16")),
        f"{FIRST}:1: not UTF-8 (byte 0xff)",
        "save the file as UTF-8",
    ),
    "a folder in an article's place": (
        both(removed(FIRST), lambda paper: (paper / FIRST).mkdir()),
        f"{FIRST}: cannot be read: Is a directory",
        "",
    ),
    "a picture that is missing": (
        with_picture("courbe.png"),
        f"{FIRST}:4: picture 'courbe.png' is missing",
        PLACE_IT,
    ),
    "a picture whose name is misspelt": (
        both(with_picture("corbe.png"), written(f"{FOLDER}/courbe.png", b"x")),
        f"{FIRST}:4: picture 'corbe.png' is missing",
        'did you mean "courbe.png"?',
    ),
    "a picture in the text that is missing": (
        replaced(FIRST, "- un point", "![Une courbe](courbe.png)\n\n- un point"),
        f"{FIRST}:11: picture 'courbe.png' is missing",
        PLACE_IT,
    ),
    "a picture elsewhere": (
        both(with_picture("../../courbe.png"), written("courbe.png", b"x")),
        f"{FIRST}:4: picture '../../courbe.png' lies outside the folder 2026-11-23",
        PLACE_IT,
    ),
    "a picture by its full path": (
        with_picture("/etc/passwd"),
        f"{FIRST}:4: picture '/etc/passwd' lies outside the folder 2026-11-23",
        PLACE_IT,
    ),
    "a picture that is a link to elsewhere": (
        both(
            with_picture("courbe.png"),
            lambda paper: (paper / FOLDER / "courbe.png").symlink_to("/etc/passwd"),
        ),
        f"{FIRST}:4: picture 'courbe.png' lies outside the folder 2026-11-23",
        PLACE_IT,
    ),
    "a picture bomb": (
        with_picture("courbe.png", bomb()),
        f"{FIRST}:4: picture 'courbe.png' has more than 40 million pixels, or a side of more than 20000",
        "export it smaller",
    ),
    "an SVG": (
        with_picture("courbe.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        f"{FIRST}:4: picture 'courbe.svg' is an SVG drawing, which mail programs do not show",
        EXPORT_IT,
    ),
    "half a picture": (
        with_picture("courbe.png", bomb()[:20]),
        f"{FIRST}:4: picture 'courbe.png' is damaged or cut short",
        "export it again",
    ),
    "a picture without words": (
        with_picture("courbe.png", (ROOT / "issues/2026-11-23/fusion-frise.png").read_bytes(), alt=""),
        f"{FOLDER}: 1 error to put right, nothing was sent",
        "put them right, then: newsletter check 2026-11-23",
    ),
    "a mark to check something": (
        replaced(FIRST, "un autre.", "un autre [À VÉRIFIER : lequel ?]"),
        f"{FOLDER}: 1 error to put right, nothing was sent",
        "put them right, then: newsletter check 2026-11-23",
    ),
}


@pytest.mark.parametrize(("change", "error", "hint"), ARTICLES.values(), ids=ARTICLES)
def test_an_issue_that_cannot_be_published_stays_in_the_house(
    newsletter: Newsletter, paper: Path, door: Door, change: Change, error: str, hint: str
) -> None:
    change(paper)
    refuses(newsletter, paper, *SEND, code=3, error=error, hint=hint)
    assert door.nobody_knocked()


WHICH = "write a date such as 2026-11-23, today, next, or the path of an issue's folder"


@pytest.mark.parametrize(
    ("issue", "code", "error", "hint"),
    [
        ("2026-11-27", 3, "issues/2026-11-27: no such issue", "newsletter new 2026-11-27"),
        ("23/11/2026", 2, "ISSUE: no issue is called '23/11/2026'", WHICH),
        ("2026-02-30", 2, "ISSUE: no issue is called '2026-02-30'", WHICH),
        ("demain", 2, "ISSUE: no issue is called 'demain'", WHICH),
        (
            "issues/2026-11-3",
            3,
            "issues/2026-11-3: '2026-11-3' is not a date",
            "name the folder after the day the issue appears, as in issues/2026-11-23",
        ),
        ("next", 3, "issues: no issue after today, 2026-11-23", None),
    ],
)
def test_an_issue_that_is_not_there_is_told(
    newsletter: Newsletter, paper: Path, door: Door, issue: str, code: int, error: str, hint: str | None
) -> None:
    (paper / "issues" / "2026-11-3").mkdir()
    hint = hint or "newsletter new; the name of issues/2026-11-3 is not a date"
    refuses(newsletter, paper, "send", issue, "--yes", code=code, error=error, hint=hint)
    assert door.nobody_knocked()


def test_a_later_days_issue_leaves_only_if_its_date_is_typed(
    newsletter: Newsletter, paper: Path, door: Door
) -> None:
    shutil.rmtree(paper / FOLDER)
    write_issue(paper, "2026-11-24")
    later = "ISSUE: the next issue is 2026-11-24, a later day's"
    refuses(
        newsletter, paper, "send", "next", "--yes", code=2, error=later, hint="newsletter send 2026-11-24"
    )
    today = "issues: no issue of today, 2026-11-23"
    hint = "newsletter new 2026-11-23, or name another: 2026-11-24"
    refuses(newsletter, paper, *SEND, code=3, error=today, hint=hint)
    assert door.nobody_knocked()
    assert "issue    2026-11-24" in newsletter("send", "2026-11-24", "--dry-run").err


# ---- what designers can do wrong ----

MAIL = "templates/mail/issue.mjml.j2"
PARTS = "templates/mail/parts.mjml.j2"
INSIDE = "templates/mail/article.mjml.j2"
TEXT = "templates/mail/issue.txt.j2"


@pytest.mark.parametrize(
    ("file", "old", "new", "message", "hint"),
    [
        (MAIL, "{{ opening }}", "{{ openning }}", "'openning' is undefined", 'did you mean "opening"?'),
        (
            INSIDE,
            "article.html }}",
            "article.htlm }}",
            "TypesetArticle has no 'htlm'",
            'did you mean "html"?',
        ),
        (PARTS, "<mj-divider", "<mj-dividr", "unknown MJML tag <mj-dividr>", "did you mean <mj-divider>?"),
        (TEXT, '"leave_url"', '"leave_uri"', "no field is called 'leave_uri'", 'did you mean "leave_url"?'),
    ],
)
def test_a_fault_in_a_template_is_told_by_its_own_file_and_line(
    newsletter: Newsletter, paper: Path, door: Door, file: str, old: str, new: str, message: str, hint: str
) -> None:
    text = (paper / file).read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index(old)) + 1
    replaced(file, old, new)(paper)
    refuses(newsletter, paper, *SEND, code=3, error=f"{file}:{line}: {message}", hint=hint)
    assert door.nobody_knocked()


def test_an_element_left_open_is_told_by_the_line_that_opens_it(
    newsletter: Newsletter, paper: Path, door: Door
) -> None:
    text = (paper / MAIL).read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index("<ol")) + 1
    replaced(MAIL, "</ol>", "")(paper)
    error = f"{MAIL}:{line}: <ol> is not closed before </mj-text>"
    refuses(newsletter, paper, *SEND, code=3, error=error, hint="close it: </ol>, or <ol/> if it is empty")
    assert door.nobody_knocked()


WORDS = "templates/words/fr.po"
COPY = "copy one from a new publication: newsletter init another-paper"


@pytest.mark.parametrize(
    ("change", "error", "hint"),
    [
        (
            removed(TEXT),
            f"{TEXT}: no template is called 'mail/issue.txt.j2'",
            "add mail/issue.txt.j2 to the templates folder",
        ),
        (lambda paper: shutil.rmtree(paper / "templates"), "templates: no such folder", COPY),
        (removed(WORDS), f"{WORDS}: no words for the language 'fr'", f"add {WORDS}"),
        (
            written(WORDS, 'msgid "a"\nmsgst "b"\n'),
            f"{WORDS}:2: not a catalogue: Unknown or misformatted",
            "",
        ),
        (written(WORDS, b'msgid "a"\nmsgstr "\xe9"\n'), f"{WORDS}: not UTF-8", "save it as UTF-8"),
    ],
)
def test_templates_that_are_not_there_are_told(
    newsletter: Newsletter, paper: Path, door: Door, change: Change, error: str, hint: str
) -> None:
    change(paper)
    answer = newsletter(*SEND)
    lines = told(answer)
    assert answer.code == 3
    assert lines[0].startswith(f"Error: {error}")
    assert lines[1:] == ([f"Hint: {hint}"] if hint else [])
    nothing_sent(paper)
    assert door.nobody_knocked()


# ---- readers ----


def test_bad_lines_are_named_and_the_good_ones_counted(newsletter: Newsletter, paper: Path) -> None:
    rows = "email,name\na@example.org,A\nnope,B\n\nd@example.org,D\nD@example.org,D\ne@@example.org,E\n"
    (paper / "list.csv").write_text(rows, encoding="utf-8")
    strange = "the part after the @-sign contains invalid characters: '@'"
    trial = newsletter("readers", "import", "list.csv", "--dry-run")
    assert trial.code == 4
    assert trial.err.splitlines() == [
        "list.csv: read as UTF-8, cut by commas",
        "  email  column 1, 'email'",
        "  name   column 2, 'name'",
        "  line 2 is A <a@example.org>",
        "list.csv:3: 'nope' is not an address: an email address must have an @-sign",
        f"list.csv:7: 'e@@example.org' is not an address: {strange}",
        "2 readers would be added, 0 known already, 0 not raised, 1 twice in the file, 2 refused",
        "Dry run: nothing was written down.",
    ]
    assert newsletter("readers", "list").err == "0 readers\n"
    assert newsletter("readers", "import", "list.csv", "--source", "the fair").code == 4
    assert newsletter("readers", "list").err == "2 readers\n"


SAVE_IT = 'save the file as "CSV UTF-8"'
HEAD = "begin the file with a line that names the columns: email,name"
CLOSE_IT = 'close the quotation that begins in this line, and write " inside it as ""'


@pytest.mark.parametrize(
    ("content", "error", "hint"),
    [
        (None, "list.csv: cannot be read: No such file or directory", ""),
        (b"", "list.csv:1: the file is empty", HEAD),
        (b"A;B\n", "list.csv:1: no column is named email; the first line is 'A;B'", HEAD),
        (b"email,name\na@b.fr,Zo\xe9\x81\n", "list.csv:2: neither UTF-8 nor Windows-1252", SAVE_IT),
        (b"email\n\0\0", "list.csv:2: a NUL byte: not a text file", SAVE_IT),
        (b'email,name\na@b.fr,"Ada\n', "list.csv:2: not CSV: unexpected end of data", CLOSE_IT),
    ],
)
def test_a_file_that_is_no_list_of_readers_is_told(
    newsletter: Newsletter, paper: Path, content: bytes | None, error: str, hint: str
) -> None:
    if content is not None:
        (paper / "list.csv").write_bytes(content)
    order = ("readers", "import", "list.csv", "--source", "the fair")
    refuses(newsletter, paper, *order, code=3, error=error, hint=hint)
    assert newsletter("readers", "list").err == "0 readers\n"


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (("add", "nope"), 3, "EMAIL: 'nope' is not an address: an email address must have an @-sign", ""),
        (("remove", "z@b.fr"), 3, "EMAIL: nobody has the address 'z@b.fr'", "newsletter readers list"),
        (("list", "--status", "lft"), 2, "--status: no status is called 'lft'", 'did you mean "left"?'),
        (
            ("export", "-o", "newsletter.toml/x.csv"),
            2,
            "newsletter.toml/x.csv: cannot be written: Not a directory",
            "name another file with -o",
        ),
    ],
)
def test_what_cannot_be_done_about_readers_is_told(
    newsletter: Newsletter, paper: Path, arguments: tuple[str, ...], code: int, error: str, hint: str
) -> None:
    refuses(newsletter, paper, "readers", *arguments, code=code, error=error, hint=hint)


def test_an_issue_for_nobody_is_not_sent(newsletter: Newsletter, paper: Path) -> None:
    error = "readers: there is nobody to send to"
    refuses(
        newsletter,
        paper,
        *SEND,
        code=2,
        error=error,
        hint="newsletter readers import FILE.csv --source WHERE",
    )


# ---- desk ----

SAVE_AGAIN = "open it in your word processor and save it again, or paste its text"
AS_TEXT = "save it as text (.txt) in UTF-8"
AGAIN = "copy the article again, or name a file that holds its text: newsletter import FILE"


@pytest.mark.parametrize(
    ("content", "error", "hint"),
    [
        (None, "brief.txt: cannot be read: No such file or directory", ""),
        (b"", "brief.txt: nothing to import: the text is empty", AGAIN),
        (b" \n\xc2\xa0\n", "brief.txt: nothing to import: the text is empty", AGAIN),
        (b"Un titre\n\0", "brief.txt:2: a NUL byte: not a text file", AS_TEXT),
        (b"PK\3\4\n\0\0", "brief.txt: a broken Word document", SAVE_AGAIN),
        (b"Un titre\n\nd\xe9j\xe0", "brief.txt:3: not UTF-8", AS_TEXT),
    ],
)
def test_a_file_that_holds_no_text_is_not_imported(
    newsletter: Newsletter, paper: Path, content: bytes | None, error: str, hint: str
) -> None:
    if content is not None:
        (paper / "brief.txt").write_bytes(content)
    before = sorted(paper.rglob("*.md"))
    arguments = ("import", "brief.txt", "--issue", "2026-11-23")
    refuses(newsletter, paper, *arguments, code=3, error=error, hint=hint)
    assert sorted(paper.rglob("*.md")) == before


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (("new", "demain"), 2, "DATE: 'demain' is not a date", "write it as in 2026-11-23"),
        (("new", "2026-02-30"), 2, "DATE: '2026-02-30' is not a date", "write it as in 2026-11-23"),
        (
            ("new", "2026-11-23"),
            3,
            "issues/2026-11-23: this issue exists already",
            "go on writing in issues/2026-11-23, or take another day: newsletter new 2026-11-24",
        ),
        (
            ("init", "."),
            2,
            ".: there is something here already",
            "take a new folder: newsletter init my-paper",
        ),
        (("init", "newsletter.toml/x"), 2, "newsletter.toml/x: cannot be written: Not a directory", ""),
        (("import", "x", "--issue", "2026-11-27"), 3, "x: cannot be read: No such file or directory", ""),
        (
            ("import", "x", "--issue", "/2026-11-23"),
            2,
            "--issue: '/2026-11-23' is no issue of this publication",
            "name a date",
        ),
        (
            ("build", "-o", "newsletter.toml/x"),
            2,
            "newsletter.toml/x/issue.html: cannot be written: Not a directory",
            "name another folder with -o",
        ),
        (("status", "2026-11-27"), 3, "issues/2026-11-27: no such issue", "newsletter new 2026-11-27"),
        (
            ("test", "--to", "ada"),
            3,
            "--to: 'ada' is not an address: an email address must have an @-sign",
            "",
        ),
        (("-C", "/etc", "check"), 2, "/etc: no newsletter.toml here", None),
        (("-C", "/nowhere", "send", "--yes"), 2, "/nowhere: no newsletter.toml here", None),
    ],
)
def test_what_cannot_be_begun_is_told(
    newsletter: Newsletter, paper: Path, arguments: tuple[str, ...], code: int, error: str, hint: str | None
) -> None:
    hint = "go to a publication's folder, or make one: newsletter init my-paper" if hint is None else hint
    before = sorted(path for path in paper.rglob("*") if ".newsletter" not in path.parts)
    refuses(newsletter, paper, *arguments, code=code, error=error, hint=hint)
    assert sorted(path for path in paper.rglob("*") if ".newsletter" not in path.parts) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sned",), "Error: No such command 'sned'. Did you mean 'send'?"),
        (("frobnicate",), "Error: No such command 'frobnicate'."),
        (("send", "--dry-rnu"), "Error: No such option '--dry-rnu'. Did you mean '--dry-run'?"),
        (("send", "2026-11-23", "2026-11-24"), "Error: Got unexpected extra argument (2026-11-24)"),
        (("build",), "Error: Missing option '-o' / '--output'."),
        (("test",), "Error: Missing option '--to'."),
        (("readers", "nope"), "Error: No such command 'nope'."),
    ],
)
def test_a_command_line_that_means_nothing_is_told(
    newsletter: Newsletter, paper: Path, arguments: tuple[str, ...], words: str
) -> None:
    answer = newsletter(*arguments)
    assert (answer.code, answer.err.splitlines()[-1], answer.out) == (2, words, "")
    assert "--help' for help." in answer.err
