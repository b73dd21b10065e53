"""How a backend is found by its name."""

from pathlib import Path

import pytest

from newsletter.deliver.backend import Backend, backend_names, find_backend
from newsletter.deliver.backends.console import ConsoleBackend
from newsletter.deliver.backends.folder import FolderBackend
from newsletter.deliver.backends.memory import MemoryBackend
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.errors import ConfigError
from newsletter.settings import Table

PIGEON = '''
"""A backend that somebody else wrote."""

class Pigeon:
    reaches_people = True

    def __init__(self, loft):
        self.loft = loft

    def open(self):
        pass

    def send(self, message, commit):
        commit()
        return f"flown from {self.loft}"

    def close(self):
        pass


def configured(table):
    pigeon = Pigeon(table.string("loft", "the roof"))
    table.done()
    return pigeon
'''


def table(name: str, **values: object) -> Table:
    return Table(values, name=f"backends.{name}", root=Path(), environment={})


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution as pip leaves it: a module, and beside it what names its entry points."""
    (tmp_path / "newsletter_pigeon.py").write_text(PIGEON)
    facts = tmp_path / "newsletter_pigeon-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: newsletter-pigeon\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[newsletter.backends]\n"
        "pigeon = newsletter_pigeon:configured\n"
        "lost-pigeon = newsletter_pigeon:gone\n"
        "no-pigeon = newsletter_no_pigeon:configured\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_ours_are_registered_like_anybodys() -> None:
    assert set(backend_names()) >= {"console", "folder", "memory", "smtp"}


@pytest.mark.parametrize(
    ("name", "kind", "reaches_people"),
    [
        ("console", ConsoleBackend, False),
        ("folder", FolderBackend, False),
        ("memory", MemoryBackend, False),
        ("smtp", SmtpBackend, True),
    ],
)
def test_ours_are_found_by_name(name: str, kind: type, reaches_people: bool) -> None:
    settings = table(name, host="smtp.example.org") if name == "smtp" else table(name)
    backend = find_backend(name, settings)
    assert isinstance(backend, kind)
    assert isinstance(backend, Backend)
    assert backend.reaches_people is reaches_people


@pytest.mark.usefixtures("plug_in")
def test_a_plug_in_is_found_with_its_settings() -> None:
    assert "pigeon" in backend_names()
    pigeon = find_backend("pigeon", table("pigeon", loft="the barn"))
    assert isinstance(pigeon, Backend)
    assert vars(pigeon) == {"loft": "the barn"}


@pytest.mark.usefixtures("plug_in")
def test_a_plug_in_with_a_mistake_in_its_settings_says_so() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'lotf'") as raised:
        find_backend("pigeon", table("pigeon", lotf="the barn"))
    assert raised.value.hint == 'did you mean "loft"?'


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    with pytest.raises(ConfigError) as raised:
        find_backend("smpt", table("smpt"))
    assert str(raised.value) == "[send] backend: no backend is called 'smpt'"
    assert raised.value.hint == 'did you mean "smtp"?'


def test_a_name_like_none_gets_the_list() -> None:
    with pytest.raises(ConfigError) as raised:
        find_backend("zzz", table("zzz"))
    assert raised.value.hint.startswith("installed: console, folder, maildir, memory")


@pytest.mark.usefixtures("plug_in")
@pytest.mark.parametrize("name", ["lost-pigeon", "no-pigeon"])
def test_a_plug_in_that_cannot_be_loaded_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"backend '{name}' cannot be loaded") as raised:
        find_backend(name, table(name))
    assert raised.value.where.startswith("newsletter_")
