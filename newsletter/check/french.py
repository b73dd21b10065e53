"""Rules for French alone: dots, capitals, and the slips of which there is no doubt."""

import re
from collections.abc import Iterator

from newsletter.check.passages import passages
from newsletter.check.rule import Fault, Level, Proof, Rule, rule

# ---- dots and capitals ----

_ODD_DOTS = re.compile(
    r"(?<!\w)(?P<etc>etc)(?:\.{2,}|\.?…\.*)"
    r"|(?<=[\w»”)*_])(?P<many>\.{4,}|…\.+|\.+…|……+)(?![./\w])"
    r"|(?<=[\w»”)*_])(?P<two>\.\.)(?![./\w])"
    r"|(?<!\. )(?<!\.)(?P<spaced>\. \. \.)(?! ?\.)"
)


@rule(
    "odd-dots",
    Level.WARNING,
    why="A sentence ends in one dot or trails off in three, and etc. has one of its own.",
    how="write one full stop, or …",
)
def odd_dots(proof: Proof) -> Iterator[Fault]:
    if proof.publication.language != "fr":
        return
    for passage in passages(proof):
        for found in _ODD_DOTS.finditer(passage.shown):
            if found["etc"]:
                yield passage.fault(found, '"etc." takes one dot and no ellipsis', f"{found['etc']}.")
            elif found["two"]:
                yield passage.fault(found, "two dots in a row")
            else:
                yield passage.fault(found, f'"{found[0]}" is no ellipsis', "…")


_SMALL = re.compile(r"(?<![\w.-])(?P<word>[a-zà-öø-ÿœ]{4,})\.[ \u00a0\n]+(?P<next>[a-zà-öø-ÿœ]+)(?![\w.@])")
_SHORTENED = (
    "appt approx append bibl boul chap chron coll compl conj corp dept dépt dict doct écon édit envir equiv"
    " excl extr fasc févr hebdo hist ibid illustr impr incl introd invar janv juil litt masc math méd ouvr"
    " part plur polit prép prof prov publ réf rééd réimpr resp sept sing spéc subst suiv suppl symb tech trad"
    " trim univ vers"
)
"""Abbreviations of four letters and more; some are words as well, and pass as such."""


@rule(
    "small-letter",
    Level.WARNING,
    why="A sentence that begins with a small letter looks like two that were pasted together.",
    how="write a capital, or a comma instead of the full stop",
)
def small_letter(proof: Proof) -> Iterator[Fault]:
    if proof.publication.language != "fr":
        return
    for passage in passages(proof):
        for found in _SMALL.finditer(passage.shown):
            if found["word"] not in _SHORTENED.split():
                word = found["next"]
                yield passage.fault_at(found.start("next"), word, f'"{word}" follows a full stop')


# ---- slips ----

_PRONOUN = "(?:ils?|elles?|on)"
_DETERMINER = (
    "(?:l[ae]|les|une?|des|ce|cet|cette|ces|mon|ma|mes|son|sa|ses|nos|vos|notre|votre|leurs?|si|lorsque)"
)
_BE = "(suis|est|sommes|êtes|sont|était|étaient|serait|seraient|être)"
_DAYS = "(?:jours|mois|ans|matins|soirs|lundis|mardis|mercredis|jeudis|vendredis)"
_INFINITIVE = r"(?!hier|cher|fier)\w*(?:er|oir|aire|être|dire|dre|ttre)"

_SLIPS: tuple[tuple[str, str | None, str], ...] = (
    # A whole word or more, what to write instead (None: only the writer knows), and why.
    (
        r"malgré(?= qu[e'’])(?! qu(?:e j)?['’](?:ils? |elles? |on )?en a)",
        "bien",
        '"malgré" takes a noun, not "que"',
    ),
    (r"au jour d['’]aujourd['’]hui", "aujourd'hui", '"aujourd\'hui" says it already'),
    (rf"comme même(?! {_DETERMINER}\b| [ld]['’])", "quand même", '"comme même" is "quand même", misheard'),
    (r"si (ils?)", r"s'\1", '"si" is elided before "il"'),
    (r"1[eè]re(s?)", r"1re\1", "the ordinal is written 1re"),
    (r"1ier(s?)", r"1er\1", "the ordinal is written 1er"),
    (r"(\d+|(?-i:[IVXL]+))i?[èeé]me(s?)", r"\1e\2", "the ordinal is written with an e alone"),
    (r"(M(?:me|lle)s?)\.(?= [A-ZÀ-ÖØ-Þ])", r"\1", "an abbreviation that keeps its last letter has no dot"),
    (r"quelques? (?=soit|soient)\w+", None, 'it is "quel que soit", in three words, and "quel" agrees'),
    (r"quoiqu['’]il (en soit|arrive)", r"quoi qu'il \1", 'it is "quoi qu\'il", in two words'),
    (r"quand (?=à (?:moi|toi|lui|elles?|eux|nous|vous)[ ]?[,.])à", "quant à", '"quant à" has a t'),
    (r"sans dessus dessous", "sens dessus dessous", 'it is "sens dessus dessous"'),
    (r"en terme(?= d[e'’])", "en termes", '"en termes de" is always plural'),
    (r"milles (euros|dollars|habitants|salariés|personnes)", r"mille \1", '"mille" never changes'),
    (r"soit disant", "soi-disant", 'it is "soi-disant"'),
    (r"(?<=[,(] )c['’]est à dire", "c'est-à-dire", '"c\'est-à-dire" has two hyphens'),
    (r"(depuis|il y a) quelques temps(?! forts| morts)", r"\1 quelque temps", '"quelque temps" is singular'),
    (r"entre autre(?=[,.;)])", "entre autres", '"entre autres" is plural'),
    (r"d['’]ore? et déjà", "d'ores et déjà", 'it is "d\'ores et déjà"'),
    (r"(mises?) à jours", r"\1 à jour", '"à jour" is singular'),
    (rf"tout les ({_DAYS})", r"tous les \1", '"tous" agrees with what follows'),
    (r"de part et d['’]autres", "de part et d'autre", '"de part et d\'autre" is singular'),
    (rf"(\w*[ae])(?:[ -]t['’]| t-)({_PRONOUN})", r"\1-t-\2", "the t stands between two hyphens"),
    (rf"{_BE} sensé(e?s?)(?= {_INFINITIVE}\b)", r"\1 censé\2", '"censé" is who is supposed to'),
    (r"acceuil(s?|l\w+)", r"accueil\1", 'it is "accueil"'),
    (r"parmis", "parmi", 'it is "parmi"'),
    (r"malgrés", "malgré", 'it is "malgré"'),
    (r"hormi", "hormis", 'it is "hormis"'),
    (r"appar[ae]ment", "apparemment", 'it is "apparemment"'),
    (r"évid[ae]ment", "évidemment", 'it is "évidemment"'),
    (r"récement", "récemment", 'it is "récemment"'),
    (r"(profession|tradition)el(|le|s|les)", r"\1nel\2", "there are two n in it"),
    (r"aujourd ?hui", "aujourd'hui", 'it is "aujourd\'hui"'),
    (r"biens[uû]r", "bien sûr", 'it is "bien sûr", in two words'),
)

_COMPILED = tuple(
    (re.compile(rf"(?<![\w-]){wrong}(?![\w-])", re.IGNORECASE), right, reason)
    for wrong, right, reason in _SLIPS
)


@rule(
    "french-slip",
    Level.WARNING,
    why="Some slips every reader of French has learnt to see, and to count.",
    how="write what is meant",
)
def french_slip(proof: Proof) -> Iterator[Fault]:
    if proof.publication.language != "fr":
        return
    for passage in passages(proof):
        for pattern, right, reason in _COMPILED:
            for found in pattern.finditer(passage.shown):
                new = None if right is None else _cased(found.expand(right), found[0])
                if new and ("’" in found[0] or passage.text.name != "body"):
                    new = new.replace("'", "’")  # also, it cannot end a value between single quotes
                hint = f'write "{new}"' if new else ""
                yield passage.fault(found, f'"{found[0]}": {reason}', new, hint)


def _cased(new: str, old: str) -> str | None:
    """`new` with a capital if `old` has one; None if there is more to it."""
    if old.isupper() and sum(character.isalpha() for character in old) > 1:
        return None
    return new[0].upper() + new[1:] if old[0].isupper() else new


RULES: tuple[Rule, ...] = (odd_dots, small_letter, french_slip)
