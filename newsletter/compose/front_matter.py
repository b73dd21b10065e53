"""The settings between the --- lines at the top of an article file -> values with their lines."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from newsletter.errors import ContentError, nearest

_FENCE = re.compile(r"---[ \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """The keys of one file as text, and the body below with the line it begins on.

    `lines` has the line of each key, `columns` where its value begins, and `tables` what stands below the
    keys that have more than one value: name -> text, line.
    """

    where: str
    values: Mapping[str, str]
    lines: Mapping[str, int]
    columns: Mapping[str, int]
    tables: Mapping[str, Mapping[str, tuple[str, int]]]
    body: str
    body_line: int

    def text(self, key: str) -> str:
        """The value of a key on one line, "" if the file has none."""
        return re.sub(r"[ \t\r\n]+", " ", self.values.get(key, "")).strip(" ")

    def line(self, key: str) -> str:
        """`FILE:LINE` of a key, or of the first line if the file has no such key."""
        return f"{self.where}:{self.lines.get(key, 1)}"

    def flag(self, key: str) -> bool:
        """True or false; raises ContentError for anything else."""
        value = self.text(key).lower()
        if value not in ("", "true", "false", "yes", "no"):
            hint = f"write {key}: true, or leave the line out"
            raise ContentError(
                f"{key} is {self.text(key)!r}, neither true nor false", where=self.line(key), hint=hint
            )
        return value in ("true", "yes")


def read_front_matter(
    path: Path, *, where: str, known: tuple[str, ...], tables: tuple[str, ...] = ()
) -> FrontMatter:
    """Read a file that opens with YAML between two --- lines.

    `where` is what errors call the file; `known` are the keys it may have, `tables` those that have
    `name: text` lines below them. Raises ContentError, with the line, for a file that cannot be read, is not
    UTF-8, has broken YAML, an unknown key, or a key twice.
    """
    lines = _lines(path, where)
    if not lines or not _FENCE.fullmatch(lines[0]):
        hint = "begin the file with a line --- then key: value lines, then a line ---"
        raise ContentError("no front matter", where=f"{where}:1", hint=hint)
    end = next((n for n, line in enumerate(lines[1:], 1) if _FENCE.fullmatch(line)), None)
    if end is None:
        hint = "close it with a line --- before the text"
        raise ContentError("the front matter has no end", where=f"{where}:1", hint=hint)
    nodes = _mapping("\n".join(lines[1:end]), where)
    allowed = (*known, *tables)
    for key, (line, _) in nodes.items():
        if key not in allowed:
            meant = nearest(key, allowed)
            hint = f'did you mean "{meant}"?' if meant else "known: " + ", ".join(allowed)
            raise ContentError(f"unknown key {key!r}", where=f"{where}:{line}", hint=hint)
    body_line = end + 2
    return FrontMatter(
        where=where,
        values={
            key: _text(key, node, f"{where}:{line}") for key, (line, node) in nodes.items() if key in known
        },
        lines={key: line for key, (line, _) in nodes.items()},
        columns={key: _column(node) for key, (_, node) in nodes.items()},
        tables={
            key: _table(key, node, f"{where}:{line}") for key, (line, node) in nodes.items() if key in tables
        },
        body="\n".join(lines[end + 1 :]),
        body_line=body_line,
    )


def _lines(path: Path, where: str) -> list[str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}", where=where) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at_line = data.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{data[error.start]:02x}"
        raise ContentError(
            f"not UTF-8 ({byte})", where=f"{where}:{at_line}", hint="save the file as UTF-8"
        ) from error
    lines: list[str] = re.split(r"\r\n|\r|\n", text)
    for number, line in enumerate(lines, 1):
        for character in line:
            # C0 and C1 controls have no place in a text, and XML 1.0 §2.2 forbids most of them.
            if (ord(character) < 32 and character != "\t") or 0x7F <= ord(character) < 0xA0:
                bad = f"control character U+{ord(character):04X}"
                raise ContentError(f"{bad} in the text", where=f"{where}:{number}", hint="delete it")
            if ord(character) in (0xFFFE, 0xFFFF):
                bad = f"U+{ord(character):04X}"
                raise ContentError(f"{bad} is not a character", where=f"{where}:{number}", hint="delete it")
    return lines


def _mapping(source: str, where: str) -> dict[str, tuple[int, yaml.Node]]:
    """Key -> its line in the file, and its value."""
    # BaseLoader keeps every scalar as the text that was typed: "no", 1e3 and dates stay what they look like.
    try:
        node = yaml.compose(source, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 2
        problem = error.problem or "cannot be parsed"
        hint = 'put a value with a colon, a quote or a # in it between quotes: title: "…"'
        raise ContentError(f"broken YAML: {problem}", where=f"{where}:{line}", hint=hint) from error
    except yaml.YAMLError as error:
        raise ContentError(f"broken YAML: {error}", where=f"{where}:2") from error
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise ContentError(
            "the front matter is no list of keys", where=f"{where}:2", hint="write key: value lines"
        )
    return _keys(node, where)


def _keys(node: yaml.MappingNode, where: str) -> dict[str, tuple[int, yaml.Node]]:
    found: dict[str, tuple[int, yaml.Node]] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 2
        key = str(key_node.value)
        if key in found:
            raise ContentError(
                f"key {key!r} stands twice", where=f"{where}:{line}", hint="delete one of the two"
            )
        found[key] = line, value_node
    return found


def _text(key: str, node: yaml.Node, where: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise ContentError(f"{key} is not a plain text", where=where, hint=f'write {key}: "…" on one line')
    return str(node.value)


def _column(node: yaml.Node) -> int:
    """Where the text of a value begins on its line, from 1; behind its quote, if it has one."""
    quoted = isinstance(node, yaml.ScalarNode) and node.style in ("'", '"')
    return node.start_mark.column + 1 + quoted


def _table(key: str, node: yaml.Node, where: str) -> dict[str, tuple[str, int]]:
    if not isinstance(node, yaml.MappingNode):
        hint = f"write {key}: on a line of its own, and below it, indented, NAME: the reason"
        raise ContentError(f"{key} has no lines below it", where=where, hint=hint)
    file = where.rpartition(":")[0]
    return {
        name: (_text(name, inner, f"{file}:{line}"), line)
        for name, (line, inner) in _keys(node, file).items()
    }
