"""Whose fault a "no" is: real replies of real hosts, and the reader who must not pay for our reputation."""

import pytest

from newsletter.deliver.smtp_blame import is_about_us, is_rate_limited
from newsletter.deliver.smtp_replies import Reply


def reply(text: str) -> Reply:
    return Reply(code=int(text[:3]), lines=(text[4:],))


@pytest.mark.parametrize(
    "text",
    [
        "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org",
        "554 5.7.1 <zoe@example.com>: Relay access denied",
        "550 5.7.26 Unauthenticated email is not accepted due to the domain's DMARC policy",
        "550 5.7.509 Access denied, sending domain does not pass DMARC verification",
        "550 5.7.1 no such user",  # the code decides
        "554 5.1.8 sender address rejected: domain not found",
        "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]",
        "550 Service refuse. Please try later. OFR_999 [999]",
        "550 5.5.0 Service refuse. LPN007_510",
        "550 SC-001 Unfortunately, messages from 192.0.2.1 weren't sent. Your network is on our block list",
        "554 Message rejected: this looks like SPAM",
        "550 High probability of spam",
        "550 Your IP is blacklisted at b.barracudacentral.org",
        "550 SPF check failed",
        "550 Message refused due to DKIM",
        "550 relaying denied",
        "550 not authorised to send from this address",
        "554 rejected for policy reasons",
        "550 bad reputation",
        "550 sender <bonjour@press.example> rejected",
        "550 5.1.0 sender rejected: found in a RBL",
    ],
)
def test_policy_and_reputation_are_about_us(text: str) -> None:
    assert is_about_us(reply(text))


@pytest.mark.parametrize(
    "text",
    [
        "550 5.1.1 The email account that you tried to reach does not exist",
        "550 5.1.1 user unknown; see our spam policy",  # the code decides
        "550 5.1.1 Adresse d'au moins un destinataire invalide. Invalid recipient. OFR204_416 [416]",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound",
        "550 5.2.1 The email account that you tried to reach is disabled by policy",
        "550 5.7.17 mailbox owner has changed",
        "550 5.4.1 Recipient address rejected: Access denied",
        "550 Requested action not taken: mailbox unavailable",
        "550 <zoe@example.com>: User unknown in virtual mailbox table",
        "550 No such user here, blocked",
        "550 no mailbox here by that name",
        "550 Utilisateur inconnu",
        "550 Invalid recipient. OFR_416 [416]",
        "550 unknown user; spam traps are no users either",
        "553 sorry, that address is not in my list",
        "550",
        "554 5.6.0 no",
    ],
)
def test_an_address_without_a_reader_is_about_the_reader(text: str) -> None:
    assert not is_about_us(reply(text))


def test_gmails_slow_down_is_known_by_its_code() -> None:
    assert is_rate_limited(reply("421 4.7.28 Gmail has detected an unusual rate of mail"))
    assert is_rate_limited(reply("450 4.7.28 slow"))
    assert not is_rate_limited(reply("421 4.7.0 try again later"))
    assert not is_rate_limited(reply("550 5.7.28 too much of it is unsolicited"))
    assert not is_rate_limited(reply("421 see 4.7.28"))
