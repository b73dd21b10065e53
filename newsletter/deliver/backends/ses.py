"""Message -> Amazon SES by its HTTP interface (API v2, SendEmail), one recipient a request.

The point of no return is the request: `commit` is called when it is signed and ready, right before it is
written. boto3 is told to try once only: a request that is sent again may be a mail that is sent twice.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

from newsletter.deliver.smtp_protocol import Phase, envelope_address
from newsletter.errors import (
    Blocked,
    ConfigError,
    Deferred,
    DeliveryError,
    InDoubt,
    Refused,
    Unavailable,
    Withheld,
)
from newsletter.model import Message
from newsletter.settings import Table

CONNECT_SECONDS = 30.0
READ_SECONDS = 120.0
"""For an answer: twice what boto3 gives it, since silence makes a doubt."""

_REGION = re.compile(r"[a-z0-9-]+")
_THROTTLED = frozenset(("TooManyRequestsException", "ThrottlingException", "Throttling"))
_HINTS = {
    "AccountSuspendedException": "ask AWS Support to let the account send again",
    "LimitExceededException": "wait until the quota allows more, or ask AWS for a higher one",
    "MailFromDomainNotVerifiedException": "verify the sender's domain in SES",
    "MessageRejected": "verify the sender in SES, and see that the account is out of its sandbox",
    "NotFoundException": "check configuration_set in [backends.ses]",
    "SendingPausedException": "let the account or its configuration set send again, in the SES console",
}
_LOGIN_HINT = "give boto3 credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID …) that allow ses:SendEmail"


class _Turn:
    """One message's `commit`, and whether it has let the request be written."""

    def __init__(self, commit: Callable[[], None]) -> None:
        self._commit = commit
        self.over = False

    def take(self) -> None:
        assert not self.over, "boto3 was told to try once only"
        self._commit()
        self.over = True


class SesBackend:
    """A client of one region; `endpoint` stands in for the region's own, empty for that."""

    reaches_people: bool = True

    def __init__(
        self,
        region: str,
        *,
        endpoint: str = "",
        configuration_set: str = "",
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._region = region
        self._endpoint = endpoint
        self._configuration_set = configuration_set
        self._read_seconds = read_seconds
        self._client: Any = None
        self._turn: _Turn | None = None

    @classmethod
    def configured(cls, table: Table) -> Self:
        """From `[backends.ses]`; the credentials are for boto3 to find. Raises ConfigError."""
        region = table.string("region")
        endpoint = table.string("endpoint", "")
        configuration_set = table.string("configuration_set", "")
        table.done()
        if not _REGION.fullmatch(region):
            raise table.error("region", f"{region!r} is not a region", 'write for instance "eu-west-3"')
        if endpoint and not _is_private(endpoint):
            hint = 'write "https://…"; http is for a server on this machine'
            raise table.error("endpoint", f"mail to {endpoint!r} would travel unencrypted", hint)
        try:
            import boto3  # noqa: F401 - only those who send this way need it
        except ImportError as error:
            hint = "pip install 'actu5[ses]'"
            raise ConfigError("the backend 'ses' needs boto3", where=table.where(), hint=hint) from error
        return cls(region, endpoint=endpoint, configuration_set=configuration_set)

    def open(self) -> None:
        """Make a client and see that there are credentials; nothing is sent yet. Raises `Unavailable`."""
        from boto3.session import Session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        self.close()
        try:
            session = Session(region_name=self._region)
            if session.get_credentials() is None:
                raise NoCredentialsError
            self._client = session.client(
                "sesv2",
                endpoint_url=self._endpoint or None,
                config=Config(
                    retries={"total_max_attempts": 1},
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=self._read_seconds,
                ),
            )
        except (BotoCoreError, ClientError) as error:
            raise self._unavailable(error) from error
        self._client.meta.events.register("before-send.sesv2.SendEmail", self._before_writing)

    def send(self, message: Message, commit: Callable[[], None]) -> str:
        """Hand over one message; returns SES's own message id.

        Bounces go to the message's sender. Raises as `Backend.send` says, and `Withheld` for an address that
        is not ASCII before the @, which SES cannot take. What the answers mean: `meaning`.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        recipient = envelope_address(message.recipient)
        if not recipient.isascii():
            raise Withheld(f"SES takes no address like {recipient!r}", reason="eai_unsupported")
        request: dict[str, Any] = {
            "Destination": {"ToAddresses": [recipient]},
            "FeedbackForwardingEmailAddress": _sender(message),
            "Content": {"Raw": {"Data": message.content}},
        }
        if self._configuration_set:
            request["ConfigurationSetName"] = self._configuration_set
        turn = self._turn = _Turn(commit)
        try:
            answer = self._client.send_email(**request)
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            if not turn.over:  # no credentials, or none that can be renewed
                raise self._unavailable(error) from error
            if isinstance(error, ClientError):
                raise self._declined(error.response, recipient) from error
            if _never_connected(error):
                raise self._error(Deferred, f"no connection: {error}") from error
            raise self._error(InDoubt, f"no answer: {error}") from error
        if not answer.get("MessageId"):
            raise self._error(InDoubt, "an answer without a message id")
        return str(answer["MessageId"])

    def close(self) -> None:
        """Hang up; never raises."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _before_writing(self, **_: object) -> None:
        """boto3 has the request signed, and nothing has left; what `commit` raises goes up through `send`."""
        assert self._turn
        self._turn.take()

    def _declined(self, response: dict[str, Any], recipient: str) -> DeliveryError:
        status = int(response["ResponseMetadata"]["HTTPStatusCode"])
        code = str(response["Error"].get("Code", ""))
        text = str(response["Error"].get("Message", ""))
        words = " ".join(word for word in (str(status), code, text) if word)[:500]
        reply = "".join(c if c.isprintable() else " " for c in words)
        hint = _LOGIN_HINT if status in (401, 403) else _HINTS.get(code, "")
        return self._error(
            meaning(status, code, text, recipient), f"answered {reply!r}", hint=hint, reply=reply
        )

    def _unavailable(self, error: Exception) -> DeliveryError:
        return self._error(Unavailable, str(error), hint=_LOGIN_HINT)

    def _error(
        self, kind: type[DeliveryError], message: str, *, hint: str = "", reply: str = ""
    ) -> DeliveryError:
        where = self._endpoint or f"SES in {self._region}"
        return kind(message, where=where, hint=hint, phase="request", reply=reply)


def meaning(status: int, code: str, text: str, recipient: str) -> type[DeliveryError]:
    """What an answer other than 200 means for a message that was written.

    4xx says that SES did not take it: for now if there were too many, for good if a bad request names the
    recipient, and else for a reason of ours: credentials, quota, sender, text. 5xx is said by whatever broke
    down on the way, before or after the mail was taken, so that it is a doubt.
    """
    if status // 100 != 4:
        return InDoubt
    if status in (408, 429) or code in _THROTTLED:
        return Deferred
    if code == "BadRequestException" and recipient.lower() in text.lower():
        return Refused
    return Blocked


def _never_connected(error: Exception) -> bool:
    """Whether there was no connection yet on which the request could have been written."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError

    # A certificate is looked at in TLS's handshake (RFC 8446 §4.4), before anything of the request travels.
    return "CERTIFICATE_VERIFY_FAILED" in str(error) or isinstance(
        error, (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
    )


def _sender(message: Message) -> str:
    try:
        return envelope_address(message.sender)
    except Refused as error:
        raise Unavailable(f"the sender cannot be used: {error}", phase=Phase.MAIL) from error


def _is_private(endpoint: str) -> bool:
    """Whether nobody on the way can read what is sent there: by TLS, or on this machine."""
    parts = urlsplit(endpoint)
    if parts.scheme == "https":
        return bool(parts.hostname)
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"
