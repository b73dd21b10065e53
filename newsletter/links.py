"""Signed links: how a reader proves, without a password, who is asking.

A token is the base64url form of: version, key number, purpose, day of the issue, reader's id, tag. The tag is
the first 16 bytes of HMAC-SHA256 (RFC 2104; 128 bits, as RFC 2104 §5 allows) over all that stands before it
and the list's id, so a token made for one purpose, list, reader or issue is worth nothing for another. No
address is in it.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from pathlib import Path

from newsletter.errors import ConfigError, LinkError
from newsletter.model import Publication
from newsletter.settings import Table, read_secret

_VERSION = 1
_HEAD = 3
_DAY = 4
_TAG = 16


class Purpose(IntEnum):
    """What a link is good for."""

    LEAVE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a valid token says: who, for which purpose, from which issue."""

    purpose: Purpose
    reader_id: str
    day: date


class Signer:
    """Makes and checks tokens; the first key signs, every key is good for checking (rotation)."""

    def __init__(self, keys: tuple[bytes, ...], *, list_id: str) -> None:
        self._keys = keys
        self._list = list_id.encode()

    def sign(self, purpose: Purpose, reader_id: str, day: date) -> str:
        """A token for one reader and one issue: URL-safe, no address in it, the same every time."""
        key = self._keys[0]
        body = bytes((_VERSION, _number(key), purpose)) + day.toordinal().to_bytes(_DAY) + reader_id.encode()
        return base64.urlsafe_b64encode(body + self._tag(key, body)).rstrip(b"=").decode()

    def check(self, token: str, purpose: Purpose) -> Claim:
        """What a token says; raises LinkError if it is not one of ours for this purpose."""
        try:
            data = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
            body, tag = data[:-_TAG], data[-_TAG:]
            if len(body) <= _HEAD + _DAY or body[0] != _VERSION or body[2] != purpose:
                raise LinkError("not one of our links")
            candidates = [key for key in self._keys if _number(key) == body[1]]
            if not any(hmac.compare_digest(self._tag(key, body), tag) for key in candidates):
                raise LinkError("not one of our links")
            day = date.fromordinal(int.from_bytes(body[_HEAD : _HEAD + _DAY]))
            reader_id = body[_HEAD + _DAY :].decode("ascii")
        except (binascii.Error, ValueError, OverflowError) as error:
            raise LinkError("not one of our links") from error
        return Claim(purpose=purpose, reader_id=reader_id, day=day)

    def digest(self, reader_id: str, day: date) -> str:
        """32 hexadecimal digits that stand for one reader's copy of one issue and say nothing else."""
        return self._tag(self._keys[0], b"copy\0" + day.isoformat().encode() + reader_id.encode()).hex()

    def _tag(self, key: bytes, body: bytes) -> bytes:
        return hmac.digest(key, self._list + b"\0" + body, "sha256")[:_TAG]


class Links:
    """What is different in each reader's copy of an issue: the ways to leave, and the Message-ID.

    With `dead` links, as in a test mail, the ways to leave lead nowhere, whoever follows them.
    """

    def __init__(self, publication: Publication, signer: Signer, *, dead: bool = False) -> None:
        self._publication = publication
        self._signer = signer
        self._dead = dead

    def leave(self, reader_id: str, day: date) -> tuple[str, str]:
        """The web address to leave by, "" if the publication has no web site, and the mailto: address."""
        token = "test" if self._dead else self._signer.sign(Purpose.LEAVE, reader_id, day)
        publication = self._publication
        web = f"{publication.url}/leave/{token}" if publication.url else ""
        return web, f"mailto:{publication.reply_to or publication.sender.address}?subject=leave%20{token}"

    def message_id(self, reader_id: str, day: date) -> str:
        """The Message-ID, without brackets: the same for the same reader and issue (RFC 5322 §3.6.4)."""
        return f"{self._signer.digest(reader_id, day)}@{self._publication.sender.domain}"


def _number(key: bytes) -> int:
    """One byte that tells keys apart without telling what they are."""
    return hashlib.sha256(b"key number\0" + key).digest()[0]


def read_signer(state: Path, list_id: str, environment: Mapping[str, str] | None = None) -> Signer:
    """The signer of a publication, whose `.newsletter` folder is `state`.

    Keys are `NEWSLETTER_SECRET` (or the file that `NEWSLETTER_SECRET_FILE` names), newest first, separated by
    blanks or line ends. Without either they live in `.newsletter/secret`, made at the first use with mode
    0600. Raises ConfigError if a key cannot be read or is shorter than 16 characters.
    """
    table = Table({}, name="secret", root=state, environment=environment)
    text = table.secret("SECRET") or _own_secret(state / "secret")
    keys = tuple(key.encode() for key in text.split())
    if not keys or min(map(len, keys)) < 16:
        hint = 'make one: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        raise ConfigError("a key of fewer than 16 characters", where="NEWSLETTER_SECRET", hint=hint)
    return Signer(keys, list_id=list_id)


def _own_secret(path: Path) -> str:
    if not path.exists():
        own = path.with_name(f"secret-{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            own.touch(mode=0o600, exist_ok=False)
            own.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
            # A hard link appears whole or not at all: of two commands started at once, one makes the key.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(own)
        except OSError as error:
            hint = "make its folder writable, or set NEWSLETTER_SECRET"
            raise ConfigError(f"cannot be written: {error.strerror}", where=str(path), hint=hint) from error
        finally:
            with contextlib.suppress(OSError):  # where nothing can be written there is nothing to take away
                own.unlink(missing_ok=True)
    return read_secret(path, where=str(path))
