"""[backends.smtp] -> a backend, or a mistake that is named."""

from pathlib import Path

import pytest

from newsletter.deliver.backends.session import Server
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.errors import ConfigError
from newsletter.settings import Table

PASSWORD = "sésame, ouvre-toi"


def table(**values: object) -> Table:
    return Table(values, name="backends.smtp", root=Path(), environment={})


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("plain", 25)])
def test_the_port_follows_from_the_security(security: str, port: int) -> None:
    backend = SmtpBackend.configured(table(host="127.0.0.1", security=security))
    assert vars(backend)["_servers"] == (Server(host="127.0.0.1", port=port, security=security),)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_plain_is_for_this_machine(host: str) -> None:
    assert SmtpBackend.configured(table(host=host, security="plain")).reaches_people


@pytest.mark.parametrize(
    "host", ["relay.example", "localhost.example", "192.0.2.1", "0.0.0.0", "127.0.0.1.evil.fr"]
)
def test_plain_to_anywhere_else_is_a_mistake(host: str) -> None:
    with pytest.raises(ConfigError, match="would travel unencrypted") as raised:
        SmtpBackend.configured(table(host=host, security="plain"))
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no 'host'"),
        ({"host": ""}, "is empty"),
        ({"host": "h", "user": "me"}, "unknown setting 'user'"),
        ({"host": "h", "password": "x"}, "unknown setting 'password'"),
        ({"host": "h", "security": "ssl"}, "no such choice 'ssl'"),
        ({"host": "h", "port": 0}, "0 is not a whole number"),
        ({"host": "h", "username": "me"}, "no password for 'me'"),
    ],
)
def test_a_mistake_in_the_settings_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SmtpBackend.configured(table(**values))


def test_the_password_comes_from_the_environment() -> None:
    settings = Table(
        {"host": "smtp.example.org", "username": "paper"},
        name="backends.smtp",
        root=Path(),
        environment={"NEWSLETTER_SMTP_PASSWORD": PASSWORD},
    )
    backend = SmtpBackend.configured(settings)
    assert vars(backend)["_servers"][0].password == PASSWORD
