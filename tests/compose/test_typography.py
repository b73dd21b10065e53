"""What the rules of French and English typography make of what people type."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.compose.typography import NoBreakSpaces, typeset, typeset_runs


def shown(text: str) -> str:
    """Make the no-break spaces visible: ~ for U+00A0, _ for U+202F."""
    return text.replace("\u00a0", "~").replace("\u202f", "_")


def typed(text: str) -> str:
    return text.replace("~", "\u00a0").replace("_", "\u202f")


# Each row holds for both widths: "^" is the space that is U+00A0 when normal and U+202F when narrow.
FRENCH = [
    # quotation marks
    ('Il a dit "bonjour".', "Il a dit «~bonjour~»."),
    ('"Le pire est derrière nous", dit-elle.', "«~Le pire est derrière nous~», dit-elle."),
    ('"Il a répondu "oui" hier"', "«~Il a répondu “oui” hier~»"),
    ('"Un "deux "trois"""', "«~Un “deux ‘trois’”~»"),
    ('« Il a répondu "oui" hier »', "«~Il a répondu “oui” hier~»"),
    ('Il parle " avec des espaces " ici.', "Il parle «~avec des espaces~» ici."),
    ("«collé» et « posé »", "«~collé~» et «~posé~»"),
    ("«\u202fdéjà\u202f»", "«~déjà~»"),
    ("Les “anglais” restent.", "Les “anglais” restent."),
    ('("entre parenthèses")', "(«~entre parenthèses~»)"),
    ('l\'"ami" et d"avion', 'l’«~ami~» et d"avion'),
    ('"Jamais fermé', '"Jamais fermé'),
    ('Jamais ouvert"', 'Jamais ouvert"'),
    ('un écran de 27" et de 32"', 'un écran de 27" et de 32"'),
    ('Un "vrai" écran de 27"', 'Un «~vrai~» écran de 27"'),
    ('""', '""'),
    ("« »", "« »"),
    # apostrophes
    ("l'été, d'abord, aujourd'hui", "l’été, d’abord, aujourd’hui"),
    ("la crise de '98", "la crise de ’98"),
    ("5' et 5'30", "5' et 5'30"),
    ("l’été", "l’été"),
    # dots
    ("Et puis...", "Et puis…"),
    ("quatre.... points", "quatre.... points"),
    ("../.../ici", "../.../ici"),
    # high punctuation
    ("Quoi ? Non ! Bon ; oui : là", "Quoi^? Non^! Bon^; oui~: là"),
    ("Quoi? Non! Bon; oui: là", "Quoi^? Non^! Bon^; oui~: là"),
    ("Quoi?! Ah!!! Eh ?!", "Quoi^?! Ah^!!! Eh^?!"),
    ("Quoi  ?", "Quoi^?"),
    ("Quoi\u00a0? Quoi\u202f?", "Quoi^? Quoi^?"),
    ('"Quoi?"', "«~Quoi^?~»"),
    ('Il a dit "oui"!', "Il a dit «~oui~»^!"),
    ("(Vraiment?) [oui!]", "(Vraiment^?) [oui^!]"),
    ("Combien? 50 %? 38 €?", "Combien^? 50~%^? 38~€^?"),
    ("Dans les faits :", "Dans les faits~:"),
    ("(?) !important ?a=b x ?a=b", "(?) !important ?a=b x ?a=b"),
    # what has a colon or a question mark for reasons of its own
    ("à 10:30, au ratio 3:2", "à 10:30, au ratio 3:2"),
    ("Voir https://x.fr/a?b=c:d;e!f ou www.y.fr/?q=1", "Voir https://x.fr/a?b=c:d;e!f ou www.y.fr/?q=1"),
    ("Vu sur https://x.fr/l'été...là?", "Vu sur https://x.fr/l'été...là^?"),
    ("« https://x.fr »", "«~https://x.fr~»"),
    ('"https://x.fr/a"', "«~https://x.fr/a~»"),
    ("écrire à jean--paul...d@x.fr ;", "écrire à jean--paul...d@x.fr^;"),
    ("Merci :-) ou ;) et :/ ou :tada: non", "Merci :-) ou ;) et :/ ou :tada: non"),
    (r"C:\Temp\l'été", r"C:\Temp\l'été"),
    # numbers
    ("38 000 €", "38^000~€"),
    ("10 000 000 de pièces", "10^000^000 de pièces"),
    ("38\u202f000\u202f€", "38^000~€"),
    ("en 2024 300 personnes", "en 2024 300 personnes"),
    ("12 345 6789", "12 345 6789"),
    ("01 23 45 67 89", "01 23 45 67 89"),
    ("4,2 % ou 50%", "4,2~% ou 50~%"),
    ("11,1 Md€, 5 M€, 5M€, 38€", "11,1~Md€, 5~M€, 5M€, 38~€"),
    ("5 $, 3 £, 2 Mds€, 8 M$", "5~$, 3~£, 2~Mds€, 8~M$"),
    ("375 millions de $ : c'est lourd", "375~millions de~$~: c’est lourd"),
    ("3 milliards, 2 millions d'euros", "3~milliards, 2~millions d’euros"),
    ("50 MW, 5 GW, 3 kWh", "50~MW, 5~GW, 3~kWh"),
    ("80 €/MWh à 120 km/h par 20 °C ou 20°C", "80~€/MWh à 120~km/h par 20~°C ou 20~°C"),
    ("4 h 30, 20 h, 4 min 40, 5 kg", "4~h~30, 20~h, 4~min~40, 5~kg"),
    ("en 2024 l'usine, en 2023 m'a-t-on dit", "en 2024 l’usine, en 2023 m’a-t-on dit"),
    ("−12 %, -3 points", "−12~%, -3~points"),
    ("le 1er janvier, le 12 mai", "le 1er~janvier, le 12~mai"),
    ("au 3e trimestre, au XXe siècle", "au 3e~trimestre, au XXe~siècle"),
    # short words that do not stand alone
    ("n° 5, n°7, p. 12", "n°~5, n°~7, p.~12"),
    ("M. Dupont, Mme Curie, Mlle Chanel, Dr Knock", "M.~Dupont, Mme~Curie, Mlle~Chanel, Dr~Knock"),
    # dashes
    ("Un retour - le premier - attendu", "Un retour –~le premier~– attendu"),
    ("Un retour -- le premier -- attendu", "Un retour –~le premier~– attendu"),
    ("Un retour — le premier — attendu. Paris – Lyon", "Un retour —~le premier~— attendu. Paris – Lyon"),
    ("– M. X – dit M. Y – oui", "– M.~X –~dit M.~Y~– oui"),
    ("Bourse - le CAC 40 recule", "Bourse – le CAC 40 recule"),
    ("2020 - 2024, 5 - 3, à - 12", "2020 - 2024, 5 - 3, à - 12"),
    ("porte-avions, --aide, a ---- b", "porte-avions, --aide, a ---- b"),
    # a mark that stands for a reader's name is a word
    ("Bonjour XKCD7f3a9!", "Bonjour XKCD7f3a9^!"),
]  # fmt: skip

ENGLISH = [
    ('"Hello", she said.', "“Hello”, she said."),
    ('He said "she said "no" to me".', "He said “she said ‘no’ to me”."),
    ("It's the dogs' 'test'", "It’s the dogs’ ‘test’"),
    ("'It's fine,' he said.", "‘It’s fine,’ he said."),
    ("'Tis the '90s, rock 'n' roll", "’Tis the ’90s, rock ’n’ roll"),
    ("6'2\" tall", "6'2\" tall"),
    ("Really? Yes! Well; no: yes...", "Really? Yes! Well; no: yes…"),
    ("Why - well - not; this -- that; word--word", "Why – well – not; this – that; word–word"),
    ("50% of 38 000 kg at 5 °C", "50% of 38^000~kg at 5~°C"),
    ("$5 billion on 5 May", "$5~billion on 5~May"),
    ("Mr Smith, Dr. Who, p. 12, No. 5", "Mr~Smith, Dr.~Who, p.~12, No.~5"),
    ("at 10:30, see https://x.org/it's?a", "at 10:30, see https://x.org/it's?a"),
]


@pytest.mark.parametrize(("source", "expected"), FRENCH)
def test_french_is_set_as_the_imprimerie_nationale_asks(source: str, expected: str) -> None:
    assert shown(typeset(source, language="fr")) == expected.replace("^", "~")


@pytest.mark.parametrize(("source", "expected"), FRENCH)
def test_narrow_spaces_stand_before_high_punctuation_and_inside_numbers_only(
    source: str, expected: str
) -> None:
    assert shown(typeset(source, language="fr", no_break_spaces="narrow")) == expected.replace("^", "_")


@pytest.mark.parametrize(("source", "expected"), ENGLISH)
def test_english_gets_its_own_quotes_and_no_french_spaces(source: str, expected: str) -> None:
    assert shown(typeset(source, language="en")) == expected.replace("^", "~")
    narrow = typeset(source, language="en", no_break_spaces="narrow")
    assert shown(narrow) == expected.replace("^", "_")


def test_a_quotation_may_span_bold_and_links() -> None:
    runs = ['Il a dit "', "ou", "i, l'ami", '" hier', "?"]
    expected = ["Il a dit «~", "ou", "i, l’ami", "~» hier", "~?"]
    assert [shown(run or "") for run in typeset_runs(runs, language="fr")] == expected


def test_what_is_left_alone_counts_as_a_word() -> None:
    runs = ['Taper "', None, '"? Ou ', None, " : ", None, " 50 ", "%"]
    assert typeset_runs(runs, language="fr") == [
        "Taper «\u00a0", None, "\u00a0»\u00a0? Ou ", None, "\u00a0: ", None, " 50\u00a0", "%",
    ]  # fmt: skip


def test_a_number_is_held_together_across_runs() -> None:
    assert typeset_runs(["38", " 000", " ", "€"], language="fr") == ["38", "\u00a0000", "\u00a0", "€"]


def test_a_hard_line_break_is_kept_and_ends_a_word() -> None:
    assert typeset_runs(['"un"', "\n", '"deux" '], language="fr") == [
        "«\u00a0un\u00a0»", "\n", "«\u00a0deux\u00a0» ",
    ]  # fmt: skip


def test_no_runs_and_empty_runs_are_fine() -> None:
    assert typeset_runs([], language="fr") == []
    assert typeset_runs(["", None, ""], language="fr") == ["", None, ""]


# ---- properties ----------------------------------------------------------------------------------------

MARKS = list("\"'.,;:!?«»“”‘’…-–—()%€$°/@\\ab1MhpX\u00a0\u202f \n\ufffc")
WORDS = [
    "...",
    "--",
    " - ",
    " – ",
    "10 000",
    " 000",
    "https://a.fr/b",
    "a@b.fr",
    ":-)",
    ";)",
    "n°",
    "M. ",
    "1er mai",
]
TRICKY = st.lists(st.sampled_from(MARKS + WORDS), max_size=14).map("".join)
TEXTS = TRICKY | st.text(max_size=30)
LANGUAGES = st.sampled_from(["fr", "en"])
WIDTHS: st.SearchStrategy[NoBreakSpaces] = st.sampled_from(["normal", "narrow"])


@settings(max_examples=600, deadline=None)
@given(TEXTS, LANGUAGES, WIDTHS)
def test_setting_a_text_twice_changes_nothing_more(text: str, language: str, width: NoBreakSpaces) -> None:
    once = typeset(text, language=language, no_break_spaces=width)
    assert typeset(once, language=language, no_break_spaces=width) == once


@settings(max_examples=300, deadline=None)
@given(st.lists(st.none() | TEXTS, max_size=5), LANGUAGES, WIDTHS)
def test_setting_runs_twice_changes_nothing_more(
    runs: list[str | None], language: str, width: NoBreakSpaces
) -> None:
    once = typeset_runs(runs, language=language, no_break_spaces=width)
    assert [run is None for run in once] == [run is None for run in runs]
    assert typeset_runs(once, language=language, no_break_spaces=width) == once


@settings(max_examples=300, deadline=None)
@given(TEXTS, LANGUAGES, WIDTHS)
def test_no_word_is_lost_added_or_changed(text: str, language: str, width: NoBreakSpaces) -> None:
    result = typeset(text, language=language, no_break_spaces=width)
    assert re.findall(r"\w+", result) == re.findall(r"\w+", text)


@settings(max_examples=300, deadline=None)
@given(TEXTS, LANGUAGES)
def test_only_spaces_quotes_dots_and_dashes_ever_change(text: str, language: str) -> None:
    changing = "[ \u00a0\u202f\"'«»“”‘’.…–-]"
    result = typeset(text, language=language)
    assert re.sub(changing, "", result) == re.sub(changing, "", text)


UNITS = [
    " ",
    '"',
    "'",
    '" ',
    ' "a',
    ".",
    "- ",
    " ?",
    "1 000 ",
    "a@",
    "a.",
    "x://",
    ":a",
    "« ",
    " »",
    " – ",
    "\\",
]


@pytest.mark.parametrize("unit", UNITS)
def test_a_hundred_kilobytes_of_anything_take_no_time(unit: str) -> None:
    text = unit * (100_000 // len(unit)) + "0001x"
    start = time.thread_time()
    typeset(text, language="fr")
    assert time.thread_time() - start < 3
    typeset(text, language="en")
    assert time.thread_time() - start < 6
