"""Signed messages, checked by those who check them in the world: dkimpy, and OpenDKIM from Debian."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.config import Dkim
from newsletter.deliver.dkim import Seal, dns_record, make_key, read_seals
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import MessageTemplate, cut
from newsletter.errors import ConfigError, ContentError
from newsletter.fields import field
from newsletter.links import Links, Signer
from newsletter.model import Edition, Mailbox, Publication, Reader, Rendition
from tests.conftest import needs

AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
PUBLICATION = Publication(
    name="L’actu du test",
    url="https://lettre.invalid",
    sender=Mailbox(name="L’actu du test", address="redaction@lettre.invalid"),
)
LINKS = Links(PUBLICATION, Signer((b"k" * 32,), list_id=PUBLICATION.list_id))
READER = Reader(id="abcdefghijklmnop", email="zoe@example.org", name="Zoé")
EDITION = Edition(
    key="2026-11-23",
    subject="Un sujet assez long pour plusieurs lignes : 38 000 € et l’été, et encore un peu plus",
    preheader="",
    html=f'<p>Bonjour{field("name", " ")},  deux blancs</p>\n<a href="{field("leave_url")}">x</a>\n\n\n',
    text=f"Bonjour{field('name', ' ')},\n\t .\nFrom here {field('leave_url')} \n\n\n",
    sender=PUBLICATION.sender,
)
NO_SEAL = Seal(
    domain="x", selector="x", algorithm="rsa-sha256", sign=lambda _: b"", verifies=lambda _, __: False
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Dkim:
    """A key of each kind; the selectors are rsa and ed."""
    made = Dkim(
        domain="lettre.invalid", selectors=("rsa", "ed"), keys=tmp_path_factory.mktemp("state") / "dkim"
    )
    make_key(made, "rsa", ed25519=False)
    make_key(made, "ed", ed25519=True)
    return made


def records(keys: Dkim) -> dict[str, str]:
    """What DNS would answer, by name, from the zone file's lines."""
    lines = [dns_record(keys, selector) for selector in keys.selectors]
    return {line.split(". ")[0]: "".join(re.findall(r'"([^"]*)"', line)) for line in lines}


def verified(content: bytes, keys: Dkim) -> list[bool]:
    """What dkimpy says of each signature, from the top."""
    known = records(keys)

    def dns(name: bytes, timeout: int = 5) -> bytes:
        return known[name.decode().rstrip(".")].encode()

    def good(number: int) -> bool:
        try:
            return bool(dkim.DKIM(content).verify(idx=number, dnsfunc=dns))
        except dkim.ValidationError:
            return False

    head = content.partition(b"\r\n\r\n")[0]
    return [good(number) for number in range(head.count(b"DKIM-Signature: "))]


def signed(
    keys: Dkim, *, reader: Reader = READER, edition: Edition = EDITION, publication: Publication = PUBLICATION
) -> bytes:
    template = cut(edition, publication, at=AT)
    return Filler(template, LINKS, seals=read_seals(keys)[0]).fill(reader).content


def the_tags(content: bytes) -> list[dict[str, str]]:
    head = content.partition(b"\r\n\r\n")[0].decode().replace("\r\n ", " ")
    return [
        {name: value.replace(" ", "") for name, value in re.findall(r"\s(\w+)=([^;]*)", line)}
        for line in head.split("\r\n")
        if line.startswith("DKIM-Signature:")
    ]


def test_both_signatures_are_good_and_the_message_below_is_the_one_that_goes_unsigned(keys: Dkim) -> None:
    content = signed(keys)
    assert verified(content, keys) == [True, True]
    unsigned = Filler(cut(EDITION, PUBLICATION, at=AT), LINKS).fill(READER).content
    assert content.endswith(b"\r\n" + unsigned)
    assert max(len(line) for line in content.removesuffix(unsigned).split(b"\r\n")) <= 78


def test_what_a_signature_says(keys: Dkim) -> None:
    rsa, ed25519 = the_tags(signed(keys))
    assert {name: rsa[name] for name in ("v", "a", "c", "d", "s", "t", "h")} == {
        "v": "1",
        "a": "rsa-sha256",
        "c": "relaxed/relaxed",
        "d": "lettre.invalid",
        "s": "rsa",
        "t": "1795417200",
        "h": "from:from:to:to:subject:subject:date:date:message-id:message-id:reply-to:"
        "mime-version:mime-version:content-type:content-type:"
        "list-id:list-unsubscribe:list-unsubscribe-post:feedback-id",
    }
    assert (ed25519["a"], ed25519["s"], ed25519["bh"]) == ("ed25519-sha256", "ed", rsa["bh"])
    replying = replace(EDITION, reply_to="courrier@lettre.invalid")
    assert ":reply-to:reply-to:" in the_tags(signed(keys, edition=replying))[0]["h"]
    mail_only = signed(keys, publication=replace(PUBLICATION, url=""))
    assert "list-unsubscribe-post" not in the_tags(mail_only)[0]["h"]
    assert verified(mail_only, keys) == [True, True]


def put_in(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new, 1)

    return change


def on_top(header: bytes) -> Callable[[bytes], bytes]:
    return lambda content: header + b"\r\n" + content


@pytest.mark.parametrize(
    "change",
    [
        put_in(b"List-Unsubscribe: <https://lettre", b"List-Unsubscribe: <https://other"),
        put_in(b"List-Unsubscribe-Post: List-", b"List-Unsubscribe-Post: Lost-"),
        put_in(b"List-Id: ", b"List-Id: x"),
        put_in(b"Feedback-ID: 2026", b"Feedback-ID: 2027"),
        put_in(b"<zoe@example.org>", b"<leo@example.org>"),
        put_in(b"Message-ID: <", b"Message-ID: <0"),
        put_in(b"Date: Mon", b"Date: Tue"),
        put_in(b"Bonjour", b"Bonsoir"),
        put_in(b"</a>", b"</b>"),
        on_top(b"From: Other <other@example.org>"),
        on_top(b"To: other@example.org"),
        on_top(b"Subject: other"),
        on_top(b"Reply-To: other@example.org"),
        on_top(b"Date: Tue, 24 Nov 2026 07:00:00 +0000"),
        on_top(b"Content-Type: text/plain"),
        lambda content: content + b"more\r\n",
    ],
)
def test_whoever_changes_or_adds_what_a_reader_sees_breaks_both_signatures(
    change: Callable[[bytes], bytes], keys: Dkim
) -> None:
    assert verified(change(signed(keys)), keys) == [False, False]


def test_what_servers_do_on_the_way_breaks_no_signature(keys: Dkim) -> None:
    content = signed(keys)
    content = content.replace(b"Message-ID: <", b"message-id:\r\n  <").replace(b"List-Id: ", b"List-Id:\t")
    assert verified(b"Received: from here\r\n" + content + b"\r\n\r\n", keys) == [True, True]


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(max_size=80),
    local=st.from_regex(r"[a-zé.]{1,10}", fullmatch=True),
    before=st.text(max_size=5),
)
def test_any_reader_gets_a_good_signature(keys: Dkim, name: str, local: str, before: str) -> None:
    reader = replace(READER, name=name, email=f"{local.replace('.', '-')}@example.org")
    edition = replace(EDITION, text=f"{field('name', before)}\n{field('leave_url')}")
    assert verified(signed(keys, reader=reader, edition=edition), keys) == [True, True]


def test_pictures_that_travel_inside_are_signed_too(keys: Dkim) -> None:
    picture = Rendition(
        name="a.png", src="cid:a@x", media_type="image/png", width=1, height=1, content=b"\x89P" * 900
    )
    content = signed(keys, edition=replace(EDITION, renditions=(picture,), embedded=True))
    assert verified(content, keys) == [True, True]
    assert verified(content.replace(b"iVCJUIlQ", b"AAAAAAAA", 1), keys) == [False, False]


def test_opendkim_finds_both_signatures_good_and_a_changed_message_bad(keys: Dkim, tmp_path: Path) -> None:
    opendkim = needs("opendkim")
    public = "".join(f"{name} {text}\n" for name, text in records(keys).items())
    (tmp_path / "public").write_text(public)
    (tmp_path / "conf").write_text(
        f"Mode v\nSyslog no\nTestPublicKeys {tmp_path}/public\nSocket local:{tmp_path}/s\n"
    )

    def results(content: bytes) -> dict[str, str]:
        (tmp_path / "message.eml").write_bytes(content)
        command = [opendkim, "-x", str(tmp_path / "conf"), "-t", str(tmp_path / "message.eml"), "-vvv"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=30)
        pairs = re.findall(r"dkim=(\w+).*?header\.a=([\w-]+)", told.stdout + told.stderr)
        return {algorithm: result for result, algorithm in pairs}

    good, bad = signed(keys), put_in(b"List-Unsubscribe: <", b"List-Unsubscribe: <x")(signed(keys))
    assert results(good) == {"rsa-sha256": "pass", "ed25519-sha256": "pass"}
    assert results(bad) == {"rsa-sha256": "fail", "ed25519-sha256": "fail"}


# ---- a body that cannot be signed ----


@pytest.mark.parametrize("line", ["two  blanks", "a\ttab", "at the end \r\n", "\r\n\r\n", "no end"])
def test_a_body_that_would_change_on_its_way_is_refused_before_anything_is_signed(line: str) -> None:
    whole = cut(EDITION, PUBLICATION, at=AT)
    *parts, last = whole.parts
    assert isinstance(last, bytes)
    ending = line if line.endswith("\r\n") or line == "no end" else f"{line}\r\n"
    broken = replace(whole, parts=(*parts, last + ending.encode()))
    Filler(broken, LINKS)
    with pytest.raises(ContentError, match=r"a message cannot be signed: .* would change on its way"):
        Filler(broken, LINKS, seals=(NO_SEAL,))


def test_a_blank_in_the_middle_of_a_line_is_refused_before_anything_is_signed() -> None:
    whole = cut(EDITION, PUBLICATION, at=AT)
    parts = tuple(part.removesuffix(b"=\r\n") if isinstance(part, bytes) else part for part in whole.parts)
    with pytest.raises(ContentError, match="a blank does not stand on a line of its own"):
        Filler(replace(whole, parts=parts), LINKS, seals=(NO_SEAL,))


def test_a_template_from_the_ledger_is_signed_like_the_first(keys: Dkim) -> None:
    again = MessageTemplate.loads(cut(EDITION, PUBLICATION, at=AT).dumps())
    assert Filler(again, LINKS, seals=read_seals(keys)[0]).fill(READER).content == signed(keys)


# ---- keys ----


def refused(path: Path, content: bytes) -> ConfigError:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    return refusal(Dkim(domain="lettre.invalid", selectors=(path.stem,), keys=path.parent))


def refusal(settings: Dkim) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_seals(settings)
    return caught.value


def openssl(*arguments: str) -> bytes:
    done = subprocess.run([needs("openssl"), *arguments], capture_output=True, check=True, timeout=60)
    return done.stdout


def test_without_selectors_nothing_is_signed(tmp_path: Path) -> None:
    assert read_seals(Dkim(domain="lettre.invalid", selectors=(), keys=tmp_path / "none")) == ((), ())


def test_a_key_that_is_missing_says_how_to_make_it(tmp_path: Path) -> None:
    error = refusal(Dkim(domain="lettre.invalid", selectors=("press",), keys=tmp_path))
    assert (error.message, error.where) == ("selector 'press' has no key", f"{tmp_path}/press.pem")
    assert error.hint == "newsletter dkim keygen press"


def test_a_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "press.pem").mkdir()
    error = refusal(Dkim(domain="lettre.invalid", selectors=("press",), keys=tmp_path))
    assert error.message == "cannot be read: Is a directory"


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    error = refused(tmp_path / "press.pem", content)
    assert error.message == "not a private key in PEM form"
    assert error.hint == "make another: newsletter dkim keygen press-2"


def test_keys_that_nobody_would_accept_are_refused(tmp_path: Path) -> None:
    short = refused(tmp_path / "press.pem", openssl("genrsa", "512"))
    assert short.message == "a key of 512 bits, and nobody takes fewer than 1024"
    other = refused(tmp_path / "press.pem", openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout"))
    assert other.message == "a key of a kind that DKIM does not know"


def test_a_key_with_a_passphrase_says_how_to_take_it_off(tmp_path: Path) -> None:
    error = refused(tmp_path / "press.pem", openssl("genrsa", "-aes128", "-passout", "pass:secret", "2048"))
    assert error.message == "a key with a passphrase"
    assert error.hint.startswith("take its passphrase off: openssl pkey -in ")


def test_a_short_key_and_one_that_others_can_read_are_warned_of(tmp_path: Path, keys: Dkim) -> None:
    (tmp_path / "old.pem").write_bytes(openssl("genrsa", "-traditional", "1024"))
    (tmp_path / "old.pem").chmod(0o600)
    shutil.copy(keys.keys / "ed.pem", tmp_path / "open.pem")
    (tmp_path / "open.pem").chmod(0o640)
    mixed = Dkim(domain="lettre.invalid", selectors=("old", "open"), keys=tmp_path)
    seals, warnings = read_seals(mixed)
    assert [seal.selector for seal in seals] == ["old", "open"]
    assert warnings == (
        f"{tmp_path}/old.pem has 1024 bits, and 2048 are advised; newsletter dkim keygen",
        f"{tmp_path}/open.pem can be read by others; chmod 600 {tmp_path}/open.pem",
    )
    assert verified(signed(mixed), mixed) == [True, True]
