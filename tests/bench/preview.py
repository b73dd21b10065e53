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

from playwright.sync_api import sync_playwright

from newsletter.compose.edition import compose
from newsletter.compose.issue import read_issue
from newsletter.config import read_config
from tests.compose.test_browser import ARGUMENTS
from tests.web.conftest import KEY, new_paper, started
from tests.web.test_light_table import FIRST, Eyes, add

ROUNDS = 15


def main() -> None:
    path = shutil.which("chromium")
    if path is None:
        sys.exit("needs Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        table = started(new_paper(Path(folder)))
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        eyes = Eyes(browser.new_page(), table)
        eyes.open()
        composed, seen = [], []
        for number in range(ROUNDS):
            composed.append(_compose(table.paper))
            seen.append(_save(eyes, f"neuf{number}"))
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


def _save(eyes: Eyes, word: str) -> float:
    """Write one word into an article; how many seconds it takes until the page shows it."""
    began = time.perf_counter()
    add(eyes.table, FIRST, "un autre", f"{word}, un autre")
    eyes.until(lambda: word in eyes.seen())
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
