"""Signed links: how a reader proves, without a password, who is asking.

A token is the base64url form of: version, key number, purpose, day of the issue, reader's id, tag; where no
issue but the hour counts, the second in which it was made stands in the day's place. The tag is
the first 16 bytes of HMAC-SHA256 (RFC 2104; 128 bits, as RFC 2104 §5 allows) over all that stands before it
and the list's id, so a token made for one purpose, list, reader or issue is worth nothing for another. No
address is in it.

A return path (VERP) is shorter, since it stands before an @: the hexadecimal form, in which bounces that come
back in capitals are still good, of day, reader's id, and the first 10 bytes of the same HMAC.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from urllib.parse import quote

from newsletter.errors import ConfigError, Expired, LinkError
from newsletter.model import Publication
from newsletter.settings import FILE, Table, read_secret

_VERSION = 1
_HEAD = 3
_DAY = 4
_TAG = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # RFC 4648 §5
_STANDARD = bytes.maketrans(b"-_", b"+/")
# The pads of HMAC, RFC 2104 §2, as tables: what becomes of each byte of a block.
_BLOCK = 64
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))

_SHORT_DAY = 3
_SHORT_TAG = 10
_AS_IT_IS = 1 << 23
"""Set in the day of a return path if the reader's id stands there as text, not as the 12 bytes it encodes."""
_OWN_ID = re.compile(r"[A-Za-z0-9_-]{16}")
_SHORT_TOKEN = 2 * (_SHORT_DAY + 12 + _SHORT_TAG)
_LOCAL_PART = 64  # octets, RFC 5321 §4.5.3.1.1


class Purpose(IntEnum):
    """What a link is good for."""

    LEAVE = 1
    BOUNCE = 2
    CONFIRM = 3
    MINE = 4
    FORM = 5
    PROBE = 6


PROBED = "A probe of this press, by one click; a reader would have left.\n"
"""What the site answers where a PROBE, which is nobody's, stands in the place of a token to leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a valid token of an issue says: who, for which purpose, from which issue."""

    purpose: Purpose
    reader_id: str
    day: date


class Signer:
    """Makes and checks tokens; the first key signs, every key is good for checking (rotation)."""

    def __init__(self, keys: tuple[bytes, ...], *, list_id: str) -> None:
        self._keys = keys
        self._list = list_id.encode()

    @property
    def mark(self) -> str:
        """A word that says nothing of the key that signs, but by which two hosts can tell theirs apart."""
        return hmac.digest(self._keys[0], b"mark " + self._list, "sha256")[:6].hex()

    def sign(self, purpose: Purpose, reader_id: str, day: date) -> str:
        """A token for one reader and one issue: URL-safe, no address in it, the same every time."""
        return self.stamp(purpose, day.toordinal()).token(reader_id)[0]

    def sign_until(self, purpose: Purpose, about: str, now: datetime, life: timedelta) -> str:
        """A token about a reader or a request that is good from `now` on for a while."""
        end = int((now + life).timestamp())
        return self.stamp(purpose, end).token(about)[0]

    def check(self, token: str, purpose: Purpose) -> Claim:
        """What a token says; raises LinkError if it is not one of ours for this purpose."""
        reader_id, number = self._checked(token, purpose)
        try:
            return Claim(purpose=purpose, reader_id=reader_id, day=date.fromordinal(number))
        except (ValueError, OverflowError) as error:
            raise LinkError("not one of our links") from error

    def check_until(self, token: str, purpose: Purpose, now: datetime) -> str:
        """Which reader or request a token of `sign_until` is about.

        Raises LinkError if it is not one of ours for this purpose, `Expired` if it was.
        """
        about, end = self._checked(token, purpose)
        if now.timestamp() > end:
            raise Expired("this link is too old")
        return about

    def _checked(self, token: str, purpose: Purpose) -> tuple[str, int]:
        try:
            data = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
            if base64.urlsafe_b64encode(data).rstrip(b"=") != token.encode("ascii"):
                raise LinkError("not one of our links")  # what a token cannot hold would be passed over
            body, tag = data[:-_TAG], data[-_TAG:]
            if len(body) <= _HEAD + _DAY or body[0] != _VERSION or body[2] != purpose:
                raise LinkError("not one of our links")
            number = int.from_bytes(body[_HEAD : _HEAD + _DAY])
            stamps = [
                Stamp(key, self._list, purpose, number) for key in self._keys if _number(key) == body[1]
            ]
            if not any(stamp.fits(body[_HEAD + _DAY :], tag) for stamp in stamps):
                raise LinkError("not one of our links")
            return body[_HEAD + _DAY :].decode("ascii"), number
        except (binascii.Error, ValueError) as error:
            raise LinkError("not one of our links") from error

    def bounced(self, address: str) -> Claim:
        """Whose copy came back to a return path of ours; raises LinkError if it is not one."""
        token = address.rpartition("@")[0].rpartition("+")[2]
        try:
            data = bytes.fromhex(token) if token.isalnum() else b""
            number = int.from_bytes(data[:_SHORT_DAY])
            body, tag = data[_SHORT_DAY:-_SHORT_TAG], data[-_SHORT_TAG:]
            stamps = [Stamp(key, self._list, Purpose.BOUNCE, number) for key in self._keys]
            if not body or not any(stamp.fits(body, tag) for stamp in stamps):
                raise LinkError("not one of our return paths")
            day = date.fromordinal(number & ~_AS_IT_IS)
            reader_id = body.decode("ascii") if number & _AS_IT_IS else _text_of(body)
        except (ValueError, OverflowError) as error:
            raise LinkError("not one of our return paths") from error
        return Claim(purpose=Purpose.BOUNCE, reader_id=reader_id, day=day)

    def hashes(self, text: str) -> tuple[str, ...]:
        """What stands for a text that may not be kept itself: by the newest key first, then by the others.

        Nobody without a key can tell whether it stands for a given address, or make one that does.
        """
        data = b"kept as a hash\0" + text.encode()
        return tuple(hmac.digest(key, data, "sha256").hex() for key in self._keys)

    def stamp(self, purpose: Purpose, number: int) -> "Stamp":
        """What signs for one purpose and the issue of one day, given as a number of at most 4 bytes."""
        return Stamp(self._keys[0], self._list, purpose, number)


class Stamp:
    """Signs for one key, purpose and issue: what is the same for all readers is hashed once.

    `digest` is `hmac.digest` of list, head and body in two thirds of its time.
    """

    def __init__(self, key: bytes, list_id: bytes, purpose: Purpose, number: int) -> None:
        self._head = bytes((_VERSION, _number(key), purpose)) + number.to_bytes(_DAY)
        block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER_PAD) + list_id + b"\0" + self._head)
        self._outer = hashlib.sha256(block.translate(_OUTER_PAD))

    def digest(self, body: bytes) -> bytes:
        """The HMAC of what stands for a reader, 32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(body)
        outer.update(inner.digest())
        return outer.digest()

    def fits(self, body: bytes, tag: bytes) -> bool:
        return hmac.compare_digest(self.digest(body)[: len(tag)], tag)

    def token(self, reader_id: str) -> tuple[str, bytes]:
        """A reader's token, and 16 bytes that stand for the same and tell nothing of the token's tag."""
        body = reader_id.encode()
        digest = self.digest(body)
        text = binascii.b2a_base64(self._head + body + digest[:_TAG], newline=False)
        return text.translate(_URL_SAFE, b"=").decode(), digest[_TAG:]


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
        return self.copies(day).copy(reader_id)[:2]

    def message_id(self, reader_id: str, day: date) -> str:
        """The Message-ID, without brackets: the same for the same reader and issue (RFC 5322 §3.6.4)."""
        return self.copies(day).copy(reader_id)[2]

    def copies(self, day: date, *, bounces: str = "") -> "Copies":
        """The copies of the issue of one day; mail comes back to `bounces`, "" for the sender's own address.

        Raises ConfigError if the part of `bounces` before the @ leaves no room for a token.
        """
        local = bounces.rpartition("@")[0]
        most = _LOCAL_PART - 1 - _SHORT_TOKEN
        if len(local) > most or not bounces.isascii():
            message = f"[send] bounces: {bounces!r} is longer than {most} ASCII characters before the @"
            hint = "take a shorter address, for instance bounces@…: a token comes behind it"
            raise ConfigError(message, where=FILE, hint=hint)
        return Copies(self._publication, self._signer, day, dead=self._dead, bounces=bounces)


class Copies:
    """The copies of one issue, a reader's at a time: what is the same in all is worked out once."""

    def __init__(
        self, publication: Publication, signer: Signer, day: date, *, dead: bool, bounces: str
    ) -> None:
        self._dead = dead
        self._web = f"{publication.url}/leave/" if publication.url else ""
        address = quote(publication.reply_to or publication.sender.address, safe="@+")
        self._mail = f"mailto:{address}?subject=leave%20"
        self._domain = "@" + publication.sender.domain
        self._leave = signer.stamp(Purpose.LEAVE, day.toordinal())
        self._bounces = bounces
        self._local, _, bounces_domain = bounces.rpartition("@")
        self._bounces_domain = "@" + bounces_domain
        number = day.toordinal()
        self._packed = number.to_bytes(_SHORT_DAY), signer.stamp(Purpose.BOUNCE, number)
        number |= _AS_IT_IS
        self._as_it_is = number.to_bytes(_SHORT_DAY), signer.stamp(Purpose.BOUNCE, number)

    def copy(self, reader_id: str) -> tuple[str, str, str, str]:
        """What is different in one reader's copy, the same every time.

        The web address to leave by, "" if the publication has no web site; the mailto: address for it; the
        Message-ID, without brackets; the address to which this copy comes back, "" for the sender's own.
        """
        token, rest = self._leave.token(reader_id)
        if self._dead:
            token = "test"  # noqa: S105
        return (
            self._web and self._web + token,
            self._mail + token,
            rest.hex() + self._domain,
            self._bounces and self._return_path(reader_id),
        )

    def _return_path(self, reader_id: str) -> str:
        """The address to which this copy comes back; without a token where one would not fit."""
        body = reader_id.encode()
        day, stamp = self._as_it_is
        if _OWN_ID.fullmatch(reader_id):
            body = binascii.a2b_base64(body.translate(_STANDARD))
            day, stamp = self._packed
        token = (day + body + stamp.digest(body)[:_SHORT_TAG]).hex()
        if self._dead or len(self._local) + 1 + len(token) > _LOCAL_PART:
            return self._bounces
        return f"{self._local}+{token}{self._bounces_domain}"


def _text_of(body: bytes) -> str:
    """A reader's id, as readers are given them, from the 12 bytes it encodes."""
    return base64.urlsafe_b64encode(body).decode()


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
