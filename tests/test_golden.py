"""Golden issues: a publication in, issue.html, issue.txt and issue.eml out, byte for byte.

After a change that is meant: `pytest tests/test_golden.py --rewrite-golden`, then read the difference.
"""

from pathlib import Path

import pytest

from newsletter.cli import run
from tests.conftest import ROOT

CASES = sorted(path for path in (ROOT / "tests" / "golden").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_files_give_the_same_mail(
    case: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "paper"
    folder.mkdir()
    for name in ("newsletter.toml", "issues"):
        (folder / name).symlink_to(case / name)
    (folder / "templates").symlink_to(ROOT / "templates")
    (key,) = (path.name for path in (case / "issues").iterdir())
    assert run(["-C", str(folder), "build", key, "-o", str(tmp_path / "out")]) == 0
    for name in ("issue.html", "issue.txt", "issue.eml"):
        made, golden = tmp_path / "out" / name, case / name
        if request.config.getoption("--rewrite-golden"):
            golden.write_bytes(made.read_bytes())
        assert made.read_bytes().split(b"\n") == golden.read_bytes().split(b"\n"), name
