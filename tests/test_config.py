"""Settings are read whole, and every mistake is told by file and line with the way out."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from newsletter.config import read_config
from newsletter.errors import ConfigError
from newsletter.model import Schedule
from newsletter.settings import Table
from tests.conftest import ROOT

LEAST = '[publication]\nname = "Lettre"\nsender = "a@lettre.invalid"\n'


def config_error(tmp_path: Path, text: str) -> ConfigError:
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path, {})
    return caught.value


def test_two_lines_are_enough(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(LEAST)
    config = read_config(tmp_path, {})
    assert config.publication.sender.name == "Lettre"
    assert config.publication.sender.address == "a@lettre.invalid"
    assert config.publication.list_id == "a.lettre.invalid"
    assert (config.publication.language, config.publication.country) == ("fr", "FR")
    assert config.send.backend == "folder"
    assert config.schedule == Schedule(hour=time(7, 0))
    assert config.look.words_per_minute == 238


def test_every_setting_is_read(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(
        LEAST.replace('"a@', '"Ada : la lettre <a@').replace('invalid"', 'invalid>"')
        + 'url = "https://lettre.invalid/"\nlanguage = "en"\npitches = ["a", "b"]\n'
        + '[look]\naccent = "#0B4F8A"\nno_break_spaces = "narrow"\npictures = "embedded"\n'
        + '[send]\nbackend = "smtp"\nper_second = 2.5\npatience = "90s"\nmax_age = "2d"\n'
        + '[backends.smtp]\nhost = "localhost"\n[store]\nurl = "sqlite:///x.db"\n'
    )
    config = read_config(tmp_path, {})
    assert config.publication.url == "https://lettre.invalid"
    assert config.publication.sender.name == "Ada : la lettre"
    assert config.publication.pitches == ("a", "b")
    assert (config.look.accent, config.look.no_break_spaces, config.look.pictures) == (
        "#0b4f8a",
        "narrow",
        "embedded",
    )
    assert (config.send.per_second, config.send.patience) == (2.5, timedelta(seconds=90))
    assert config.send.max_age == timedelta(days=2)
    assert config.backend_table("smtp").string("host") == "localhost"
    assert config.store.url == "sqlite:///x.db"


@pytest.mark.parametrize(
    ("extra", "line", "message", "hint"),
    [
        ('nam = "x"', 4, "unknown setting 'nam' in [publication]", 'did you mean "name"?'),
        ("[looks]", 4, "unknown table 'looks'", "did you mean [look]?"),
        ('[look]\naccent = "red"', 5, "[look] accent: 'red' is not a colour", "six hexadecimal digits"),
        ('[look]\npictures = "hostd"', 5, "no such choice 'hostd'", 'write "hosted"'),
        ("[look]\nwords_per_minute = 5", 5, "5 is not a whole number from 50 to 1000", ""),
        ('[look]\nbody_font = "\\"A\\""', 5, "a double quote", "single quotes"),
        ('[schedule]\nhour = "7h"', 5, "'7h' is not an hour of the day", '"07:00"'),
        ('[send]\npatience = "long"', 5, "'long' is not a length of time", '"30m"'),
        ('[send]\npatience = "99999999999d"', 5, "is more than 366 days", ""),
        ("[send]\nper_second = -1", 5, "-1 is not a number of 0 or more", ""),
        ("[send]\nper_second = nan", 5, "nan is not a number of 0 or more", ""),
        ("[send]\nper_second = inf", 5, "inf is not a number of 0 or more", ""),
        ("[send]\nper_second = 1e-300", 5, "1e-300 is more than 0 and less than 0.001", "0 for no limit"),
        ("[send] # soon\nbakcend = 'x'", 5, "unknown setting 'bakcend' in [send]", 'did you mean "backend"?'),
        ('[backends]\nsmtp = "x"', 5, "[backends.smtp] is not a table", "[backends.smtp] on a line"),
        ("[publication]", 4, "not TOML: Cannot declare ('publication',) twice", ""),
        ('[store]\nurl = "sqlite:///"', 5, "is not a store this press knows", "sqlite:///FILE"),
        ('url = "lettre"', 4, "'lettre' is not a web address", "https://"),
        ('time_zone = "Europe/Pari"', 4, "no such zone 'Europe/Pari'", "Europe/Paris"),
        ('country = "France"', 4, "'France' is not a country code", "two capitals"),
        ('language = "de"', 4, "no such choice 'de'", "one of fr, en"),
        ("reply_to = 5", 4, "5 is not text", ""),
        ('reply_to = "a\\u0000@b.fr"', 4, "control character", ""),
        ('pitches = "x"', 4, "is not a list of texts", "pitches = ["),
        ('[store]\nurl = "postgresql://db"', 5, "is not a store this press knows", "postgresql://USER@HOST"),
        ('[store]\nurl = "postgresql://u:hush@db/n"', 5, "a password does not belong in", "_PASSWORD_FILE"),
        ('[store]\nurl = "postgresql://db/n?password=hush"', 5, "does not belong in", "_PASSWORD_FILE"),
        ('[store]\nurl = "mysql://x"', 5, "is not a store this press knows", "sqlite:///FILE"),
        ("x = = 1", 4, "not TOML: Invalid value", "double quotes"),
        ('x = "1', 4, "not TOML: Illegal character", ""),
    ],
)
def test_a_mistake_is_told_by_its_line(
    tmp_path: Path, extra: str, line: int, message: str, hint: str
) -> None:
    error = config_error(tmp_path, LEAST + extra + "\n")
    assert error.where == f"newsletter.toml:{line}"
    assert message in error.message
    assert hint in error.hint
    assert error.exit_code == 2


@pytest.mark.parametrize("sender", ["Ada", "Ada <ada>", "a@b.fr, c@d.fr", "<a@b.fr> b@c.fr", "a b@c.fr"])
def test_a_sender_is_one_name_and_one_address(tmp_path: Path, sender: str) -> None:
    error = config_error(tmp_path, f'[publication]\nname = "x"\nsender = "{sender}"\n')
    assert error.where == "newsletter.toml:3"


def test_missing_settings_and_a_missing_file(tmp_path: Path) -> None:
    error = config_error(tmp_path, "[publication]\n")
    assert (error.where, error.message) == ("newsletter.toml:1", "no 'name' in [publication]")
    (tmp_path / "newsletter.toml").unlink()
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path, {})
    assert caught.value.hint.endswith("newsletter init my-paper")


def test_the_settings_may_begin_with_a_byte_order_mark_but_must_be_utf8(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_bytes(b"\xef\xbb\xbf" + LEAST.encode())
    assert read_config(tmp_path, {}).publication.sender.address
    (tmp_path / "newsletter.toml").write_bytes(LEAST.encode() + b"url = 'caf\xe9'\n")
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path, {})
    assert (caught.value.where, caught.value.message) == ("newsletter.toml:4", "not UTF-8")


def test_a_secret_comes_from_the_environment_or_a_private_file(tmp_path: Path) -> None:
    def table(environment: dict[str, str]) -> Table:
        return Table({}, name="backends.smtp", root=tmp_path, environment=environment)

    path = tmp_path / "password"
    path.write_text("s e c r e t\n")
    path.chmod(0o600)
    assert table({}).secret("SMTP_PASSWORD") == ""
    assert table({"NEWSLETTER_SMTP_PASSWORD": "x"}).secret("SMTP_PASSWORD") == "x"
    assert table({"NEWSLETTER_SMTP_PASSWORD_FILE": str(path)}).secret("SMTP_PASSWORD") == "s e c r e t"
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others"):
        table({"NEWSLETTER_SMTP_PASSWORD_FILE": str(path)}).secret("SMTP_PASSWORD")


def test_the_sample_publication_can_be_read_and_reaches_nobody() -> None:
    config = read_config(ROOT, {})
    assert config.send.backend == "folder"
    assert config.publication.sender.domain == "example.org"


@pytest.mark.parametrize(
    "url", ["postgresql://press@db/news", "postgresql:///news", "postgresql://db:5433/news?sslmode=require"]
)
def test_a_server_is_a_store_whose_password_comes_from_the_environment(tmp_path: Path, url: str) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush\n", encoding="utf-8")
    secret.chmod(0o600)
    text = f'[publication]\nname = "x"\nsender = "a@b.example"\n[store]\nurl = "{url}"\n'
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    for environment in (
        {"NEWSLETTER_STORE_PASSWORD": "hush"},
        {"NEWSLETTER_STORE_PASSWORD_FILE": str(secret)},
    ):
        store = read_config(tmp_path, environment).store
        assert (store.url, store.password, store.file) == (url, "hush", "")
        assert "hush" not in repr(store)
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others"):
        read_config(tmp_path, environment)
