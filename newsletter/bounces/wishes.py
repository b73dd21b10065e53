"""A reply of a reader -> whether it says STOP, in the reader's own words and not in what is quoted below."""

import re

_LONGEST_WISH = 300
"""Characters of the reader's own words; whoever writes more has more to say, and a person reads it."""

# Where the reader's own words end. A line that a mail program broke in two is looked at with its second half.
_QUOTE = re.compile(
    r"\A\s{0,8}[>|]|\A-{2,}\s?(?:original|message|nachricht|mensaje|messaggio|ursprüngliche|forwarded"
    r"|weitergeleitet|transféré)"
    r"|\A-{4,}|\A_{8,}|\A-- ?\Z|\A={8,}"
    r"|\A\s{0,4}\*?(?:de|from|von|da|van|od|expéditeur)\*?\s?:.{0,300}[@<\[]"
    r"|\A\s{0,4}\*?(?:envoyé|sent|gesendet|inviato|enviado(?: el)?|verzonden)\*?\s?:"
    r"|\A\s{0,4}(?:le|on|am|il|el|em|op)\b.{0,300}\b(?:a écrit|wrote|schrieb|ha scritto|escribió|escreveu"
    r"|schreef)\b.{0,60}:\s{0,4}\Z"
    r"|\A.{0,200}<[^<>\s]{1,200}@[^<>\s]{1,200}>.{0,40}(?:a écrit|wrote|schrieb)",
    re.IGNORECASE,
)
_SIGNED_OFF = re.compile(
    r"\A\W{0,3}(?:envoyé (?:de|depuis|à partir)|sent from|sent via|obtenir outlook|get outlook|télécharg"
    r"|provenance)",
    re.IGNORECASE,
)
# What asks to leave; and what may stand around it. Any other word, a "not" above all, and a person reads it.
_LEAVE = re.compile(
    r"stop|leave|arr[êe]te[zr]?|cessez|d[ée]s-?(?:abonn|inscri)\w*|d[ée]sinscri\w*|d[ée]sabo|résili\w*"
    r"|(?:retir|enlev|supprim|ray)(?:er|ez|e)|unsubscribe|unsub|opt-?out|signoff|remove"
    r"|abmelden|abbestellen|abmeldung|disiscriv\w*|cancellami|baja|afmelden|uitschrijven"
)
_PHRASES = re.compile(
    r"\bne (?:(?:veu[xt]|souhait\w{1,3}|désir\w{1,3}|voulons) (?:plus|pas)|plus)(?: rien)?"
    r"(?: (?:me|nous))? (?:recevoir|envoyer)\b"
    r"|\bne m'envoyez plus\b|\btake (?:me|us) off\b|\bopt out\b|\bdo ?n[o']t send (?:me|us)(?: any ?more)?\b"
)
_AROUND = frozenset(
    """
    je j nous i we me m moi us se s te mon ma my notre our vous you il ce c est is it in ich mich von der dem
    veux veut veuillez voudrais voudrait souhaite souhaiterais souhaitons désire désirons demande demandons
    aimerais prie want wish would like d pourriez pouvez could can bien vouloir faire please pls möchte
    de à a to from of off and et le la les l du des un une cette ces cet votre vos ton tes the this your these
    that any all tout tous toute liste listes list lists lettre lettres letter letters newsletter newsletters
    infolettre mail mails email emails e courriel courriels message messages envoi envois envoyer abonnement
    subscription mailing diffusion information infos pub adresse address maintenant now immédiatement
    immediately définitivement aussi bonjour bonsoir madame monsieur mesdames messieurs hello hi dear sir svp
    stp publicité plaît plait plaist merci avance beaucoup thanks thank cordialement cdlt salutations regards
    best bitte danke darme dar di desidero por favor gracias grazie
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
# A question mark counts as a word, and as one that a wish does not have.
_APART = re.compile(r"[^\w@?-]+|-(?=(?:moi|nous|vous|me)\b)|\B-|-\B")
_SUBJECT_MARKS = re.compile(r"\A(?:(?:re|aw|tr|fwd?|ré|rép|réf)\s?:\s{0,3}){1,5}", re.IGNORECASE)


def own_words(text: str) -> str:
    """What the reader wrote: not what is quoted below, the signature, or what a telephone adds of itself."""
    lines = [line.replace("\u00a0", " ").replace("\u202f", " ") for line in text.split("\n")[:2000]]
    kept: list[str] = []
    for number, line in enumerate(lines):
        both = f"{line} {lines[number + 1]}" if number + 1 < len(lines) else line
        if _QUOTE.search(line[:600]) or (
            _QUOTE.search(both[:600]) and not _QUOTE.search(lines[number + 1][:600])
        ):
            break
        if not _SIGNED_OFF.search(line[:200]):
            kept.append(line.strip(" \t"))
    return "\n".join(kept).strip("\n")


def says_stop(subject: str, text: str) -> bool:
    """Whether a mail asks to leave, in a subject of its own or in its own words, and in nothing but these.

    Somebody who writes "Stop au gaspillage, bravo !" stays: the whole of what is written has to be the wish.
    """
    own = own_words(text)
    if len(own) <= _LONGEST_WISH and _is_wish(own):
        return True
    first = next((line for line in own.split("\n") if line), "")
    if len(own) <= _LONGEST_WISH and _is_wish(first):
        return True
    return not _SUBJECT_MARKS.match(subject) and len(own) <= _LONGEST_WISH and _is_wish(subject)


def _is_wish(text: str) -> bool:
    text = text[: 2 * _LONGEST_WISH].lower().replace("’", "'")
    words = _APART.sub(" ", _PHRASES.sub(" stop ", text)).split(" ")
    wishes = [word for word in words if _LEAVE.fullmatch(word)]
    return bool(wishes) and all(word in _AROUND or _LEAVE.fullmatch(word) for word in words if word)
