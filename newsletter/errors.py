"""Everything that can go wrong, in one family.

NewsletterError                exit  who acts on it
|-- ConfigError                 2    whoever edits newsletter.toml or the environment
|-- ContentError                3    the writer of an issue or an article
|-- TemplateError               3    the designer of a template
|-- LinkError                   3    nobody: a signed link that is forged or cut short
|   `-- Expired                      whoever asked for the link: it is too old
|-- Forged                      3    nobody: a provider's call that the provider did not make
|-- StoreError                 75    whoever keeps the database
`-- DeliveryError               4
    |-- Refused                      this recipient, for good
    |-- Deferred                     this recipient, for now
    |-- Blocked                      us: the carrier objects to the sender or the text
    |-- Withheld                     this recipient, by this carrier: the message cannot be made or carried
    |-- InDoubt                      this recipient: nobody can tell
    |-- Vetoed                       this recipient: no longer owed the message, so it must not leave
    `-- Unavailable            75    everybody, for now: the run stops
"""

from collections.abc import Iterable


class NewsletterError(Exception):
    """Something a person can put right: what is wrong, where, and the way out.

    `message` is lower case without a full stop and quotes the value at fault; `where` is `FILE:LINE`, a
    setting or a host; `hint` is an order that can be typed or done.
    """

    exit_code = 1

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class ConfigError(NewsletterError):
    """newsletter.toml, the environment or the command line asks for what cannot be."""

    exit_code = 2


class ContentError(NewsletterError):
    """An issue folder, an article or a picture cannot be published as it is."""

    exit_code = 3


class TemplateError(NewsletterError):
    """A template is at fault, or what it rendered to."""

    exit_code = 3


class LinkError(NewsletterError):
    """A signed link is forged, mangled, or meant for something else."""

    exit_code = 3


class Expired(LinkError):
    """A signed link of ours that was good for a while, which is over."""


class Forged(NewsletterError):
    """A call in a provider's name that lacks the provider's proof: nothing of it is believed."""

    exit_code = 3


class StoreError(NewsletterError):
    """The database is not to be had, or not one this program may touch.

    `passing` says that it may be over soon, so that whoever has patience may try the same again.
    """

    exit_code = 75

    def __init__(self, message: str, *, where: str = "", hint: str = "", passing: bool = False) -> None:
        super().__init__(message, where=where, hint=hint)
        self.passing = passing


class DeliveryError(NewsletterError):
    """A hand-over to the carrier did not end in acceptance.

    `reply` is what the carrier said, `phase` the step at which it said so ("RCPT", "dot", …); `code` is the
    three-digit SMTP reply code (RFC 5321 §4.2), 0 where there was none.
    """

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        hint: str = "",
        phase: str = "",
        code: int = 0,
        reply: str = "",
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.phase = phase
        self.code = code
        self.reply = reply


class Refused(DeliveryError):
    """This recipient, for good: the carrier took no responsibility and never will."""


class Deferred(DeliveryError):
    """This recipient, for now: the carrier took no responsibility; a later try may succeed."""


class Blocked(DeliveryError):
    """Us: the carrier took no responsibility, for a reason that is not the recipient's (policy, reputation).

    Nobody is marked bad for it; many in a row end the run (`deliver.breaker`).
    """


class Withheld(DeliveryError):
    """This recipient: the message cannot be made, or not be carried this way; `reason` is one word for it."""

    def __init__(self, message: str, *, reason: str, where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.reason = reason


class InDoubt(DeliveryError):
    """This recipient: the message may or may not have been accepted, and nobody here can tell."""


class Vetoed(DeliveryError):
    """Raised by `commit`: the row is no longer owed, so nothing may leave for this recipient.

    `reason` is empty if another run has the row, else why it is withheld ("left", "paused", …).
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class Unavailable(DeliveryError):
    """Everybody, for now: the carrier cannot be used, so the run stops and the rows stay as they are.

    `passing` says that it may be over soon, so that the run may wait and try again; `wait` is how many
    seconds the carrier asks for, 0 if it did not say.
    """

    exit_code = 75

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        hint: str = "",
        phase: str = "",
        code: int = 0,
        reply: str = "",
        passing: bool = False,
        wait: float = 0.0,
    ) -> None:
        super().__init__(message, where=where, hint=hint, phase=phase, code=code, reply=reply)
        self.passing = passing
        self.wait = wait


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that `name` was most likely meant to be, or "" when none is close."""
    import difflib  # only a mistake pays for it

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else ""
