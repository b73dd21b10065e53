"""STOP counts in the reader's own words only, and only if nothing else is said with it."""

import time

import pytest

from newsletter.bounces.wishes import own_words, says_stop


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "Stop !",
        "stop, merci",
        "Désabonnez-moi svp",
        "Merci de me désabonner.",
        "Bonjour,\n\nje souhaite me désinscrire de votre newsletter.\n\nCordialement",
        "Je ne veux plus recevoir vos mails",
        "Merci de bien vouloir m’enlever de cette liste",
        "unsubscribe",
        "Please remove me from your mailing list. Thanks",
        "Bitte abmelden",
        "STOP\n\nJean Dupont\nDirecteur des achats",
        "stop\n\nEnvoyé de mon iPhone",
        "stop\n\n-- \nJean Dupont, bravo à tous",
        "STOP\n\nLe lun. 23 nov. 2026 à 07:00, L'actu <b@e.example> a\nécrit\u00a0:\n\n> Bonjour",
        "Stop\n\n________________________________\nDe\u00a0: L'actu <a@b.example>\nEnvoyé\u00a0: 7 h",
        "Stop\n\n-----Message d'origine-----\nDe : L'actu\n\nBonjour",
        "Stop\n\nAm 23.11.2026 um 07:00 schrieb L'actu <x@y.example>:\nHallo",
        "Stop\n\nOn Mon, 23 Nov 2026 at 07:00, L'actu <x@y.example> wrote:\nHello",
    ],
)
def test_who_wants_to_leave_may(text: str) -> None:
    assert says_stop("Re: Le budget", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ne me désabonnez pas !",
        "Please do not unsubscribe me",
        "Stop au gaspillage, bravo !",
        "Comment se désabonner ?",
        "Merci pour cet article",
        "Super\n\n> STOP\n> désabonnez-moi",
        "Merci\n-----Message d'origine-----\nSTOP",
        "Bravo\n\nDe : L'actu <a@b.example>\nObjet : STOP\n\nSTOP",
        "Bonjour\n-- \nSTOP",
        "STOP\n" + "Voici pourquoi je trouve que cet article mérite une réponse. " * 6,
    ],
)
def test_who_says_something_else_stays(text: str) -> None:
    assert not says_stop("Re: Le budget", text)


def test_the_subject_counts_if_it_is_the_readers_own() -> None:
    assert says_stop("Désabonnement", "")
    assert says_stop("STOP", "merci")
    assert not says_stop("Re: STOP", "")  # the answer to an issue with that title
    assert not says_stop("Re : Désabonnement", "")


def test_the_readers_own_words_end_where_the_quoted_ones_begin() -> None:
    text = "Bonjour,\n\nMerci.\n\nLe 23/11/2026 à 07:00, L'actu a écrit :\n> x"
    assert own_words(text) == "Bonjour,\n\nMerci."


@pytest.mark.parametrize(
    "text", ["stop " * 50_000, "> " * 50_000, "de : " * 50_000, "a\n" * 50_000, "<" * 200_000]
)
def test_no_text_keeps_it_busy(text: str) -> None:
    before = time.thread_time()
    says_stop(text, text)
    assert time.thread_time() - before < 1.0
