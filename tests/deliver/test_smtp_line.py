"""One connection's conversation, without a connection: bytes in, events out, whatever the server says."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.deliver.smtp_line import Ended, Letter, Line, letter
from newsletter.deliver.smtp_protocol import Extensions, Phase
from newsletter.deliver.smtp_replies import Replies
from newsletter.errors import Blocked, Deferred, DeliveryError, InDoubt, Refused, Unavailable
from tests.deliver.contract import a_message

LOCKSTEP = Extensions(offered={"SIZE": ()})
PIPELINED = Extensions(offered={"SIZE": (), "PIPELINING": ()})
MODES = pytest.mark.parametrize("extensions", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])

MAIL = b"MAIL FROM:<bonjour@press.example.org> SIZE=%d\r\n"


def one_letter(extensions: Extensions, number: int) -> Letter:
    message = a_message(f"r{number}@example.com", number=number, body=(b".one line\r\n",))
    return letter(message, extensions)


def letters(extensions: Extensions, count: int) -> list[Letter]:
    return [one_letter(extensions, number) for number in range(1, count + 1)]


def a_line(extensions: Extensions) -> Line:
    return Line(extensions=extensions, replies=Replies(), host="h:25")


def say_all(line: Line) -> bytes:
    """Hand over all that waits."""
    said = line.output
    line.written(len(said))
    return said


def what(ended: Sequence[Ended]) -> list[tuple[str, object]]:
    """Who has ended, and how: the receipt, the kind of error, or None."""
    return [
        (end.letter.message.recipient, type(end.result) if isinstance(end.result, Exception) else end.result)
        for end in ended
    ]


def up_to(line: Line, phase: Phase, one: Letter) -> None:
    """Bring a letter on a fresh line to where the answer to this step is waited for."""
    answers = {Phase.MAIL: b"250 ok\r\n", Phase.RCPT: b"250 ok\r\n", Phase.DATA: b"354 go\r\n"}
    line.begin(one)
    say_all(line)
    for step, answer in answers.items():
        if step is phase:
            return
        assert line.feed(answer) == []
        say_all(line)
    line.text_written()
    if phase is Phase.DOT:
        line.finish(None)
        say_all(line)


# ---- in good order ----


def test_where_nothing_else_is_offered_each_command_waits_for_its_answer() -> None:
    line, [one, two] = a_line(LOCKSTEP), letters(LOCKSTEP, 2)
    mail = MAIL % one.text.octets
    line.begin(one)
    said = [say_all(line)]
    for answer in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
        assert line.feed(answer) == []
        said.append(say_all(line))
    assert said == [mail, b"RCPT TO:<r1@example.com>\r\n", b"DATA\r\n", b""]
    assert line.text_wanted is one
    line.text_written()
    assert line.ready is one
    assert not line.takes_more
    line.finish(None)
    assert say_all(line) == b".\r\n"
    assert line.feed(b"250 2.0.0 queued as 7\r\n") == [Ended(one, "250 2.0.0 queued as 7")]
    assert line.idle
    # RSET too is a command, and MAIL may not travel with it.
    line.begin(two)
    assert say_all(line) == b"RSET\r\n"
    assert line.feed(b"250 ok\r\n") == []
    assert say_all(line) == mail


def test_where_it_is_offered_the_next_envelope_travels_with_the_dot() -> None:
    line, [one, two, three] = a_line(PIPELINED), letters(PIPELINED, 3)
    line.begin(one)
    assert say_all(line) == MAIL % one.text.octets + b"RCPT TO:<r1@example.com>\r\nDATA\r\n"
    assert line.feed(b"250 ok\r\n250 ok\r\n354 go\r\n") == []
    line.text_written()
    line.finish(two)
    assert say_all(line) == b".\r\n" + MAIL % two.text.octets + b"RCPT TO:<r2@example.com>\r\nDATA\r\n"
    assert line.awaiting_dot
    assert line.feed(b"250 one\r\n250 ok\r\n250 ok\r\n354 go\r\n") == [Ended(one, "250 one")]
    assert (line.text_wanted, line.awaiting_dot) == (two, False)
    line.text_written()
    line.finish(None)
    assert say_all(line) == b".\r\n"
    assert line.feed(b"250 two\r\n") == [Ended(two, "250 two")]
    line.begin(three)
    assert say_all(line).startswith(b"MAIL")


@MODES
def test_after_a_refusal_the_next_letter_is_preceded_by_rset(extensions: Extensions) -> None:
    line, [one, two] = a_line(extensions), letters(extensions, 2)
    up_to(line, Phase.RCPT, one)
    ended = line.feed(b"550 5.1.1 who?\r\n")
    if extensions is PIPELINED:
        assert ended == []
        ended = line.feed(b"554 5.5.1 nobody\r\n")
    assert what(ended) == [("r1@example.com", Refused)]
    assert line.idle
    line.begin(two)
    assert say_all(line).startswith(b"RSET\r\n")


@MODES
def test_the_step_that_is_waited_for_has_a_name(extensions: Extensions) -> None:
    line, [one] = a_line(extensions), letters(extensions, 1)
    assert line.phase is None
    up_to(line, Phase.MAIL, one)
    phases = [line.phase]
    for answer in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
        line.feed(answer)
        say_all(line)
        phases.append(line.phase)
    line.text_written()
    phases.append(line.phase)
    line.finish(None)
    phases.append(line.phase)
    assert phases == [Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.TEXT, None, Phase.DOT]


def test_a_server_that_takes_two_messages_a_connection_is_offered_two() -> None:
    extensions = Extensions(offered={"PIPELINING": (), "LIMITS": ("MAILMAX=2",)})
    line, [one, two] = a_line(extensions), letters(extensions, 2)
    up_to(line, Phase.DOT, one)
    assert (line.spent, line.takes_more) == (False, True)
    line.feed(b"250 ok\r\n")
    up_to(line, Phase.DATA, two)
    assert (line.spent, line.takes_more) == (True, False)


# ---- what each answer means ----

CASES: list[tuple[Phase, bytes, type[DeliveryError] | str, bool]] = [
    # step, what is said, what that makes of the letter, whether the line is of use afterwards
    (Phase.MAIL, b"451 4.3.0 later\r\n", Deferred, True),
    (Phase.MAIL, b"550 5.7.1 you may not\r\n", Unavailable, True),
    (Phase.MAIL, b"421 4.3.2 going down\r\n", Deferred, False),
    (Phase.MAIL, b"354 what?\r\n", Deferred, False),
    (Phase.RCPT, b"450 4.2.0 greylisted\r\n", Deferred, True),
    (Phase.RCPT, b"552 5.2.2 full\r\n", Deferred, True),
    (Phase.RCPT, b"550 5.1.1 who?\r\n", Refused, True),
    (Phase.RCPT, b"550 5.7.1 blocked\r\n", Blocked, True),
    (Phase.RCPT, b"530 5.7.0 log in\r\n", Unavailable, True),
    (Phase.RCPT, b"421 4.3.2 going down\r\n", Deferred, False),
    (Phase.DATA, b"451 4.3.0 later\r\n", Deferred, True),
    (Phase.DATA, b"554 5.7.1 no spam\r\n", Blocked, True),
    (Phase.DATA, b"250 go on\r\n", Deferred, False),
    (Phase.DATA, b"421 4.3.2 going down\r\n", Deferred, False),
    (Phase.DOT, b"250 2.0.0 queued as 1\r\n", "250 2.0.0 queued as 1", True),
    (Phase.DOT, b"250-queued\r\n250 as 1\r\n", "250 queued as 1", True),
    (Phase.DOT, b"451 4.3.0 later\r\n", Deferred, True),
    (Phase.DOT, b"552 5.3.4 too large\r\n", Refused, True),
    (Phase.DOT, b"554 5.7.1 no spam\r\n", Blocked, True),
    (Phase.DOT, b"421 4.3.2 going down\r\n", Deferred, False),
    (Phase.DOT, b"354 what?\r\n", InDoubt, False),
    (Phase.DOT, b"999 what?\r\n", InDoubt, False),
    (Phase.DOT, b"25\r\n", InDoubt, False),
    (Phase.DOT, b"hello\r\n", InDoubt, False),
    (Phase.DOT, b"250-half\r\n550 other\r\n", InDoubt, False),
    (Phase.DOT, b"250 " + b"x" * 600, InDoubt, False),
]


@MODES
@pytest.mark.parametrize(("phase", "said", "means", "usable"), CASES)
def test_each_answer_at_each_step(
    extensions: Extensions,
    phase: Phase,
    said: bytes,
    means: type[DeliveryError] | str,
    usable: bool,
) -> None:
    line, [one] = a_line(extensions), letters(extensions, 1)
    up_to(line, phase, one)
    ended = line.feed(said)
    # Where all travelled in one go the server goes on to answer the rest.
    rest = {Phase.MAIL: 2, Phase.RCPT: 1}.get(phase, 0) if extensions is PIPELINED and usable else 0
    for _ in range(rest):
        assert ended == []
        ended = line.feed(b"503 5.5.1 out of order\r\n")
    assert what(ended) == [("r1@example.com", means)]
    assert (line.idle, not line.closed) == (usable, usable)
    error = ended[0].result
    if isinstance(error, DeliveryError) and usable:
        assert (error.phase, error.code, error.reply) == (phase, int(said[:3]), said[:-2].decode())
        assert error.where == "h:25"


@MODES
@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.TEXT, Phase.DOT])
def test_a_line_that_is_lost_leaves_a_doubt_only_after_the_dot(extensions: Extensions, phase: Phase) -> None:
    line, [one] = a_line(extensions), letters(extensions, 1)
    up_to(line, phase, one)
    ended = line.lost("the server closed the connection")
    assert what(ended) == [("r1@example.com", InDoubt if phase is Phase.DOT else Deferred)]
    assert isinstance(ended[0].result, DeliveryError)
    assert ended[0].result.phase == phase
    assert (line.closed, line.output, line.idle) == ("the server closed the connection", b"", False)
    assert line.lost("again") == []


@MODES
@pytest.mark.parametrize("said", [b"250 too early\r\n", b"2", b"550 no\r\n"])
def test_who_speaks_before_the_dot_gets_none(extensions: Extensions, said: bytes) -> None:
    line, [one] = a_line(extensions), letters(extensions, 1)
    up_to(line, Phase.TEXT, one)
    assert what(line.feed(said)) == [("r1@example.com", Deferred)]
    assert (line.ready, line.closed[:29]) == (None, "the server spoke out of turn:")


@MODES
def test_who_speaks_while_the_text_is_written_gets_no_more_of_it(extensions: Extensions) -> None:
    line, [one] = a_line(extensions), letters(extensions, 1)
    up_to(line, Phase.DATA, one)
    line.feed(b"354 go\r\n")
    [end] = line.feed(b"552 5.3.4 too large\r\n")
    assert isinstance(end.result, Deferred)
    assert "552 5.3.4 too large" in end.result.message
    assert line.text_wanted is None


def test_an_answer_that_comes_before_its_dot_has_left_is_not_believed() -> None:
    line, [one, two] = a_line(PIPELINED), letters(PIPELINED, 2)
    up_to(line, Phase.TEXT, one)
    line.finish(two)
    line.written(2)
    assert what(line.feed(b"250 ok\r\n")) == [("r1@example.com", Deferred), ("r2@example.com", None)]


@MODES
@pytest.mark.parametrize("code", [b"550 5.1.1 who?", b"450 4.2.0 greylisted", b"551 5.1.6 moved"])
def test_a_refused_recipients_text_is_never_wanted(extensions: Extensions, code: bytes) -> None:
    line, [one] = a_line(extensions), letters(extensions, 1)
    up_to(line, Phase.RCPT, one)
    ended = line.feed(code + b"\r\n")
    if extensions is PIPELINED:
        ended += line.feed(b"354 send it all the same\r\n")
        assert line.closed == "the server wants a text for a refused recipient"
    assert len(ended) == 1
    assert isinstance(ended[0].result, Refused if code.startswith(b"55") else Deferred)
    assert ended[0].result.reply == code.decode()
    assert (line.text_wanted, line.ready) == (None, None)


@MODES
@pytest.mark.parametrize(("octets", "means"), [(0, Deferred), (1, Deferred), (2, Deferred), (3, InDoubt)])
def test_a_dot_that_was_not_handed_over_whole_is_no_doubt(
    extensions: Extensions, octets: int, means: type[DeliveryError]
) -> None:
    line, [one] = a_line(extensions), letters(extensions, 1)
    up_to(line, Phase.TEXT, one)
    line.finish(None)
    for _ in range(octets):
        line.written(1)
    assert what(line.lost("broken pipe")) == [("r1@example.com", means)]


def test_what_follows_a_dot_may_go_elsewhere_if_the_line_is_lost() -> None:
    line, [one, two] = a_line(PIPELINED), letters(PIPELINED, 2)
    up_to(line, Phase.TEXT, one)
    line.finish(two)
    line.written(3 + 10)
    assert what(line.lost("broken pipe")) == [("r1@example.com", InDoubt), ("r2@example.com", None)]


# ---- hanging up on the idle, or after so many ----


@MODES
@pytest.mark.parametrize("parting", [b"421 4.3.2 enough\r\n", b""])
def test_a_server_that_has_had_enough_is_nobodys_failure(extensions: Extensions, parting: bytes) -> None:
    line, [one, two] = a_line(extensions), letters(extensions, 2)
    up_to(line, Phase.DOT, one)
    line.feed(b"250 ok\r\n")
    line.begin(two)
    say_all(line)
    ended = line.feed(parting) if parting else line.lost("the server closed the connection")
    assert ended == [Ended(two, None)]
    assert line.closed


@MODES
def test_once_the_server_has_answered_a_letter_it_is_that_letters_try(extensions: Extensions) -> None:
    line, [one, two] = a_line(extensions), letters(extensions, 2)
    up_to(line, Phase.DOT, one)
    line.feed(b"250 ok\r\n")
    line.begin(two)
    if extensions is LOCKSTEP:
        say_all(line)
        line.feed(b"250 reset\r\n")
    say_all(line)
    line.feed(b"250 sender ok\r\n")
    assert what(line.lost("reset")) == [("r2@example.com", Deferred)]


@MODES
def test_a_server_that_asks_to_slow_down_is_heard_whoever_came_before(extensions: Extensions) -> None:
    line, [one, two] = a_line(extensions), letters(extensions, 2)
    up_to(line, Phase.DOT, one)
    line.feed(b"250 ok\r\n")
    line.begin(two)
    if extensions is LOCKSTEP:
        say_all(line)
        line.feed(b"250 reset\r\n")
    [end] = line.feed(b"421 4.7.28 unusual rate\r\n")
    assert isinstance(end.result, Deferred)
    assert end.result.reply == "421 4.7.28 unusual rate"


@MODES
def test_a_server_that_turns_its_first_guest_away_is_quoted(extensions: Extensions) -> None:
    line, [one] = a_line(extensions), letters(extensions, 1)
    up_to(line, Phase.MAIL, one)
    [end] = line.feed(b"421 4.3.2 not today\r\n")
    assert isinstance(end.result, Deferred)
    assert (end.result.reply, end.result.code) == ("421 4.3.2 not today", 421)


def test_a_goodbye_to_an_idle_line_ends_nothing_but_the_line() -> None:
    line = a_line(PIPELINED)
    assert line.feed(b"421 4.4.2 idle for too long\r\n") == []
    assert line.closed == "the server spoke out of turn: '421 4.4.2 idle for too long'"


@MODES
@pytest.mark.parametrize("said", [b"500 5.5.2 what?\r\n", b"451 4.3.0 later\r\n", b"354 go\r\n"])
def test_a_server_that_does_not_know_rset_is_left(extensions: Extensions, said: bytes) -> None:
    line, [one, two] = a_line(extensions), letters(extensions, 2)
    up_to(line, Phase.RCPT, one)
    line.feed(b"550 5.1.1 who?\r\n" + (b"503 5.5.1 no\r\n" if extensions is PIPELINED else b""))
    line.begin(two)
    say_all(line)
    assert what(line.feed(said)) == [("r2@example.com", None)]
    assert line.closed


# ---- by chance ----

CODES = (*[250] * 6, 354, 354, 354, 251, 421, 450, 451, 452, 500, 503, 530, 550, 552, 554)


class Server:
    """Answers each command once, in order, with codes that a test draws; legal but for those codes."""

    def __init__(self, codes: Sequence[int]) -> None:
        self._codes = deque(codes)
        self.said: list[tuple[str, str, int]] = []  # command, recipient, code
        self._misled = False

    def answer(self, heard: bytes, whose: Callable[[str], str]) -> tuple[bytes, bool]:
        """What is said to these commands, and whether it hangs up then."""
        answers = b""
        for command in heard.splitlines():
            verb = {b"MAIL": "MAIL", b"RCPT": "RCPT", b"DATA": "DATA", b"RSET": "RSET"}.get(
                command[:4], "dot"
            )
            code = self._codes.popleft() if self._codes else {"DATA": 354}.get(verb, 250)
            if not self._misled:
                self.said.append((verb, whose(verb), code))
                self._misled = self._misleads(verb, code)
            answers += b"%d said by chance\r\n" % code
            if code == 421:
                return answers, True
        return answers, False

    def _misleads(self, verb: str, code: int) -> bool:
        """Whether a client has to hang up at this, and so hears nothing more."""
        if verb == "DATA" and code == 354:
            whose = self.said[-1][1]
            return any(other not in (250, 251) for _, who, other in self.said[:-1] if who == whose)
        out_of_place = code in (250, 251) if verb == "DATA" else code == 354
        return code == 421 or out_of_place or (verb == "RSET" and code not in (250, 251))


def meaning(said: Sequence[tuple[str, str, int]], recipient: str, *, first: bool) -> object:
    """What the answers to one letter's commands mean (delivery.md §3), told another way than in the code."""
    of_letter = [(verb, code) for verb, whose, code in said if whose == recipient]
    for verb, code in of_letter:
        if verb == "RSET":
            if code != 250 and code != 251:
                return None
        elif verb == "MAIL":
            if code == 421 and not first:
                return None
            if code not in (250, 251):
                return Unavailable if code >= 500 else Deferred
        elif verb in ("RCPT", "DATA"):
            if code == 354 if verb == "DATA" else code in (250, 251):
                continue
            if code == 530:
                return Unavailable
            kept = (500, 503, 552) if verb == "RCPT" else (500, 503)
            return Refused if code >= 500 and code not in kept else Deferred
        else:
            if code in (250, 251):
                return str
            if code == 354:
                return InDoubt
            if code == 530:
                return Blocked
            return Refused if code >= 500 else Deferred
    return None


def converse(
    extensions: Extensions, codes: Sequence[int], cut: Callable[[bytes], Iterator[bytes]]
) -> tuple[list[tuple[str, object]], Server, list[str]]:
    """Six letters over one line to a server by chance; what became of those begun, and in which order."""
    line, waiting = a_line(extensions), deque(letters(extensions, 6))
    server = Server(codes)
    begun: list[str] = []
    ended: list[Ended] = []
    dot_of = ""

    def whose(verb: str) -> str:
        return dot_of if verb == "dot" else begun[-1]

    while not line.closed and (waiting or not line.idle):
        if line.idle:
            begun.append(waiting[0].message.recipient)
            line.begin(waiting.popleft())
        if line.text_wanted:
            assert line.text_wanted.error is None
            line.text_written()
        if line.ready:
            dot_of = line.ready.message.recipient
            following = waiting.popleft() if waiting and line.takes_more else None
            if following:
                begun.append(following.message.recipient)
            line.finish(following)
        answers, gone = server.answer(say_all(line), whose)
        for piece in cut(answers):
            ended += line.feed(piece)
        if gone:
            ended += line.lost("the server closed the connection")
    return what(ended), server, begun


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def bytewise(data: bytes) -> Iterator[bytes]:
    for number in data:
        yield bytes([number])


@MODES
@settings(max_examples=100, deadline=None)
@given(codes=st.lists(st.sampled_from(CODES), max_size=30), cuts=st.lists(st.integers(0, 120), max_size=5))
def test_whatever_the_codes_each_letter_ends_once_and_as_it_should(
    extensions: Extensions, codes: list[int], cuts: list[int]
) -> None:
    def at_cuts(data: bytes) -> Iterator[bytes]:
        for start, end in pairwise((0, *sorted({c for c in cuts if c < len(data)}), len(data))):
            yield data[start:end]

    ended, server, begun = converse(extensions, codes, whole)
    assert Counter(recipient for recipient, _ in ended) == Counter(begun)
    for recipient, result in ended:
        expected = meaning(server.said, recipient, first=recipient == "r1@example.com")
        assert (str if isinstance(result, str) else result) == expected, recipient
    assert converse(extensions, codes, at_cuts)[0] == ended
    assert converse(extensions, codes, bytewise)[0] == ended


PIECES = (
    b"250 ok\r\n",
    b"250 ok\r\n250 ok\r\n354 go\r\n",
    b"354 go\r\n",
    b"250-more\r\n",
    b"25",
    b"0 ok\r\n",
    b"550 5.1.1 who?\r\n",
    b"450 later\r\n",
    b"421 bye\r\n",
    b"\r\n",
    b"garbage\n",
    b"\x00\xff",
)
STEPS = st.one_of(
    st.tuples(st.just("feed"), st.sampled_from(PIECES)),
    st.tuples(st.just("feed"), st.binary(max_size=8)),
    st.tuples(st.just("write"), st.integers(1, 60)),
    st.tuples(st.just("write"), st.just(10_000)),
    st.tuples(st.just("text"), st.none()),
    st.tuples(st.just("finish"), st.booleans()),
    st.tuples(st.just("begin"), st.none()),
    st.tuples(st.sampled_from(["good", "better", "best"]), st.none()),
)


class Record:
    """What a test has seen of each letter."""

    def __init__(self) -> None:
        self.begun: list[Letter] = []
        self.dots: dict[str, int] = {}  # where in all that was written a letter's dot ends
        self.written = 0
        self.ended: dict[str, object] = {}

    def note(self, ended: Sequence[Ended], line: Line) -> None:
        for one, result in ended:
            recipient = one.message.recipient
            assert recipient not in self.ended, "ended twice"
            self.ended[recipient] = result
            had_dot = self.dots.get(recipient, self.written + 1) <= self.written
            after_dot = isinstance(result, str) or (
                isinstance(result, DeliveryError) and result.phase == Phase.DOT
            )
            assert had_dot == after_dot, "owed and sent at once"
            assert not isinstance(result, InDoubt) or had_dot
            assert one is not line.text_wanted
            assert one is not line.ready


@MODES
@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=40))
def test_a_mad_server_makes_no_letter_both_sent_and_owed(
    extensions: Extensions, steps: list[tuple[str, object]]
) -> None:
    line, record = a_line(extensions), Record()

    def take() -> Letter:
        record.begun.append(one_letter(extensions, len(record.begun) + 1))
        return record.begun[-1]

    for step, argument in steps:
        if step in ("good", "better", "best"):
            record.written += len(say_all(line))
            if line.phase not in (None, Phase.TEXT):
                record.note(line.feed(b"354 go\r\n" if line.phase is Phase.DATA else b"250 ok\r\n"), line)
            record.written += len(say_all(line))
            if line.text_wanted and step != "good":
                line.text_written()
        elif step == "feed" and isinstance(argument, bytes):
            record.note(line.feed(argument), line)
        elif step == "write" and isinstance(argument, int):
            octets = min(argument, len(line.output))
            record.written += octets
            line.written(octets)
        elif step == "text" and line.text_wanted and not line.output:
            assert line.text_wanted.error is None
            line.text_written()
        elif step == "finish" and line.ready:
            record.dots[line.ready.message.recipient] = record.written + len(line.output) + 3
            line.finish(take() if argument and line.takes_more else None)
        elif step == "begin" and line.idle:
            line.begin(take())
        if line.closed:
            assert (line.idle, line.text_wanted, line.ready, line.output) == (False, None, None, b"")
    record.note(line.lost("over"), line)
    assert set(record.ended) == {one.message.recipient for one in record.begun}
