"""The house's shapes, read from the way people type them."""

import pytest

from newsletter.desk.pasted import read_pasted


def body(text: str) -> str:
    return read_pasted(f"Une phrase.\n\n{text}").body.removeprefix("Une phrase.").strip("\n")


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Rappel : les faits.", "**Rappel :** les faits."),
        ("Rappel\u00a0: les faits.", "**Rappel :** les faits."),
        ("Reminder: the facts.", "**Reminder:** the facts."),
        ("L'avantage pour eux : gagner.", "**L'avantage pour eux :** gagner."),
        (
            "Vous devinez sans peine la réponse d’Ugo : partir.",
            "**Vous devinez sans peine la réponse d’Ugo :** partir.",
        ),
        ("3 raisons : le prix.", "**3 raisons :** le prix."),
        ("Bref : « Oui. » a dit Ugo : « vraiment ».", "**Bref :** « Oui. » a dit Ugo : « vraiment »."),
        ("Le prix_net : 3.", "**Le prix_net :** 3."),
    ],
)
def test_a_short_run_of_words_before_the_first_colon_is_a_lead_in(typed: str, written: str) -> None:
    assert body(typed) == written


@pytest.mark.parametrize(
    "typed",
    [
        "Il reste deux options :",
        "À 7:30, le marché ouvre.",
        "Le chef a dit que ce serait long et pénible : il avait raison.",
        "En 2019, elle tranche : ce sera elle.",
        "Il part. Rappel : il revient.",
        "et puis : rien.",
        "« Oui : non. » a dit Ugo.",
        "Le score de 3:1 surprend.",
    ],
)
def test_another_colon_makes_no_lead_in(typed: str) -> None:
    assert body(typed) == typed


@pytest.mark.parametrize("bullet", ["•", "·", "‣", "-", "–", "*", "  • ", "\t•\t", "\uf0b7\t", "o\t", "▪"])
def test_every_way_to_type_bullets_makes_a_list(bullet: str) -> None:
    assert body(f"{bullet} un\n{bullet} deux, trois\n\n{bullet} quatre") == "- un\n- deux, trois\n- quatre"


@pytest.mark.parametrize("numbers", [("1.", "2.", "3."), ("1)", "2)", "3)"), ("4.", "5.", "6.")])
def test_lines_counted_one_by_one_are_a_numbered_list(numbers: tuple[str, str, str]) -> None:
    one, two, three = numbers
    digits = [number[:-1] for number in numbers]
    expected = "\n".join(
        f"{digit}. {word}" for digit, word in zip(digits, ("un", "deux", "trois"), strict=True)
    )
    assert body(f"{one} un\n{two} deux\n{three}\ttrois") == expected


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("* Chiffres de 2025.", "\\* Chiffres de 2025."),
        ("- une incise", "\\- une incise"),
        ("– une incise", "– une incise"),
        ("1986. Une année.\n\nEncore.", "1986\\. Une année.\n\nEncore."),
        (
            "1. Premier titre\n\nDu texte.\n\n2. Second titre",
            "1\\. Premier titre\n\nDu texte.\n\n2\\. Second titre",
        ),
        ("3. un\n5. deux", "3\\. un\n\n5\\. deux"),
        ("+ de prix\n+ de choix", "\\+ de prix\n\n\\+ de choix"),
        ("# un mot-dièse", "\\# un mot-dièse"),
        ("> 3 % de hausse", "\\> 3 % de hausse"),
        ("**gras** et _souligné_ et nom_de_fichier", "\\*\\*gras\\*\\* et \\_souligné\\_ et nom_de_fichier"),
        ("[^1]: une note [sic]", "\\[^1\\]: une note \\[sic\\]"),
        ("::: number 3", "\\::: number 3"),
        ("Du texte\n---", "Du texte\n\n\\---"),
        ("`code` \\ et &copie;", "\\`code\\` \\\\ et \\&copie;"),
    ],
)
def test_signs_that_mean_something_in_markdown_come_out_as_typed(typed: str, written: str) -> None:
    assert body(typed) == written


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("• un\n  - sous\n  - encore\n• deux", "- un\n  - sous\n  - encore\n- deux"),
        ("•\tun\no\tsous\n•\tdeux", "- un\n  - sous\n- deux"),
        ("• un\n• deux\n1. trois\n2. quatre", "- un\n- deux\n1. trois\n2. quatre"),
        ("1. un\n   • sous\n2. deux", "1. un\n   - sous\n2. deux"),
        ("1. un\n2. deux\n1. trois\n2. quatre", "1. un\n2. deux\n1) trois\n2) quatre"),
        ("•\nun\n•\ndeux", "- un\n- deux"),
        ("• un point qui\n  va à la ligne\n• deux", "- un point qui va à la ligne\n- deux"),
        ("• 1. un\n• # deux", "- 1\\. un\n- \\# deux"),
    ],
)
def test_lists_in_lists_and_lists_after_lists_stay_apart(typed: str, written: str) -> None:
    assert body(typed) == written


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("« Une phrase. » — Ugo Delorme, boulanger", "> « Une phrase. »\n>\n> — Ugo Delorme, boulanger"),
        ("“Une phrase.”\n– Ugo Delorme", "> “Une phrase.”\n>\n> — Ugo Delorme"),
        ('"Une."\n\n— Ugo\n\n"Deux."\n\n— Zoé', '> "Une."\n>\n> — Ugo\n\n> "Deux."\n>\n> — Zoé'),
    ],
)
def test_a_whole_quotation_with_its_speaker_behind_a_dash_is_a_block_quotation(
    typed: str, written: str
) -> None:
    assert body(typed) == written


@pytest.mark.parametrize(
    "typed",
    [
        "“Une phrase.” a déclaré Ugo Delorme.",
        "« Une phrase. »",
        "« Une phrase », dit-il, « coupée ».",
        "« Oui » – un mot que le patron n’avait plus prononcé une seule fois depuis l’hiver dernier, à Lyon.",
    ],
)
def test_a_quotation_that_would_lose_a_word_stays_a_paragraph(typed: str) -> None:
    assert body(typed) == typed


def test_rows_with_tabs_are_a_table_and_a_lone_tab_is_a_space() -> None:
    rows = "Ville\tPrix\nLyon\t1 200 €\nPau\t900 €"
    assert body(rows) == "| Ville | Prix |\n| --- | ---: |\n| Lyon | 1 200 € |\n| Pau | 900 € |"
    assert body("Lyon\tPau") == "Lyon Pau"
    assert body("a|b\tc\nd\te") == "| a\\|b | c |\n| --- | --- |\n| d | e |"


def test_lines_wrapped_by_a_mail_program_are_put_together_again() -> None:
    wrapped = (
        "Il était une fois une phrase bien longue qui fut coupée par un\n"
        "logiciel de courriel quelque part vers la soixantième colonne, et\n"
        "Dieu sait que cela arrive encore.\n\n"
        "Une autre phrase fut coupée elle aussi, et par le même outil que\n"
        "Dieu bénisse."
    )
    assert body(wrapped) == (
        "Il était une fois une phrase bien longue qui fut coupée par un logiciel de courriel quelque part "
        "vers la soixantième colonne, et Dieu sait que cela arrive encore.\n\n"
        "Une autre phrase fut coupée elle aussi, et par le même outil que Dieu bénisse."
    )


def test_paragraphs_parted_by_single_line_breaks_stay_apart() -> None:
    assert body("Une première phrase.\nUne seconde.\nUne troisième.") == (
        "Une première phrase.\n\nUne seconde.\n\nUne troisième."
    )


def test_a_word_parted_at_the_end_of_a_line_is_for_the_editor_to_look_at() -> None:
    assert body("Toute l’écono-\nmie du pays.") == (
        "Toute l’écono-mie du pays. [À VÉRIFIER : trait d’union ou césure ?]"
    )
