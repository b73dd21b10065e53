"""Slips of the fingers are found where they are, and nothing else is taken for one."""

from pathlib import Path

from PIL import Image

from newsletter.check.proofread import proofread
from newsletter.check.rule import Level
from newsletter.cli.proof import proof_of
from newsletter.compose.typography import typeset
from tests.check.conftest import ARTICLE, ISSUE, KEY, Proofread, make_paper
from tests.check.told import articles, told

ENGLISH = 'language = "en"\n'
RULES = ("double-word", "stray-space", "double-space", "missing-space", "unbalanced-mark", "straight-quote")

FRENCH_SLIPS = [
    # The text of an article that begins on line 4; where the slip is, and what a machine writes instead.
    ("double-word", "Il a pris le le train.", "4:11", "le"),
    ("double-word", "Le le train est parti.", "4:1", "Le"),
    ("double-word", "Un prix.\n\n> La fin de de la hausse.", "6:10", "de"),
    ("double-word", "La hausse des\ndes prix.", "4:11", None),
    ("stray-space", "Un mot , un autre.", "4:7", ","),
    ("stray-space", "Un mot ,un autre.", "4:7", ", "),
    ("stray-space", "La fin .", "4:7", "."),
    ("stray-space", "Voir `code` , puis.", "4:12", ","),
    ("stray-space", "Le prix ( hors taxes) monte.", "4:9", "("),
    ("stray-space", "Le prix (hors taxes ) monte.", "4:20", ")"),
    ("stray-space", "La fin de l' été.", "4:11", "l'"),
    ("stray-space", "Il dit qu 'elle vient.", "4:8", "qu'"),
    ("double-space", "Deux  espaces.", "4:5", " "),
    ("double-space", "- Un point avec   trois espaces.", "4:16", " "),
    ("double-space", "Dix \u00a0trains.", "4:4", "\u00a0"),
    ("missing-space", "Du rouge,du vert.", "4:9", ", "),
    ("missing-space", "Du rouge;du vert.", "4:9", " ; "),
    ("unbalanced-mark", "Il a dit « bonjour.", "4:10", None),
    ("unbalanced-mark", "Il a dit bonjour ».", "4:18", None),
    ("unbalanced-mark", "Un prix (hors taxes.", "4:9", None),
    ("unbalanced-mark", "Un prix hors taxes) monte.", "4:19", None),
    ("unbalanced-mark", "Il a « dit “bonjour » hier.", "4:12", None),
    ("straight-quote", 'Il a dit "bonjour.', "4:10", None),
    ("straight-quote", 'Il a "dit" bonjour" hier.', "4:19", None),
]

ENGLISH_SLIPS = [
    ("double-word", "He took the the train.", "4:9", "the"),
    ("stray-space", "A word , another.", "4:7", ","),
    ("stray-space", "What is this ?", "4:13", "?"),
    ("double-space", "Two  spaces.", "4:4", " "),
    ("missing-space", "Red;green.", "4:4", "; "),
    ("straight-quote", 'He said "hello.', "4:9", None),
]

FRENCH_LOOKALIKES = [
    "Nous nous levons, vous vous levez, on les fait faire faire, bla bla, très très tôt.",
    "Il en reste un un peu abîmé, avec son son surround, et ce qu'il a a été vendu.",
    "Les mémoires de de Gaulle, le Le Monde de lundi, et tra la la la.",
    "Prends-le le matin. Elle elle-même y va ; lui, il, il, enfin. Ils sont là. La la La.",
    "Fin de ligne  \net suite après deux espaces.",
    "-   un point\n-   un autre\n\n1.  une étape",
    "| Jour  |   Prix |\n|:------|-------:|\n| lundi |    3,5 |",
    "```\nx  ,y  (z\n```\n\n    a  ,b « c",
    "Un `le  le , (` de code, et `a`, `b`.",
    "Un lien [ici](https://www.example.org/a_(b),c;d?x=1,y) puis https://www.example.org/x,y et la fin.",
    'Il a dit "bonjour", **"oui"**, ["non"](https://www.example.org) et " peut-être ".',
    'Un écran de 27" et un autre de 13”.',
    "Prix : 38 000 €  ! Quoi  ? Voilà  : « x  ».",
    "Un sourire :-) et (un autre :) et la peine :(",
    "a) un point, b) un autre ; voir (point 2) et (2) et (a). Puis 1) et iv) aussi.",
    "« Un premier paragraphe de citation.\n\n« Un deuxième.\n\n« Un dernier, qui la ferme. »",
    "« Il a dit “bonjour” », dit-elle. Un écart (de 3 (sur 4)).",
    "Le 3,5 et le 4,2 ; FR,BE,CH ; le .fr et le .5 ; et ainsi ... de suite ; le fichier .env aussi.",
    "L'option 'd' est prise, l'an 'aussi', et n'y va pas d'ici.",
    "Voir a&eacute;b;c, écrire à ada,bea@example.org ou visiter exemple,net.example.org.",
    "Il vaut \\* mieux \\( ça \\).",
]


def test_french_slips_are_found_in_their_places(proofread_issue: Proofread) -> None:
    found = proofread_issue(articles([text for _, text, _, _ in FRENCH_SLIPS]), *RULES)
    assert [told(each) for each in found] == [
        (f"{number:02}-cas{number}.md:{place}", rule, new)
        for number, (rule, _, place, new) in enumerate(FRENCH_SLIPS, 2)
    ]
    assert {each.level for each in found} == {Level.WARNING}


def test_english_slips_are_found_in_their_places(proofread_issue: Proofread) -> None:
    found = proofread_issue(articles([text for _, text, _, _ in ENGLISH_SLIPS]), *RULES, settings=ENGLISH)
    assert [told(each) for each in found] == [
        (f"{number:02}-cas{number}.md:{place}", rule, new)
        for number, (rule, _, place, new) in enumerate(ENGLISH_SLIPS, 2)
    ]


def test_what_only_looks_like_a_slip_is_left_alone(proofread_issue: Proofread) -> None:
    found = proofread_issue(articles(FRENCH_LOOKALIKES), *RULES)
    assert [(told(each), each.message) for each in found] == []


def test_what_the_typesetter_puts_right_is_no_finding(proofread_issue: Proofread) -> None:
    text = 'Il dit "oui"  ! L\'an 2026 : 38 000 €, 5  % et « rien  » -- ou presque...'
    assert "  " not in typeset(text, language="fr")
    assert proofread_issue({"01-un.md": ARTICLE.replace("Une phrase simple.", text)}, *RULES) == []


def test_titles_and_subjects_are_read_too(proofread_issue: Proofread) -> None:
    head = ISSUE.replace("Fusion et faux rabais", "Fusion et et faux rabais")
    article = ARTICLE.replace("Un titre", "Un titre , un seul")
    found = proofread_issue({"issue.md": head, "01-un.md": article}, *RULES)
    assert [(each.rule, str(each.place)) for each in found] == [
        ("stray-space", "issues/2026-11-23/01-un.md:2:17"),
        ("double-word", "issues/2026-11-23/issue.md:2:18"),
    ]


def test_the_credit_of_a_picture_is_read_and_its_quotes_are_markdowns(
    tmp_path: Path,
) -> None:
    text = 'Voici ![un carré](un.png "Crédit , un ami") et "la fin".'
    press = make_paper(tmp_path, {"01-un.md": ARTICLE.replace("Une phrase simple.", text)})
    Image.new("RGB", (600, 300)).save(tmp_path / "issues" / KEY / "un.png")
    issue = press.issue(press.issue_folder(KEY, nearest=True))
    found = [each for each in proofread(proof_of(press, issue, press.edition(issue))) if each.rule in RULES]
    assert [(each.rule, each.place.line, each.place.column) for each in found] == [("stray-space", 4, 33)]
