"""French slips are found where they are; French that is right, and English, are left alone."""

from newsletter.check.rule import Level
from tests.check.conftest import ARTICLE, Proofread
from tests.check.told import articles, told

RULES = ("odd-dots", "small-letter", "french-slip")

SLIPS = [
    # The text of an article that begins on line 4; where the slip is, and what a machine writes instead.
    ("odd-dots", "Du pain, du vin, etc...", "4:18", "etc."),
    ("odd-dots", "Du pain, du vin, etc… Et encore.", "4:18", "etc."),
    ("odd-dots", "Et alors.... rien.", "4:9", "…"),
    ("odd-dots", "Et alors. . . rien.", "4:9", "…"),
    ("odd-dots", "Et alors….", "4:9", "…"),
    ("odd-dots", "Et alors..", "4:9", None),
    ("small-letter", "Il monte encore. puis il tombe.", "4:18", None),
    ("small-letter", "Il monte encore.\npuis il tombe.", "5:1", None),
    ("french-slip", "Malgré que le prix monte.", "4:1", "Bien"),
    ("french-slip", "Il monte malgré qu'il pleuve.", "4:10", "bien"),
    ("french-slip", "C'est, au jour d'aujourd'hui, cher.", "4:8", "aujourd'hui"),
    ("french-slip", "C’est, au jour d’aujourd’hui, cher.", "4:8", "aujourd’hui"),
    ("french-slip", "C'est comme même cher.", "4:7", "quand même"),
    ("french-slip", "Si il monte, on descend.", "4:1", "S'il"),
    ("french-slip", "La 1ère fois.", "4:4", "1re"),
    ("french-slip", "Les 1ères fois.", "4:5", "1res"),
    ("french-slip", "Le 1ier jour.", "4:4", "1er"),
    ("french-slip", "Le 2ème jour.", "4:4", "2e"),
    ("french-slip", "Les 20ièmes jours.", "4:5", "20es"),
    ("french-slip", "Le XXIème siècle.", "4:4", "XXIe"),
    ("french-slip", "Avec Mme. Dupont.", "4:6", "Mme"),
    ("french-slip", "Quelque soit le prix.", "4:1", None),
    ("french-slip", "Quoiqu'il en soit, il monte.", "4:1", "Quoi qu'il en soit"),
    ("french-slip", "Quand à lui, il monte.", "4:1", "Quant à"),
    ("french-slip", "En terme de prix, rien.", "4:1", "En termes"),
    ("french-slip", "Pour dix milles euros.", "4:10", "mille euros"),
    ("french-slip", "Un ami, c'est à dire un client.", "4:9", "c'est-à-dire"),
    ("french-slip", "Il monte depuis quelques temps.", "4:10", "depuis quelque temps"),
    ("french-slip", "Cela monte tout les jours.", "4:12", "tous les jours"),
    ("french-slip", "Combien y a t'il de jours ?", "4:11", "a-t-il"),
    ("french-slip", "Que va t-on dire ?", "4:5", "va-t-on"),
    ("french-slip", "Il est sensé payer.", "4:4", "est censé"),
    ("french-slip", "Un bon acceuil.", "4:8", "accueil"),
    ("french-slip", "Des professionelles.", "4:5", "professionnelles"),
    ("french-slip", "Il le dit malgrés tout.", "4:11", "malgré"),
]

RIGHT = [
    "Malgré qu'il en ait, il paie. Malgré la pluie, que l'on dit forte.",
    "Comme même les enfants le savent, c'est cher. Quand même, c'est cher.",
    "S'il monte, si elle descend, si, il monte. Aussi il monte. Le ski il adore.",
    "La 1re fois, le 1er jour, le 2e, la 3e, le XXIe siècle, la crème, le même, le dixième, 2 mètres.",
    "M. Dupont, Mme Durand, Mlle Martin.",
    "Quel que soit le prix, quoi qu'il arrive, quoiqu'il pleuve. Quelques soirées.",
    "Quand à Paris il pleut, quand à elle seule la France paie. Quant à lui, il rit.",
    "En termes de prix ; mille euros ; des milles nautiques ; aux termes de la loi.",
    "Il y a quelques temps forts. Tout les oppose. Ce serait tout, les jours passent.",
    "Y a-t-il, va-t-on, a-t-elle, va-t'en, l'a-t-on ? Le papa t'écoute.",
    "Un homme sensé est sensé. Il est sensé, premier point. Il est censé payer.",
    "Voir approx. la moitié, févr. dernier, chap. deux, etc. mais pas M. de Gaulle, ni av. J.-C. puis.",
    "« Ah ! dit-il. » Quoi ? rien… et encore... rien. La page. iPhone en tête. Le site. example.org.",
    "Le 375 M$ et le 3,5 ; ../dossier ; 1..5 ; et puis...",
    "Un `si il` et `1ère` de code, et https://www.example.org/si-1ère/2ème.",
    "Le parmi et le bien sûr, l'accueil, accueillir, les professionnels.",
]


def test_slips_are_found_in_their_places(proofread_issue: Proofread) -> None:
    found = proofread_issue(articles([text for _, text, _, _ in SLIPS]), *RULES)
    assert [told(each) for each in found] == [
        (f"{number:02}-cas{number}.md:{place}", rule, new)
        for number, (rule, _, place, new) in enumerate(SLIPS, 2)
    ]
    assert {each.level for each in found} == {Level.WARNING}


def test_french_that_is_right_is_left_alone(proofread_issue: Proofread) -> None:
    found = proofread_issue(articles(RIGHT), *RULES)
    assert [(told(each), each.message) for each in found] == []


def test_an_english_paper_is_not_read_as_french(proofread_issue: Proofread) -> None:
    text = "\n\n".join(slip for _, slip, _, _ in SLIPS)
    files = {"01-un.md": ARTICLE.replace("Une phrase simple.", text)}
    assert proofread_issue(files, *RULES, settings='language = "en"\n') == []


def test_what_goes_between_single_quotes_has_no_straight_apostrophe(proofread_issue: Proofread) -> None:
    (found,) = proofread_issue({"01-un.md": ARTICLE.replace('"Un titre"', "'Si il monte'")}, *RULES)
    assert str(found.place) == "issues/2026-11-23/01-un.md:2:9"
    assert found.fix
    assert found.fix.new == "S’il"
