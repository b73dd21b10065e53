"""A mail server's "no", its code and its words -> whose fault it is: nobody is there, the mailbox, or us.

One truth for what is said while we send (`deliver`) and for what comes back days later (`bounces`). It leans
to one side: a reader is called gone only where nothing at all speaks against it.
"""

import re
from enum import StrEnum


class Blame(StrEnum):
    """Whose fault a "no" is."""

    NOBODY_THERE = "nobody there"
    """No such mailbox, or one that was closed: it will be so tomorrow."""
    MAILBOX = "mailbox"
    """The recipient's side, but it may pass: full, switched off, a rule of its own."""
    SENDER = "sender"
    """Us: policy, reputation, the text."""
    UNKNOWN = "unknown"


# RFC 3463 and the IANA registry of enhanced status codes: 1 is addresses, 2 mailboxes, 7 security and policy.
_GONE_CODES = re.compile(r"5\.1\.(?:[1236]|10)")
_MAILBOX_CODES = re.compile(r"5\.(?:1\.(?:[1-6]|10)|2\.1|7\.1[78])")
_SENDER_CODES = re.compile(r"5\.(?:1\.[78]|7\.\d+)")
_CLOSED_CODE = "5.2.1"  # a mailbox that is disabled: for good only where the words say so
_TELLING_NOTHING = re.compile(r"|5\.0\.0|5\.[1256]\.0")


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE | re.DOTALL)


# Addresses and links are taken out first: nobody is blamed for living in spam.example or policy street.
_NAMES = _any(
    r"<[^<>\s]{1,320}@[^<>\s]{0,320}>",
    r"[^\s<>@]{1,100}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,10}",
    r"https?://\S{1,2000}",
)

_FRENCH = r"\b(?:OFR|LPN|OUK)\d{0,3}[ _]?"  # how Orange and La Poste number their replies
_WHO = r"(?:user|recipient|mailbox|account|addressee|destinataire|utilisateur)"
_NOT_TO_BE_HAD = (
    r"(?:unknown|not (?:found|exist|known)|(?:does not|doesn.t) exist|n.existe|invalide?|inconnue?"
    r"|disabled|inactive|unavailable|suspended)"
)
_MAILBOX_WORDS = _any(
    rf"\b{_WHO}\b.{{0,60}}\b{_NOT_TO_BE_HAD}\b",
    rf"\b(?:no such|no|unknown|invalid|inactive) (?:local )?{_WHO}\b",
    r"\brecipient (?:address )?(?:rejected|refused)",
    r"address unknown",
    rf"{_FRENCH}41[5-7]\b",  # no such box, box full
)
_SENDER_WORDS = _any(
    r"spam|junk|unsolicited|\bbulk\b|phish|abus(?:e|ive)|\bpolic(?:y|ies)\b|reputation|\bbanned\b",
    r"\bblocked\b|\b(?:black|block|deny)[ -]?list|\b(?:DNSB|RB)L\b|(?<!not )listed (?:at|by|in|on)\b",
    r"\bDMARC\b|\bSPF\b|\bDKIM\b|reverse DNS|\bPTR\b",
    r"(?:not|un)[ -]?(?:authori[sz]ed|authenticated)|relay(?:ing)?\b.{0,20}\bden|access denied",
    r"\b(?:sender|client host)\b.{0,60}\b(?:rejected|refused)",
    rf"{_FRENCH}\d{{3}}",
)

_ONE = (
    r"(?:e-?mail )?(?:user|recipient|mailbox|account|addressee|address|alias|name)(?:'s)?"
    r"(?: (?:name|account|address|mailbox))?"
)
_IS = (
    r"(?: you (?:\w+ ){1,5})? ?(?::|is|was|has been|does|do|doesn.t|could|can|in)?[ :\"']{0,3}(?:\S{1,60} )?"
)
_NOT_THERE = (
    r"(?:unknown|nonexistent|not (?:be )?(?:found|known|recogni[sz]ed|exist|a valid|valid|listed in)"
    r"|no longer (?:valid|exists?|in use|active|available)|(?:doesn.t|does not) exist)"
)
_GONE_WORDS = _any(
    rf"\b(?:unknown|invalid|non-?existent|bad destination) (?:or \w+ )?(?:local |virtual |e-?mail )?{_ONE}\b",
    rf"\bno such (?:local |e-?mail |virtual )?(?:{_ONE}|person)\b",
    r"\bno (?:mailbox|account|user|one) (?:here )?(?:by|with|of) th",
    rf"\b{_ONE}{_IS}{_NOT_THERE}\b",
    r"\buser (?:doesn.t|does not) have an? (?:\S{1,40} )?account",
    r"\bnot a (?:valid|known) (?:user|mailbox|recipient)",
    r"\bRecip(?:ient)?NotFound|\bNoSuchUser|\bnot listed in (?:public name|domino)",
    rf"{_FRENCH}416\b",
    r"(?:utilisateur|destinataire|adresse|bo[iî]te).{0,60}"
    r"(?:inconnue?s?\b|inexistante?|n.existe (?:pas|plus)|introuvable|n.a pas été trouvée?|invalide\b)",
    r"(?:empf[aä]nger|benutzer|adresse|postfach|konto).{0,40}(?:unbekannt|existiert nicht|nicht gefunden)",
    r"unbekannte[rs]? (?:empf|benutzer|adress)",
    r"(?:usuario|destinatario|buz[oó]n|cuenta|direcci[oó]n).{0,40}(?:desconocid|no existe|inexistente)",
    r"(?:utente|casella|indirizzo|destinatario).{0,40}(?:sconosciut|inesistente|non esiste)",
    r"(?:usu[aá]rio|conta|destinat[aá]rio).{0,40}(?:desconhecid|n[aã]o existe|inexistente)",
    r"(?:gebruiker|ontvanger|adres).{0,30}(?:onbekend|bestaat niet)|onbekende (?:gebruiker|ontvanger)",
    r"нет такого пользователя|пользователь не найден|nie istnieje|存在しません|宛先不明|用户不存在",
)
_CLOSED_WORDS = _any(
    r"\b(?:disabled|deactivated|discontinued|inactiv(?:e|ity)|not active)\b",
    r"\b(?:closed|terminated|deleted|removed)\b",
    r"désactivée?|clôturée?|supprimée?|résiliée?|ferm[ée]e\b|deaktiviert|gelöscht|disattivat|desactivad",
)
_FULL_WORDS = _any(
    r"\bquota\b|\boverquota\b",
    rf"{_FRENCH}417\b",
    r"\b(?:over|exceed\w*|out of|full|disk|storage|mailbox|enough)\b.{0,30}"
    r"\b(?:storage|space|allocat\w+|full)\b",
    r"(?:inbox|folder|maildir|box) (?:is )?(?:\w+ )?full",
    r"bo[iî]te.{0,30}pleine|espace.{0,20}insuffisant",
    r"postfach.{0,20}voll|buz[oó]n.{0,20}llen|casella.{0,20}pien",
)
_MAY_PASS_WORDS = _any(
    r"tempor|try(?:ing)? (?:\w+ )?(?:again )?later|gr[ea]ylist|tim(?:ed|e) ?-?out|unverified",
    r"congest|rate limit",
    r"(?:system|local|internal|configuration|look-?up|database|ldap|dns|server) "
    r"(?:error|fail\w*|problem|busy)",
    r"loops? back|too many (?:hops|recipients|connections)|over(?:load|whelm)|vorübergehend|provisoire",
    r"unavailable|suspended|restricted|permission|not permitted|not allowed|prohibited|refus[ée]e?\b",
    r"message (?:too|size)|too large",
)
# What has a word of policy in it and is none: the number for an unknown user, a box nobody opens any more.
_NOT_POLICY = _any(rf"{_FRENCH}416\b", r"\b(?:blocked|suspended) (?:due to|for) inactivity")


def blame(enhanced: str, text: str) -> Blame:
    """Whose fault a 5xx is, by its enhanced status code ("" if it has none) and its words.

    A code that says so decides; else the words do, those about the recipient first. NOBODY_THERE takes one
    of the codes for it (RFC 3463 §3.2, 5.1.10 of RFC 7505), or plain words under a code that tells nothing;
    and not a word of policy, of a full box or of something that passes.
    """
    text = _NAMES.sub(" ", text)
    if _MAILBOX_CODES.fullmatch(enhanced):
        return Blame.NOBODY_THERE if _is_gone(enhanced, text) else Blame.MAILBOX
    if _SENDER_CODES.fullmatch(enhanced):
        return Blame.SENDER
    if _is_gone(enhanced, text):
        return Blame.NOBODY_THERE
    if _MAILBOX_WORDS.search(text):
        return Blame.MAILBOX
    if _SENDER_WORDS.search(text):
        return Blame.SENDER
    return Blame.MAILBOX if is_full(enhanced, text) else Blame.UNKNOWN


def is_full(enhanced: str, text: str) -> bool:
    """Whether the mailbox has no room left."""
    return enhanced in ("5.2.2", "4.2.2") or _FULL_WORDS.search(text) is not None


def in_words(enhanced: str, text: str) -> str:
    """What a "no" says, in a few words for whoever looks after the readers."""
    whose = blame(enhanced and "5" + enhanced[1:], text)
    if enhanced[1:] == ".1.2" and whose is not Blame.SENDER:
        return "its domain does not exist"
    if whose is Blame.NOBODY_THERE:
        return "the mailbox was closed" if enhanced == _CLOSED_CODE else "no such mailbox"
    if is_full(enhanced, text):
        return "the mailbox is full"
    for subject, words in _SUBJECTS.items():
        if enhanced[1:].startswith(subject):
            return words
    return {Blame.SENDER: _SUBJECTS[".7."], Blame.MAILBOX: "the mailbox takes no mail"}.get(
        whose, "no reason given"
    )


_SUBJECTS = {
    ".1.7": "the host does not believe our address",
    ".1.8": "the host does not believe our address",
    ".2.3": "the message is too large",
    ".3.4": "the message is too large",
    ".3.": "the host is in trouble",
    ".4.": "the host cannot be reached",
    ".7.": "refused as unwanted, by policy or reputation",
}


def _is_gone(enhanced: str, text: str) -> bool:
    if _GONE_CODES.fullmatch(enhanced):
        likely = True
    elif enhanced == _CLOSED_CODE:
        likely = _CLOSED_WORDS.search(text) is not None or _says_gone(text)
    else:
        likely = _TELLING_NOTHING.fullmatch(enhanced) is not None and _says_gone(text)
    text = _NOT_POLICY.sub(" ", text)
    against = (_SENDER_WORDS, _FULL_WORDS, _MAY_PASS_WORDS)
    return likely and not any(words.search(text) for words in against)


def _says_gone(text: str) -> bool:
    if _GONE_WORDS.search(text):
        return True
    return _CLOSED_WORDS.search(text) is not None and _MAILBOX_WORDS.search(text) is not None
