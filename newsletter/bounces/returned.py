"""What one mail or one provider's call says of one reader, and how far that can be believed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from newsletter.links import Claim, Links, Purpose

LONGEST_TEXT = 500
"""Characters of a host's own words that are kept."""
LONGEST_HOST = 255
"""Of its name (RFC 1035 §2.3.4)."""


def shown(text: str, longest: int) -> str:
    """A stranger's words on one line, cut to a length, without what a terminal or a mail would obey."""
    line = " ".join(text.split())[:longest]
    return line if line.isprintable() else "".join(c if c.isprintable() else " " for c in line)


class Kind(StrEnum):
    """What came back."""

    HARD = "hard"
    """Nobody can be reached at this address, and that will not change: surely nobody else's fault."""
    SOFT = "soft"
    """It was not delivered, for any other reason."""
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    DELAYED = "delayed"
    STOP = "stop"
    OTHER = "other"
    """Not for this program: a mail for a person to read, a receipt, a report on something else."""


class Proof(StrEnum):
    """Why we believe that this is about a copy of ours."""

    RETURN_PATH = "return path"
    """It has the signed address that only this copy came from (`Signer.bounced`)."""
    LEAVE_TOKEN = "leave token"  # noqa: S105
    """It has the signed token for leaving that only this copy carried."""
    MESSAGE_ID = "message id"
    """It names the Message-ID of this reader's copy, which nobody can work out who has not seen it."""
    PROVIDER = "provider"
    """The provider that carries our mail says it, and has proved that it is the provider."""
    NONE = "none"
    """Anybody could have written it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What came back about one reader: by `claim` if it has a token of ours, else by `addresses`.

    `addresses` are those that the mail says it is about, the likeliest first, in no way checked. `code` is
    the enhanced status code (RFC 3463) or "", `host` who refused, `text` what it said, `explanation` the same
    in few words. `digest` names this mail, and this reader in it, for ever: what was recorded once under it
    is not recorded again. `at` is when the mail was made or came in, None if it does not say. `message_ids`
    are those of ours it may be about; `receipt` is the provider's own number of the message.
    """

    kind: Kind
    digest: str
    proof: Proof = Proof.NONE
    claim: Claim | None = None
    addresses: tuple[str, ...] = ()
    code: str = ""
    host: str = ""
    text: str = ""
    explanation: str = ""
    at: datetime | None = None
    message_ids: tuple[str, ...] = ()
    receipt: str = ""

    @property
    def address(self) -> str:
        return self.addresses[0] if self.addresses else ""

    @property
    def is_proven(self) -> bool:
        return self.proof is not Proof.NONE

    @property
    def day(self) -> date | None:
        """The day of the issue it is about, where that is known."""
        return self.claim.day if self.claim else None


def recognised(returned: Returned, reader_id: str, days: Iterable[date], links: Links) -> Returned:
    """The same, proven by its Message-ID if that is of this reader's copy for one of these days."""
    if returned.claim or not returned.message_ids:
        return returned
    for day in days:
        if links.message_id(reader_id, day) in returned.message_ids:
            claim = Claim(purpose=Purpose.BOUNCE, reader_id=reader_id, day=day)
            proof = returned.proof if returned.is_proven else Proof.MESSAGE_ID
            return replace(returned, claim=claim, proof=proof)
    return returned
