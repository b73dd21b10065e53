"""What a spreadsheet's file is written in, found out before it is read."""

import os
from pathlib import Path

import pytest

from newsletter.errors import ContentError
from newsletter.readers.csv_file import Row, read_csv
from newsletter.readers.dialect import Columns, Dialect, look_at

LEA = "Courriel{0}Prénom{0}Nom\r\nlea@example.org{0}Léa{0}Œuvrard\r\n"


def looked_at(tmp_path: Path, content: str | bytes) -> Dialect:
    path = tmp_path / "list.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return look_at(path)


def people(dialect: Dialect) -> list[tuple[int, str, str]]:
    good = [row for row in read_csv(dialect) if isinstance(row, Row)]
    return [(row.line, row.address.email, row.name) for row in good]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
@pytest.mark.parametrize(
    ("delimiter", "cut"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
def test_each_usual_encoding_and_delimiter_is_found(
    tmp_path: Path, encoding: str, words: str, delimiter: str, cut: str
) -> None:
    dialect = looked_at(tmp_path, LEA.format(delimiter).encode(encoding))
    assert dialect.in_words() == f"read as {words}, cut by {cut}"
    assert people(dialect) == [(2, "lea@example.org", "Léa Œuvrard")]
    assert list(dialect.columns_in_words()) == [
        ("email", "column 1, 'Courriel'"),
        ("name", "columns 2 and 3, 'Prénom' and 'Nom'"),
    ]


def test_an_accent_at_the_very_end_of_a_big_file_is_seen(tmp_path: Path) -> None:
    lines = b"email,name\n" + b"lea@example.org,Lea\n" * 100_000 + b"max@example.org,L\xe9o\n"
    dialect = looked_at(tmp_path, lines)
    assert dialect.encoding == "cp1252"
    assert people(dialect)[-1] == (100_002, "max@example.org", "Léo")


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Email Address,First Name,Last Name,MEMBER_RATING", Columns(email=0, names=(1, 2))),
        ("Name,Given Name,E-mail 1 - Value", Columns(email=2, names=(0,))),
        ("NOM;PRENOM;Adresse de messagerie", Columns(email=2, names=(1, 0))),
        ("Adresse;E-mail;Nom complet;État", Columns(email=1, names=(2,), status=3)),
        ("Votre courriel,Ville", Columns(email=0)),
        ('"E-mail","Status"', Columns(email=0, status=1)),
    ],
)
def test_headers_of_other_programs_are_understood(tmp_path: Path, header: str, columns: Columns) -> None:
    assert looked_at(tmp_path, header + "\n").columns == columns


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("lea@example.org\nmax@example.org\n", [(1, "lea@example.org", ""), (2, "max@example.org", "")]),
        ("Léa Martin;lea@example.org\n", [(1, "lea@example.org", "Léa Martin")]),
        ("lea@example.org;2026-11-03\n", [(1, "lea@example.org", "")]),
        ("lea@example.org;Léa;Martin;Paris\n", [(1, "lea@example.org", "")]),
        ("\n\nlea@example.org\n", [(3, "lea@example.org", "")]),
        ('sep=;\r\nemail;nom\r\nlea@example.org;"Martin; Léa"\r\n', [(3, "lea@example.org", "Martin; Léa")]),
        ('"E-mail\n(obligatoire)",Nom\nlea@example.org,Léa\n', [(3, "lea@example.org", "Léa")]),
    ],
)
def test_files_without_a_usual_first_line_are_understood(
    tmp_path: Path, content: str, found: list[tuple[int, str, str]]
) -> None:
    assert people(looked_at(tmp_path, content)) == found


def test_a_file_without_a_header_says_so(tmp_path: Path) -> None:
    dialect = looked_at(tmp_path, "lea@example.org|Léa\n")
    words = "read as UTF-8, cut by vertical bars, without a line that names the columns"
    assert dialect.in_words() == words
    assert list(dialect.columns_in_words()) == [("email", "column 1"), ("name", "column 2")]


def test_what_cannot_be_read_twice_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ContentError, match="not a file that can be read twice"):
        look_at(tmp_path / "pipe")
