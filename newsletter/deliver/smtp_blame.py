"""A server's "no" -> whose fault it is: the recipient's address, or the sender and the text."""

import re

from newsletter.deliver.smtp_replies import Reply

# RFC 3463 and the IANA registry of enhanced status codes: 1 is addresses, 2 mailboxes, 7 security and policy.
_RECIPIENT_CODES = re.compile(r"5\.(?:1\.(?:[1-6]|10)|2\.1|7\.1[78])")
_SENDER_CODES = re.compile(r"5\.(?:1\.[78]|7\.\d+)")

_WHO = r"(?:user|recipient|mailbox|account|addressee|destinataire|utilisateur)"
_GONE = (
    r"(?:unknown|not (?:found|exist|known)|(?:does not|doesn.t) exist|n.existe|invalide?|inconnue?"
    r"|disabled|inactive|unavailable|suspended)"
)
_RECIPIENT_WORDS = re.compile(
    rf"\b{_WHO}\b.{{0,60}}\b{_GONE}\b"
    rf"|\b(?:no such|no|unknown|invalid|inactive) (?:local )?{_WHO}\b"
    r"|\brecipient (?:address )?(?:rejected|refused)|address unknown"
    r"|\b(?:OFR|LPN)\w*_41[5-7]\b",  # Orange and La Poste: no such box, box full
    re.IGNORECASE,
)
_SENDER_WORDS = re.compile(
    r"spam|junk|unsolicited|\bbulk\b|phish|abus(?:e|ive)|\bpolic(?:y|ies)\b|reputation|\bbanned\b"
    r"|\bblocked\b|\b(?:black|block|deny)[ -]?list|\b(?:DNSB|RB)L\b|listed (?:at|by|in|on)\b"
    r"|\bDMARC\b|\bSPF\b|\bDKIM\b|(?:not|un)[ -]?(?:authori[sz]ed|authenticated)|relay(?:ing)?\b.{0,20}\bden"
    r"|\b(?:sender|client host)\b.{0,60}\b(?:rejected|refused)|access denied|reverse DNS|\bPTR\b"
    r"|\b(?:OFR|LPN)\w*_\d+",
    re.IGNORECASE,
)


def is_about_us(reply: Reply) -> bool:
    """Whether a 5xx to RCPT, DATA or the dot objects to the sender or the text (policy, reputation, 5.7.x).

    An enhanced code that says so decides; else the words do, those about the recipient first. What says
    neither is about the recipient, as RFC 5321 §4.2.1 has it for 550.
    """
    if _RECIPIENT_CODES.fullmatch(reply.enhanced):
        return False
    if _SENDER_CODES.fullmatch(reply.enhanced):
        return True
    text = " ".join(reply.lines)
    return not _RECIPIENT_WORDS.search(text) and _SENDER_WORDS.search(text) is not None


def is_rate_limited(reply: Reply) -> bool:
    """Whether the reply is Gmail's "slow down", 4.7.28: stop for ten minutes, go on with one connection."""
    return reply.enhanced == "4.7.28"
