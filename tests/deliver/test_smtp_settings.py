"""[backends.smtp] -> a backend, or a mistake that is named."""

from pathlib import Path

import pytest

from newsletter.deliver.backends.session import Server
from newsletter.deliver.backends.smtp import SmtpBackend
from newsletter.deliver.backends.smtp_settings import read_servers
from newsletter.errors import ConfigError, Unavailable
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
        ({"host": "h", "username": "me", "token_command": []}, "token_command: is empty"),
        ({"host": "h", "username": "me", "token_command": "get-token"}, "not a list of texts"),
        ({"host": "h", "token_command": ["get-token"]}, "token_command: there is no username"),
        ({"host": "h", "fallback": "h2"}, "not a list of texts"),
        ({"host": "h", "fallback": [""]}, "'' is not a host"),
        ({"host": "h", "fallback": ["h2:"]}, "'h2:' is not a host"),
        ({"host": "h", "fallback": ["h2:0"]}, "'h2:0' is not a host"),
        ({"host": "h", "fallback": ["h2:65536"]}, "'h2:65536' is not a host"),
        ({"host": "h", "fallback": ["smtp://h2"]}, "'smtp://h2' is not a host"),
        ({"host": "h", "fallback": ["h2 h3"]}, "'h2 h3' is not a host"),
        (
            {"host": "localhost", "security": "plain", "fallback": ["h2"]},
            "fallback: mail to 'h2' would travel",
        ),
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


def secrets(values: dict[str, object], environment: dict[str, str], root: Path = Path()) -> Table:
    return Table(
        {"host": "smtp.example.org", "username": "paper", **values},
        name="backends.smtp",
        root=root,
        environment={f"NEWSLETTER_{name}": value for name, value in environment.items()},
    )


def test_fallbacks_are_as_the_first_but_for_host_and_port() -> None:
    table = secrets(
        {"port": 2587, "fallback": ["smtp2.example.org", "smtp3.example.org:2525", "[2001:db8::1]:25"]},
        {"SMTP_PASSWORD": PASSWORD},
    )
    servers = read_servers(table)
    assert [server.name for server in servers] == [
        "smtp.example.org:2587",
        "smtp2.example.org:2587",
        "smtp3.example.org:2525",
        "[2001:db8::1]:25",
    ]
    assert {(server.security, server.username, server.password) for server in servers} == {
        ("starttls", "paper", PASSWORD)
    }


def test_a_token_in_a_file_is_read_at_each_login(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("ya29.one\n")
    file.chmod(0o600)
    [server] = read_servers(secrets({}, {"SMTP_TOKEN_FILE": str(file)}))
    assert server.token
    assert (server.password, server.token()) == ("", "ya29.one")
    file.write_text("ya29.two\n")
    assert server.token() == "ya29.two"
    file.chmod(0o644)
    with pytest.raises(Unavailable, match=r"no token: .*can be read by others"):
        server.token()


def test_a_token_may_come_from_a_command_in_the_publications_folder(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ya29.three\n")
    [server] = read_servers(secrets({"token_command": ["cat", "token"]}, {}, tmp_path))
    assert server.token
    assert server.token() == "ya29.three"


@pytest.mark.parametrize(
    ("values", "environment", "message"),
    [
        (
            {},
            {"SMTP_PASSWORD": "p", "SMTP_TOKEN": "t"},
            "by NEWSLETTER_SMTP_PASSWORD and NEWSLETTER_SMTP_TOKEN",
        ),
        ({"token_command": ["x"]}, {"SMTP_PASSWORD": "p"}, "by NEWSLETTER_SMTP_PASSWORD and token_command"),
        ({"token_command": ["x"]}, {"SMTP_TOKEN": "t"}, "by NEWSLETTER_SMTP_TOKEN and token_command"),
    ],
)
def test_two_ways_to_log_in_are_one_too_many(
    values: dict[str, object], environment: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        read_servers(secrets(values, environment))
    assert raised.value.hint.startswith("keep one of them")


def test_secrets_are_not_looked_for_without_a_username(tmp_path: Path) -> None:
    table = Table(
        {"host": "smtp.example.org"},
        name="backends.smtp",
        root=tmp_path,
        environment={"NEWSLETTER_SMTP_PASSWORD": "p", "NEWSLETTER_SMTP_TOKEN": "t"},
    )
    [server] = read_servers(table)
    assert (server.password, server.token) == ("", None)
