"""CSV as spreadsheets write it, with the lines that are wrong."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ContentError
from newsletter.model import Reader
from newsletter.readers.csv_file import BadRow, Row, read_csv, write_csv
from newsletter.readers.dialect import look_at


def rows(tmp_path: Path, content: str | bytes) -> list[Row | BadRow]:
    path = tmp_path / "readers.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_csv(look_at(path)))


def found(tmp_path: Path, content: str | bytes) -> list[tuple[int, str, str]]:
    good = [row for row in rows(tmp_path, content) if isinstance(row, Row)]
    return [(row.line, row.address.email, row.name) for row in good]


@pytest.mark.parametrize(
    "content",
    [
        "email,name\nlea@example.org,Léa Martin\n",
        "\ufeffEmail;Nom\r\nlea@example.org;Léa Martin\r\n",
        "Nom\tAdresse e-mail\nLéa Martin\tlea@example.org\n",
        "Prénom,NOM,Courriel\nLéa,Martin,lea@example.org",
        "adresse,e-mail,first_name,last_name\n1 rue Haute,lea@example.org,Léa,Martin\n",
        '"mail","name"\n"lea@example.org","Léa Martin"\n',
        "email,name\rlea@example.org,Léa Martin\r",
        "email,name,ville\nlea@example.org, Léa Martin\n",
    ],
)
def test_the_usual_spreadsheets_are_understood(tmp_path: Path, content: str) -> None:
    assert found(tmp_path, content) == [(2, "lea@example.org", "Léa Martin")]


def test_a_column_of_addresses_is_enough(tmp_path: Path) -> None:
    assert found(tmp_path, "E-mail\nlea@example.org\n\n\nmax@example.org\n") == [
        (2, "lea@example.org", ""),
        (5, "max@example.org", ""),
    ]


def test_lines_are_counted_as_an_editor_shows_them(tmp_path: Path) -> None:
    content = 'email,name\nlea@example.org,"Léa\nMartin"\nbad\nmax@example.org,Max\n'
    assert found(tmp_path, content) == [(2, "lea@example.org", "Léa Martin"), (5, "max@example.org", "Max")]
    assert [row.line for row in rows(tmp_path, content) if isinstance(row, BadRow)] == [4]


def test_a_bad_address_does_not_stop_the_others(tmp_path: Path) -> None:
    content = "name,email\nDupont, Jean,jean@example.org\nLéa,lea@example.org\nMax\n"
    bad, good, none = rows(tmp_path, content)
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.text) == (2, " Jean")
    assert bad.reason.startswith("'Jean' is not an address: ")
    assert isinstance(good, Row)
    assert good.line == 3
    assert none == BadRow(line=4, text="", reason="'' is not an address: there is nothing", name="Max")


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("prénom,âge\nLéa,40\n", 1, "no column is named email; the first line is 'prénom,âge'"),
        (
            b"email,name\nlea@example.org,L\xe9a\nmax@example.org,M\x81x\n",
            3,
            "neither UTF-8 nor Windows-1252",
        ),
        ("email\nlea@example.org\n".encode("utf-16")[:-1], 1, "not UTF-16"),
        ("email\nl\ud800@example.org\n".encode("utf-16", "surrogatepass"), 2, "not UTF-16"),
        ("email\nlea@example.org\nm\0x@example.org\n", 3, "a NUL byte: not a text file"),
        ("email\n" + "x" * 65_537, 2, "a line of more than 65,536 characters"),
        ('email,name\nlea@example.org,"Léa\nmax@example.org,Max\n', 2, "not CSV: unexpected end of data"),
        (
            'email,name\na@example.org,A\nlea@example.org,"Léa "la" Martin"\n',
            3,
            "not CSV: ',' expected after '\"'",
        ),
    ],
)
def test_what_cannot_be_read_on_is_named_with_its_line(
    tmp_path: Path, content: str | bytes, line: int, message: str
) -> None:
    with pytest.raises(ContentError) as caught:
        rows(tmp_path, content)
    assert caught.value.where == f"{tmp_path}/readers.csv:{line}"
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ("active", "active"),
        ("", "active"),
        ("Abonné", "active"),
        ("left", "left"),
        ("Unsubscribed", "left"),
        ("DÉSINSCRIT", "left"),
        ("cleaned", "bounced"),
        ("complained", "complained"),
        ("en attente", "pending"),
    ],
)
def test_a_column_of_statuses_is_heeded(tmp_path: Path, row: str, status: str) -> None:
    (found,) = rows(tmp_path, f"email;statut\nlea@example.org;{row}\n")
    assert isinstance(found, Row)
    assert found.status == status


def test_a_status_that_nobody_knows_makes_no_reader(tmp_path: Path) -> None:
    (bad,) = rows(tmp_path, "email,name,status\nlea@example.org,Léa,prospect\n")
    reason = "'prospect' is not a status: pending, active, paused, left, bounced, complained"
    assert bad == BadRow(line=2, text="lea@example.org", reason=reason, name="Léa")


def test_what_has_no_end_is_not_read_to_it(tmp_path: Path) -> None:
    long = '"' + "x\n" * 30_000 + '",'
    with pytest.raises(ContentError, match="a row of more than 1,048,576 characters"):
        rows(tmp_path, "email,name\nlea@example.org," + long * 20)
    (wide,) = rows(tmp_path, "email\n" + "lea@example.org," * 501 + "\n")
    assert isinstance(wide, BadRow)
    assert wide.reason == "more than 500 columns"
    with pytest.raises(ContentError, match="more than 500 columns"):
        rows(tmp_path, "email," + "x," * 500 + "\nlea@example.org\n")


def test_a_file_of_more_than_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "big.csv").open("wb") as file:
        file.write(b"email\n")
        file.truncate((1 << 30) + 1)
    with pytest.raises(ContentError, match="larger than 1,073,741,824 bytes") as caught:
        look_at(tmp_path / "big.csv")
    assert caught.value.hint == "split it into several"


def test_how_far_it_is_is_told_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "readers.csv"
    path.write_text("email\n" + "lea@example.org\n" * 5_000, encoding="utf-8")
    told: list[int] = []
    assert len(list(read_csv(look_at(path), told.append))) == 5_000
    assert len(told) == 5
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size == 80_006


def test_a_quotation_that_swallows_the_file_is_an_error_and_not_a_long_name(tmp_path: Path) -> None:
    lines = "".join(f"reader{i}@example.org,R\n" for i in range(20_000))
    with pytest.raises(ContentError) as caught:
        rows(tmp_path, f'email,name\nlea@example.org,"Léa\n{lines}')
    assert caught.value.where.endswith("readers.csv:2")


@pytest.mark.parametrize(
    ("name", "words"), [("none.csv", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ContentError, match=words):
        look_at(tmp_path / name)


def test_an_export_holds_no_formula_and_can_be_read_again(tmp_path: Path) -> None:
    names = ["Léa", "=HYPERLINK(1)", "+33", "-2", "@here", "\tx", "\rx", "'quoted'", 'a "b", c']
    listed = [Reader(id=str(i), email=f"r{i}@example.org", name=name) for i, name in enumerate(names)]
    listed.append(Reader(id="9", email="+plus@example.org"))
    stream = io.StringIO(newline="")
    write_csv(stream, listed)
    cells = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))
    assert cells[0] == ["email", "name", "status"]
    assert [row[1] for row in cells[1:]] == [
        "Léa",
        "'=HYPERLINK(1)",
        "'+33",
        "'-2",
        "'@here",
        "'\tx",
        "'\rx",
        "'quoted'",
        'a "b", c',
        "",
    ]
    assert found(tmp_path, stream.getvalue())[1] == (3, "r1@example.org", "=HYPERLINK(1)")
    assert found(tmp_path, stream.getvalue())[-1][1] == "+plus@example.org"


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    content = b"email,name\n" + content
    try:
        lines = [str(row.line) for row in rows(tmp_path_factory.getbasetemp(), content)]
    except ContentError as error:
        lines = [error.where.rpartition("readers.csv:")[2]]
    assert all(1 <= int(line) <= 1 + len(content) for line in lines)
