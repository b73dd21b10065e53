"""Texts that no line in them can end early, however they are cut into segments."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.deliver.smtp_text import Text, stuffed, text_of
from newsletter.model import Message
from tests.deliver.contract import a_message


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


def a_mail(*segments: bytes, plain: bool = False) -> Message:
    return a_message(body=segments)._replace(segments=segments, plain=plain)


SEGMENTS = st.lists(st.sampled_from([b".", b"\r\n", b"\r", b"\n", b"a", b"", "é".encode(), b"x" * 5000])).map(
    tuple
)


@settings(deadline=None)
@given(SEGMENTS)
def test_a_message_makes_a_text_of_all_its_segments(segments: tuple[bytes, ...]) -> None:
    text = text_of(a_mail(*segments))
    whole = b"".join(segments)
    assert b"".join(text.pieces) == b"".join(stuffed([whole]))
    assert text.octets == len(whole) + (0 if not whole or whole.endswith(b"\r\n") else 2)
    assert text.ascii_only == whole.isascii()


def test_what_is_known_to_be_plain_is_taken_as_it_is() -> None:
    segments = (b"Subject: x\r\n\r\n", b"a" * 5000, b"", b"b\r\n")
    text = text_of(a_mail(*segments, plain=True))
    assert text.pieces == segments
    assert (text.octets, text.ascii_only) == (5017, True)


def test_the_doubled_dots_do_not_count_for_size() -> None:
    assert text_of(a_mail(b"..\r\n.\r\n")) == Text((b"...\r\n..\r\n",), 7, True)
