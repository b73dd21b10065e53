"""The answering pages and the pasted form are valid HTML, by the Nu checker."""

import subprocess
from datetime import date
from pathlib import Path

from newsletter.model import Reader
from tests.conftest import needs
from tests.web.live.conftest import Live
from tests.web.test_site_words import nu


def test_every_answering_page_is_valid(live: Live, tmp_path: Path) -> None:
    """Each template in templates/web/live that is a page, in the states that it has."""
    java, jar = needs("java"), nu()
    pages, day = live.office.pages, date(2026, 12, 7)
    box = pages.boxes.pair(0)[0]
    lea = Reader(id="lea", email="a'b&c@example.org", name="Léa")
    mine: dict[str, object] = {
        "reader": lea,
        "done": "",
        "problem": "",
        "typed": "",
        "until": None,
        "undo": False,
    }
    mine |= {"first": day, "last": day, "steps": [(day, "confirmed"), (day, "asked")]}
    leave: dict[str, object] = {"done": "", "until": None, "weeks": (1, 2, 4)}
    states: dict[str, tuple[dict[str, object], ...]] = {
        "asked": ({"email": 'a"<b>'},),
        "confirm": ({"moving": True}, {"moving": False}),
        "confirmed": ({"moving": True, "sender": "x"}, {"moving": False, "sender": "x"}),
        "erase": ({"reader": lea},),
        "erased": ({},),
        "failure": tuple({"number": number} for number in (403, 405, 413, 422, 429, 500, 503)),
        "join": (
            {"box": box, "email": "", "problem": "", "came_from": ""},
            {"box": box, "email": 'a"<b>', "problem": "other", "came_from": "https://x.example/?a&b"},
        ),
        "leave": (leave, {**leave, "done": "undone"}, {**leave, "done": "paused", "until": day}),
        "left": ({"just_now": True, "undo": True}, {"just_now": False, "undo": False}),
        "mailed": ({},),
        "mine": (
            mine,
            {**mine, "problem": "until"},
            {**mine, "problem": "no @", "done": "moving", "undo": True},
        ),
        "mine_too_old": ({},),
        "once_more": ({"box": box, "email": "a@b.fr", "problem": "", "came_from": "https://x.example/"},),
        "test": ({},),
        "too_old": ({"box": box},),
        "used": ({},),
    }
    folder = Path(live.config.root) / "templates" / "web" / "live"
    assert set(states) == {path.name.removesuffix(".html.j2") for path in folder.iterdir()} - {"base", "done"}
    (tmp_path / "pages").mkdir()
    for name, several in states.items():
        for number, values in enumerate(several):
            path = tmp_path / "pages" / f"{name}-{number}.html"
            path.write_text(pages.live(name, **values), encoding="utf-8")
    around = '<!DOCTYPE html>\n<html lang="fr"><head><title>x</title></head><body>{}</body></html>\n'
    (tmp_path / "pages" / "form.html").write_text(around.format(pages.form()), encoding="utf-8")
    checked = subprocess.run(
        [java, "-jar", jar, "--errors-only", "--skip-non-html", str(tmp_path / "pages")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (checked.stderr, checked.returncode) == ("", 0)
