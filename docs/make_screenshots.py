"""Takes the docs' pictures of the sample issues, their site, a report; run `python docs/make_screenshots.py`.

It needs what the `test` extra installs, and Chromium. Issue and site are composed by the press itself and
opened from a folder that goes away afterwards; nothing leaves this machine. The same Chromium, fonts and
Pillow give the same bytes, but for the time of day and the milliseconds at the foot of the light table.
"""

import functools
import html
import http.server
import io
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from made_up_history import LAST, write_history
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from newsletter.cli.press import Press
from newsletter.cli.specimen import sheet_of, write_specimen
from newsletter.compose.issue import issue_days
from newsletter.compose.notice import compose_notice
from newsletter.model import Reader
from newsletter.readers.database import Database
from newsletter.readers.report import Reports
from newsletter.report.page import page as report_page
from newsletter.web.chromium import Browser as Chromium
from newsletter.web.contact_sheet import WIDTH
from newsletter.web.difference import difference as compared
from newsletter.web.folder import fill_folder
from newsletter.web.gallery import views_of
from newsletter.web.pages import Pages
from newsletter.web.site import File, pages_of, pictures
from newsletter.web.told import tell

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--hide-scrollbars", "--font-render-hinting=none"),
)

HERO = """\
<!DOCTYPE html>
<style>
  body { margin: 0; width: 1400px; height: 1100px; overflow: hidden; background: #d9d4ca; }
  figure { margin: 0; position: absolute; overflow: hidden; }
  img { display: block; width: 100%; }
  .desktop { left: 130px; top: 64px; width: 620px; height: 1036px; border-radius: 10px 10px 0 0;
    background: #f1ede6; box-shadow: 0 18px 60px #1f243044; }
  .bar { height: 38px; display: flex; align-items: center; gap: 9px; padding: 0 18px; background: #e9e5dd; }
  .bar i { width: 12px; height: 12px; border-radius: 6px; background: #c4bdb0; }
  .phone { right: 140px; top: 130px; width: 375px; height: 970px; box-sizing: content-box;
    border: 12px solid #1f2430; border-bottom: 0; border-radius: 48px 48px 0 0; background: #17191e;
    box-shadow: 0 18px 60px #1f243066; }
</style>
<figure class="desktop"><div class="bar"><i></i><i></i><i></i></div><img src="desktop.png"></figure>
<figure class="phone"><img src="phone.png"></figure>
"""

TEXT = """\
<!DOCTYPE html>
<meta charset="utf-8">
<style>
  body {{ margin: 0; background: #fbfaf7; color: #1f2430; }}
  pre {{ margin: 0; padding: 28px 30px; font: 15px/1.45 "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
</style>
<pre>{text}</pre>
"""

SLIPS = (
    ("04-train-de-nuit.md", "104 millions d'euros", "TODO millions d'euros"),
    ("04-train-de-nuit.md", "les comptables moins", "lundi 25 novembre, les comptables moins"),
    ("02-faux-patron.md", "https://www.example.com/cyber/trois-reflexes", "https://bit.ly/trois-reflexes"),
    ("02-faux-patron.md", "la voix du patron", "la la voix du patron"),
)
"""What is put wrong in the issue for the light table: a file, what stands there, what shall stand there."""

TABLE_SIZE, PHONE_SIZE, SHEET_HEIGHT = (1280, 800), (375, 780), 1780


def main() -> None:
    """Write every picture into docs/pictures/, and say how large each one became."""
    chromium = shutil.which("chromium") or sys.exit("Error: no chromium\nHint: apt install chromium")
    press = Press(ROOT)
    key = issue_days(ROOT / "issues")[-1].isoformat()
    issue = press.issue(ROOT / "issues" / key)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        write_specimen(
            press.edition(issue), press.config.publication, folder, at=press.sending_time(issue.day)
        )
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        take_all(browser, folder)
        paper = with_slips(folder / "paper", key)
        with light_table(paper, key) as address:
            take_table(browser, address, paper / "issues" / key / SLIPS[0][0])
        take_contact_sheet(browser, paper, key)
        with served(site(press, folder / "site")) as address:
            take_site(browser, address)
            write_answers(press, folder / "site")
            take_answers(browser, address)
        write_report(press, folder)
        save(shot(browser, folder / "report.html", 1100, 1560), "report")
        browser.close()
        save(difference(press, folder / "changed", issue.key), "diff")
    for picture in sorted(PICTURES.glob("*.png")):
        print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size // 1000} kB")


def write_report(press: Press, folder: Path) -> None:
    """The report of the evening of the last day of a made-up history, as report.html."""
    with Database.open("sqlite:///report.db", folder) as database:
        write_history(database)
        until = LAST + timedelta(hours=13)
        made = Reports(database).since((until - timedelta(weeks=13)).date(), until, press.zone)
    html = report_page(made, press.config.publication, press.config.look, press.zone)
    (folder / "report.html").write_text(html, encoding="utf-8")


def take_all(browser: Browser, folder: Path) -> None:
    """Take each picture of the issue in `folder`; the hero is made of two others."""
    issue = folder / "issue.html"
    save(shot(browser, issue, 700, 1400), "desktop-light")
    save(shot(browser, issue, 700, 1400, dark=True), "desktop-dark")
    save(shot(browser, issue, 375, 1200, scale=2), "phone-light")
    save(shot(browser, issue, 375, 1200, scale=2, dark=True, article=1), "phone-dark")
    save(shot(browser, issue, 375, 1200, scale=2, pictures=False, article=1), "no-pictures")
    save(shot(browser, issue, 320, 1024, scale=2, article=3), "phone-320")
    text = (folder / "issue.txt").read_text(encoding="utf-8")
    (folder / "text.html").write_text(TEXT.format(text=html.escape(text)), encoding="utf-8")
    save(shot(browser, folder / "text.html", 720, 2304), "plain-text")
    (folder / "desktop.png").write_bytes(shot(browser, issue, 700, 1130, scale=2))
    (folder / "phone.png").write_bytes(shot(browser, issue, 375, 970, scale=2, dark=True, article=1))
    (folder / "hero.html").write_text(HERO, encoding="utf-8")
    save(shot(browser, folder / "hero.html", 1400, 1100), "hero")


def site(press: Press, folder: Path) -> Path:
    """The site as it would be with all sample issues sent."""
    config = press.config
    pages = Pages(config.publication, config.look, root=ROOT)
    files: list[File] = []
    issues = []
    for day in reversed(issue_days(ROOT / "issues")):
        read = press.issue(ROOT / "issues" / day.isoformat())
        at = press.sending_time(day)
        issue, renditions = tell(read, config.publication, config.look, root=ROOT, at=at)
        issues.append(issue)
        files += pictures(issue, renditions, pages)
    files += pages_of(issues, [], config.publication, pages)
    fill_folder(folder, files, keep=lambda _: False, shown=str(folder))
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """What is asked for does not matter here."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder behind a web server on this machine; its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def take_site(browser: Browser, address: str) -> None:
    """Take the pages of the site at `address`."""
    article = f"{address}2026-11-23/fusion-helion/"
    save(view(browser, address, 900, 1350), "site-front")
    save(view(browser, article, 375, 1130, scale=2), "site-article")
    save(view(browser, article, 375, 1130, scale=2, dark=True, down=760), "site-dark")
    save(view(browser, f"{address}archive/", 900, 1350, words="energie"), "site-archive")


def write_answers(press: Press, folder: Path) -> None:
    """Write pages that answer somebody, and the mail in between, beside the site in `folder`."""
    config = press.config
    pages = Pages(config.publication, config.look, root=ROOT)
    camille = Reader(id="camille", email="camille@example.org")
    steps = [(date(2026, 11, 3), "confirmed"), (date(2026, 11, 2), "asked")]
    mine = {"reader": camille, "done": "", "problem": "", "typed": "", "until": None, "undo": False}
    mine |= {"first": date(2026, 11, 24), "last": date(2027, 2, 23), "steps": steps}
    answers: dict[str, dict[str, object]] = {
        "asked": {"email": camille.email},
        "leave": {"done": "", "until": None, "weeks": (1, 2, 4)},
        "mine": mine,
    }
    for name, values in answers.items():
        (folder / f"{name}.html").write_text(pages.live(name, **values), encoding="utf-8")
    notice = compose_notice(
        "confirm", config.publication, config.look, templates=ROOT / "templates", url="https://example.org/"
    )
    (folder / "notice.html").write_text(notice.html, encoding="utf-8")


def take_answers(browser: Browser, address: str) -> None:
    """Take what somebody sees who signs up, and later leaves, on the phone."""
    save(view(browser, f"{address}asked.html", 375, 812, scale=2), "live-asked")
    save(view(browser, f"{address}notice.html", 375, 812, scale=2), "live-mail")
    save(view(browser, f"{address}leave.html", 375, 812, scale=2, dark=True), "live-leave")
    save(view(browser, f"{address}mine.html", 375, 812, scale=2), "live-mine")


def view(
    browser: Browser,
    address: str,
    width: int,
    height: int,
    *,
    scale: int = 1,
    dark: bool = False,
    down: int = 0,
    words: str = "",
) -> bytes:
    """A PNG of one page of the site, from `down` CSS pixels on, with `words` typed into its search."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme="dark" if dark else "light",
        locale="fr-FR",
    )
    page.goto(address, wait_until="networkidle")
    if words:
        page.get_by_role("searchbox").fill(words)
        page.wait_for_selector("#found li")
    page.mouse.wheel(0, down)
    page.wait_for_timeout(300)
    content = page.screenshot(animations="disabled", caret="hide")
    page.close()
    return content


def shot(
    browser: Browser,
    file: Path,
    width: int,
    height: int,
    *,
    scale: int = 1,
    dark: bool = False,
    pictures: bool = True,
    article: int = 0,
) -> bytes:
    """A PNG of `height` CSS pixels of a page `width` wide, from its beginning or from an article."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme="dark" if dark else "light",
        locale="fr-FR",
    )
    if not pictures:
        page.route("**/pictures/*", lambda route: route.abort())
    page.goto(file.as_uri())
    box = page.locator(f"[name=a{article}]").bounding_box() if article else None
    y = box["y"] - 24 if box else 0
    content = page.screenshot(
        full_page=True, clip={"x": 0, "y": y, "width": width, "height": height}, animations="disabled"
    )
    page.close()
    return content


def with_slips(folder: Path, key: str) -> Path:
    """A copy of the sample publication in which the issue has SLIPS."""
    for name in ("issues", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "newsletter.toml", folder)
    for name, right, wrong in SLIPS:
        path = folder / "issues" / key / name
        text = path.read_text(encoding="utf-8")
        assert right in text, f"{name} does not say {right!r} any more"
        path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    return folder


@contextmanager
def light_table(paper: Path, key: str) -> Iterator[str]:
    """The address of a light table that runs for as long as the block."""
    line = [sys.executable, "-m", "newsletter", "-C", str(paper), "preview", key, "--no-open"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as table:
        assert table.stderr
        try:
            yield table.stderr.readline().split()[-1]
        finally:
            table.send_signal(signal.SIGINT)


def take_table(browser: Browser, address: str, file: Path) -> None:
    """Take the light table on a desktop, on a phone and in the dark; `file` is saved once in between."""
    save(table_shot(browser, address, TABLE_SIZE, file=file, keys="j"), "light-table")
    save(
        table_shot(browser, f"{address}?width=phone&colours=gmail", TABLE_SIZE, dark=True), "light-table-dark"
    )
    save(table_shot(browser, address, PHONE_SIZE, scale=2), "light-table-phone")


def table_shot(
    browser: Browser,
    address: str,
    size: tuple[int, int],
    *,
    scale: int = 1,
    dark: bool = False,
    file: Path | None = None,
    keys: str = "",
) -> bytes:
    """A PNG of the light table as it is after `file` was saved and `keys` were pressed."""
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=scale,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page.goto(address)
    findings = page.locator("#found h3")
    findings.first.wait_for(state="attached")
    if file:
        # The first composing is the slowest, and nobody waits for it twice.
        before = page.locator("#status").inner_text()
        file.touch()
        page.wait_for_function(
            "before => document.querySelector('#status').textContent !== before", arg=before
        )
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_timeout(500)
    content = page.screenshot(animations="disabled")
    page.close()
    return content


def take_contact_sheet(browser: Browser, paper: Path, key: str) -> None:
    """Take the upper part of the contact sheet; the whole is six times as high."""
    line = [sys.executable, "-m", "newsletter", "-C", str(paper), "preview", key, "--sheet", "sheet.html"]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    save(shot(browser, paper / "sheet.html", WIDTH, SHEET_HEIGHT), "contact-sheet")


def difference(press: Press, folder: Path, key: str) -> bytes:
    """How the issue differs on a desktop once its titles are larger: the first rows, at half their size."""
    for name in ("issues", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "newsletter.toml", folder)
    style = folder / "templates" / "mail" / "article.css.j2"
    style.write_text(style.read_text(encoding="utf-8").replace("27px", "30px"), encoding="utf-8")
    before, after = (sheet_of(each, each.config.root / "issues" / key) for each in (press, Press(folder)))
    with Chromium() as browser:
        views = list(views_of(compared(before, after), ("HEAD", "now"), browser))
    content = next(view.picture for view in views if view.name == "700 px, light" and view.picture)
    with Image.open(io.BytesIO(content)) as image:
        file = io.BytesIO()
        image.crop((0, 0, image.width, 830)).reduce(2).save(file, "PNG")
    return file.getvalue()


def save(content: bytes, name: str) -> None:
    """Write docs/pictures/NAME.png with a palette, which a page of text and flat colours hardly notices."""
    with Image.open(io.BytesIO(content)) as image:
        reduced = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        reduced.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
