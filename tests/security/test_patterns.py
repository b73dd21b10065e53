"""No regular expression that reads what strangers send keeps the press busy, whatever that is."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import newsletter

LENGTH = 1_000
"""Characters of each text, as hosts' words, addresses and fields are cut to fewer before they are looked at:
what grows with their cube or faster does not end in time."""

PATIENCE = 1.0
"""Seconds of work for all that one expression does with one text."""

# What repeats: signs that stand for much in one expression or another, and beginnings of what they look for.
PIECES = (
    *"aA09 \t\n\u00a0é\u202f-_.,;:/\\<>&{}[]()*`~=\"'“«|#!?@",
    *("\r\n", "<a ", "</", "<!--", "-->", "&#", "{{", "{%", "](", "![", "**", "```", "==", "=?", "» ", "|-"),
    *("a@", "a.b@", "a.", "a-", "a b", "a, ", "1 ", "1.", "1.1", "http://", "https://a", "www.", "a/", "a:"),
    *("/leave/", "x=", "x=1&", ";x=1", "mailto:", "message-id: <a", "From ", "> ", ">> ", "wrote:\n", "Le "),
    *("user ", "no such ", "550 ", "5.1.1 ", "unknown ", "mailbox ", "recipient is ", "over quota ", "% "),
)
PAIRS = (("<a ", "x='"), ("[a", "](b"), ("a ", "\u00a0"), ("a@", "b."), ("«", " a"), ("user ", "is "))

STRANGERS = ("blame", "bounces", "fields", "links", "readers", "web.live", "deliver.smtp", "deliver.mail_log")
"""Where mail that came back, forms, lists from elsewhere and the answers of mail servers are read."""


def patterns() -> Iterator[tuple[str, "re.Pattern[str] | re.Pattern[bytes]"]]:
    """Every compiled expression at the top of a module, also inside of tuples and tables."""
    for module in pkgutil.walk_packages(newsletter.__path__, "newsletter."):
        if not module.name.removeprefix("newsletter.").startswith(STRANGERS):
            continue
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            for number, each in enumerate(found(value)):
                yield f"{module.name.removeprefix('newsletter.')}.{name}[{number}]", each


def found(value: object, depth: int = 3) -> Iterator["re.Pattern[str] | re.Pattern[bytes]"]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | frozenset | set) and depth:
        for each in value:
            yield from found(each, depth - 1)
    elif isinstance(value, dict) and depth and "__builtins__" not in value:
        for each in (*value, *value.values()):
            yield from found(each, depth - 1)


PATTERNS = dict(patterns())


def test_they_are_found() -> None:
    assert len(PATTERNS) > 40


def texts() -> Iterator[str]:
    for piece in PIECES:
        yield piece * (LENGTH // len(piece))
    for first, second in (
        ("<a ", "x='"),
        ("[a", "](b"),
        ("a ", "\u00a0"),
        ("a@", "b."),
        ("«", " a"),
        ("user ", "is "),
    ):
        yield (first + second) * (LENGTH // len(first + second))


TEXTS = tuple(texts())


@pytest.mark.parametrize("name", PATTERNS)
def test_no_text_keeps_an_expression_busy(name: str) -> None:
    pattern = PATTERNS[name]
    for text in TEXTS:
        given = text if isinstance(pattern.pattern, str) else text.encode()
        began = time.process_time()
        matched = len(pattern.findall(given))  # type: ignore[arg-type]
        pattern.match(given)  # type: ignore[arg-type]
        pattern.fullmatch(given)  # type: ignore[arg-type]
        took = time.process_time() - began
        assert took < PATIENCE, f"{text[:20]!r} takes {took:.1f} s, {matched} matches: {pattern.pattern!r}"
