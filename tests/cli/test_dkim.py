"""A key is made once, for its owner's eyes only, with the words that publish it."""

import re
import stat
from pathlib import Path

import pytest

from newsletter.config import read_config
from newsletter.deliver.dkim import read_seals
from tests.cli.conftest import refuses
from tests.conftest import Newsletter


def test_a_key_is_made_with_its_record_and_what_to_do_next(newsletter: Newsletter, paper: Path) -> None:
    made = newsletter("dkim", "keygen")
    path = paper / ".newsletter/dkim/press202611.pem"
    assert made.code == 0
    assert made.err.splitlines() == [
        "Made .newsletter/dkim/press202611.pem: a secret, to be kept with your backups. Next:",
        "  put this record into the DNS of lettre.invalid",
        "  see that it is there: dig +short TXT press202611._domainkey.lettre.invalid",
        '  set in newsletter.toml, [dkim]: selectors = ["press202611"]',
    ]
    record = re.fullmatch(
        r'press202611\._domainkey\.lettre\.invalid\. IN TXT \( ("[^"]{255}") ("[^"]*") \)\n', made.out
    )
    assert record
    assert record[1].startswith('"v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A')
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_second_key_of_the_short_kind_signs_beside_the_first(newsletter: Newsletter, paper: Path) -> None:
    newsletter("dkim", "keygen", "one")
    settings = paper / "newsletter.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8") + '\n[dkim]\nselectors = ["one"]\n', encoding="utf-8"
    )
    made = newsletter("dkim", "keygen", "--ed25519")
    record = (
        r'press202611-ed25519\._domainkey\.lettre\.invalid\. IN TXT \( "v=DKIM1; k=ed25519; p=[\w+/]{43}=" \)'
    )
    assert re.fullmatch(record, made.out.removesuffix("\n"))
    line = 'selectors = ["one", "press202611-ed25519"]'
    assert made.err.splitlines()[-1] == f"  set in newsletter.toml, [dkim]: {line}"
    text = settings.read_text(encoding="utf-8").replace('selectors = ["one"]', line)
    settings.write_text(text, encoding="utf-8")
    seals, warnings = read_seals(read_config(paper, {}).dkim)
    assert [seal.algorithm for seal in seals] == ["rsa-sha256", "ed25519-sha256"]
    assert warnings == ()


def test_a_key_is_never_written_over(newsletter: Newsletter, paper: Path) -> None:
    newsletter("dkim", "keygen", "press")
    path = paper / ".newsletter/dkim/press.pem"
    before = path.read_bytes()
    refuses(
        newsletter,
        paper,
        *("dkim", "keygen", "press", "--ed25519"),
        code=2,
        error=f"{path}: selector 'press' has a key already",
        hint="name another selector: mail signed with this key may still be on its way",
    )
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("selector", ["../press", "a_b", "-a", "a.b", "", "é", "a" * 64])
def test_a_name_that_dns_cannot_hold_is_refused(newsletter: Newsletter, paper: Path, selector: str) -> None:
    refuses(
        newsletter,
        paper,
        *("dkim", "keygen", "--", selector),
        code=2,
        error=f"SELECTOR: {selector!r} is not a selector",
        hint="use letters, digits and hyphens, as in press2026",
    )
    assert not (paper / ".newsletter").exists()


def test_where_nothing_can_be_written_nothing_is_left(newsletter: Newsletter, paper: Path) -> None:
    (paper / ".newsletter").write_text("a file where a folder should be")
    refuses(
        newsletter,
        paper,
        *("dkim", "keygen", "press"),
        code=2,
        error=f"{paper}/.newsletter: cannot be written: File exists",
        hint="make its folder writable, or name another: [dkim] keys",
    )
