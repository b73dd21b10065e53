"""Boxes, buttons and repetitions around an article, and sentences that only look like them."""

import pytest

from newsletter.desk.pasted import read_pasted

HEAD = "Le pain sort enfin de l’armoire\nUgo Delorme\n\n"
TEXT = "Une phrase entière, et qui finit bien."


@pytest.mark.parametrize(
    "box",
    [
        "Suivre l’actu du pain",
        "Suivez-nous sur les réseaux",
        "Recevez notre newsletter chaque matin.",
        "Abonnez-vous à notre lettre d’information : elle est gratuite.",
        "Inscrivez-vous gratuitement et rejoignez 50 000 lecteurs !",
        "* Cliquez ici pour lire nos newsletters.",
        "Get the story every weekday, for free.",
        "Sign up for our newsletter",
    ],
)
def test_a_sign_up_box_is_left_out_and_named(box: str) -> None:
    draft = read_pasted(f"{HEAD}{box}\n\n{TEXT}\n\n{box}")
    assert draft.body == f"{TEXT}\n"
    assert draft.dropped == (f"sign-up box: {box}",)


@pytest.mark.parametrize(
    "button",
    [
        "Gratuitement.",
        "Partager",
        "Partager sur Facebook",
        "Partager cet article",
        "S’inscrire",
        "Je m’inscris !",
        "Votre adresse e-mail",
        "Publicité",
        "Tout accepter",
        "Lire aussi : Le four qui parlait",
        "Subscribe",
    ],
)
def test_a_button_is_left_out_and_named(button: str) -> None:
    draft = read_pasted(f"{HEAD}{TEXT}\n\n{button}")
    assert draft.body == f"{TEXT}\n"
    assert draft.dropped == (f"button: {button}",)


@pytest.mark.parametrize(
    "line",
    [
        "En poursuivant votre navigation, vous acceptez les cookies.",
        "Nous utilisons des cookies pour mesurer l’audience.",
        "We use cookies to measure our audience.",
    ],
)
def test_a_cookie_line_is_left_out_and_named(line: str) -> None:
    draft = read_pasted(f"{HEAD}{TEXT}\n\n{line}")
    assert draft.body == f"{TEXT}\n"
    assert draft.dropped == (f"cookie line: {line}",)


@pytest.mark.parametrize(
    "sentence",
    [
        "La newsletter gratuite du boulanger part tous les matins par e-mail.",
        "La CNIL a compté les cookies de vingt boulangeries.",
        "Il faut partager le gâteau avec les lecteurs de la newsletter.",
        "Suivez le fil : il mène au four.",
        "Recevez mes excuses.",
    ],
)
def test_a_sentence_about_such_things_is_the_article_s(sentence: str) -> None:
    draft = read_pasted(f"{HEAD}{TEXT}\n\n{sentence}")
    assert sentence.split(" : ")[-1] in draft.body
    assert draft.dropped == ()
    assert draft.doubts == ()


def test_what_only_may_be_a_box_stays_with_a_mark() -> None:
    text = "Il insiste : devenez boulanger. C’est gratuit.\n\nRestez, c’est gratuit."
    draft = read_pasted(HEAD + text)
    assert draft.body == (
        "**Il insiste :** devenez boulanger. C’est gratuit.\n\n"
        "Restez, c’est gratuit. [À VÉRIFIER : encart d’inscription ?]\n"
    )
    assert draft.doubts == ("encart d’inscription ?",)


def test_a_long_paragraph_is_never_a_box() -> None:
    long = "Recevez la newsletter gratuite tous les matins, " + "et encore un mot " * 12 + "pour la route."
    assert long in read_pasted(f"{HEAD}{TEXT}\n\n{long}").body


def test_a_paragraph_that_stands_twice_is_kept_once() -> None:
    other = "Un tout autre paragraphe, assez long pour que nul ne le répète par jeu."
    draft = read_pasted(f"{HEAD}{other}\n\n{TEXT}\n\n{other.replace(' ', '  ')}\n\nFin.")
    assert draft.body == f"{other}\n\n{TEXT}\n\nFin.\n"
    assert draft.dropped == (f"repeated: {other}",)


def test_a_refrain_stays_as_often_as_it_was_typed() -> None:
    text = "Le pain monte.\n\nEncore.\n\nLe prix aussi.\n\nEncore."
    draft = read_pasted(HEAD + text)
    assert draft.body == f"{text}\n"
    assert draft.dropped == ()


def test_the_title_above_the_text_once_more_is_left_out() -> None:
    draft = read_pasted(f"{HEAD}{TEXT}\n\nUgo Delorme")
    assert draft.body == f"{TEXT}\n"
    assert draft.dropped == ("repeated: Ugo Delorme",)
