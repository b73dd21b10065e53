"""Word documents as editors hand them in: what is kept, what is told, what is refused."""

import io
import zipfile
from contextlib import suppress

import pytest

from newsletter.desk.brought import read_brought
from newsletter.desk.pasted import Draft
from newsletter.desk.word import MAX_XML, read_word
from newsletter.errors import ContentError
from tests.desk.documents import bold, call, drawing, link, paragraph, run, table, word

PNG = b"\x89PNG\r\n\x1a\n a picture"
PNG_NAME = "image-e90cd45d.png"
TITLE = paragraph("Le pain sans boulanger", style="Titre") + paragraph("Ugo Delorme")


def draft(*body: str, **parts: object) -> Draft:
    return read_brought(word(TITLE, *body, **parts), "brief.docx")  # type: ignore[arg-type]


def test_title_and_author_are_found() -> None:
    read = draft(paragraph("Une phrase."))
    assert (read.title, read.author, read.body) == ("Le pain sans boulanger", "Ugo Delorme", "Une phrase.\n")
    assert (read.doubts, read.dropped, read.pictures) == ((), (), {})


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (paragraph(bold("Le contexte :"), " un bourg sur trois."), "**Le contexte :** un bourg sur trois."),
        (
            paragraph("Un ", run("mot", "<w:i/>"), run(" noir", '<w:color w:val="000000"/>'), "."),
            "Un *mot* noir.",
        ),
        (
            paragraph("Un", listed=(1, 0))
            + paragraph("Sous", listed=(1, 1))
            + paragraph("Deux", listed=(1, 0)),
            "- Un\n  - Sous\n- Deux",
        ),
        (paragraph("Un", listed=(2, 0)) + paragraph("Deux", listed=(2, 0)), "1. Un\n2. Deux"),
        (paragraph("Les chiffres", style="Titre2") + paragraph("Suite."), "## Les chiffres\n\nSuite."),
        (paragraph("Une trappe.", style="Citation"), "> Une trappe."),
        (
            table(("Année", "Fours", "Note"), ("2024", "112", ""), ("2025", "", "ok")),
            "| Année | Fours | Note |\n| ---: | ---: | --- |\n| 2024 | 112 |  |\n| 2025 |  | ok |",
        ),
    ],
)  # fmt: skip
def test_the_shapes_of_a_document_are_kept(body: str, written: str) -> None:
    assert draft(body).body == f"{written}\n"


def test_a_link_is_kept_without_its_tracking() -> None:
    read = draft(
        paragraph("Lire ", link("l’étude", "l1"), "."), links={"l1": "https://example.org/a?utm_source=x&b=1"}
    )
    assert read.body == "Lire [l’étude](https://example.org/a?b=1).\n"
    assert read.dropped == ("without redirector or tracking: https://example.org/a?utm_source=x&b=1",)


def test_footnotes_are_called_where_they_were_and_stand_at_the_end() -> None:
    read = draft(
        paragraph("Un bourg", call(7), " sur trois.", call(9)),
        paragraph("Bref."),
        notes={7: "Au sens [large].", 9: "Étude de 2024."},
    )
    assert read.body == (
        "Un bourg[^1] sur trois.[^2]\n\nBref.\n\n[^1]: Au sens \\[large\\].\n\n[^2]: Étude de 2024.\n"
    )


def test_the_footnote_of_a_title_is_text_to_check() -> None:
    body = paragraph("Un titre de quatre mots", call(2), style="Titre") + paragraph("Une phrase.")
    read = read_brought(word(body, notes={2: "Perdue."}))
    assert read.body == "Une phrase.\n\nPerdue. [À VÉRIFIER : note dont l’appel manque]\n"
    assert read.doubts == ("note dont l’appel manque",)


def test_a_picture_comes_along_with_its_own_words_or_a_mark_to_write_them() -> None:
    read = draft(
        paragraph(drawing("p1", "Un four [à pain]")),
        paragraph(
            "Avant ", drawing("p1", "Une image contenant pain. Description générée automatiquement"), "après."
        ),
        pictures={"p1": ("image1.png", PNG)},
    )
    asked = "![[À VÉRIFIER : texte de remplacement de l’image]]"
    assert read.body == (f"![Un four \\[à pain\\]]({PNG_NAME})\n\nAvant\n\n{asked}({PNG_NAME})\n\naprès.\n")
    assert read.pictures == {PNG_NAME: PNG}
    assert read.doubts == ("texte de remplacement de l’image",)


def test_a_picture_above_the_title_does_not_hide_it() -> None:
    body = (
        paragraph(drawing("p1", "Un four")) + paragraph("Le pain sans boulanger") + paragraph("Ugo Delorme")
    )
    read = read_brought(word(body, paragraph("Une phrase."), pictures={"p1": ("image1.png", PNG)}))
    assert (read.title, read.author) == ("Le pain sans boulanger", "Ugo Delorme")
    assert read.body == f"![Un four]({PNG_NAME})\n\nUne phrase.\n"


def test_a_picture_that_no_mail_can_show_or_that_is_elsewhere_is_told_in_words() -> None:
    read = draft(
        paragraph(drawing("p2", "Une courbe")),
        paragraph(drawing("p3", how="link")),
        pictures={"p2": ("image2.emf", b"EMF")},
        linked={"p3": "file:///etc/hostname"},
    )
    assert read.body == (
        "[À VÉRIFIER : image non reprise : Une courbe]\n\n[À VÉRIFIER : image non reprise]\n"
    )
    assert read.pictures == {}


def test_comments_are_told_to_be_left_out() -> None:
    comments = '<w:comments xmlns:w="w"><w:comment w:id="0"/></w:comments>'
    assert draft(paragraph("Une phrase."), more={"word/comments.xml": comments}).dropped == (
        "the document's comments",
    )


# ---- what is refused -------------------------------------------------------------------------------------


def refused(data: bytes) -> tuple[str, str]:
    with pytest.raises(ContentError) as caught:
        read_brought(data, "brief.docx")
    return caught.value.message, caught.value.hint


BROKEN = ("a broken Word document", "open it in your word processor and save it again, or paste its text")


def archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name.replace("__", "/") + ".xml", content)
    return out.getvalue()


def test_half_a_document_is_refused() -> None:
    whole = word(paragraph("Une phrase."))
    assert refused(whole[: len(whole) // 2]) == BROKEN


@pytest.mark.parametrize("at", range(40, 1800, 97))
def test_a_document_with_a_wrong_byte_is_read_or_refused_in_our_words(at: int) -> None:
    data = bytearray(word(paragraph("Une phrase.")))
    data[at] ^= 0xFF
    with suppress(ContentError):
        read_brought(bytes(data))


@pytest.mark.parametrize("content", [b"", b"<a", b"<a/>", b"\xff\xfe<", b"<w:document/>"])
def test_a_part_that_is_no_xml_of_word_is_refused(content: bytes) -> None:
    message, hint = refused(archive(word__document=content))
    assert message in ("a broken Word document", "nothing to import: the text is empty")
    assert hint


def test_an_archive_of_something_else_is_refused() -> None:
    message, hint = refused(archive(content=b"<office:document/>"))
    assert message == "an archive that is no Word document"
    assert hint == "save it as a Word document (.docx), or as text (.txt)"


def test_a_document_that_would_fill_the_memory_is_refused_unopened() -> None:
    bomb = word(paragraph("Une phrase."), more={"word/other.xml": b" " * (MAX_XML + 1)})
    assert len(bomb) < 20_000
    assert refused(bomb)[0] == "unpacked, it is far larger than an article"


def test_a_document_that_multiplies_its_entities_is_refused() -> None:
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    message, _ = refused(word(paragraph("Une phrase."), more={"word/document.xml": entities}))
    assert message == "'word/document.xml' has a document type, which no Word document has"


def test_a_document_nested_without_end_is_refused() -> None:
    deep = "<w:ins>" * 50_000 + "</w:ins>" * 50_000
    message, hint = refused(word(f"<w:p>{deep}</w:p>"))
    assert message in ("its parts are nested too deeply to be read", "a broken Word document")
    assert hint


def test_a_document_under_a_password_is_refused() -> None:
    protected = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    assert refused(protected) == (
        "protected by a password",
        "open it with the password and save it without one",
    )


def test_a_document_of_another_time_is_refused() -> None:
    assert refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)) == (
        "a document in the format of Word before 2007",
        "save it as a Word document of today (.docx)",
    )


def test_the_document_of_a_whole_book_is_read_in_seconds_or_refused() -> None:
    book = word(*(paragraph(f"Une phrase {number}.") for number in range(2_000)))
    assert "Une phrase 1999." in read_word(book).html
