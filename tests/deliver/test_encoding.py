"""Text as mail carries it: whatever is written comes out the same, in lines that no server touches."""

import email.header
import email.policy
import quopri
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.deliver.encoding import base64_lines, encoded_words, mailbox, quoted_printable

ANY = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=300)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), max_size=120)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", b"abc"),
        ("été = 5", b"=C3=A9t=C3=A9 =3D 5"),
        ("a\u00a0:\nb", b"a=C2=A0:\r\nb"),
        ("a \nb", b"a=20\r\nb"),
        ("a  b\tc", b"a =20b=09c"),
        (".", b"=2E"),
        ("From here", b"=46rom here"),
        ("--x", b"=2D-x"),
        ("", b""),
        ("x" * 76, b"x" * 76),
        ("x" * 77, b"x" * 75 + b"=\r\nxx"),
    ],
)
def test_quoted_printable(text: str, expected: bytes) -> None:
    assert quoted_printable(text) == expected


@given(st.lists(ANY, max_size=5).map("\n".join))
def test_quoted_printable_comes_back_as_it_was(text: str) -> None:
    encoded = quoted_printable(text)
    assert quopri.decodestring(encoded).decode() == text.replace("\n", "\r\n")
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"--", b"From "))
        assert not line.endswith((b" ", b"\t"))
        assert b"  " not in line
        assert line.isascii()


@given(st.one_of(ANY, st.text("ab .-F=é\t", max_size=90), st.from_regex(r"[!-~]{60,160}", fullmatch=True)))
def test_a_text_that_is_encoded_at_once_is_the_same_as_the_last_line_of_a_longer_one(text: str) -> None:
    for goes_on in (False, True):
        whole = quoted_printable(f"\n{text}", goes_on=goes_on)
        assert whole == b"\r\n" + quoted_printable(text, goes_on=goes_on)


@given(st.one_of(ANY, st.from_regex(r"[a-z=]{70,80}", fullmatch=True)))
def test_what_follows_a_text_that_goes_on_has_a_line_of_its_own(text: str) -> None:
    encoded = quoted_printable(text, goes_on=True)
    assert quopri.decodestring(encoded + b"more").decode() == f"{text}more"
    assert encoded.endswith(b"\r\n") or not text
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))


@given(NAMES.filter(lambda name: name == name.strip()))
def test_any_name_comes_back_as_it_was_and_never_touches_the_address(name: str) -> None:
    raw = f"To: {mailbox(name, 'ada@example.org')}\r\n\r\n".encode("ascii")
    assert all(len(line) <= 76 for line in raw.split(b"\r\n"))
    parsed = BytesParser(policy=email.policy.default).parsebytes(raw)["To"].addresses
    assert [address.addr_spec for address in parsed] == ["ada@example.org"]
    if name:
        shown = raw.decode()[4:].strip().replace("\r\n", "").removesuffix(" <ada@example.org>")
        decoded = str(email.header.make_header(email.header.decode_header(shown)))
        quoted = decoded[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        assert (quoted if shown.startswith('"') else decoded) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "a@b.fr"),
        ("Ada Lovelace", "Ada Lovelace <a@b.fr>"),
        ("Lovelace, Ada", '"Lovelace, Ada" <a@b.fr>'),
        ('Ada "A" L.', '"Ada \\"A\\" L." <a@b.fr>'),
        ("Zoé", "=?utf-8?b?Wm/DqQ==?= <a@b.fr>"),
        (
            "=?utf-8?q?x=3Cevil=40z=2Efr=3E?=",
            "=?utf-8?b?PT91dGYtOD9xP3g9M0NldmlsPTQwej0yRWZyPTNFPz0=?= <a@b.fr>",
        ),
    ],
)
def test_mailboxes(name: str, expected: str) -> None:
    assert mailbox(name, "a@b.fr") == expected


@given(NAMES)
def test_any_subject_comes_back_as_it_was(subject: str) -> None:
    encoded = encoded_words(subject)
    assert all(len(line) <= 76 for line in encoded.split("\r\n"))
    unfolded = encoded.replace("\r\n", "")
    assert str(email.header.make_header(email.header.decode_header(unfolded))) == subject.replace("\r\n", "")


def test_base64_in_lines_of_76() -> None:
    assert [len(line) for line in base64_lines(b"x" * 100).split(b"\r\n")] == [76, 60]
