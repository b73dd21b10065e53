"""Blanks survive composing and are filled safely wherever they stand."""

import pytest

from newsletter.errors import TemplateError
from newsletter.fields import Blank, Place, field, fill, names_in, plain, split

VALUES = {"name": 'Zoé <b>&"', "email": "zoe@example.org", "leave_url": "https://e.org/leave/a?b=1&c=2"}


def test_a_blank_is_ascii_letters_and_digits_alone() -> None:
    assert field("leave_url").isalnum()
    assert field("leave_url").isascii()


def test_a_text_is_split_into_literals_and_blanks() -> None:
    text = f"a{field('name', before=', ')}b{field('email')}"
    assert list(split(text, Place.TEXT)) == [
        "a",
        Blank(name="name", before=", ", place=Place.TEXT),
        "b",
        Blank(name="email", place=Place.TEXT),
    ]
    assert names_in(text) == {"name", "email"}


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        (f"<p>{field('name')}</p>", Place.HTML, "<p>Zoé &lt;b&gt;&amp;&quot;</p>"),
        (f'<a href="{field("leave_url")}">', Place.HTML, '<a href="https://e.org/leave/a?b=1&amp;c=2">'),
        (
            f'<a href="https://e.org/?n={field("name")}">',
            Place.HTML,
            '<a href="https://e.org/?n=Zo%C3%A9%20%3Cb%3E%26%22">',
        ),
        (f'<a title="{field("name")}">', Place.HTML, '<a title="Zoé &lt;b&gt;&amp;&quot;">'),
        (f"{field('name')} {field('leave_url')}", Place.TEXT, 'Zoé <b>&" https://e.org/leave/a?b=1&c=2'),
    ],
)
def test_a_value_is_escaped_for_its_place(text: str, place: Place, expected: str) -> None:
    assert fill(text, VALUES, place) == expected


def test_nothing_is_written_before_an_empty_value() -> None:
    text = f"Bonjour{field('name', before=' ')},"
    assert fill(text, {"name": ""}, Place.TEXT) == "Bonjour,"
    assert fill(text, {"name": "Ada"}, Place.TEXT) == "Bonjour Ada,"


def test_a_value_that_looks_like_a_blank_is_not_filled_again() -> None:
    assert fill(field("name"), {"name": field("email"), "email": "x"}, Place.TEXT) == field("email")


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(TemplateError) as caught:
        field("leave_uri")
    assert caught.value.hint == 'did you mean "leave_url"?'


def test_what_has_no_place_in_a_mail_becomes_nothing() -> None:
    assert plain("a\r\nb\x00c\u2028d\u202ee\ud800f\u00a0g") == "abcdef\u00a0g"
