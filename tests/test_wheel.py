"""What `pip install actu5` brings is whole: the command, the sample publication, the demo."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.conftest import PYTHON, ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree and unpacked as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [PYTHON, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("actu5-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def newsletter(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, "-c", "import newsletter.cli as c; print(c.__file__); c.main()", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_holds_the_package_the_sample_and_nothing_else(installed: Path) -> None:
    assert {path.name for path in installed.iterdir()} == {"newsletter", f"actu5-{_version()}.dist-info"}
    assert {path.name for path in (installed / "newsletter" / "sample").iterdir()} == {
        "issues",
        "newsletter.toml",
        "templates",
    }
    assert (installed / "newsletter" / "py.typed").exists()
    support = installed / "newsletter" / "check" / "data"
    assert {path.name for path in support.glob("caniemail*")} == {"caniemail.json", "caniemail.LICENSE.txt"}
    assert (installed / f"actu5-{_version()}.dist-info" / "licenses" / "LICENSE").exists()


def test_a_publication_can_be_made_anywhere_and_builds(installed: Path, tmp_path: Path) -> None:
    made = newsletter(installed, tmp_path, "init", "my-paper", "--name", "Le Matin")
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[0].startswith(str(installed))
    (key,) = (path.name for path in (tmp_path / "my-paper" / "issues").iterdir())
    built = newsletter(installed, tmp_path / "my-paper", "build", key, "-o", "preview")
    assert built.returncode == 0, built.stderr
    assert "Le Matin" in (tmp_path / "my-paper" / "preview" / "issue.txt").read_text(encoding="utf-8").title()


def test_the_demo_works_twice_and_touches_nothing_else(installed: Path, tmp_path: Path) -> None:
    first = newsletter(installed, tmp_path, "demo")
    assert first.returncode == 0, first.stderr
    assert "1,000 readers = 1,000 sent" in first.stderr
    assert [path.name for path in tmp_path.iterdir()] == [".newsletter"]
    assert [path.name for path in (tmp_path / ".newsletter").iterdir()] == ["demo"]
    outbox = tmp_path / ".newsletter" / "demo" / ".newsletter" / "outbox"
    assert len(list(outbox.rglob("*.eml"))) == 1000
    shown = [line[2:] for line in first.stderr.splitlines() if line.startswith("$ newsletter ")]
    assert [line.split()[3] for line in shown] == ["readers", "check", "build", "send"]

    second = newsletter(installed, tmp_path, "demo")
    assert second.returncode == 0, second.stderr
    assert "The demo has run here before" in second.stderr
    assert "1,000 readers = 1,000 sent" in second.stderr
    assert len(list(outbox.rglob("*.eml"))) == 1000


def _version() -> str:
    from newsletter import __version__

    return __version__
