"""[backends.smtp] and its secrets -> the mail servers to send through."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from newsletter.deliver.backends.session import Security, Server
from newsletter.deliver.backends.tokens import token_from_command, token_from_secret
from newsletter.errors import ConfigError
from newsletter.settings import Table

PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "plain": 25}  # RFC 6409, RFC 8314, RFC 5321

_FALLBACK = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+))(?::(\d{1,5}))?")


def read_servers(table: Table) -> tuple[Server, ...]:
    """The relay and those to fall back on, in order; raises ConfigError."""
    host = table.string("host")
    security = table.choice("security", "starttls", tuple(PORTS))
    port = table.integer("port", PORTS[security], least=1, most=65535)
    username = table.string("username", "")
    command = table.strings("token_command")
    fallback = table.strings("fallback")
    table.done()
    if not host:
        raise table.error("host", "is empty", 'write for instance host = "smtp.example.org"')
    password, token = _secrets(table, username, command)
    ways: dict[str, Security] = {"starttls": "starttls", "tls": "tls", "plain": "plain"}
    first = Server(
        host=host, port=port, security=ways[security], username=username, password=password, token=token
    )
    servers = (first, *(_like(first, named, table) for named in fallback))
    for server, key in zip(servers, ["security", *["fallback"] * len(fallback)], strict=True):
        if security == "plain" and not server.is_loopback:
            hint = 'write security = "starttls" or "tls"; "plain" is for a server on this machine'
            raise table.error(key, f"mail to {server.host!r} would travel unencrypted", hint)
    return servers


def _like(first: Server, named: str, table: Table) -> Server:
    match = _FALLBACK.fullmatch(named)
    port = int(match[3] or first.port) if match else 0
    if not match or not 1 <= port <= 65535:
        hint = 'write for instance fallback = ["smtp2.example.org", "smtp3.example.org:2525"]'
        raise table.error("fallback", f"{named!r} is not a host, or a host and a port", hint)
    return replace(first, host=match[1] or match[2], port=port)


def _secrets(table: Table, username: str, command: tuple[str, ...]) -> tuple[str, Callable[[], str] | None]:
    """The password, or else the way to a token; neither without a username."""
    if table.has("token_command") and not command:
        raise table.error("token_command", "is empty", 'write token_command = ["COMMAND", "ARGUMENT"]')
    if not username:
        if command:
            raise table.error("token_command", "there is no username", 'add a line username = "…"')
        return "", None
    password = table.secret("SMTP_PASSWORD")
    named = {
        "NEWSLETTER_SMTP_PASSWORD": bool(password),
        "NEWSLETTER_SMTP_TOKEN": bool(table.secret("SMTP_TOKEN")),
        "token_command": bool(command),
    }
    given = [name for name, there in named.items() if there]
    if not given:
        raise ConfigError(
            f"no password for {username!r}",
            where=table.where("username"),
            hint="set NEWSLETTER_SMTP_PASSWORD, or NEWSLETTER_SMTP_PASSWORD_FILE to a file of mode 0600; "
            "or NEWSLETTER_SMTP_TOKEN, or token_command",
        )
    if len(given) > 1:
        raise ConfigError(
            f"{username!r} would log in by {' and '.join(given)}",
            where=table.where("token_command" if command else "username"),
            hint=f"keep one of them, and take away {' and '.join(given[1:])}",
        )
    if command:
        return "", partial(token_from_command, command, table.root)
    if not password:
        return "", partial(token_from_secret, partial(table.secret, "SMTP_TOKEN"))
    return password, None
