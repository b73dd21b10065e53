"""All views on one page: what stands on it, in a real Chromium that reaches nothing else."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from newsletter.check.mail import CLIP
from tests.cli.conftest import Door
from tests.conftest import ARTICLE, ROOT, Newsletter, needs, write_issue
from tests.web.conftest import KEY
from tests.web.test_light_table import browser as browser

FIRST = f"issues/{KEY}/01-premier.md"
STRIPS = [
    *("Desktop, light", "Tablet, light", "Desktop, dark", "Outlook.com’s dark"),
    *(
        "Light",
        "Dark",
        "Gmail’s dark",
        "Pictures off",
        "Plain text",
        "Gmail for Android",
        "Apple Mail for iOS",
    ),
    *("Outlook for Windows", "Orange", "SFR", "La Poste", "Yahoo"),
    *("The issue", "The issue, dark", "An article", "An article, on a phone"),
]


class Wall:
    """A browser's window on a contact sheet in a file; `asked` is every address that answered it."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page, self.file = page, file
        self.asked: list[str] = []
        self.troubles: list[str] = []
        page.on("response", lambda response: self.asked.append(response.url))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def open(self, *, width: int = 1424) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.goto(self.file.as_uri())

    def inside(self, name: str, script: str) -> object:
        """What a script says in the frame of that name."""
        frame = self.page.locator(f"iframe[title='{name}']").element_handle().content_frame()
        assert frame
        return frame.evaluate(script)


@pytest.fixture
def wall(browser: Browser, paper: Path, newsletter: Newsletter) -> Iterator[Wall]:
    page = browser.new_page(color_scheme="light")
    wall = Wall(page, paper / "sheet.html")
    yield wall
    assert wall.troubles == []
    assert [url for url in wall.asked if url != wall.file.as_uri() and not url.startswith("data:")] == []
    page.close()


def add(paper: Path, file: str, old: str, new: str) -> None:
    text = (paper / file).read_text(encoding="utf-8")
    assert old in text
    (paper / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def with_picture(paper: Path) -> None:
    samples = ROOT / "issues/2026-11-23/fusion-frise.png"
    (paper / f"issues/{KEY}/frise.png").write_bytes(samples.read_bytes())
    add(paper, FIRST, "section: Tech", 'section: Tech\npicture: frise.png\nalt: "Une frise de la fusion"')


def test_every_view_stands_on_the_page_from_top_to_bottom(wall: Wall, newsletter: Newsletter) -> None:
    answer = newsletter("preview", KEY, "--sheet", "sheet.html")
    assert (answer.code, answer.out, answer.err) == (0, "sheet.html\n", "")
    wall.open()
    assert wall.page.locator("figcaption button").all_inner_texts() == STRIPS
    assert wall.page.locator("h1").inner_text() == "Un numéro pour les tests\u00a0: tout y est"
    for name in ["Inbox", *STRIPS]:
        assert wall.inside(name, "document.documentElement.scrollHeight <= innerHeight"), name
        assert wall.inside(name, "innerHeight < document.body.scrollHeight + 200"), name
        assert "Zoé Œuvrard" in str(wall.inside(name, "document.body.innerText")) or name == "Inbox"
    assert wall.inside("Desktop, light", "innerWidth") == 700
    assert wall.inside("Tablet, light", "innerWidth") == 768
    assert wall.inside("Dark", "innerWidth") == 375
    assert "Bonjour Camille," in str(wall.inside("Desktop, light", "document.body.innerText"))
    assert "Bonjour," in str(wall.inside("Tablet, light", "document.body.innerText"))


def test_colours_and_clients_are_those_of_the_light_table(wall: Wall, newsletter: Newsletter) -> None:
    assert newsletter("preview", KEY, "--sheet", "sheet.html").code == 0
    wall.open()
    paper = "getComputedStyle(document.querySelector('.paper')).backgroundColor"
    assert {
        name: wall.inside(name, paper) for name in ("Light", "Dark", "Gmail’s dark", "Outlook.com’s dark")
    } == {
        "Light": "rgb(255, 255, 255)",
        "Dark": "rgb(23, 25, 30)",
        "Gmail’s dark": "rgb(27, 27, 27)",
        "Outlook.com’s dark": "rgb(23, 25, 30)",
    }
    assert wall.inside("SFR", "document.styleSheets.length") == 0
    losses = dict(
        zip(
            wall.page.locator(".losses dt").all_inner_texts(),
            wall.page.locator(".losses dd").all_inner_texts(),
            strict=True,
        )
    )
    assert losses["Apple Mail for iOS"] == "color-scheme meta tag"
    assert "<style> element" in losses["La Poste"]


def test_pictures_stand_in_the_page_itself(wall: Wall, paper: Path, newsletter: Newsletter) -> None:
    with_picture(paper)
    assert newsletter("preview", KEY, "--sheet", "sheet.html").code == 0
    wall.open()
    loaded = "document.querySelector('img[alt^=Une]').naturalWidth"
    assert wall.inside("Desktop, dark", loaded) == 1104
    assert wall.inside("Pictures off", loaded) == 0


def test_scripts_in_the_mail_do_not_run_and_nothing_is_loaded(
    wall: Wall, paper: Path, newsletter: Newsletter
) -> None:
    door = Door()
    add(
        paper,
        "templates/mail/issue.mjml.j2",
        "<mj-raw>\n      <div",
        f"<mj-raw>\n      <img src='http://127.0.0.1:{door.port}/x.png' alt='x'/>"
        "<img src='data:,' alt='y' onerror='top.document.title=1'/><div",
    )
    add(paper, f"issues/{KEY}/issue.md", "Un numéro", "</title><script>document.title=1</script> Un numéro")
    assert newsletter("preview", KEY, "--sheet", "sheet.html").code == 0
    wall.open()
    assert wall.page.title().endswith("– contact sheet")
    assert "<script>" in wall.page.locator("h1").inner_text()
    assert door.nobody_knocked()
    door.close()
    for frame in wall.page.locator("iframe").all():
        assert (
            frame.get_attribute("sandbox") == "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
        )


def test_findings_tell_file_and_line(wall: Wall, paper: Path, newsletter: Newsletter) -> None:
    add(paper, FIRST, "un autre", "un TODO autre, sur <b>https://bit.ly/2x</b>")
    add(paper, FIRST, "- un point ;", "mot " * 1500 + "\n\n- un point ;")
    assert newsletter("preview", KEY, "--sheet", "sheet.html").code == 0
    wall.open()
    told = wall.page.locator(".findings").inner_text()
    assert f"error {FIRST}:14:6\n'TODO' keeps the place of something\n" in told
    assert "The issue looks right for 100 % of your readers." in told
    assert "over 5 min" in wall.page.locator(".facts .over").locator("..").inner_text()


def test_a_clean_issue_says_so(wall: Wall, newsletter: Newsletter) -> None:
    assert newsletter("preview", KEY, "--sheet", "sheet.html").code == 0
    wall.open()
    told = wall.page.locator(".findings").inner_text().split("\n")
    assert [line for line in told if line] == [
        "Findings 0",
        "Nothing to put right.",
        "The issue looks right for 100 % of your readers.",
    ]


def test_only_a_mail_over_the_clip_has_a_strip_of_what_is_left(
    wall: Wall, paper: Path, newsletter: Newsletter
) -> None:
    words = "".join(f"\nUn paragraphe de plus, le numéro {n}.\n" for n in range(CLIP // 50))
    write_issue(paper, KEY, **{"01_premier": ARTICLE + words})
    assert newsletter("preview", KEY, "--sheet", "sheet.html").code == 0
    wall.open()
    assert wall.page.locator("figcaption button").all_inner_texts() == [
        *STRIPS[:4],
        "Clipped by Gmail",
        *STRIPS[4:],
    ]
    text = str(wall.inside("Clipped by Gmail", "document.body.innerText"))
    assert text.rstrip().endswith("[Message clipped]\u00a0 View entire message")
    caption = wall.page.locator("figcaption", has_text="Clipped by Gmail").inner_text()
    assert "700 px, 102 kB" in caption


def test_a_strip_is_seen_at_its_true_width_and_goes_back(wall: Wall, newsletter: Newsletter) -> None:
    assert newsletter("preview", KEY, "--sheet", "sheet.html").code == 0
    wall.open()
    shown = wall.page.locator("iframe[title='Light']")
    before = shown.bounding_box()
    assert before
    assert round(before["width"]) == 184
    wall.page.get_by_role("button", name="Light", exact=True).click()
    box = shown.bounding_box()
    assert box
    assert round(box["width"]) == 375
    wall.page.keyboard.press("Escape")
    after = shown.bounding_box()
    assert after
    assert (after["x"], after["width"], after["height"]) == (before["x"], before["width"], before["height"])


def test_nothing_makes_the_page_wider_than_the_window(wall: Wall, newsletter: Newsletter) -> None:
    assert newsletter("preview", KEY, "--sheet", "sheet.html").code == 0
    for width in (320, 375, 768, 1024, 1280, 1600):
        wall.open(width=width)
        assert wall.page.evaluate("document.documentElement.scrollWidth") == width
        wall.page.get_by_role("button", name="Tablet, light").click()
        box = wall.page.locator("iframe[title='Tablet, light']").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_without_scripts_the_frames_scroll(browser: Browser, paper: Path, newsletter: Newsletter) -> None:
    write_issue(paper, KEY, **{"01_premier": ARTICLE + "\nUn paragraphe de plus.\n" * 80})
    assert newsletter("preview", KEY, "--sheet", "sheet.html").code == 0
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((paper / "sheet.html").as_uri())
    box = page.locator("iframe[title='Light']").bounding_box()
    assert box
    assert round(box["height"] / box["width"], 1) == round(1800 / 375, 1)
    context.close()


def test_the_same_files_give_the_same_page(paper: Path, newsletter: Newsletter) -> None:
    assert newsletter("preview", KEY, "--sheet", "one.html", "--sheet", "other/two.html").code == 0
    assert newsletter("preview", KEY, "--sheet", "three.html").code == 0
    pages = [(paper / name).read_bytes() for name in ("one.html", "other/two.html", "three.html")]
    assert pages[0] == pages[1] == pages[2]


def test_the_picture_is_the_page_from_top_to_bottom(wall: Wall, paper: Path, newsletter: Newsletter) -> None:
    needs("chromium")
    answer = newsletter("preview", KEY, "--sheet", "sheet.html", "--sheet", "sheet.png")
    assert (answer.code, answer.out) == (0, "sheet.html\nsheet.png\n")
    wall.open()
    height = wall.page.evaluate("document.documentElement.scrollHeight")
    with Image.open(io.BytesIO((paper / "sheet.png").read_bytes())) as image:
        assert image.width == 1424
        assert abs(image.height - height) < 20


def test_without_chromium_a_picture_is_refused_with_a_way_out(
    paper: Path, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(paper))
    answer = newsletter("preview", KEY, "--sheet", "sheet.png")
    assert answer.code == 2
    assert answer.err.splitlines() == [
        "Error: chromium: pictures are taken by Chromium, which is not installed",
        "Hint: apt install chromium, or run it without pictures",
    ]
    assert not (paper / "sheet.png").exists()


def test_a_file_of_another_kind_or_place_is_refused(paper: Path, newsletter: Newsletter) -> None:
    answer = newsletter("preview", KEY, "--sheet", "sheet.pdf")
    assert answer.code == 2
    assert answer.err.splitlines() == [
        "Error: --sheet: no contact sheet is called 'sheet.pdf'",
        "Hint: name a file that ends in .html or .png",
    ]
    answer = newsletter("preview", KEY, "--sheet", "newsletter.toml/sheet.html")
    assert answer.code == 2
    assert answer.err.startswith("Error: newsletter.toml/sheet.html: cannot be written: ")


def test_an_issue_that_cannot_be_composed_is_told_as_everywhere(paper: Path, newsletter: Newsletter) -> None:
    add(paper, FIRST, "title:", "titel:")
    answer = newsletter("preview", KEY, "--sheet", "sheet.html")
    assert answer.code == 3
    assert answer.err.startswith(f"Error: {FIRST}:2: unknown key 'titel'\n")
