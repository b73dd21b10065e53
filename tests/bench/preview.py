"""How soon a saved article is seen on the light table: `python -m tests.bench.preview` (needs Chromium).

The promise is half a second. The reference is the least that has to be done: reading the issue and composing
it once, in a process that has done so before, by turns with the saves.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

from newsletter.compose.edition import compose
from newsletter.compose.issue import read_issue
from newsletter.config import read_config
from tests.compose.test_browser import ARGUMENTS
from tests.web.conftest import KEY, LightTable, new_paper, started

ROUNDS = 15
ARTICLE = f"issues/{KEY}/01-premier.md"
_SHOWN = "document.querySelector('#frames iframe:not(.behind)')?.contentDocument?.body?.innerText ?? ''"


def main() -> None:
    path = shutil.which("chromium")
    if path is None:
        sys.exit("needs Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        table = started(new_paper(Path(folder)))
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        page = browser.new_page()
        page.goto(table.address)
        _wait_for(page, "Deux mots pour ouvrir.")
        composed, seen = [], []
        for number in range(ROUNDS):
            composed.append(_compose(table.paper))
            seen.append(_save(table, page, f"neuf{number}"))
        browser.close()
        table.end()
    least, median = statistics.median(composed), statistics.median(seen)
    print(f"reading and composing the issue   {least * 1000:6.0f} ms")
    print(f"from saving to seeing             {median * 1000:6.0f} ms, slowest {max(seen) * 1000:.0f} ms")
    print(f"ratio                             {median / least:6.2f}")


def _compose(paper: Path) -> float:
    began = time.perf_counter()
    config = read_config(paper)
    issue = read_issue(paper / "issues" / KEY, root=paper)
    compose(issue, config.publication, config.look, templates=paper / "templates", root=paper)
    return time.perf_counter() - began


def _save(table: LightTable, page: Page, word: str) -> float:
    """Write one word into an article; how many seconds it takes until the page shows it."""
    article = table.paper / ARTICLE
    text = article.read_text(encoding="utf-8")
    began = time.perf_counter()
    article.write_text(text.replace("un autre", f"{word}, un autre", 1), encoding="utf-8")
    _wait_for(page, word)
    return time.perf_counter() - began


def _wait_for(page: Page, word: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if word in str(page.evaluate(_SHOWN)):
                return
        except Error:  # the frame was replaced while it was being looked at
            continue
        time.sleep(0.005)
    sys.exit(f"{word!r} is not seen after 30 s")


if __name__ == "__main__":
    main()
