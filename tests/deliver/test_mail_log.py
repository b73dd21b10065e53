"""What Postfix's log proves, and what it does not; the lines are those of Postfix 3.7."""

from datetime import UTC, datetime

import pytest

from newsletter.deliver.mail_log import MailLog, begins

ONE = "00000000000000000000000000000001@lettre.invalid"
TWO = "00000000000000000000000000000002@lettre.invalid"

# A copy that was accepted and carried on.
WHOLE = f"""\
Nov 23 08:25:06 mta postfix/smtpd[7483]: connect from me[127.0.0.1]
Nov 23 08:25:06 mta postfix/smtpd[7483]: E07189C483B: client=me[127.0.0.1]
Nov 23 08:25:06 mta postfix/cleanup[7486]: E07189C483B: message-id=<{ONE}>
Nov 23 08:25:06 mta postfix/qmgr[7178]: E07189C483B: from=<ed@lettre.invalid>, size=8, nrcpt=1 (queue active)
Nov 23 08:25:06 mta postfix/smtpd[7483]: disconnect from me[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1
Nov 23 08:25:07 mta postfix/smtp[7487]: E07189C483B: to=<r@example.org>, relay=mx[192.0.2.1]:25, \
delay=0.8, delays=0.01/0.01/0.4/0.4, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4jXzZK33Lsz1VBkb)
Nov 23 08:25:07 mta postfix/qmgr[7178]: E07189C483B: removed
""".splitlines()

# A copy whose text was cut short: the Message-ID is logged when all is over.
CUT_SHORT = f"""\
Nov 23 08:25:06 mta postfix-out/smtpd[7488]: connect from me[127.0.0.1]
Nov 23 08:25:06 mta postfix-out/smtpd[7488]: EBE7A9C483B: client=me[127.0.0.1]
Nov 23 08:25:07 mta postfix-out/smtpd[7488]: lost connection after DATA (100 bytes) from me[127.0.0.1]
Nov 23 08:25:07 mta postfix-out/smtpd[7488]: disconnect from me[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=0/1
Nov 23 08:25:07 mta postfix-out/cleanup[7486]: EBE7A9C483B: message-id=<{ONE}>
""".splitlines()


def read(*lines: str, wanted: tuple[str, ...] = (ONE,)) -> MailLog:
    log = MailLog(wanted)
    log.read(f"{line}\n" for line in lines)
    return log


def test_what_the_queue_manager_has_seen_was_accepted() -> None:
    log = read(*WHOLE)
    assert log.traces.keys() == {ONE}
    trace = log.traces[ONE]
    assert trace.accepted == WHOLE[3]
    assert trace.delivered == WHOLE[5]
    assert trace.hints == ()
    assert (log.lines, log.span) == (7, ("Nov 23 08:25:06", "Nov 23 08:25:07"))


def test_the_message_id_alone_proves_nothing() -> None:
    trace = read(*WHOLE[:3], WHOLE[4]).traces[ONE]
    assert (trace.accepted, trace.delivered, trace.hints) == ("", "", ())


def test_a_text_that_was_cut_short_is_a_hint_and_no_proof() -> None:
    trace = read(*CUT_SHORT).traces[ONE]
    assert trace.accepted == ""
    assert trace.hints == (CUT_SHORT[2],)


def test_a_cut_after_the_message_id_is_the_same_hint() -> None:
    lines = [
        "Nov 23 08:25:10 mta postfix/smtpd[7483]: 2E10F9C46F9: client=me[127.0.0.1]",
        f"Nov 23 08:25:10 mta postfix/cleanup[7486]: 2E10F9C46F9: message-id=<{ONE}>",
        "Nov 23 08:25:11 mta postfix/smtpd[7483]: timeout after END-OF-MESSAGE from me[127.0.0.1]",
    ]
    trace = read(*lines).traces[ONE]
    assert (trace.accepted, trace.hints) == ("", (lines[2],))


def test_the_second_message_of_a_connection_is_cut_short_and_the_first_is_not() -> None:
    lines = [
        "Nov 23 08:25:10 mta postfix/smtpd[7488]: 2C5159C46F9: client=me[127.0.0.1]",
        f"Nov 23 08:25:10 mta postfix/cleanup[7486]: 2C5159C46F9: message-id=<{ONE}>",
        "Nov 23 08:25:10 mta postfix/qmgr[7178]: 2C5159C46F9: from=<ed@lettre.invalid>, size=318, nrcpt=1",
        "Nov 23 08:25:10 mta postfix/smtpd[7488]: 2D74D9C483E: client=me[127.0.0.1]",
        f"Nov 23 08:25:10 mta postfix/cleanup[7486]: 2D74D9C483E: message-id=<{TWO}>",
        "Nov 23 08:25:10 mta postfix/smtpd[7488]: lost connection after DATA (100 bytes) from me[::1]",
    ]
    traces = read(*lines, wanted=(ONE, TWO)).traces
    assert (traces[ONE].accepted, traces[ONE].hints) == (lines[2], ())
    assert (traces[TWO].accepted, traces[TWO].hints) == ("", (lines[5],))


def test_a_queue_id_that_is_given_again_proves_nothing_for_the_message_before() -> None:
    others = [line.replace(ONE, "somebody@else.example") for line in WHOLE]
    again = [line.replace("E07189C483B", "EBE7A9C483B") for line in others]
    assert read(*CUT_SHORT, *again).traces[ONE].accepted == ""
    # Not even where the line that names the other message is lost.
    assert read(*CUT_SHORT, again[1], *again[3:]).traces[ONE].accepted == ""
    removed = "Nov 23 08:25:08 mta postfix/qmgr[7178]: EBE7A9C483B: removed"
    assert read(*CUT_SHORT, removed, *again[3:]).traces[ONE].accepted == ""


def test_a_copy_that_was_put_off_or_came_back_was_accepted_all_the_same() -> None:
    for status in (
        "deferred (connect to 127.0.0.1[127.0.0.1]:1: Connection refused)",
        "bounced (no such user)",
    ):
        line = (
            "Nov 23 08:27:05 mta postfix/smtp[8960]: 4jXzZK33Lsz1VBkb: to=<r@example.org>, relay=none, "
            f"delay=0.12, delays=0.06/0.07/0/0, dsn=4.4.1, status={status}"
        )
        named = f"Nov 23 08:27:05 mta postfix/cleanup[8959]: 4jXzZK33Lsz1VBkb: message-id=<{ONE}>"
        trace = read(named, line).traces[ONE]
        assert (trace.accepted, trace.delivered) == (line, line)


def test_a_look_whether_an_address_is_there_is_no_delivery() -> None:
    named = f"Nov 23 08:27:05 mta postfix/cleanup[8959]: 4jXzZK33Lsz1VBkb: message-id=<{ONE}>"
    probe = (
        "Nov 23 08:27:05 mta postfix/smtp[8960]: 4jXzZK33Lsz1VBkb: to=<r@example.org>, relay=none, "
        "delay=0.12, delays=0.06/0.07/0/0, dsn=2.1.5, status=deliverable (250 ok)"
    )
    assert read(named, probe).traces[ONE].accepted == ""


@pytest.mark.parametrize(
    "rest",
    [
        "{}: milter-reject: END-OF-MESSAGE from me[127.0.0.1]: 5.7.1 spam; from=<ed@lettre.invalid>",
        "{}: hold: header Subject: x from me[127.0.0.1]; from=<a@b> to=<c@d>: look at it",
        "{}: discard: body x from me[127.0.0.1]; from=<a@b> to=<c@d>: away with it",
        "warning: {}: queue file size limit exceeded",
        "{}: to=<r@example.org>, relay=none, delay=0, delays=0/0/0/0, dsn=5.2.3, status=bounced (too large)",
    ],
)
def test_what_cleanup_objects_is_a_hint_and_no_proof(rest: str) -> None:
    named = f"Nov 23 08:25:10 mta postfix/cleanup[7486]: 2B3729C483D: message-id=<{ONE}>"
    line = f"Nov 23 08:25:10 mta postfix/cleanup[7486]: {rest.format('2B3729C483D')}"
    trace = read(named, line).traces[ONE]
    assert (trace.accepted, trace.hints) == ("", (line,))


def test_a_copy_that_is_held_is_a_hint_though_its_message_id_is_logged_later() -> None:
    lines = [
        "Nov 23 08:25:10 mta postfix/smtpd[7483]: 2B3729C483D: client=me[127.0.0.1]",
        "Nov 23 08:25:10 mta postfix/cleanup[7486]: 2B3729C483D: hold: header Subject: x from me[127.0.0.1]",
        f"Nov 23 08:25:10 mta postfix/cleanup[7486]: 2B3729C483D: message-id=<{ONE}>",
    ]
    trace = read(*lines).traces[ONE]
    assert (trace.accepted, trace.hints) == ("", (lines[1],))


def test_the_newer_form_of_time_other_names_and_long_queue_ids_are_read_as_well() -> None:
    lines = [
        "2026-11-23T07:25:10.123456+01:00 mta postfix/submission/smtpd[1]: 4jXzZK33Lsz1VBkb: client=me[::1]",
        f"2026-11-23T07:25:10.200000+01:00 mta postfix/cleanup[2]: 4jXzZK33Lsz1VBkb: message-id=<{ONE}>",
        "2026-11-23T07:25:10.300000+01:00 mta postfix/qmgr[3]: 4jXzZK33Lsz1VBkb: from=<a@b>, size=1, nr=1",
    ]
    log = read(*lines)
    assert log.traces[ONE].accepted == lines[2]
    assert log.span == ("2026-11-23T07:25:10.123456+01:00", "2026-11-23T07:25:10.300000+01:00")


def test_a_log_that_turned_over_in_between_is_read_as_one() -> None:
    log = MailLog([ONE])
    log.read(WHOLE[:3])
    log.read(WHOLE[3:])
    assert log.traces[ONE].accepted == WHOLE[3]


def test_lines_that_are_not_postfixs_or_not_ours_say_nothing() -> None:
    log = read(
        "Nov 23 08:25:06 relay dovecot: imap-login: Login: user=<a>",
        "",
        "Nov 23 08:25:06 mta postfix/cleanup[1]: E07189C483B: resent-message-id=<" + ONE + ">",
        "Nov 23 08:25:06 mta postfix/cleanup[1]: E07189C483B: message-id=<somebody@else.example>",
        "Nov 23 08:25:06 mta postfix/qmgr[3]: E07189C483B: from=<a@b>, size=1, nrcpt=1 (queue active)",
    )
    assert (log.traces, log.lines) == ({}, 3)


def test_a_line_without_end_is_kept_as_far_as_a_person_would_read() -> None:
    named = f"Nov 23 08:25:10 mta postfix/cleanup[7486]: 2B3729C483D: message-id=<{ONE}>"
    line = "Nov 23 08:25:10 mta postfix/qmgr[7486]: 2B3729C483D: from=<" + "x" * 9000
    assert read(named, line).traces[ONE].accepted == line[:500]


NOW = datetime(2026, 1, 2, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("Jan  2 06:59:00 relay x", datetime(2026, 1, 2, 6, 59, tzinfo=UTC)),
        ("Dec 31 23:59:59 relay x", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2025-11-23T07:25:10.5Z relay x", datetime(2025, 11, 23, 7, 25, 10, 500000, tzinfo=UTC)),
        ("Feb 31 07:00:00 relay x", None),
        ("2025-13-23T07:25:10Z relay x", None),
        ("Abc 12 07:00:00 relay x", None),
        ("", None),
    ],
)
def test_when_a_log_begins_is_told_by_its_first_line(line: str, at: datetime | None) -> None:
    assert begins(line, NOW) == at
