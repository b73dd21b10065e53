"""The command that finds what would spoil a morning, before it does."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections import Counter
from dataclasses import asdict
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.screen import bold, coloured, plural, say, styled
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.doctor.line import Line

WIDTH = 80
_COLOURS = {"pass": "green", "warn": "yellow", "fail": "red", "unknown": "cyan"}
_MARGIN = 11


@click.command(short_help="Find what would spoil a morning: settings, store, relay, DNS, site, bounces.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--offline", is_flag=True, help="Ask nothing of any network, but for the database.")
@click.option("--ip", "ips", multiple=True, metavar="ADDRESS", help="An address that your mail leaves from.")
@click.option("--resolver", metavar="ADDRESS", help="Ask this DNS resolver (ADDRESS or ADDRESS:PORT).")
@click.pass_obj
def doctor(press: Press, as_json: bool, offline: bool, ips: tuple[str, ...], resolver: str | None) -> int:
    """Find what would spoil a morning, before it does: nothing is sent, and nothing changed.

    Each line says pass, warn, fail or unknown: what could not be seen is unknown, never pass. If you know
    which address your mail leaves from, name it with --ip: SPF and the address's own name are held to it.
    With --resolver you see what the world sees, if names have other answers inside your network.

    The exit code is 3 if any line fails, else 0.

    \b
    Example:
      newsletter doctor
      newsletter doctor --offline
      newsletter doctor --ip 192.0.2.25 --resolver 9.9.9.9
    """
    from newsletter.doctor.case import Case
    from newsletter.doctor.examination import examine
    from newsletter.doctor.names import Names

    asked = _resolvers(resolver)
    case = Case(
        config=press.config,
        root=Path(press.shown(press.config.root)),
        now=press.now(),
        resolver=None if offline else Names(asked),
        environment=os.environ,
        ips=tuple(_address(ip, "--ip") for ip in ips),
    )
    found: list[tuple[str, Line]] = []
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    for family, line in examine(case):
        if not as_json:
            if not found or found[-1][0] != family:
                click.echo(("\n" if found else "") + bold(family))
            _show(line, width)
        found.append((family, line))
    counts = Counter(line.verdict.value for _, line in found)
    if as_json:
        _as_json(found, counts)
    else:
        say(f"\n{_in_all(counts)}")
    return 3 if counts["fail"] else 0


def _show(line: Line, width: int) -> None:
    """One line of the findings, folded; what to do stands below it."""
    verdict = line.verdict.value
    paint = styled if verdict in ("fail", "warn") else coloured
    text = textwrap.fill(
        f"{line.title}: {line.seen}",
        width,
        initial_indent=" " * _MARGIN,
        subsequent_indent=" " * _MARGIN,
        break_on_hyphens=False,
    )
    click.echo(f"  {paint(verdict, _COLOURS[verdict])}{' ' * (_MARGIN - 2 - len(verdict))}{text[_MARGIN:]}")
    if line.do:
        indent = " " * (_MARGIN + 2)
        click.echo(
            textwrap.fill(
                line.do,
                width,
                initial_indent=" " * _MARGIN + "> ",
                subsequent_indent=indent,
                break_on_hyphens=False,
            )
        )


def _in_all(counts: Counter[str]) -> str:
    """The last line, such as "2 to put right, 1 to look at, 9 unknown, 14 well."."""
    words = [
        f"{counts['fail']} to put right" if counts["fail"] else "",
        f"{counts['warn']} to look at" if counts["warn"] else "",
        f"{counts['unknown']} unknown" if counts["unknown"] else "",
        f"{counts['pass']} well" if counts["pass"] else "",
    ]
    told = ", ".join(word for word in words if word)
    return f"{bold(plural(sum(counts.values()), 'line'))}: {told}."


def _as_json(found: list[tuple[str, Line]], counts: Counter[str]) -> None:
    lines = [{"family": family, **asdict(line)} for family, line in found]
    tally = {name: counts[name] for name in _COLOURS}
    click.echo(json.dumps({"counts": tally, "lines": lines}, ensure_ascii=False, indent=2))


def _resolvers(named: str | None) -> list[tuple[str, int]]:
    if named is None:
        return []
    host, port = named, "53"
    if named.startswith("["):
        host, _, rest = named[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif named.count(":") == 1:
        host, _, port = named.partition(":")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        hint = "write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353"
        raise ConfigError(f"{named!r} has no port", where="--resolver", hint=hint)
    return [(_address(host, "--resolver"), int(port))]


def _address(text: str, option: str) -> str:
    try:
        ip = ip_address(text)
        if isinstance(ip, IPv6Address) and ip.scope_id and option == "--ip":
            raise ValueError("an address of one network only")
        return str((isinstance(ip, IPv6Address) and ip.ipv4_mapped) or ip)
    except ValueError as error:
        hint = "write it in numbers, as 192.0.2.25 or 2001:db8::25"
        raise ConfigError(f"{text!r} is not an IP address", where=option, hint=hint) from error
