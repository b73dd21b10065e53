"""[send] and [relays.NAME] -> how issues leave: through what, how fast, how patiently."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from newsletter.errors import ConfigError
from newsletter.settings import ADDRESS, FILE, Table

ONLY = "main"
"""What the one relay is called where newsletter.toml names none."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many messages a second, 0 for no limit, on at most so many connections."""

    per_second: float = 0.0
    connections: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """How issues leave: through which backend, how fast, how patiently.

    `backend_where` is the line that names the backend; `bounces` is the address to which mail comes back, ""
    for the sender's own; `domains` are limits for recipients' domains, in lower case.
    """

    backend: str = "folder"
    backend_where: str = FILE
    per_second: float = 0.0
    connections: int = 10
    domains: Mapping[str, Limit] = field(default_factory=dict)
    bounces: str = ""
    approval: Literal["optional", "required"] = "optional"
    patience: timedelta = timedelta(minutes=30)
    max_age: timedelta = timedelta(hours=12)
    require_web_version: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """One way out: a backend with its settings, how fast it may be used in all, and its share of an issue.

    `connections` are those of one worker, `per_second` is that of all together, 0 for no limit. `where` is
    the line that names the backend.
    """

    name: str
    backend: str
    table: Table
    where: str
    per_second: float
    connections: int
    share: float = 1.0


def read_send(table: Table) -> Send:
    """The `[send]` of a publication; raises ConfigError."""
    defaults = Send()
    connections = table.integer("connections", defaults.connections, least=1, most=1000)
    bounces = table.string("bounces", "")
    if bounces and not ADDRESS.match(bounces):
        raise table.error("bounces", f"{bounces!r} is not an address", 'write "bounces@example.org"')
    approval = table.choice("approval", defaults.approval, ("optional", "required"))
    send = Send(
        backend=table.string("backend", defaults.backend),
        backend_where=table.where("backend"),
        per_second=table.number("per_second", defaults.per_second),
        connections=connections,
        domains={name.lower(): _limit(inner, connections) for name, inner in table.tables("domains").items()},
        bounces=bounces,
        approval="required" if approval == "required" else "optional",
        patience=table.duration("patience", defaults.patience),
        max_age=table.duration("max_age", defaults.max_age),
        require_web_version=table.flag("require_web_version", False),
    )
    table.done()
    return send


def _limit(table: Table, connections: int) -> Limit:
    limit = Limit(
        per_second=table.number("per_second", 0.0),
        connections=table.integer("connections", connections, least=1, most=1000),
    )
    table.done()
    return limit


def only_relay(send: Send, table: Table) -> Relay:
    """The one way out where newsletter.toml names none: the backend of [send], whose table this is."""
    return Relay(
        name=ONLY,
        backend=send.backend,
        where=send.backend_where,
        table=table,
        per_second=send.per_second,
        connections=send.connections,
    )


def read_relays(tables: Mapping[str, Table], likeness: Relay) -> tuple[Relay, ...]:
    """The relays in the order of newsletter.toml; raises ConfigError.

    What a table does not say is as in `likeness`, but for what is its backend's own.
    """
    relays = tuple(_relay(name, table, likeness) for name, table in tables.items())
    if relays and not any(relay.share for relay in relays):
        where = tables[relays[0].name].where("share")
        raise ConfigError("no relay has a share of an issue", where=where, hint="write share = 1")
    return relays


def _relay(name: str, table: Table, likeness: Relay) -> Relay:
    if not _NAME.fullmatch(name):
        hint = "write small letters, digits and hyphens, as in [relays.relay-2]"
        raise ConfigError(f"{name!r} cannot be the name of a relay", where=table.where(), hint=hint)
    backend = table.string("backend", likeness.backend)
    per_second = table.number("per_second", likeness.per_second)
    connections = table.integer("connections", likeness.connections, least=1, most=1000)
    share = table.number("share", 1.0)
    return Relay(
        name=name,
        backend=backend,
        where=table.where("backend" if table.has("backend") else ""),
        table=table.rest(secrets_of=secrets_of(name)),
        per_second=per_second,
        connections=connections,
        share=share,
    )


def secrets_of(relay: str) -> str:
    """How a relay is written in its secrets' names: PARIS in NEWSLETTER_PARIS_SMTP_PASSWORD."""
    return relay.upper().replace("-", "_")


def shared_out(relays: Sequence[Relay], count: int) -> list[str]:
    """The names of the relays to which so many batches in a row go, each in proportion to its share."""
    whole = sum(relay.share for relay in relays)
    credit = {relay.name: 0.0 for relay in relays if relay.share}
    names = []
    for _ in range(count):
        for relay in relays:
            if relay.share:
                credit[relay.name] += relay.share / whole
        chosen = max(credit, key=lambda name: credit[name])
        credit[chosen] -= 1
        names.append(chosen)
    return names
