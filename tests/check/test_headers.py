"""Rules for the mail as raw bytes: header, parts, sizes, and its signatures."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from newsletter.check import headers, parts, signature
from newsletter.check.proof import Proof
from newsletter.check.raw import Entity
from newsletter.check.rule import Fault
from newsletter.cli.press import Press
from newsletter.cli.proof import proof_of
from newsletter.deliver.dkim import make_key
from newsletter.errors import ConfigError
from tests.check.conftest import ARTICLE, KEY, Proofread, make_paper
from tests.conftest import ROOT, Newsletter

RULES = (*headers.RULES, *parts.RULES, *signature.RULES)
TOML = "newsletter.toml"
SIGNED = '\n[dkim]\nselectors = ["a", "b"]\n'
FOLDER = f"issues/{KEY}"


def proof_in(root: Path, *, settings: str = "", **files: str) -> Proof:
    press = make_paper(root, files, settings)
    if "[dkim]" in settings:
        make_key(press.config.dkim, "a", ed25519=False)
        make_key(press.config.dkim, "b", ed25519=True)
    return proof_again(press)


def proof_again(press: Press) -> Proof:
    issue = press.issue(press.config.root / FOLDER)
    return proof_of(press, issue, press.edition(issue))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Proof:
    return proof_in(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Proof:
    return proof_in(tmp_path_factory.mktemp("signed"), settings=SIGNED)


def found_in(proof: Proof) -> list[tuple[str, str, str]]:
    def told(name: str, fault: Fault) -> tuple[str, str, str]:
        return name, str(fault.place), fault.message

    return [told(rule.name, fault) for rule in RULES for fault in rule.find(proof)]


def changed(proof: Proof, old: bytes, new: bytes) -> Proof:
    assert old in proof.message
    return replace(proof, message=proof.message.replace(old, new, 1))


def test_what_the_press_writes_is_in_order_signed_or_not(good: Proof, signed: Proof) -> None:
    assert found_in(good) == []
    assert found_in(signed) == []
    assert signed.message.count(b"DKIM-Signature: ") == 2


@pytest.mark.parametrize("folder", sorted((ROOT / "issues").iterdir()), ids=lambda path: path.name)
def test_the_samples_are_in_order(folder: Path) -> None:
    press = Press(ROOT)
    issue = press.issue(folder)
    assert found_in(proof_of(press, issue, press.edition(issue))) == []


def with_pictures_inside(root: Path) -> Proof:
    """A mail in the form that carries its pictures, of a publication that is on no web site."""
    press = make_paper(root, {}, '\n[look]\npictures = "embedded"\n')
    toml = root / TOML
    toml.write_text(
        toml.read_text(encoding="utf-8").replace("https://matin.example.org", ""), encoding="utf-8"
    )
    picture = ARTICLE.replace("\n---\nUne", '\npicture: image.png\nalt: "Un bateau"\n---\nUne')
    (root / FOLDER / "01-un.md").write_text(picture, encoding="utf-8")
    Image.effect_noise((1200, 800), 90).save(root / FOLDER / "image.png")
    return proof_again(Press(press.config.root))


def test_a_mail_of_no_web_site_and_with_pictures_inside_is_in_order(tmp_path: Path) -> None:
    proof = with_pictures_inside(tmp_path)
    assert found_in(proof) == [
        ("mail-size", "newsletter.toml:8", f"the mail has {len(proof.message) // 1000} kB")
    ]
    assert b"multipart/related" in proof.message
    assert b"List-Unsubscribe-Post" not in proof.message


BROKEN: list[tuple[bytes, bytes, list[tuple[str, str]]]] = [
    (b"From: ", b"From: a@example.org\r\nFrom: ", [("header-fields", f"{TOML}:4")]),
    (b"Date: ", b"X-Date: ", [("header-fields", FOLDER)]),
    (b"Date: Mon", b"Date: Tue", [("header-form", FOLDER)]),
    (b"Date: Mon, 23 Nov", b"Date: Mon, 23 nov.", [("header-form", FOLDER)]),
    (b"Message-ID: <", b"Message-ID: <a b", [("header-form", f"{TOML}:4")]),
    (b"MIME-Version: 1.0", b"MIME-Version: 1.0\r\n ", [("header-fields", FOLDER)]),
    (b"MIME-Version: ", b"a line that is nothing\r\nMIME-Version: ", [("header-fields", FOLDER)]),
    (b"Subject: ", b"Subject: =?utf-8?b?Y W?= ", [("header-form", f"{FOLDER}/issue.md:2:11")]),
    (b"Subject: ", b"Subject: " + b"x" * 990, [("raw-lines", f"{FOLDER}/issue.md:2:11")]),
    (b"Feedback-ID: ", b"Feedback-ID: \n", [("raw-lines", FOLDER)]),
    (b"Feedback-ID: ", "Feedback-ID: é".encode(), [("raw-lines", FOLDER)]),
    (b"List-Id: Le Matin <", b"List-Id: Le Matin <a@", [("header-form", f"{TOML}:2")]),
    (b"List-Id: ", b"List-Ident: ", [("one-click", f"{TOML}:2")]),
    (b"List-Unsubscribe: ", b"List-Leave: ", [("one-click", f"{TOML}:3")]),
    (b">, <mailto:", b">,\r\n <mailto:", [("one-click", f"{TOML}:3")]),
    (b"List-Unsubscribe: <https:", b"List-Unsubscribe: <http:", [("one-click", f"{TOML}:3")]),
    (b", <mailto:bonjour@matin.example.org?subject=leave%20test>", b"", [("one-click", f"{TOML}:3")]),
    (b"-Post: List-Unsubscribe=One-Click", b"-Post: yes", [("one-click", f"{TOML}:3")]),
    (b"List-Unsubscribe-Post: ", b"X-Post: ", [("one-click", f"{TOML}:3")]),
    (b"multipart/alternative", b"multipart/mixed", [("mime-parts", FOLDER)]),
    (b"charset=utf-8", b"charset=ascii", [("mime-parts", FOLDER), ("mime-parts", FOLDER)]),
    (b"text/plain; charset=utf-8", b"text/plain", [("mime-parts", FOLDER), ("mime-parts", FOLDER)]),
    (b"--\r\n", b"\r\n", [("mime-parts", FOLDER)]),
]


@pytest.mark.parametrize(("old", "new", "expected"), BROKEN, ids=[repr(new[:40]) for _, new, _ in BROKEN])
def test_a_broken_mail_is_told(good: Proof, old: bytes, new: bytes, expected: list[tuple[str, str]]) -> None:
    content = good.message
    broken = changed(good, old, new) if old != b"--\r\n" else replace(good, message=content[:-4] + b"\r\n")
    found = [(name, place) for name, place, _ in found_in(broken) if name != "text-says-less"]
    assert found == expected


def test_an_address_that_cannot_stand_in_a_header_is_told_at_its_setting(tmp_path: Path) -> None:
    make_paper(tmp_path, {})
    toml = tmp_path / TOML
    toml.write_text(toml.read_text(encoding="utf-8").replace("bonjour@", "bon..jour@"), encoding="utf-8")
    found = {(name, place) for name, place, _ in found_in(proof_again(Press(tmp_path)))}
    assert found == {("header-form", "newsletter.toml:4"), ("header-form", "newsletter.toml:2")}


def test_an_address_that_is_not_https_cannot_be_left_by_one_click(tmp_path: Path) -> None:
    make_paper(tmp_path, {})
    toml = tmp_path / TOML
    toml.write_text(toml.read_text(encoding="utf-8").replace("https://", "http://"), encoding="utf-8")
    ((name, place, _),) = found_in(proof_again(Press(tmp_path)))
    assert (name, place) == ("one-click", "newsletter.toml:3")


# ---- sizes and the text part ----


def test_a_long_html_is_told_before_gmail_cuts_it_and_only_then(proofread_issue: Proofread) -> None:
    rows = "\n".join(f"| Ligne {n} | [un nom](https://example.org/{n}) | valeur |" for n in range(150))
    table = f"{ARTICLE}\n| A | B | C |\n|---|---|---|\n{rows}\n"
    (found,) = proofread_issue({"01-un.md": table}, "near-clip", "clipped")
    assert (found.rule, str(found.place)) == ("near-clip", FOLDER)


def test_a_heavy_mail_is_told(good: Proof) -> None:
    heavy = replace(good, message=good.message + b"x" * 500_000)
    found = [fault for rule in parts.RULES if rule.name == "mail-size" for fault in rule.find(heavy)]
    assert [str(fault.place) for fault in found] == [FOLDER]


def test_a_line_that_nothing_can_fold_is_told_where_it_was_typed(proofread_issue: Proofread) -> None:
    text = f"{ARTICLE}\n[Ici](https://example.org/{'a' * 990}) on lit.\n"
    (found,) = proofread_issue({"01-un.md": text}, "long-text-line")
    assert str(found.place) == f"{FOLDER}/01-un.md:6:7"


def test_a_long_paragraph_is_no_long_line(proofread_issue: Proofread) -> None:
    assert proofread_issue({"01-un.md": ARTICLE + "Un mot. " * 200}, "long-text-line") == []


def test_a_text_template_that_leaves_the_articles_out_is_told(tmp_path: Path) -> None:
    said = ARTICLE + "Le comité, réuni lundi, a voté douze mesures pour les petites entreprises du canton.\n"
    (tmp_path / "templates/mail").mkdir(parents=True)
    (tmp_path / "templates/words").symlink_to(ROOT / "templates/words")
    for path in (ROOT / "templates/mail").iterdir():
        text = path.read_text(encoding="utf-8")
        (tmp_path / "templates/mail" / path.name).write_text(text.replace("{{ text(article.prose) }}", ""))
    ((name, place, message),) = found_in(proof_in(tmp_path, **{"01-un.md": said}))
    assert (name, place) == ("text-says-less", "templates/mail/issue.txt.j2")
    assert message.endswith('words of the HTML, such as "une phrase simple le comité réuni…"')


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>Un deux <b>tr</b>ois quatre cinq</p>", [["un", "deux", "trois", "quatre", "cinq"]]),
        ("<head><title>a b c d e f</title></head><!-- a b c d e f --><p>a b c d</p>", []),
        ('<div style="display:none">a b c d <span>e</span> f</div><p>a</p>', []),
        ('<p><a href="x">partager par courriel</a> ou autrement</p>', []),
        ("<p>a b c d<br/>e f g h</p>", []),
    ],
)
def test_the_passages_of_a_page(html: str, expected: list[list[str]]) -> None:
    assert parts.passages_of(html) == expected


# ---- signatures ----


def place_byte(at: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b"Bonjour", b"Bonsoir", "the text was changed after signing"),
        (b"\r\nFrom: Le", b"\r\nFrom: La", "a header was changed after signing"),
        (b"\r\nFrom: Le", b"\r\nFrom: x@example.org\r\nFrom: Le", "a header was changed after signing"),
        (b"/leave/test", b"/leave/text", "a header was changed after signing"),
    ],
)
def test_a_byte_changed_breaks_both_signatures(signed: Proof, old: bytes, new: bytes, what: str) -> None:
    broken = changed(signed, old, new)
    found = list(signature.dkim_broken.find(broken))
    assert [fault.message for fault in found] == [
        f"the signature of selector 'a' is not good: {what}",
        f"the signature of selector 'b' is not good: {what}",
    ]
    assert {str(fault.place) for fault in found} == {"newsletter.toml:8"}


def test_every_single_byte_of_a_signature_counts(signed: Proof) -> None:
    head = signed.message.index(b"b=", signed.message.index(b"bh=") + 3)
    for at in range(head + 2, head + 30):
        broken = replace(signed, message=place_byte(at)(signed.message))
        assert [fault.place.line for fault in signature.dkim_broken.find(broken)] == [8], at


def test_what_only_blanks_do_to_a_mail_on_its_way_is_forgiven(signed: Proof) -> None:
    spaced = changed(signed, b"\r\nFrom: Le Matin", b"\r\nfrom:  Le\r\n  Matin")
    assert list(signature.dkim_broken.find(spaced)) == []


def test_a_mail_that_should_be_signed_and_is_not_is_told(signed: Proof) -> None:
    bare = signed.message[signed.message.index(b"Date: ") :]
    found = [fault.message for fault in signature.dkim_broken.find(replace(signed, message=bare))]
    assert found[0] == "the signature of selector 'a' is not good: the mail has none"


def test_a_signature_that_leaves_one_click_uncovered_is_told(signed: Proof) -> None:
    seal = signed.seals[0]
    bare = signed.message[signed.message.index(b"Date: ") :]
    names = ("from", "to", "subject", "date", "list-unsubscribe")
    body_hash = base64.b64encode(hashlib.sha256(signature.relaxed_body(Entity(bare).body)).digest()).decode()
    own = f"DKIM-Signature: a=rsa-sha256; c=relaxed/relaxed; d=matin.example.org; s=a; h={':'.join(names)};"
    own += f" bh={body_hash}; b="
    fields = {field.name: field.raw for field in Entity(bare).fields}
    covered = b"".join(signature.relaxed_field(fields[name]) + b"\r\n" for name in names)
    value = base64.b64encode(seal.sign(covered + signature.relaxed_field(own.encode())))
    mail = Entity(own.encode() + value + b"\r\n" + bare)
    assert signature.trouble(mail, seal) == "it does not cover list-unsubscribe-post"


def test_without_its_key_the_mail_is_looked_at_unsigned_and_that_is_noted(tmp_path: Path) -> None:
    press = make_paper(tmp_path, {}, SIGNED)
    make_key(press.config.dkim, "a", ed25519=True)
    proof = proof_again(press)
    assert b"DKIM-Signature" not in proof.message
    assert list(signature.dkim_broken.find(proof)) == []
    (fault,) = signature.signature_not_checked.find(proof)
    assert str(fault.place) == "newsletter.toml:8"
    assert fault.message == (
        "the mail was looked at without its signature:"
        f" {tmp_path}/.newsletter/dkim/b.pem is not here, or not yours to read"
    )


def test_a_key_that_is_here_and_no_good_is_told_as_everywhere(tmp_path: Path) -> None:
    press = make_paper(tmp_path, {}, SIGNED)
    make_key(press.config.dkim, "a", ed25519=True)
    (press.config.dkim.keys / "b.pem").write_text("no key", encoding="utf-8")
    with pytest.raises(ConfigError, match="not a private key in PEM form"):
        proof_again(press)


def test_check_signs_with_the_publications_own_key(newsletter: Newsletter, paper: Path) -> None:
    newsletter("dkim", "keygen", "press")
    with (paper / TOML).open("a", encoding="utf-8") as file:
        file.write('[dkim]\nselectors = ["press"]\n')
    answer = newsletter("check", "2026-11-23", "--format", "json")
    assert "dkim-broken" not in answer.out
    (paper / ".newsletter/dkim/press.pem").unlink()
    answer = newsletter("check", "2026-11-23", "--strict", "--format", "json")
    told = [json.loads(line) for line in answer.out.splitlines() if "signature-not-checked" in line]
    assert [(each["level"], each["path"], each["line"]) for each in told] == [("note", TOML, 11)]
    assert newsletter("approve", "2026-11-23").code == 0
    refused = newsletter("send", "2026-11-23", "--yes")
    assert refused.code == 2
    assert "selector 'press' has no key" in refused.err
