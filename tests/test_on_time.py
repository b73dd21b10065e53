"""[schedule] and [alerts]: what is meant by them, and what cannot be meant."""

from datetime import time
from pathlib import Path

import pytest

from newsletter.config import Config, read_config
from newsletter.errors import ConfigError
from newsletter.model import Schedule
from newsletter.on_time import Alerts

LEAST = '[publication]\nname = "Lettre"\nsender = "a@lettre.invalid"\n'


def read(folder: Path, text: str, **environment: str) -> Config:
    (folder / "newsletter.toml").write_text(LEAST + text, encoding="utf-8")
    return read_config(folder, environment)


def test_without_a_word_issues_appear_on_working_days_at_seven(tmp_path: Path) -> None:
    config = read(tmp_path, "")
    assert config.schedule == Schedule(
        days=frozenset({0, 1, 2, 3, 4}),
        hour=time(7, 0),
        deadline=None,
        on_holidays=False,
        country="FR",
        time_zone="Europe/Paris",
    )
    assert config.alerts == Alerts(mail="", command=(), webhook="")


def test_the_schedule_keeps_the_publications_country_and_zone(tmp_path: Path) -> None:
    text = 'country = "CA"\ntime_zone = "America/Toronto"\n[schedule]\nhour = "06:30"\ndeadline = "08:00"\n'
    schedule = read(tmp_path, text + "on_holidays = true\n").schedule
    assert (schedule.country, schedule.time_zone) == ("CA", "America/Toronto")
    assert (schedule.hour, schedule.deadline, schedule.on_holidays) == (time(6, 30), time(8, 0), True)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("Mon, Wed,fri", {0, 2, 4}),
        ("sun", {6}),
        ("sat-mon", {5, 6, 0}),
        ("mon-tue, thu - sat", {0, 1, 3, 4, 5}),
        ("mon-sun", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_days_are_named_so_that_nobody_counts_from_the_wrong_one(
    tmp_path: Path, days: str, expected: set[int]
) -> None:
    assert read(tmp_path, f'[schedule]\ndays = "{days}"\n').schedule.days == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[schedule]\ndays = "1-5"', "newsletter.toml:5: [schedule] days: '1' is not a weekday"),
        ('[schedule]\ndays = "mon-"', "newsletter.toml:5: [schedule] days: '' is not a weekday"),
        ('[schedule]\ndays = ""', "newsletter.toml:5: [schedule] days: '' is not a weekday"),
        (
            '[schedule]\ndays = "mon-wed-fri"',
            "newsletter.toml:5: [schedule] days: 'wed-fri' is not a weekday",
        ),
        ('[schedule]\nhour = "7h"', "newsletter.toml:5: [schedule] hour: '7h' is not an hour of the day"),
        (
            '[schedule]\nhour = "09:00"\ndeadline = "09:00"',
            "newsletter.toml:6: [schedule] deadline: 09:00 is not after the hour, 09:00",
        ),
        ('[schedule]\nat = "07:00"', "newsletter.toml:5: unknown setting 'at' in [schedule]"),
        ('[send]\nhour = "07:00"', "newsletter.toml:5: unknown setting 'hour' in [send]"),
        ('[alerts]\nmail = "ada"', "newsletter.toml:5: [alerts] mail: 'ada' is not an address"),
        ("[alerts]\ncommand = 'x'", "newsletter.toml:5: [alerts] command: 'x' is not a list of texts"),
    ],
)
def test_what_cannot_be_meant_is_told_by_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example.org/T0/B0/secret",
        "https://example.org",
        "https://example.org:8443/x?y=z",
        "http://localhost:8080/x",
        "http://127.0.0.1",
        "http://[::1]:9/x",
    ],
)
def test_a_webhook_is_called_privately_or_on_this_machine(tmp_path: Path, address: str) -> None:
    assert read(tmp_path, f'[alerts]\nwebhook = "{address}"\n').alerts.webhook == address


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.org/secret",
        "http://127.0.0.1.example.org/",
        "https://user:password@example.org/",
        "https://example.org/a b",
        "https://example.org:port/",
        "https://example.org:99999/",
        "https://exa\u0301mple.org/\u00e9",
        "ftp://example.org/",
        "/secret",
    ],
)
def test_any_other_webhook_is_refused_without_telling_its_address(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f'[alerts]\nwebhook = "{address}"\n')
    told = "newsletter.toml:5: [alerts] webhook: not an address that can be called safely"
    assert str(caught.value) == told


def test_a_webhook_that_is_a_secret_comes_from_the_environment_and_is_not_shown(tmp_path: Path) -> None:
    address = "https://hooks.example.org/secret"
    config = read(tmp_path, "", NEWSLETTER_ALERTS_WEBHOOK=address)
    assert config.alerts.webhook == address
    assert "secret" not in repr(config.alerts)
