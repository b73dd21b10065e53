"""Lists of any length on stdout, a page in memory at a time: as a table or as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice

import click

from newsletter.cli.screen import harmless, table

PAGE = 500
"""Rows of which the widths of the columns are taken, where a list is longer than that."""


def list_rows(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; nothing at all without rows."""
    left = iter(rows)
    page = list(islice(left, PAGE))
    more = next(left, None)
    if more is None:
        if page:
            table(headings, page)
        return
    widths = [max(map(len, column)) for column in zip(headings, *page, strict=True)]
    for cells in chain([headings], page, [more], left):
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo(harmless("  ".join(padded).rstrip(" ")))


def list_json(facts: Mapping[str, object], name: str, rows: Iterable[Mapping[str, object]]) -> None:
    """A JSON object of these facts, of which there is at least one, and at last the rows under their name."""
    head = json.dumps(facts, ensure_ascii=False, indent=2).removesuffix("\n}")
    click.echo(f'{head},\n  "{name}": [', nl=False)
    comma = ""
    for row in rows:
        click.echo(f"{comma}\n    {json.dumps(row, ensure_ascii=False)}", nl=False)
        comma = ","
    click.echo("\n  ]\n}" if comma else "]\n}")
