"""Word documents made by hand: the parts of ECMA-376 that a word processor writes, as small as can be."""

import io
import zipfile
from collections.abc import Mapping

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

TYPES = f"""{DECLARATION}<Types xmlns="{PACKAGE}/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>
<Default Extension="emf" ContentType="image/x-emf"/></Types>"""
ROOT = f"""{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">
<Relationship Id="r" Type="{R}/officeDocument" Target="word/document.xml"/></Relationships>"""
STYLES = f"""{DECLARATION}<w:styles {W}>
<w:style w:type="paragraph" w:styleId="Titre"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="Titre2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Citation"><w:name w:val="Quote"/></w:style></w:styles>"""
NUMBERING = f"""{DECLARATION}<w:numbering {W}>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl>
<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num>
</w:numbering>"""


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def bold(text: str) -> str:
    return run(text, "<w:b/>")


def paragraph(*runs: str, style: str = "", listed: tuple[int, int] | None = None) -> str:
    properties = f'<w:pStyle w:val="{style}"/>' if style else ""
    if listed:
        properties += f'<w:numPr><w:ilvl w:val="{listed[1]}"/><w:numId w:val="{listed[0]}"/></w:numPr>'
    inside = "".join(part if part.startswith("<") else run(part) for part in runs)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inside}</w:p>"


def link(text: str, relation: str) -> str:
    return f'<w:hyperlink r:id="{relation}">{run(text)}</w:hyperlink>'


def table(*rows: tuple[str, ...]) -> str:
    lines = (
        "<w:tr>" + "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>" for row in rows
    )
    return f"<w:tbl>{''.join(lines)}</w:tbl>"


def call(number: int) -> str:
    return f'<w:r><w:footnoteReference w:id="{number}"/></w:r>'


def drawing(relation: str, about: str = "", how: str = "embed") -> str:
    return (
        f'<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Image 1" descr="{about}"/><a:graphic>'
        "<a:graphicData>"
        f'<pic:pic><pic:blipFill><a:blip r:{how}="{relation}"/></pic:blipFill></pic:pic>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


def word(
    *body: str,
    links: Mapping[str, str] | None = None,
    notes: Mapping[int, str] | None = None,
    pictures: Mapping[str, tuple[str, bytes]] | None = None,
    linked: Mapping[str, str] | None = None,
    more: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """A .docx: `links`, `pictures` (name and bytes), `linked` pictures by relation, `notes` by number."""
    drawings = (
        'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
    )
    relations = [
        f'<Relationship Id="{name}" Type="{R}/{name}" Target="{name}.xml"/>'
        for name in ("styles", "numbering", "footnotes")
    ]
    for relation, address in (links or {}).items():
        target = address.replace("&", "&amp;")
        relations.append(
            f'<Relationship Id="{relation}" Type="{R}/hyperlink" Target="{target}" TargetMode="External"/>'
        )
    for relation, address in (linked or {}).items():
        relations.append(
            f'<Relationship Id="{relation}" Type="{R}/image" Target="{address}" TargetMode="External"/>'
        )
    for relation, (name, _) in (pictures or {}).items():
        relations.append(f'<Relationship Id="{relation}" Type="{R}/image" Target="media/{name}"/>')
    footnotes = "".join(
        f'<w:footnote w:id="{number}">{paragraph(text)}</w:footnote>'
        for number, text in (notes or {}).items()
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": ROOT,
        "word/document.xml": (
            f'{DECLARATION}<w:document {W} xmlns:r="{R}" {drawings}>'
            f"<w:body>{''.join(body)}</w:body></w:document>"
        ),
        "word/styles.xml": STYLES,
        "word/numbering.xml": NUMBERING,
        "word/footnotes.xml": f"{DECLARATION}<w:footnotes {W}>{footnotes}</w:footnotes>",
        "word/_rels/document.xml.rels": (
            f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">'
            f"{''.join(relations)}</Relationships>"
        ),
        **{f"word/media/{name}": content for name, content in (pictures or {}).values()},
        **(more or {}),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()
