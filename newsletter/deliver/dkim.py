"""DKIM (RFC 6376, RFC 8463): keys that sign, their DNS records, and the signatures of a template's messages.

The body is written so that the relaxed form of it is itself, and headers are put into theirs when the
template is cut, so that for a reader are left one hash over the body and the signature over some headers.
"""

import base64
import binascii
import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.config import Dkim
from newsletter.errors import ConfigError, ContentError
from newsletter.fields import Blank

# The library is slow to load, and most commands sign nothing: it is imported where a key is.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_BITS = 2048
_LEAST_BITS = 1024  # RFC 8301 §3.2: verifiers take nothing shorter
_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_STRING = 255  # octets in one string of a TXT record, RFC 1035 §3.3.14

_ONCE = ("from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type")
"""Signed once more than they are there (RFC 6376 §8.15): a second From put on top of ours, or a Reply-To
where there was none, breaks the signature."""
_COVERED = (*_ONCE, "list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id")
_NAMES_IN_A_LINE = 4
_SIGNATURE_LINE = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One key that signs, and where its public half is found: SELECTOR._domainkey.DOMAIN.

    `sign` gives the signature of what a DKIM-Signature covers; `verifies` says whether, by the public half, a
    second thing is the signature of a first.
    """

    domain: str
    selector: str
    algorithm: Literal["rsa-sha256", "ed25519-sha256"]
    sign: Callable[[bytes], bytes]
    verifies: Callable[[bytes, bytes], bool]


class Sealer:
    """Signs the messages of one template with each of some keys.

    `head` and `body` are the template's parts up to and behind the empty line; `at` is the time of signing.
    Raises ContentError for a body that the relaxed algorithm would change.
    """

    def __init__(
        self,
        seals: Sequence[Seal],
        head: Sequence[bytes | Blank],
        body: Sequence[bytes | Blank],
        at: datetime,
    ) -> None:
        _check_relaxed(body)
        constant = next((n for n, part in enumerate(body) if isinstance(part, Blank)), len(body))
        self._varying_from = len(head) + constant
        self._prefix = hashlib.sha256(b"".join(part for part in body[:constant] if isinstance(part, bytes)))
        fields = _fields(head)
        there = [name for name, _ in fields]
        covered: list[str] = []
        self._signed: list[bytes] = []
        self._varying: list[tuple[int, bytes, list[bytes | int]]] = []
        for name in _COVERED:
            covered += [name] * (there.count(name) + (name in _ONCE))
            # Where a header is there more than once, the first mention means the last one (RFC 6376 §5.4.2).
            for value in reversed([value for each, value in fields if each == name]):
                if all(isinstance(piece, bytes) for piece in value):
                    self._signed.append(_relaxed(name.encode(), value, ()))
                else:
                    self._varying.append((len(self._signed), name.encode(), value))
                    self._signed.append(b"")
        self._frames = [(seal.sign, *_frame(seal, covered, at)) for seal in seals]

    def seal(self, parts: list[bytes]) -> list[bytes]:
        """The parts of a message, all blanks filled, with its DKIM-Signature headers before them."""
        rest = b"".join(parts[self._varying_from :])
        body = self._prefix.copy()
        body.update(rest)
        signed = self._signed.copy()
        for hole, name, value in self._varying:
            signed[hole] = _relaxed(name, value, parts)
        covered = b"".join(signed)
        body_hash = binascii.b2a_base64(body.digest(), newline=False)
        headers = []
        for sign, frame, relaxed in self._frames:
            signature = sign(b"%s%s%s; b=" % (covered, relaxed, body_hash))
            headers.append(b"%s%s;\r\n b=%s\r\n" % (frame, body_hash, _folded(signature)))
        return [*headers, *parts[: self._varying_from], rest]


def _frame(seal: Seal, covered: Sequence[str], at: datetime) -> tuple[bytes, bytes]:
    """A DKIM-Signature up to its body hash: as it is written, and its relaxed form."""
    lines = [
        f"v=1; a={seal.algorithm}; c=relaxed/relaxed;",
        f"d={seal.domain}; s={seal.selector}; t={int(at.timestamp())};",
    ]
    names = [":".join(covered[n : n + _NAMES_IN_A_LINE]) for n in range(0, len(covered), _NAMES_IN_A_LINE)]
    value = "\r\n ".join([*lines, "h=" + ":\r\n ".join(names) + ";", "bh="]).encode("ascii")
    return b"DKIM-Signature: " + value, b"dkim-signature:" + b" ".join(value.split())


def _folded(signature: bytes) -> bytes:
    text = binascii.b2a_base64(signature, newline=False)
    return b"\r\n ".join([text[n : n + _SIGNATURE_LINE] for n in range(0, len(text), _SIGNATURE_LINE)])


def _fields(head: Sequence[bytes | Blank]) -> list[tuple[str, list[bytes | int]]]:
    """The headers, each with its name in lower case and its value in pieces: bytes, or the number of a blank.

    The number is the blank's place in `head`.
    """
    text = b"".join(b"\0%d\0" % n if isinstance(part, Blank) else part for n, part in enumerate(head))
    fields = []
    for line in re.split(rb"\r\n(?![ \t])", text.removesuffix(b"\r\n\r\n")):
        name, _, value = line.partition(b":")
        pieces: list[bytes | int] = list(value.split(b"\0"))
        pieces[1::2] = [int(piece) for piece in pieces[1::2]]
        fields.append((name.decode("ascii").lower(), pieces))
    return fields


def _relaxed(name: bytes, value: Sequence[bytes | int], parts: Sequence[bytes]) -> bytes:
    """One header in its relaxed form (RFC 6376 §3.4.2), its blanks taken from `parts`."""
    text = b"".join([piece if isinstance(piece, bytes) else parts[piece] for piece in value])
    return b"%s:%s\r\n" % (name, b" ".join(text.split()))


def _check_relaxed(body: Sequence[bytes | Blank]) -> None:
    """Raise ContentError for a body whose relaxed form (RFC 6376 §3.4.4) is another than its own."""
    text = b"".join(b"=\r\n" if isinstance(part, Blank) else part for part in body)
    for before, part in pairwise(body):
        if isinstance(part, Blank) and isinstance(before, bytes) and not before.endswith(b"\r\n"):
            raise ContentError("a message cannot be signed: a blank does not stand on a line of its own")
    if found := re.search(rb"[^\n]*(?:\t|  | \r\n)[^\r\n]*|\r\n(?=\r\n\Z)|[^\n]\Z", text):
        raise ContentError(f"a message cannot be signed: {found[0]!r} would change on its way")


# ---- keys ----


def read_seals(dkim: Dkim) -> tuple[tuple[Seal, ...], tuple[str, ...]]:
    """The keys that are configured, and in words what is dangerous about them.

    Raises ConfigError for a key that is missing, cannot be read, or could not make a signature that is
    accepted anywhere.
    """
    seals = []
    warnings = []
    for selector in dkim.selectors:
        path = key_path(dkim, selector)
        key = _read_key(path, selector)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            warnings.append(f"{path} can be read by others; chmod 600 {path}")
        seal = _seal(dkim.domain, selector, key)
        seals.append(seal)
        if seal.algorithm == "rsa-sha256" and (bits := getattr(key, "key_size", 0)) < _BITS:
            warnings.append(f"{path} has {bits} bits, and {_BITS} are advised; newsletter dkim keygen")
    return tuple(seals), tuple(warnings)


def keys_out_of_reach(dkim: Dkim) -> tuple[Path, ...]:
    """The configured keys that are not here, or that this user may not read."""
    paths = (key_path(dkim, selector) for selector in dkim.selectors)
    return tuple(path for path in paths if not os.access(path, os.R_OK))


def key_path(dkim: Dkim, selector: str) -> Path:
    """Where the key of a selector is kept."""
    return dkim.keys / f"{selector}.pem"


def make_key(dkim: Dkim, selector: str, *, ed25519: bool) -> None:
    """Make a key of 2048 bits RSA, or Ed25519, whole or not at all, for its owner's eyes only.

    Raises ConfigError if the selector is no name in DNS, has a key already, or nothing can be written.
    """
    from cryptography.hazmat.primitives.asymmetric import ed25519 as curve
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if not _SELECTOR.fullmatch(selector):
        hint = "use letters, digits and hyphens, as in press2026"
        raise ConfigError(f"{selector!r} is not a selector", where="SELECTOR", hint=hint)
    key: RSAPrivateKey | Ed25519PrivateKey
    if ed25519:
        key = curve.Ed25519PrivateKey.generate()
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    path = key_path(dkim, selector)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    own = path.with_name(f".{secrets.token_hex(4)}")
    try:
        for folder in (path.parent.parent, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own.touch(mode=0o600, exist_ok=False)
        with own.open("wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # A hard link appears whole or not at all, and never over another file.
        path.hardlink_to(own)
    except OSError as error:
        if path.exists():
            hint = "name another selector: mail signed with this key may still be on its way"
            message = f"selector {selector!r} has a key already"
            raise ConfigError(message, where=str(path), hint=hint) from error
        hint = "make its folder writable, or name another: [dkim] keys"
        where = str(error.filename or path)
        raise ConfigError(f"cannot be written: {error.strerror}", where=where, hint=hint) from error
    finally:
        with contextlib.suppress(OSError):  # where nothing can be written there is nothing to take away
            own.unlink(missing_ok=True)


def dns_record(dkim: Dkim, selector: str) -> str:
    """The line of a zone file that publishes a selector's key."""
    text = public_record(dkim, selector)
    strings = " ".join(f'"{text[n : n + _STRING]}"' for n in range(0, len(text), _STRING))
    return f"{selector}._domainkey.{dkim.domain}. IN TXT ( {strings} )"


def public_record(dkim: Dkim, selector: str) -> str:
    """The text of the DNS record that publishes a selector's key (RFC 6376 §3.6, RFC 8463 §4)."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _read_key(key_path(dkim, selector), selector)
    if isinstance(key, RSAPrivateKey):
        kind, public = "rsa", key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind, public = "ed25519", key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"


def _read_key(path: Path, selector: str) -> "RSAPrivateKey | Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    hint = f"make another: newsletter dkim keygen {selector}-2"
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise ConfigError(
            f"selector {selector!r} has no key", where=str(path), hint=f"newsletter dkim keygen {selector}"
        ) from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except TypeError as error:
        hint = f"take its passphrase off: openssl pkey -in {path} -out {path}"
        raise ConfigError("a key with a passphrase", where=str(path), hint=hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("not a private key in PEM form", where=str(path), hint=hint) from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ConfigError("a key of a kind that DKIM does not know", where=str(path), hint=hint)
    if isinstance(key, RSAPrivateKey) and key.key_size < _LEAST_BITS:
        message = f"a key of {key.key_size} bits, and nobody takes fewer than {_LEAST_BITS}"
        raise ConfigError(message, where=str(path), hint=hint)
    return key


def _seal(domain: str, selector: str, key: "RSAPrivateKey | Ed25519PrivateKey") -> Seal:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key, RSAPrivateKey):
        padding, algorithm, public = PKCS1v15(), SHA256(), key.public_key()
        return Seal(
            domain=domain,
            selector=selector,
            algorithm="rsa-sha256",
            sign=lambda covered: key.sign(covered, padding, algorithm),
            verifies=_verifier(
                lambda covered, signature: public.verify(signature, covered, padding, algorithm)
            ),
        )
    curve = key.public_key()
    return Seal(
        domain=domain,
        selector=selector,
        algorithm="ed25519-sha256",
        # RFC 8463 §3: what is signed is the SHA-256 hash.
        sign=lambda covered: key.sign(hashlib.sha256(covered).digest()),
        verifies=_verifier(
            lambda covered, signature: curve.verify(signature, hashlib.sha256(covered).digest())
        ),
    )


def _verifier(verify: Callable[[bytes, bytes], None]) -> Callable[[bytes, bytes], bool]:
    """What says yes or no where the library raises."""
    from cryptography.exceptions import InvalidSignature

    def verifies(covered: bytes, signature: bytes) -> bool:
        try:
            verify(covered, signature)
        except InvalidSignature:
            return False
        return True

    return verifies
