"""A mailbox on an IMAP server: TLS or nothing, each mail until recorded, nobody's letters touched."""

from contextlib import closing
from dataclasses import replace

import pytest

from newsletter.bounces.imap import ImapMailbox, ImapSettings
from newsletter.errors import ConfigError, Unavailable
from tests.bounces.imap_server import ImapServer, client_context
from tests.bounces.mails import failed, report

ONE = report(failed("5.1.1", "550 one"))
TWO = report(failed("5.1.1", "550 two")) + b"\r\nA0 OK ) {3}\r\nabc"


def settings(server: ImapServer, **more: str) -> ImapSettings:
    known = ImapSettings(host="localhost", port=server.port, username="zoe", password='s3cret "word"')
    return replace(known, **more)  # type: ignore[arg-type]


def test_mails_are_given_out_until_they_were_recorded() -> None:
    with ImapServer(ONE, TWO) as server:
        mailbox = ImapMailbox(settings(server), context=client_context())
        mails = list(mailbox.mails())
        assert [mail.content for mail in mails] == [ONE, TWO]
        assert [letter.flags for letter in server.letters] == [set(), set()]
        mailbox.acknowledge(mails[0])
        assert server.letters[0].flags == {"\\Seen", "NewsletterRecorded"}
        mailbox.close()
        mailbox = ImapMailbox(settings(server), context=client_context())
        assert [mail.content for mail in mailbox.mails()] == [TWO]
        mailbox.close()


def test_a_letter_that_a_person_has_opened_is_given_out_all_the_same() -> None:
    with ImapServer(ONE) as server:
        server.letters[0].flags.add("\\Seen")
        mailbox = ImapMailbox(settings(server), context=client_context())
        assert len(list(mailbox.mails())) == 1
        mailbox.close()


def test_a_letter_for_a_person_stays_unread_and_where_it_is() -> None:
    with ImapServer(ONE) as server:
        mailbox = ImapMailbox(settings(server, moved_to="Recorded"), context=client_context())
        (mail,) = mailbox.mails()
        mailbox.acknowledge(mail, for_a_person=True)
        assert server.letters[0].flags == {"NewsletterRecorded"}
        assert server.folders["Recorded"] == []
        assert list(mailbox.mails()) == []
        mailbox.close()


@pytest.mark.parametrize("moves", [True, False])
def test_what_was_recorded_is_moved_if_so_wished(moves: bool) -> None:
    with ImapServer(ONE, TWO, moves=moves) as server:
        mailbox = ImapMailbox(settings(server, moved_to="Recorded"), context=client_context())
        mailbox.acknowledge(next(iter(mailbox.mails())))
        assert server.folders["Recorded"] == [ONE]
        assert [letter.content for letter in server.letters] == [TWO]
        assert [mail.content for mail in mailbox.mails()] == [TWO]
        mailbox.close()


def test_a_server_without_keywords_goes_by_what_is_seen() -> None:
    with ImapServer(ONE, TWO, keywords=False) as server:
        mailbox = ImapMailbox(settings(server), context=client_context())
        mailbox.acknowledge(next(iter(mailbox.mails())), for_a_person=True)
        assert [mail.content for mail in mailbox.mails()] == [TWO]
        mailbox.close()


def test_tls_is_begun_before_the_password_goes() -> None:
    with ImapServer(ONE, implicit=False) as server:
        mailbox = ImapMailbox(settings(server, security="starttls"), context=client_context())
        assert len(list(mailbox.mails())) == 1
        mailbox.close()
        verbs = [command.split(" ")[0] for command in server.commands]
        assert verbs.index("STARTTLS") < verbs.index("LOGIN")


def test_no_password_goes_to_a_server_without_tls() -> None:
    with ImapServer(ONE, implicit=False, starttls=False) as server:
        with pytest.raises(Unavailable, match="no IMAP over TLS"):
            ImapMailbox(settings(server, security="starttls"), context=client_context())
        assert not [command for command in server.commands if command.startswith("LOGIN")]


def test_no_password_goes_to_a_server_that_nobody_vouches_for() -> None:
    with ImapServer(ONE) as server:
        with pytest.raises(Unavailable, match="no IMAP over TLS"):
            ImapMailbox(settings(server))
        assert server.commands == []


def test_a_wrong_password_is_told_with_the_way_out_and_without_the_password() -> None:
    with ImapServer(ONE) as server:
        with pytest.raises(ConfigError, match="does not take name and password") as caught:
            ImapMailbox(settings(server, password="wr0ng"), context=client_context())
        assert caught.value.hint == "set NEWSLETTER_IMAP_PASSWORD"
        assert "wr0ng" not in str(caught.value)


def test_a_folder_that_is_not_there_is_told_before_anything_is_read() -> None:
    with ImapServer(ONE) as server, pytest.raises(ConfigError, match="no folder 'Nowhere'"):
        ImapMailbox(settings(server, moved_to="Nowhere"), context=client_context())


@pytest.mark.parametrize("word", ["UID SEARCH", "UID FETCH", "UID STORE", "SELECT", "LOGIN"])
def test_a_server_that_breaks_off_is_for_later(word: str) -> None:
    def read(server: ImapServer) -> None:
        with closing(ImapMailbox(settings(server), context=client_context())) as mailbox:
            for mail in mailbox.mails():
                mailbox.acknowledge(mail)

    with ImapServer(ONE, hang_up_after=word) as server, pytest.raises(Unavailable, match="broke off"):
        read(server)


@pytest.mark.parametrize("name", ["a\r\nb LOGOUT", "zoë", ""])
def test_a_name_cannot_carry_a_command(name: str) -> None:
    with ImapServer(ONE) as server:
        with pytest.raises(ConfigError, match="printable ASCII"):
            ImapMailbox(settings(server, folder=name), context=client_context())
        assert server.commands == []
