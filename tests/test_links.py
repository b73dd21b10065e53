"""A token says who is asking, for one purpose, list and issue, and cannot be made by anybody else."""

import base64
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ConfigError, LinkError
from newsletter.links import Claim, Links, Purpose, Signer, read_signer
from newsletter.model import Publication

DAY = date(2026, 11, 23)
KEY, OTHER = b"k" * 32, b"o" * 32


def signer(*keys: bytes, list_id: str = "lettre.invalid") -> Signer:
    return Signer(keys or (KEY,), list_id=list_id)


def refuses(by: Signer, token: str) -> bool:
    with pytest.raises(LinkError) as caught:
        by.check(token, Purpose.LEAVE)
    return caught.value.message == "not one of our links"


def test_a_token_says_who_and_from_which_issue() -> None:
    token = signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert signer().check(token, Purpose.LEAVE) == Claim(
        purpose=Purpose.LEAVE, reader_id="abcdefghijklmnop", day=DAY
    )
    assert token == signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert token.replace("-", "").replace("_", "").isalnum()


def test_a_token_of_another_key_or_list_is_refused() -> None:
    token = signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert refuses(signer(OTHER), token)
    assert refuses(signer(list_id="other.invalid"), token)


def test_after_a_change_of_keys_old_links_still_work() -> None:
    token = signer(KEY).sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert signer(OTHER, KEY).check(token, Purpose.LEAVE).reader_id == "abcdefghijklmnop"
    assert signer(OTHER, KEY).sign(Purpose.LEAVE, "abcdefghijklmnop", DAY) != token


@given(st.integers(min_value=0, max_value=8 * 39 - 1))
def test_no_single_bit_may_change(bit: int) -> None:
    token = signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    data = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert len(data) == 39
    data[bit // 8] ^= 1 << bit % 8
    assert refuses(signer(), base64.urlsafe_b64encode(data).rstrip(b"=").decode())


@given(st.text(max_size=80))
def test_nothing_else_is_a_token(text: str) -> None:
    assert refuses(signer(), text)


def test_ways_to_leave_and_message_ids(publication: Publication) -> None:
    links = Links(publication, signer())
    token = signer().sign(Purpose.LEAVE, "abcdefghijklmnop", DAY)
    assert links.leave("abcdefghijklmnop", DAY) == (
        f"https://lettre.invalid/leave/{token}",
        f"mailto:redaction@lettre.invalid?subject=leave%20{token}",
    )
    assert Links(replace(publication, url=""), signer()).leave("abcdefghijklmnop", DAY)[0] == ""
    ids = {
        links.message_id(reader, day) for reader in ("a" * 16, "b" * 16) for day in (DAY, date(2026, 11, 24))
    }
    assert len(ids) == 4
    assert all(i.endswith("@lettre.invalid") for i in ids)


def test_dead_links_lead_nowhere(publication: Publication) -> None:
    web, mail = Links(publication, signer(), dead=True).leave("abcdefghijklmnop", DAY)
    assert web == "https://lettre.invalid/leave/test"
    assert mail.endswith("?subject=leave%20test")
    assert refuses(signer(), "test")


def test_the_key_is_made_once_for_its_owners_eyes_only(tmp_path: Path) -> None:
    first = read_signer(tmp_path / "state", "x", {})
    path = tmp_path / "state" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    again = read_signer(tmp_path / "state", "x", {})
    assert again.check(first.sign(Purpose.LEAVE, "r", DAY), Purpose.LEAVE).reader_id == "r"


def test_keys_from_the_environment_come_first_and_need_no_file(tmp_path: Path) -> None:
    by = read_signer(tmp_path / "state", "x", {"NEWSLETTER_SECRET": f"{'n' * 32} {'k' * 32}"})
    assert not (tmp_path / "state").exists()
    old = Signer((b"k" * 32,), list_id="x").sign(Purpose.LEAVE, "r", DAY)
    assert by.check(old, Purpose.LEAVE).reader_id == "r"


def test_a_key_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("k" * 32)
    path.chmod(0o644)
    with pytest.raises(ConfigError) as caught:
        read_signer(tmp_path, "x", {"NEWSLETTER_SECRET_FILE": str(path)})
    assert caught.value.hint == f"chmod 600 {path}"
    with pytest.raises(ConfigError, match="fewer than 16"):
        read_signer(tmp_path, "x", {"NEWSLETTER_SECRET": "short"})
