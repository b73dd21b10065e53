"""Texts that no line in them can end early, however they are cut into segments."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.deliver.smtp_text import KNOWN_OCTETS, LONG, Text, Transparent, stuffed


@pytest.mark.parametrize(
    ("segments", "travels"),
    [
        ([b"a\r\n"], b"a\r\n"),
        ([b".a\r\n"], b"..a\r\n"),
        ([b"a\r\n.b\r\n"], b"a\r\n..b\r\n"),
        ([b"a\r\n", b".b\r\n"], b"a\r\n..b\r\n"),
        ([b"a\r", b"\n.b\r\n"], b"a\r\n..b\r\n"),
        ([b"a\r", b"\n", b"", b".b\r\n"], b"a\r\n..b\r\n"),
        ([b"a.\r\n", b"b", b".c\r\n"], b"a.\r\nb.c\r\n"),
        ([b"a\r\n.\r\n.\r\n"], b"a\r\n..\r\n..\r\n"),
        ([b"no end"], b"no end\r\n"),
        ([], b""),
    ],
)
def test_a_dot_at_the_head_of_a_line_is_doubled(segments: list[bytes], travels: bytes) -> None:
    assert b"".join(stuffed(segments)) == travels


TEXTS = st.lists(st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"a", b"..", b"\r\n."]), max_size=20)


@settings(deadline=None)
@given(TEXTS)
def test_stuffing_is_the_same_for_any_segments_and_can_be_undone(segments: list[bytes]) -> None:
    text = b"".join(segments)
    travels = b"".join(stuffed(segments))
    assert travels == b"".join(stuffed([text]))
    assert b"\r\n.\r\n" not in b"\r\n" + travels
    undone = (b"\r\n" + travels).replace(b"\r\n..", b"\r\n.")[2:]
    assert undone in (text, text + b"\r\n")


LONG_SEGMENTS = [b"x" * LONG, b"." * LONG, b"\n." + b"x" * LONG, b"x" * LONG + b"\r\n", b"\r\n." * LONG]
MESSAGES = st.lists(
    st.lists(
        st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"a", b"", "é".encode(), *LONG_SEGMENTS]), max_size=12
    ).map(tuple),
    max_size=6,
)


@settings(deadline=None)
@given(MESSAGES)
def test_a_text_is_the_same_whatever_went_before_it(messages: list[tuple[bytes, ...]]) -> None:
    transparent = Transparent()
    for segments in messages:
        text = transparent.text(segments)
        whole = b"".join(segments)
        assert b"".join(text.pieces) == b"".join(stuffed([whole]))
        assert text.octets == len(whole) + (0 if not whole or whole.endswith(b"\r\n") else 2)
        assert text.ascii_only == whole.isascii()


def test_a_text_that_needs_nothing_is_not_copied() -> None:
    segments = (b"Subject: x\r\n\r\n", b"a" * 5000, b"", b"b\r\n")
    assert Transparent().text(segments).pieces is segments


def test_the_doubled_dots_do_not_count_for_size() -> None:
    assert Transparent().text((b"..\r\n.\r\n",)) == Text((b"...\r\n..\r\n",), 7, True)


def test_segments_that_never_come_again_are_not_kept_without_end() -> None:
    transparent = Transparent()
    for number in range(1000):
        transparent.text((b"%d" % number + b"x" * 50_000, b"\r\n"))
    assert sum(map(len, vars(transparent)["_easy"])) <= KNOWN_OCTETS
