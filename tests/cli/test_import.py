"""`newsletter import` of documents and pages, whole: the article, its pictures, and nothing on a refusal."""

from pathlib import Path

from tests.cli.conftest import refuses
from tests.conftest import Newsletter
from tests.desk.documents import drawing, paragraph, word

PNG = b"\x89PNG\r\n\x1a\n a picture"
ISSUE = Path("issues/2026-11-23")


def files(paper: Path) -> set[str]:
    return {path.name for path in (paper / ISSUE).iterdir()}


def test_a_word_document_becomes_an_article_with_its_picture_beside_it(
    newsletter: Newsletter, paper: Path
) -> None:
    before = files(paper)
    body = paragraph("Le pain sans boulanger", style="Titre") + paragraph(drawing("p1", "Un four"))
    (paper / "brief.docx").write_bytes(word(body, pictures={"p1": ("image1.png", PNG)}))
    answer = newsletter("import", "brief.docx", "--issue", "2026-11-23")
    assert answer.code == 0
    article, picture = (paper / line for line in answer.out.splitlines())
    assert article.name.endswith("-le-pain-sans-boulanger.md")
    assert f"![Un four]({picture.name})" in article.read_text(encoding="utf-8")
    assert picture.read_bytes() == PNG
    assert files(paper) == before | {article.name, picture.name}
    again = newsletter("import", "brief.docx", "--issue", "2026-11-23")
    assert again.out.splitlines()[1].endswith(picture.name)
    assert len(files(paper)) == len(before) + 3


def test_a_saved_page_becomes_an_article(newsletter: Newsletter, paper: Path) -> None:
    page = "<!DOCTYPE html><html><body><h1>Le pain sans boulanger</h1><p>Une phrase.</p></body></html>"
    (paper / "page.html").write_text(page, encoding="utf-8")
    answer = newsletter("import", "page.html", "--issue", "2026-11-23")
    assert (paper / answer.out.strip()).read_text(encoding="utf-8") == (
        '---\ntitle: "Le pain sans boulanger"\n---\n\nUne phrase.\n'
    )


def test_a_broken_document_leaves_nothing_behind(newsletter: Newsletter, paper: Path) -> None:
    before = files(paper)
    (paper / "brief.docx").write_bytes(word(paragraph("Une phrase."))[:500])
    refuses(
        newsletter,
        paper,
        "import",
        "brief.docx",
        "--issue",
        "2026-11-23",
        code=3,
        error="brief.docx: a broken Word document",
        hint="open it in your word processor and save it again, or paste its text",
    )
    assert files(paper) == before
