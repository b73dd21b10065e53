"""Blocks of a pasted page that are not the article: sign-up boxes, buttons, cookie lines, repetitions."""

import re
from collections.abc import Sequence
from dataclasses import replace

from newsletter.desk import marks
from newsletter.desk.blocks import Block

_LONGEST_BOX = 45  # words; a sign-up box is a few sentences, and a long paragraph about e-mail is an article

_HEADLINE = re.compile(
    r"(?:suivre|suivez|follow)[\s-]+(?:l['’]actu\w*|nous|us)(?:\s+[\w'’]+){0,5}\s*[.!…]?", re.IGNORECASE
)
_BUTTON = re.compile(
    r"(?:"
    r"(?:je\s+)?m['’]inscri(?:s|re)|s['’]inscrire|inscrivez-vous|s['’]abonner|je\s+m['’]abonne|abonnez-vous|"
    r"votre\s+(?:adresse\s+)?(?:e-?)?mail|gratuitement|se\s+(?:dés)?inscrire|se\s+connecter|publicité|imprimer|"
    r"partage[rz](?:\s+(?:cet|l['’])\s*article|\s+sur(?:\s+\w+)+|\s+par\s+e-?mail)?|copier\s+le\s+lien|"
    r"envoyer\s+par\s+e-?mail|commenter|ajouter\s+(?:aux|à\s+mes)\s+favoris|"
    r"(?:tout\s+)?(?:accepter|refuser)(?:\s+(?:tous\s+)?les\s+cookies)?|"
    r"(?:lire|voir|à\s+lire|à\s+voir)\s+aussi\s*:.{0,150}|lire\s+la\s+suite|"
    r"sign\s+up|subscribe|share(?:\s+this\s+article)?|advertisement|print|read\s+more|accept\s+all(?:\s+cookies)?"
    r")\s*(?:[.!…*>→»]\s*)*",
    re.IGNORECASE,
)
_COOKIES = re.compile(
    r"(?:en\s+(?:poursuivant|continuant)|ce\s+site\s+utilise|nous\s+(?:et\s+nos\s+partenaires\s+)?utilisons|"
    r"(?:accepter|gérer|paramétrer|refuser)\s.{0,20}cookies|we\s+use|this\s+(?:web)?site\s+uses|by\s+continuing)",
    re.IGNORECASE,
)
_INVITATION = re.compile(
    r"(?:\A|[.!?,*]\s*)(?:\*\s*)?(?:recevez|rejoignez|abonnez-vous|inscrivez-vous|devenez|restez|suivez|suivre|"
    r"retrouvez|cliquez\s+ici|sign\s+up|subscribe|join|get\s+(?:the|our|your))\b",
    re.IGNORECASE,
)
_LURES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (
            r"\b(?:e-?mails?|newsletters?|lettres?\s+d['’]information|boîte\s+(?:mail|de\s+réception)|inbox|"
            r"(?:anciens|derniers|précédents)\s+numéros|(?:past|previous)\s+issues)\b"
        ),
        r"\b(?:gratuit(?:e|es|s|ement)?|for\s+free|free)\b",
        r"\b(?:du\s+lundi\s+au\s+vendredi|(?:tous\s+les|chaque)\s+(?:matin|jour|semaine)s?|every\s+\w*day)\b",
        r"\b(?:en|in)\s+(?:\d+|cinq|five)\s+minutes?\b",
        r"\b(?:abonnez-vous|inscrivez-vous|subscribe|sign\s+up|abonnés|lecteurs|subscribers|readers)\b",
    )
)


def without_boxes(blocks: Sequence[Block]) -> tuple[list[Block], list[str]]:
    """The blocks without what invites to sign up, share or accept; and what was left out, "why: text".

    A block that only may be such an invitation stays and carries a doubt.
    """
    kept: list[Block] = []
    dropped: list[str] = []
    for block in blocks:
        reason = _reason(marks.plain(block.typed))
        if reason:
            dropped.append(f"{reason}: {marks.shown(block.typed)}")
        elif _may_invite(marks.plain(block.typed)):
            kept.append(replace(block, text=f"{block.text} {marks.doubt('encart d’inscription ?')}"))
        else:
            kept.append(block)
    return kept, dropped


def without_repetitions(blocks: Sequence[Block]) -> tuple[list[Block], list[str]]:
    """Each block once; and what stood there again.

    A short block that comes back alone is a refrain or a cell, and stays.
    """
    known: set[str] = set()
    again: list[bool] = []
    for block in blocks:
        key = _sameness(block)
        again.append(key in known)
        known.add(key)
    kept: list[Block] = []
    dropped: list[str] = []
    for index, block in enumerate(blocks):
        if again[index] and _words_of_run(blocks, again, index) >= 8:
            dropped.append(f"repeated: {marks.shown(block.typed)}")
        else:
            kept.append(block)
    return kept, dropped


def _words_of_run(blocks: Sequence[Block], again: Sequence[bool], index: int) -> int:
    """How many words are repeated in one go around a block, counted up to the eight that matter."""
    total = 0
    for step in (-1, 1):
        at = index if step < 0 else index + 1
        while 0 <= at < len(blocks) and again[at] and total < 8:
            total += len(marks.words(blocks[at].text))
            at += step
    return total


def _sameness(block: Block) -> str:
    return " ".join(re.findall(r"\w+|[^\w\s'’\"“”«».,]+", marks.plain(block.text).casefold())) or block.typed


def _reason(text: str) -> str:
    if len(marks.words(text)) > _LONGEST_BOX:
        return ""
    if _COOKIES.match(text) and "cookie" in text.casefold():
        return "cookie line"
    if _BUTTON.fullmatch(text):
        return "button"
    if _HEADLINE.fullmatch(text):
        return "sign-up box"
    by_mail = _INVITATION.match(text) and _LURES[0].search(text)
    if by_mail or (_INVITATION.search(text) and _lures(text) >= 2):
        return "sign-up box"
    return ""


def _may_invite(text: str) -> bool:
    return len(marks.words(text)) <= _LONGEST_BOX and bool(_INVITATION.search(text)) and _lures(text) > 0


def _lures(text: str) -> int:
    return sum(1 for lure in _LURES if lure.search(text))
