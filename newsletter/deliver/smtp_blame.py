"""A server's "no" while we send -> whether it objects to us, or only asks us to slow down."""

from newsletter.blame import Blame, blame
from newsletter.deliver.smtp_replies import Reply


def is_about_us(reply: Reply) -> bool:
    """Whether a 5xx to RCPT, DATA or the dot objects to the sender or the text (policy, reputation, 5.7.x).

    What says neither is about the recipient, as RFC 5321 §4.2.1 has it for 550.
    """
    return blame(reply.enhanced, " ".join(reply.lines)) is Blame.SENDER


def is_rate_limited(reply: Reply) -> bool:
    """Whether the reply is Gmail's "slow down", 4.7.28: stop for ten minutes, go on with one connection."""
    return reply.enhanced == "4.7.28"
