"""What a server's bytes say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.deliver.smtp_replies import Garbled, Replies, Reply


def events(data: bytes) -> list[Reply | Garbled]:
    return Replies().feed(data)


def reply(code: int, *lines: str) -> Reply:
    return Reply(code=code, lines=lines or ("",))


def test_a_reply_of_one_line() -> None:
    assert events(b"250 2.0.0 ok\r\n") == [reply(250, "2.0.0 ok")]


def test_a_reply_of_several_lines() -> None:
    assert events(b"250-one\r\n250-two\r\n250 three\r\n") == [reply(250, "one", "two", "three")]


def test_a_code_alone_on_a_whole_line_is_a_reply() -> None:
    assert events(b"250\r\n") == [reply(250, "")]
    assert reply(250, "").text == "250"


def test_replies_to_pipelined_commands_come_in_order() -> None:
    assert [e.code for e in events(b"250 a\r\n250-b\r\n250 c\r\n354 go\r\n") if isinstance(e, Reply)] == [
        250,
        250,
        354,
    ]


@pytest.mark.parametrize(
    "begun", [b"2", b"25", b"250", b"250 ok", b"250 ok\r", b"250-half\r\n", b"250-a\r\n250"]
)
def test_what_is_not_complete_is_no_reply(begun: bytes) -> None:
    replies = Replies()
    assert replies.feed(begun) == []
    assert replies.waiting
    assert replies.begun.startswith("2")


@pytest.mark.parametrize(
    "garbage",
    [
        b"25\r\n",
        b"2500 ok\r\n",
        b"hello\r\n",
        b"\r\n",
        b" 250 ok\r\n",
        b"250ok\r\n",
        b"250\tok\r\n",
        b"250 ok\n",
        b"250 o\rk\r\n",
        b"150 wait\r\n",
        b"099 ok\r\n",
        b"600 ok\r\n",
        b"999 ok\r\n",
        b"250-one\r\n251 two\r\n",
        b"250-one\r\n554 two\r\n",
        "２50 ok\r\n".encode(),
    ],
)
def test_what_is_not_smtp_is_garbled_and_nothing_after_it_counts(garbage: bytes) -> None:
    replies = Replies()
    got = replies.feed(garbage + b"250 ok\r\n")
    assert [type(event) for event in got] == [Garbled]
    assert replies.feed(b"250 ok\r\n") == []
    assert not replies.waiting


def test_a_line_may_have_512_octets_and_not_one_more() -> None:
    assert events(b"250 " + b"x" * 506 + b"\r\n") == [reply(250, "x" * 506)]
    assert events(b"250 " + b"x" * 507 + b"\r\n") == [Garbled(reason="a line of over 512 octets")]
    assert events(b"250 " + b"x" * 508) == [Garbled(reason="a line of over 512 octets")]


def test_a_reply_may_have_100_lines_and_not_one_more() -> None:
    assert len(events(b"250-x\r\n" * 99 + b"250 x\r\n")) == 1
    assert events(b"250-x\r\n" * 100 + b"250 x\r\n") == [Garbled(reason="a reply of over 100 lines")]


LIKELY = st.sampled_from(
    [
        b"250 ok\r\n",
        b"250-a\r\n",
        b"354 go\r\n",
        b"25",
        b"\r",
        b"\n",
        b"421 bye\r\n",
        b"999 x\r\n",
        b"x" * 300,
    ]
)


@settings(deadline=None)
@given(st.lists(LIKELY | st.binary(max_size=20), max_size=30), st.data())
def test_how_the_stream_is_cut_makes_no_difference(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20).map(sorted))
    whole, cut = Replies(), Replies()
    expected = whole.feed(stream)
    got = [e for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) for e in cut.feed(stream[a:b])]
    assert got == expected
    assert (cut.waiting, cut.begun) == (whole.waiting, whole.begun)


@settings(deadline=None)
@given(st.lists(LIKELY | st.binary(max_size=20), max_size=30))
def test_what_was_said_before_makes_no_difference(pieces: list[bytes]) -> None:
    fresh, used = Replies(), Replies()
    for line in (b"250 ok\r\n", b"354 go\r\n", b"421 bye\r\n", b"250-a\r\n250 ok\r\n"):
        used.feed(line)
    stream = b"".join(pieces)
    assert used.feed(stream) == fresh.feed(stream)
    assert (used.waiting, used.begun) == (fresh.waiting, fresh.begun)


def test_receipts_without_end_are_read_and_not_kept() -> None:
    replies = Replies()
    for number in range(1000):
        said = replies.feed(b"250 2.0.0 queued as %d\r\n250 ok\r\n" % number)
        assert said == [reply(250, f"2.0.0 queued as {number}"), reply(250, "ok")]
    assert len(vars(replies)["_known"]) < 300


def test_control_characters_in_a_reply_cannot_reach_the_terminal() -> None:
    [event] = events(b"250 \x1b[2Jhi\x00 \xe9t\xc3\xa9\r\n")
    assert event == reply(250, "\\x1b[2Jhi\\x00 \\xe9té")


def test_an_endless_reply_is_kept_short() -> None:
    text = reply(550, *["x" * 400] * 50).text
    assert len(text) == 500
    assert text.endswith("…")


@pytest.mark.parametrize(
    ("said", "enhanced"),
    [
        (reply(550, "5.7.1 relaying denied"), "5.7.1"),
        (reply(250, "2.0.0"), "2.0.0"),
        (reply(550, "no such user"), ""),
        (reply(550, "4.7.1 the class is another"), ""),
        (reply(550, "5.7.1x"), ""),
    ],
)
def test_the_enhanced_code_stands_at_the_head_of_the_text(said: Reply, enhanced: str) -> None:
    assert said.enhanced == enhanced
