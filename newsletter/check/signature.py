"""Rules for a signed mail: its signatures are good, as whoever gets it will see them (RFC 6376 §6.1).

Nothing is shared with the signer: the mail's own bytes are canonicalised here once more, after the RFC.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping

from newsletter.check.raw import Entity, mail_of
from newsletter.check.rule import Fault, Level, Proof, Rule, rule
from newsletter.deliver.dkim import Seal

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=([^;]*)(?:;|\Z)")
_SIGNATURE_VALUE = re.compile(rb"(;[ \t\r\n]*b[ \t\r\n]*=)[^;]*")

# RFC 8058 §4: a one-click address counts only if both headers are signed.
_ONE_CLICK = ("list-unsubscribe", "list-unsubscribe-post")


@rule(
    "dkim-broken",
    Level.WARNING,
    why="A signature that does not verify makes a mail look forged, and it goes to spam or nowhere.",
    how="newsletter dkim keygen, and publish the record that it prints",
)
def dkim_broken(proof: Proof) -> Iterator[Fault]:
    mail = mail_of(proof.message)
    place = proof.setting("dkim", "selectors")
    for seal in proof.seals:
        if wrong := trouble(mail, seal):
            yield Fault(place, f"the signature of selector {seal.selector!r} is not good: {wrong}")


@rule(
    "signature-not-checked",
    Level.NOTE,
    why="Without the key nobody can tell whether the signature will be good; send refuses to do without it.",
    how="check the issue once more on the machine that sends it",
)
def signature_not_checked(proof: Proof) -> Iterator[Fault]:
    for name in proof.unsigned:
        words = f"the mail was looked at without its signature: {name} is not here, or not yours to read"
        yield Fault(proof.setting("dkim", "selectors"), words)


def trouble(mail: Entity, seal: Seal) -> str:
    """What is wrong with the signature that a key has put on a mail, "" if it verifies."""
    for field in mail.fields:
        if field.name == "dkim-signature":
            tags = {name: re.sub(r"\s", "", value) for name, value in _TAG.findall(field.value)}
            if (tags.get("s"), tags.get("d")) == (seal.selector, seal.domain):
                return _trouble(mail, seal, field.raw, tags)
    return "the mail has none"


def _trouble(mail: Entity, seal: Seal, raw: bytes, tags: Mapping[str, str]) -> str:
    try:
        claimed = base64.b64decode(tags["bh"], validate=True)
        signature = base64.b64decode(tags["b"], validate=True)
        names = tags["h"].lower().split(":")
    except (KeyError, binascii.Error):
        return "it cannot be read"
    if tags.get("c") != "relaxed/relaxed" or tags.get("a") != seal.algorithm:
        return f"it is by {tags.get('a')} over {tags.get('c')}"
    if hashlib.sha256(relaxed_body(mail.body)).digest() != claimed:
        return "the text was changed after signing"
    if not seal.verifies(_covered(mail, names, raw), signature):
        return "a header was changed after signing"
    there = {field.name for field in mail.fields}
    uncovered = [name for name in ("from", *_ONE_CLICK) if name in there and name not in names]
    return f"it does not cover {', '.join(uncovered)}" if uncovered else ""


def _covered(mail: Entity, names: list[str], raw: bytes) -> bytes:
    """What the signature is over (§3.7): fields, of several from the last one up, then its own, unsigned."""
    fields = [field.raw for field in reversed(mail.fields)]
    covered = b""
    for name in names:
        found = next((f for f in fields if f.partition(b":")[0].lower() == name.encode()), None)
        if found is not None:
            fields.remove(found)
            covered += relaxed_field(found) + b"\r\n"
    return covered + relaxed_field(_SIGNATURE_VALUE.sub(rb"\1", raw))


def relaxed_field(raw: bytes) -> bytes:
    """One header field in its relaxed form (RFC 6376 §3.4.2)."""
    name, _, value = raw.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.strip(b" \t").lower() + b":" + value


def relaxed_body(body: bytes) -> bytes:
    """A body in its relaxed form (RFC 6376 §3.4.4)."""
    lines = re.sub(rb"[ \t]+(?=\r\n|\Z)", b"", body)
    lines = re.sub(rb"[ \t]+", b" ", lines)
    lines = re.sub(rb"(?:\r\n)+\Z", b"", lines)
    return lines + b"\r\n" if lines else b""


RULES: tuple[Rule, ...] = (dkim_broken, signature_not_checked)
