"""Fixes are made where they fit, whole or not at all, and once."""

import json
import shutil
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.check.fix import fixed, put_right
from newsletter.check.proof import Place
from newsletter.check.rule import Fix
from newsletter.errors import ContentError
from tests.conftest import ROOT, Newsletter

DAY = "2026-11-23"
NAME = f"issues/{DAY}/01-premier.md"
BROKEN = (
    '---\r\ntitle: "La 2ème fois , enfin"\r\n---\r\n\r\n'
    "Il a pris le  le train ,si il\u2028monte. Le 1ère , le 2ème.\r\n"
)
RIGHT = (
    '---\r\ntitle: "La 2e fois, enfin"\r\n---\r\n\r\nIl a pris le train, s\'il\u2028monte. Le 1re, le 2e.\r\n'
)


def fix(column: int, old: str, new: str, *, line: int = 1, path: str = "x.md") -> Fix:
    return Fix(place=Place(path, line, column), old=old, new=new)


def test_where_two_fixes_meet_the_earlier_is_made() -> None:
    text, done = fixed("le  le train", [fix(3, "  ", " "), fix(1, "le  le", "le"), fix(8, "train", "car")])
    assert text == "le car"
    assert [each.place.column for each in done] == [1, 8]


def test_two_fixes_side_by_side_are_both_made() -> None:
    assert fixed("ab", [fix(1, "a", "x"), fix(2, "b", "y")])[0] == "xy"


def test_only_what_ends_a_line_in_a_file_ends_one_here() -> None:
    text = "a\u2028b\x85c\x0b\x1c\rd\r\ne ,f\n"
    assert fixed(text, [fix(2, " ,", ",", line=3)])[0] == "a\u2028b\x85c\x0b\x1c\rd\r\ne,f\n"


def test_a_fix_that_changes_nothing_or_stands_nowhere_is_not_made() -> None:
    wrong = [fix(1, "a", "a"), fix(0, "a", "b"), fix(3, "a", "b"), fix(1, "a", "b", line=2)]
    assert fixed("a", wrong) == ("a", [])


@given(
    text=st.text(alphabet="ab ,\r\n\u2028é", max_size=30),
    wishes=st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 9), st.sampled_from(["a", "b ", " ,", ""]), st.just("X")),
        max_size=6,
    ),
)
def test_making_fixes_keeps_every_line_end_and_all_that_is_between(
    text: str, wishes: list[tuple[int, int, str, str]]
) -> None:
    fixes = [fix(column, old, new, line=line) for line, column, old, new in wishes]
    after, done = fixed(text, fixes)
    assert [c for c in after if c in "\r\n"] == [c for c in text if c in "\r\n"]
    assert len(after) == len(text) + sum(len(each.new) - len(each.old) for each in done)
    assert after.count("X") == len(done)


def test_a_file_keeps_its_byte_order_mark_its_line_ends_and_its_mode(
    newsletter: Newsletter, paper: Path
) -> None:
    path = paper / NAME
    path.write_bytes(b"\xef\xbb\xbf" + BROKEN.encode())
    path.chmod(0o640)
    answer = newsletter("check", DAY, "--fix")
    assert path.read_bytes() == b"\xef\xbb\xbf" + RIGHT.encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert f"{NAME}: 8 slips put right" in answer.err.splitlines()
    assert [each.name for each in path.parent.iterdir() if each.suffix == ".tmp"] == []


def test_fixing_twice_does_nothing_more_and_says_so(newsletter: Newsletter, paper: Path) -> None:
    path = paper / NAME
    path.write_bytes(BROKEN.encode())
    newsletter("check", DAY, "--fix")
    before = path.stat()
    answer = newsletter("check", DAY, "--fix")
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert "nothing that a machine can put right" in answer.err.splitlines()


def test_what_stands_behind_a_wide_gap_in_a_title_is_put_right_too(
    newsletter: Newsletter, paper: Path
) -> None:
    path = paper / NAME
    path.write_text("---\ntitle: '  Un   le le 2ème si il.'\n---\nDébut.\n", encoding="utf-8")
    newsletter("check", DAY, "--fix")
    assert path.read_text(encoding="utf-8") == "---\ntitle: '  Un le 2e s’il.'\n---\nDébut.\n"


def test_what_is_waived_is_not_put_right(newsletter: Newsletter, paper: Path) -> None:
    head = paper / "issues" / DAY / "issue.md"
    head.write_text(
        head.read_text(encoding="utf-8").replace(
            "editor: Ada Test\n", "editor: Ada Test\nwaive:\n  stray-space: un poème\n"
        ),
        encoding="utf-8",
    )
    path = paper / NAME
    path.write_text('---\ntitle: "Un titre"\n---\nUn , deux , le le.\n', encoding="utf-8")
    newsletter("check", DAY, "--fix")
    assert path.read_text(encoding="utf-8").endswith("Un , deux , le.\n")


MARK = "[À VÉRIFIER : ce que montre l’image]"


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("picture: vue.png", f'alt: "{MARK}"\r\npicture: vue.png', "3:7"),
        ("picture: vue.png\r\nalt:", f'picture: vue.png\r\nalt: "{MARK}"', "4:7"),
        ("alt:   ''\r\npicture: vue.png", f"alt:   '{MARK}'\r\npicture: vue.png", "3:9"),
        (
            'alt: "" # plus tard\r\npicture: vue.png',
            f'alt: "{MARK}" # plus tard\r\npicture: vue.png',
            "3:7",
        ),
    ],
)
def test_a_picture_of_which_nothing_is_said_gets_a_mark_that_holds_the_issue_back(
    newsletter: Newsletter, paper: Path, before: str, after: str, place: str
) -> None:
    path = paper / NAME
    shutil.copy(ROOT / "issues/2026-11-23/fusion-frise.png", path.with_name("vue.png"))
    text = '---\r\ntitle: "Un titre"\r\n{}\r\n---\r\nUn mot. ![{}](vue.png) Un autre.\r\n'
    path.write_bytes(text.format(before, "").encode())
    answer = newsletter("check", DAY, "--fix", "--format", "json")
    assert path.read_bytes() == text.format(after, MARK).encode()
    errors = [each for line in answer.out.splitlines() if (each := json.loads(line)).get("level") == "error"]
    assert {each["rule"] for each in errors} == {"import-mark"}
    assert [f"{each['line']}:{each['column']}" for each in errors] == [place, "6:11"]
    assert answer.code == 3
    assert newsletter("send", "--yes").code == 3


def test_what_a_picture_shows_is_asked_for_in_the_publications_language(
    newsletter: Newsletter, paper: Path
) -> None:
    path, config = paper / NAME, paper / "newsletter.toml"
    settings = config.read_text(encoding="utf-8")
    config.write_text(settings.replace("[send]", 'language = "en"\n\n[send]', 1), encoding="utf-8")
    shutil.copy(ROOT / "issues/2026-11-23/fusion-frise.png", path.with_name("vue.png"))
    path.write_text('---\ntitle: "A title"\n---\n![](vue.png)\n', encoding="utf-8")
    newsletter("check", DAY, "--fix")
    assert path.read_text(encoding="utf-8").endswith("\n![[À VÉRIFIER: what the picture shows]](vue.png)\n")


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text("a ,b", encoding="utf-8")
    (tmp_path / "x.md").symlink_to("real.md")
    assert put_right(tmp_path, [fix(2, " ,", ",")]) == {"x.md": 1}
    assert (tmp_path / "x.md").is_symlink()
    assert (tmp_path / "real.md").read_text(encoding="utf-8") == "a,b"


def test_a_file_that_cannot_be_put_right_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as caught:
        put_right(tmp_path, [fix(2, " ,", ",")])
    assert (caught.value.message, caught.value.where) == (
        "cannot be put right: No such file or directory",
        "x.md",
    )
    (tmp_path / "x.md").write_bytes(b"a ,b\xff")
    with pytest.raises(ContentError, match="not UTF-8"):
        put_right(tmp_path, [fix(2, " ,", ",")])
    assert (tmp_path / "x.md").read_bytes() == b"a ,b\xff"


WORDS = """
le la de mot prix si il ils malgré que comme même 1ère 2ème etc... etc. , . ; ! « » ( ) " ' l' d ' email Email
START-UP a t'il tout les jours **gras** `si il` [lien](https://www.example.org/a,b) - > …. ....
"""
SPACES = st.sampled_from([" ", " ", " ", "  ", "", "\n", "\n\n", "\u00a0"])
TEXTS = st.lists(st.tuples(st.sampled_from(WORDS.split()), SPACES), min_size=1, max_size=25).map(
    lambda pairs: "".join(word + space for word, space in pairs)
)
HOUSE = (
    '\n[check.words]\n"email" = "courriel"\n"start-up" = "jeune pousse"\n"courriel" = ""\n"prix" = "mot"\n'
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=TEXTS,
    title=st.text(alphabet=string.ascii_lowercase + " ,.", min_size=1, max_size=30),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_fixed_issue_has_nothing_left_to_fix(
    newsletter: Newsletter, paper: Path, body: str, title: str, end: str
) -> None:

    path = paper / NAME
    config = paper / "newsletter.toml"
    if "[check.words]" not in config.read_text(encoding="utf-8"):
        config.write_text(config.read_text(encoding="utf-8") + HOUSE, encoding="utf-8")
    text = f"---\ntitle: 'Un {title} le le 2ème si il.'\n---\nDébut. {body}\n"
    path.write_bytes(text.replace("\n", end).encode())
    newsletter("check", DAY, "--fix")
    once = path.read_bytes()
    answer = newsletter("check", DAY, "--fix", "--format", "json")
    assert path.read_bytes() == once
    found = [json.loads(line) for line in answer.out.splitlines()]
    assert [each for each in found if each.get("fixable")] == []
    assert [each for each in found if each.get("rule") == "cannot-be-composed"] == []
