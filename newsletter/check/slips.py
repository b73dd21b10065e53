"""Rules for slips of the fingers: words twice, spaces that went astray, marks without a partner."""

import re
from collections.abc import Iterator
from itertools import groupby

from newsletter.check.passages import OPAQUE, Passage, passages
from newsletter.check.rule import Fault, Level, Proof, Rule, rule
from newsletter.compose.typography import typeset, typeset_runs

_SPACE = "[ \\t\u00a0\u202f]"
_LETTER = r"[^\W\d_]"

# ---- words twice ----

_TWICE = re.compile(
    rf"(?<![\w'’-])(?P<word>{_LETTER}+)(?P<gap>{_SPACE}+|{_SPACE}*\n{_SPACE}*)(?P<again>(?P=word))(?![\w'’-])",
    re.IGNORECASE,
)
_NEVER_TWICE = {
    # Words that no sentence has twice; not "un un peu", "son son", "ce qu'il a a été", "en en parlant".
    "fr": "le la les des du de au aux et ou mais donc dans par sur chez ce cet cette ces mon ma mes tes sa"
    " ses notre votre nos vos il ils je tu on que dont où ne se",
    "en": "the an and of with from at or but our your my their its we they he she if",
}
_WORDS = {language: frozenset(words.split()) for language, words in _NEVER_TWICE.items()}


@rule(
    "double-word",
    Level.WARNING,
    why="A word that was typed twice is the slip that its writer cannot see.",
    how="delete one of the two",
)
def double_word(proof: Proof) -> Iterator[Fault]:
    words = _WORDS[proof.publication.language]
    for passage in passages(proof):
        for found in _TWICE.finditer(passage.shown):
            word, again = found["word"], found["again"]
            if word.lower() not in words or again != again.lower():
                continue  # "le Le Monde", "La La Land"
            before, after = passage.shown[: found.start()], passage.shown[found.end() :]
            if again == "de" and re.match(rf"{_SPACE}+[A-ZÀ-ÖØ-Þ]", after):
                continue  # "les mémoires de de Gaulle"
            if again == "la" and (re.search(r"(?i:\bla)\W+\Z", before) or re.match(r"\W+(?i:la)\b", after)):
                continue  # "la la la"
            yield passage.fault(found, f'"{again}" stands twice', word)


# ---- spaces ----

_BEFORE_MARK = re.compile(
    rf"(?<=[^\s.,|(«:;-])(?P<gap>{_SPACE}+)(?:(?P<comma>,)(?=(?P<glued>{_LETTER})|[\s»”)\]*_]|\Z)"
    r"|(?P<stop>\.)(?=[\s»”)\]*_]|\Z)(?!\s*\.))"
)
_BEFORE_ENGLISH_MARK = re.compile(rf"(?<=\w)(?P<gap>{_SPACE}+)(?P<mark>[;!?]+)(?=[\s”)]|\Z)")
_IN_BRACKETS = re.compile(rf"(?<![:;=\\-])\((?P<left>{_SPACE}+)(?=[\w«“])|(?<=[\w»”])(?P<right>{_SPACE}+)\)")
_FR_ELISION = re.compile(
    rf"(?<![\w'’-])(?P<word>[cdjlmnst]|qu|jusqu|lorsqu|puisqu)"
    rf"(?:(?P<mark>['’]){_SPACE}+|{_SPACE}+(?P<late>['’]){_SPACE}*)(?=[aeiouyhàâéèêëîïôûœ]{_LETTER}*(?!['’]))",
    re.IGNORECASE,
)


@rule(
    "stray-space",
    Level.WARNING,
    why="A space before a comma or behind an apostrophe tears a line where it must not break.",
    how="delete the space",
)
def stray_space(proof: Proof) -> Iterator[Fault]:
    french = proof.publication.language == "fr"
    for passage in passages(proof):
        for found in _BEFORE_MARK.finditer(passage.shown):
            mark = found["comma"] or found["stop"]
            new = mark + (" " if found["glued"] else "")
            yield passage.fault(found, f'a space before "{mark}"', new)
        for found in _IN_BRACKETS.finditer(passage.shown):
            new = "(" if found["left"] else ")"
            yield passage.fault(found, f'a space {"after" if new == "(" else "before"} "{new}"', new)
        if french:
            for found in _FR_ELISION.finditer(passage.shown):
                new = found["word"] + (found["mark"] or found["late"])
                yield passage.fault(found, f'a space beside the apostrophe of "{new}"', new)
        else:
            for found in _BEFORE_ENGLISH_MARK.finditer(passage.shown):
                yield passage.fault(found, f'a space before "{found["mark"]}"', found["mark"])


_WIDE = re.compile(rf"(?<=\S){_SPACE}{{2,}}(?=\S)")


@rule(
    "double-space",
    Level.WARNING,
    why="Two spaces in a row make holes in the text part, where no browser closes them.",
    how="delete one of them",
)
def double_space(proof: Proof) -> Iterator[Fault]:
    for passage in passages(proof):
        for found in _WIDE.finditer(passage.shown):
            before = re.search(r"\S{1,20}\Z", passage.shown[: found.start()])
            after = re.match(r"\S{1,20}", passage.shown[found.end() :])
            around = (before[0] if before else "") + found[0] + (after[0] if after else "")
            if _WIDE.search(typeset(around, language=proof.publication.language)):
                hard = re.search("[\u00a0\u202f]", found[0])
                yield passage.fault(found, f"{len(found[0])} spaces in a row", hard[0] if hard else " ")


_GLUED = re.compile(
    rf"(?<![\w&@/.-]){_LETTER}{{2,}}(?P<mark>[,;])(?=(?P<next>{_LETTER}{{2,}})(?![\w@/=-]|\.\w))"
)


@rule(
    "missing-space",
    Level.WARNING,
    why="A comma with no space behind it glues two words into one.",
    how="add the space",
)
def missing_space(proof: Proof) -> Iterator[Fault]:
    french = proof.publication.language == "fr"
    for passage in passages(proof):
        for found in _GLUED.finditer(passage.shown):
            mark = found["mark"]
            if found[0].isupper() and found["next"].isupper():
                continue  # "FR,BE,CH"
            new = " ; " if french and mark == ";" else f"{mark} "
            yield passage.fault_at(found.start("mark"), mark, f'no space after "{mark}"', new)


# ---- marks without a partner ----

_CLOSES = {"»": "«", "”": "“„", ")": "("}
_PAIRED = re.compile(r"[«»“”„()]")
_UNPAIRED = re.compile(
    r"(?<![^\s(«])[:;=8]['’]?-?[()]"  # a smiley
    r"|(?<![^\s«,;:])(?:\w|\d\d|[ivx]{2,4})\)"  # the number of an item
    r"|\d”"  # inches
)

_Waiting = list[tuple[Passage, int, str]]


@rule(
    "unbalanced-mark",
    Level.WARNING,
    why="A quotation or a bracket that never closes makes the reader look for its end.",
    how="add its partner, or delete it",
)
def unbalanced_mark(proof: Proof) -> Iterator[Fault]:
    for _, of_text in groupby(passages(proof), key=lambda passage: passage.text.place()):
        quotes: _Waiting = []  # may close in a later paragraph
        for passage in of_text:
            brackets: _Waiting = []
            unpaired = {found.end() - 1 for found in _UNPAIRED.finditer(passage.shown)}
            for found in _PAIRED.finditer(passage.shown):
                mark, at = found[0], found.start()
                waiting = brackets if mark in "()" else quotes
                if mark in _CLOSES:
                    yield from _closed(waiting, passage, at, mark, sure=at not in unpaired)
                # A quotation of several paragraphs opens each of them, and closes once.
                elif at not in unpaired and (
                    not waiting or waiting[-1][2] != mark or re.search(r"\S", passage.shown[:at])
                ):
                    waiting.append((passage, at, mark))
            yield from (_alone(*each) for each in brackets)
        yield from (_alone(*each) for each in quotes)


def _closed(waiting: _Waiting, passage: Passage, at: int, mark: str, *, sure: bool) -> Iterator[Fault]:
    """Take what `mark` closes off the list, and tell what has no partner; not `sure`: it may stand alone."""
    if not any(opened in _CLOSES[mark] for _, _, opened in waiting):
        if sure:
            yield _alone(passage, at, mark)
        return
    while waiting[-1][2] not in _CLOSES[mark]:
        yield _alone(*waiting.pop())
    waiting.pop()


def _alone(passage: Passage, at: int, mark: str) -> Fault:
    return passage.fault_at(at, mark, f"{mark} {'is never opened' if mark in _CLOSES else 'is never closed'}")


_MARKUP = re.compile(rf'([*_\\]+|{OPAQUE}+|"|\n)')


@rule(
    "straight-quote",
    Level.WARNING,
    why="The press turns straight quotes into the language's own, but only where it finds both.",
    how="add the quote that is missing, or delete this one",
)
def straight_quote(proof: Proof) -> Iterator[Fault]:
    for passage in passages(proof):
        if '"' not in passage.shown:
            continue
        pieces = _MARKUP.split(passage.shown)
        set_pieces = typeset_runs([_run(piece) for piece in pieces], language=proof.publication.language)
        at = 0
        for piece, became in zip(pieces, set_pieces, strict=True):
            if piece == became == '"' and not re.search(r"\d\Z", passage.shown[:at]):  # 27" is in inches
                yield passage.fault_at(at, piece, "a straight quote without a partner")
            at += len(piece)


def _run(piece: str) -> str | None:
    """What the typesetter gets for a piece of a passage: neither Markdown nor what is no prose."""
    if piece.startswith(OPAQUE):
        return None
    if piece == "\n":
        return " "
    return "" if re.fullmatch(r"[*_\\]+", piece) else piece


RULES: tuple[Rule, ...] = (
    double_word,
    stray_space,
    double_space,
    missing_space,
    unbalanced_mark,
    straight_quote,
)
