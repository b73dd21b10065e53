"""The SES backend and a local stand-in for SES: what travels, and what each answer means."""

import base64
import json
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from newsletter.deliver.backend import find_backend
from newsletter.deliver.backends.ses import SesBackend, meaning
from newsletter.errors import (
    Blocked,
    ConfigError,
    Deferred,
    DeliveryError,
    InDoubt,
    Refused,
    Unavailable,
    Vetoed,
    Withheld,
)
from newsletter.settings import Table
from tests.deliver.contract import BackendContract, Carrier, Commits, a_message
from tests.deliver.http_service import Act, HttpService, answer, hang, reset, say

TAKEN = answer(200, b'{"MessageId": "0100018f-taken"}')


@pytest.fixture(scope="module", autouse=True)
def credentials() -> Iterator[None]:
    """Somebody's credentials, none of those that this machine may have, and a wish for many attempts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "5",
            "AWS_RETRY_MODE": "standard",
            "NO_PROXY": "127.0.0.1",
        }.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[HttpService, SesBackend]]:
    """One service and one open backend for many tests: boto3 takes its time to make a client."""
    with HttpService(TAKEN) as service:
        backend = SesBackend("eu-west-3", endpoint=service.url, read_seconds=1)
        backend.open()
        yield service, backend
        backend.close()


@pytest.fixture
def service(opened: tuple[HttpService, SesBackend]) -> HttpService:
    """The service as if nobody had called yet; it takes everything."""
    service, _ = opened
    service.act = TAKEN
    service.requests.clear()
    return service


@pytest.fixture
def backend(opened: tuple[HttpService, SesBackend]) -> SesBackend:
    return opened[1]


def table(**values: object) -> Table:
    return Table(values, name="backends.ses", root=Path(), environment={})


def attempt(backend: SesBackend, commit: Commits) -> DeliveryError:
    with pytest.raises(DeliveryError) as raised:
        backend.send(a_message(), commit)
    return raised.value


def raw(body: bytes) -> bytes:
    return base64.b64decode(json.loads(body)["Content"]["Raw"]["Data"])


class TestSes(BackendContract):
    @pytest.fixture
    def carrier(self, service: HttpService) -> Iterator[Carrier]:
        backend = SesBackend("eu-west-3", endpoint=service.url)
        yield Carrier(
            backend=backend, arrived=lambda: [raw(request.body) for request in list(service.requests)]
        )
        backend.close()


def test_one_signed_request_carries_one_message_to_one_recipient(
    service: HttpService, backend: SesBackend
) -> None:
    message = a_message("zoe@exämple.com", sender="bounces+token@press.example.org")
    assert backend.send(message, Commits()) == "0100018f-taken"
    [request] = service.requests
    assert (request.method, request.target) == ("POST", "/v2/email/outbound-emails")
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIATEST/")
    assert "/eu-west-3/ses/aws4_request, SignedHeaders=" in request.headers["authorization"]
    assert json.loads(request.body) == {
        "Destination": {"ToAddresses": ["zoe@xn--exmple-cua.com"]},
        "FeedbackForwardingEmailAddress": "bounces+token@press.example.org",
        "Content": {"Raw": {"Data": base64.b64encode(message.content).decode()}},
    }


def test_a_configuration_set_is_named(service: HttpService) -> None:
    settings = table(region="eu-west-3", endpoint=service.url, configuration_set="daily")
    backend = SesBackend.configured(settings)
    backend.open()
    backend.send(a_message(), Commits())
    backend.close()
    assert json.loads(service.requests[0].body)["ConfigurationSetName"] == "daily"


def test_commit_comes_when_the_request_is_ready_and_before_any_of_it_is_written(
    service: HttpService,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        backend = SesBackend("eu-west-3", endpoint=url, read_seconds=0.3)
        backend.open()
        seen: list[bool] = []

        def nobody_has_called() -> None:
            with pytest.raises(BlockingIOError):
                listener.accept()
            seen.append(True)

        assert type(attempt(backend, Commits(then=nobody_has_called))) is InDoubt
        backend.close()
        caller, _ = listener.accept()
        with caller:
            assert caller.recv(5) == b"POST "
    assert seen == [True]


def error(status: int, code: str, text: str = "no") -> Act:
    return answer(
        status, json.dumps({"message": text}).encode(), x_amzn_errortype=f"{code}:http://internal.amazon.com/"
    )


@pytest.mark.parametrize(
    ("act", "outcome", "reply"),
    [
        (error(429, "TooManyRequestsException", "Maximum sending rate exceeded."), Deferred, "429 Too"),
        (error(400, "ThrottlingException"), Deferred, "400 ThrottlingException no"),
        (error(400, "BadRequestException", "Illegal address: Zoe@Example.com"), Refused, "400 Bad"),
        (error(400, "BadRequestException", "Missing final '@domain'"), Blocked, "400 Bad"),
        (error(400, "MessageRejected", "Email address is not verified."), Blocked, "400 MessageRejected"),
        (error(400, "MailFromDomainNotVerifiedException"), Blocked, "400 Mail"),
        (error(400, "AccountSuspendedException"), Blocked, "400 Account"),
        (error(400, "SendingPausedException"), Blocked, "400 Sending"),
        (error(400, "LimitExceededException"), Blocked, "400 Limit"),
        (error(404, "NotFoundException"), Blocked, "404 Not"),
        (error(403, "AccessDeniedException"), Blocked, "403 Access"),
        (error(403, "ExpiredTokenException"), Blocked, "403 Expired"),
        (answer(403, b"<html>proxy says no</html>"), Blocked, "403"),
        (answer(408, b""), Deferred, "408"),
        (error(500, "InternalFailure"), InDoubt, "500 Internal"),
        (error(503, "ServiceUnavailable"), InDoubt, "503 Service"),
        (answer(502, b"<html>Bad Gateway</html>"), InDoubt, "502"),
        (answer(302, b"", location="https://elsewhere.example/"), InDoubt, "302"),
        (answer(200, b"{}"), InDoubt, ""),
        (answer(200, b""), InDoubt, ""),
        (answer(200, b'{"MessageId": "010'), InDoubt, ""),
        (answer(200, b"<html>welcome to the hotel's Wi-Fi</html>"), InDoubt, ""),
        (say(b""), InDoubt, ""),
        (say(b"HTTP/1.1 200"), InDoubt, ""),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{"), InDoubt, ""),
        (say(b"220 mail.example ESMTP\r\n"), InDoubt, ""),
        (reset, InDoubt, ""),
        (hang, InDoubt, ""),
    ],
)
def test_every_answer_has_its_meaning_and_no_request_is_sent_twice(
    service: HttpService, backend: SesBackend, act: Act, outcome: type[DeliveryError], reply: str
) -> None:
    service.act = act
    commit = Commits()
    told = attempt(backend, commit)
    assert (type(told), commit.count, len(service.requests)) == (outcome, 1, 1)
    assert told.reply.startswith(reply)
    assert (told.phase, told.where) == ("request", service.url)
    service.act = TAKEN
    assert backend.send(a_message(number=2), Commits()) == "0100018f-taken"
    assert len(service.requests) == 2


def test_an_answer_on_an_idle_connection_that_has_gone_is_not_waited_for(
    service: HttpService, backend: SesBackend
) -> None:
    service.act = answer(200, b'{"MessageId": "1"}', connection="close")
    assert [backend.send(a_message(number=n), Commits()) for n in (1, 2)] == ["1", "1"]
    assert len(service.requests) == 2


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (403, "AccessDeniedException", "give boto3 credentials"),
        (404, "NotFoundException", "check configuration_set"),
        (400, "LimitExceededException", "wait until the quota allows more"),
    ],
)
def test_what_a_person_can_put_right_comes_with_a_hint(
    service: HttpService, backend: SesBackend, status: int, code: str, hint: str
) -> None:
    service.act = error(status, code)
    assert attempt(backend, Commits()).hint.startswith(hint)


def test_a_code_that_is_not_known_is_no_refusal() -> None:
    assert meaning(400, "SomethingNewException", "zoe@example.com", "zoe@example.com") is Blocked


def test_without_a_connection_nothing_was_written_and_the_message_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for endpoint in (url, "https://ses.nowhere.invalid"):
        backend = SesBackend("eu-west-3", endpoint=endpoint)
        backend.open()
        commit = Commits()
        told = attempt(backend, commit)
        backend.close()
        assert (type(told), commit.count) == (Deferred, 1)
        assert told.message.startswith("no connection: ")


def test_a_server_with_the_wrong_papers_gets_nothing() -> None:
    papers = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(papers)
    with HttpService(TAKEN, tls=papers) as service:
        backend = SesBackend("eu-west-3", endpoint=service.url)
        backend.open()
        told = attempt(backend, Commits())
        backend.close()
        assert (type(told), service.requests) == (Deferred, [])
        assert "CERTIFICATE_VERIFY_FAILED" in told.message


def test_without_credentials_the_run_stops_before_anything_is_committed(
    service: HttpService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Unavailable, match="Unable to locate credentials") as raised:
        SesBackend("eu-west-3", endpoint=service.url).open()
    assert raised.value.hint.startswith("give boto3 credentials")


def test_credentials_that_cannot_be_renewed_stop_the_run_before_commit(
    service: HttpService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that hands out credentials works once, then fails, as when a single sign-on has ended."""
    once = tmp_path / "once"
    program = tmp_path / "credentials"
    program.write_text(
        f"#!/bin/sh\n[ -e {once} ] && exit 1\ntouch {once}\n"
        'echo \'{"Version": 1, "AccessKeyId": "AKIATEST", "SecretAccessKey": "s", "SessionToken": "t",'
        ' "Expiration": "2020-01-01T00:00:00Z"}\'\n'
    )
    program.chmod(0o755)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    commit = Commits()
    backend = SesBackend("eu-west-3", endpoint=service.url)
    backend.open()
    with pytest.raises(Unavailable):
        backend.send(a_message(), commit)
    backend.close()
    assert (commit.count, service.requests) == (0, [])


def test_an_address_that_ses_cannot_take_is_withheld_before_commit(
    service: HttpService, backend: SesBackend
) -> None:
    commit = Commits()
    with pytest.raises(Withheld) as raised:
        backend.send(a_message("zoé@example.com"), commit)
    assert (raised.value.reason, commit.count, service.requests) == ("eai_unsupported", 0, [])


def test_an_address_that_is_none_is_refused_and_a_sender_that_is_none_stops_the_run(
    service: HttpService, backend: SesBackend
) -> None:
    with pytest.raises(Refused):
        backend.send(a_message("zoe@example.com,evil@example.com"), Commits())
    with pytest.raises(Unavailable, match="the sender cannot be used"):
        backend.send(a_message(sender="nobody"), Commits())
    assert service.requests == []


def test_a_veto_writes_nothing_and_leaves_the_client_usable(
    service: HttpService, backend: SesBackend
) -> None:
    with pytest.raises(Vetoed):
        backend.send(a_message(), Commits(raising=Vetoed("left", reason="left")))
    assert service.requests == []
    assert backend.send(a_message(), Commits()) == "0100018f-taken"


def test_it_is_found_by_name() -> None:
    backend = find_backend("ses", table(region="eu-west-3"))
    assert isinstance(backend, SesBackend)
    assert backend.reaches_people is True


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no 'region' in"),
        ({"region": ""}, "region: '' is not a region"),
        ({"region": "evil.example/"}, "region: 'evil.example/' is not a region"),
        ({"region": "eu-west-3", "endpoint": "http://ses.example.com"}, "would travel unencrypted"),
        ({"region": "eu-west-3", "endpoint": "ses.example.com"}, "would travel unencrypted"),
        ({"region": "eu-west-3", "endpoint": "https://"}, "would travel unencrypted"),
        ({"region": "eu-west-3", "configuraton_set": "x"}, "unknown setting 'configuraton_set'"),
    ],
)
def test_a_mistake_in_the_settings_is_told(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SesBackend.configured(table(**values))


@pytest.mark.parametrize("endpoint", ["http://localhost:8080", "http://[::1]:80", "https://ses.example.com"])
def test_an_endpoint_is_secure_or_on_this_machine(endpoint: str) -> None:
    SesBackend.configured(table(region="eu-west-3", endpoint=endpoint))


def test_without_boto3_the_hint_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match="needs boto3") as raised:
        SesBackend.configured(table(region="eu-west-3"))
    assert raised.value.hint == "pip install 'actu5[ses]'"
