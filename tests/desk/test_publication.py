"""A publication of one's own from the sample."""

from datetime import date
from pathlib import Path

import pytest

from newsletter.compose.issue import read_issue
from newsletter.config import read_config
from newsletter.desk.publication import sample_folder, start_publication
from newsletter.errors import ConfigError

DAY = date(2026, 11, 24)
SETTINGS = """\
# Les réglages.
[publication]
name = "Le pain du matin"   # le nom
url = "https://example.org"
sender = "Le pain du matin <bonjour@example.org>"
postal_address = "1 rue de l'Exemple, 75002 Paris"
language = "en"

[look]
accent = "#112233"
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    folder = tmp_path / "sample"
    (folder / "templates" / "mail").mkdir(parents=True)
    (folder / "templates" / "mail" / "issue.mjml.j2").write_text("<mjml/>", encoding="utf-8")
    (folder / "issues" / "2026-11-20").mkdir(parents=True)
    (folder / "issues" / "2026-11-20" / "plot.png").write_bytes(b"not copied")
    (folder / "newsletter.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def test_a_new_publication_has_templates_settings_and_a_first_issue(tmp_path: Path, sample: Path) -> None:
    folder = tmp_path / "papers" / "my-paper"
    paths = start_publication(folder, sample, "La Miche", DAY)
    assert [path.relative_to(folder).as_posix() for path in paths] == [
        ".gitignore",
        "issues/2026-11-24/01-first-article.md",
        "issues/2026-11-24/issue.md",
        "newsletter.toml",
        "templates/mail/issue.mjml.j2",
    ]
    assert (folder / ".gitignore").read_text(encoding="utf-8") == ".newsletter/\n"
    assert read_issue(folder / "issues" / "2026-11-24").day == DAY


@pytest.mark.parametrize("name", ["La Miche", 'Le "journal" d\'Ugo', "A\\b", "Œuf & Élan 🍞"])
def test_its_settings_are_the_sample_s_under_another_name(tmp_path: Path, sample: Path, name: str) -> None:
    start_publication(tmp_path / "paper", sample, name, DAY)
    config = read_config(tmp_path / "paper", {})
    assert config.publication.name == name
    assert config.publication.sender.name == name
    assert config.publication.sender.address == "bonjour@example.org"
    assert config.publication.postal_address == "1 rue de l'Exemple, 75002 Paris"
    assert config.look.accent == "#112233"
    text = (tmp_path / "paper" / "newsletter.toml").read_text(encoding="utf-8")
    assert text.startswith("# Les réglages.\n")
    assert text.count("\n") == SETTINGS.count("\n")


def test_an_empty_folder_may_be_there_and_a_full_one_may_not(tmp_path: Path, sample: Path) -> None:
    (tmp_path / "empty").mkdir()
    start_publication(tmp_path / "empty", sample, "La Miche", DAY)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("à moi", encoding="utf-8")
    for taken in ("full", "full/mine.txt"):
        with pytest.raises(ConfigError, match="something here already") as caught:
            start_publication(tmp_path / taken, sample, "La Miche", DAY)
        assert caught.value.hint == "take a new folder: newsletter init my-paper"
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["", "deux\nlignes", "Moi <moi@example.org>"])
def test_a_name_that_cannot_be_one_is_refused_before_anything_is_written(
    tmp_path: Path, sample: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match="cannot name a publication"):
        start_publication(tmp_path / "paper", sample, name, DAY)
    assert not (tmp_path / "paper").exists()


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path, sample: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be written: Not a directory"):
        start_publication(tmp_path / "file" / "paper", sample, "La Miche", DAY)


def test_the_sample_is_inside_an_installed_package_or_around_a_working_copy(tmp_path: Path) -> None:
    package = tmp_path / "newsletter"
    package.mkdir()
    with pytest.raises(ConfigError, match="sample publication is missing"):
        sample_folder(package)
    for folder in (tmp_path, package / "sample"):
        (folder / "templates").mkdir(parents=True)
        (folder / "newsletter.toml").write_text(SETTINGS, encoding="utf-8")
        assert sample_folder(package) == folder


def test_the_sample_of_this_very_copy_makes_a_publication(tmp_path: Path) -> None:
    start_publication(tmp_path / "paper", sample_folder(), "La Miche", DAY)
    config = read_config(tmp_path / "paper", {})
    assert config.publication.name == "La Miche"
    assert config.publication.sender.domain == "example.org"
    assert config.send.backend == "folder"
