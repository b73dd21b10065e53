"""What differs between two sheets, part by part and line by line."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from newsletter.model import Edition, Issue, Mailbox, Publication, Rendition
from newsletter.web.difference import Line, Teller, difference, with_pictures
from newsletter.web.sheet import Sheet

HTML = (
    "<body><p style=\"margin:0;color:#b3261e\" class='lead'>Le premier paragraphe.</p>"
    '<!--[if mso]><table><tr><td style="width:600px"><![endif]-->'
    '<p style="color:#b3261e">Le second.</p></body>'
)
MESSAGE = b"From: a@example.org\r\nSubject: Un\r\nMessage-ID: <1@example.org>\r\n\r\nun\r\n"
HOUSE = Mailbox(name="La lettre", address="a@example.org")


def sheet(*, html: str = HTML, text: str = "Un\nDeux\nTrois\n", message: bytes = MESSAGE) -> Sheet:
    rendition = Rendition(
        name="a-1.png",
        src="https://x.invalid/a-1.png",
        media_type="image/png",
        width=2,
        height=1,
        content=b"PNG",
    )
    return Sheet(
        issue=Issue(day=date(2026, 11, 23), subject="Un", articles=(), folder=Path()),
        edition=Edition(
            key="2026-11-23",
            subject="Un",
            preheader="Avant",
            html=html,
            text=text,
            sender=HOUSE,
            renditions=(rendition,),
        ),
        publication=Publication(name="La lettre", sender=HOUSE),
        message=message,
        values={"name": "Camille", "email": "c@example.org", "leave_url": ""},
        at=datetime(2026, 11, 23, 7, tzinfo=UTC),
    )


def told(before: Sheet, after: Sheet, teller: Teller | None = None) -> list[str]:
    teller = teller or Teller()
    parts = difference(before, after).parts
    return [line.text for part in parts for line in teller.lines(part, "then", "now")]


def test_two_sheets_that_are_the_same_differ_in_nothing() -> None:
    assert difference(sheet(), sheet()).parts == ()


def test_a_message_id_of_its_own_is_no_difference() -> None:
    assert difference(sheet(), sheet(message=MESSAGE.replace(b"<1@", b"<2@"))).parts == ()


def test_every_part_is_named() -> None:
    message = MESSAGE.replace(b"Subject: Un", b"Subject: Deux\r\nReply-To: b@example.org")
    after = sheet(html=HTML.replace("second", "deuxième"), text="Un\n", message=message)
    after = replace(after, edition=replace(after.edition, preheader="Après", renditions=()))
    size = len(HTML.encode())
    assert difference(sheet(), after).words == (
        "subject",
        "preheader",
        "headers",
        "text",
        f"html ({size} → {size + 3} bytes)",
        "pictures",
    )


def test_text_is_told_as_a_unified_diff_with_its_line() -> None:
    assert told(sheet(), sheet(text="Un\nDeux et demi\nTrois\n")) == [
        "--- then: text",
        "+++ now: text",
        "@@ line 1 @@",
        " Un",
        "-Deux",
        "+Deux et demi",
        " Trois",
        " ",
    ]


def test_html_is_told_declaration_by_declaration_and_each_change_once() -> None:
    assert told(sheet(), sheet(html=HTML.replace("#b3261e", "#1e6fb3"))) == [
        "--- then: html",
        "+++ now: html",
        "@@ at the top @@",
        " <p>",
        "   margin:0",
        "-  color:#b3261e",
        "+  color:#1e6fb3",
        '   class="lead"',
        " Le premier paragraphe.",
        "… and a change as shown above",
    ]


def test_a_change_deep_in_a_tag_is_told_with_the_tag_and_the_words_before_it() -> None:
    before = HTML.replace("<td ", '<td align="left" valign="top" height="1" class="x" ')
    lines = told(sheet(html=before), sheet(html=before.replace("600px", "500px")))
    assert lines[2:] == [
        "@@ after “Le premier paragraphe.” @@",
        " <td>",
        '   align="left"',
        '   valign="top"',
        '   height="1"',
        '   class="x"',
        "-  width:600px",
        "+  width:500px",
        " <![endif]-->",
        " <p>",
    ]


def test_what_another_issue_showed_already_is_only_counted() -> None:
    teller = Teller()
    after = sheet(html=HTML.replace("#b3261e", "#1e6fb3"))
    told(sheet(), after, teller)
    assert told(sheet(), after, teller) == ["now: html: 2 changes as shown above"]


def test_the_kinds_of_lines_are_told_apart() -> None:
    (part,) = difference(sheet(), sheet(text="Un\nDeux\nQuatre\n")).parts
    lines = list(Teller().lines(part, "then", "now"))
    assert [line.kind for line in lines] == [
        *("head", "head", "place", "same", "same", "removed", "added", "same"),
    ]
    assert lines[5] == Line(kind="removed", text="-Trois")


def test_pictures_stand_in_the_page() -> None:
    html = '<img src="https://x.invalid/a-1.png"><p>zqblankqzname1z</p>'
    assert with_pictures(sheet(html=html)) == '<img src="data:image/png;base64,UE5H"><p>Camille</p>'
