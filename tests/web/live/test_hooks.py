"""The calls of mail providers: believed with their proof, counted once, and forged ones change nothing."""

import hashlib
import hmac
import json

import httpx
import pytest
from sqlalchemy import select

from newsletter.bounces.recorder import Recorder
from newsletter.bounces.settings import BounceSettings
from newsletter.bounces.sns import LONGEST
from newsletter.bounces.webhooks import Mailgun, Postmark, Ses
from newsletter.links import Links
from newsletter.model import Reader, Status
from newsletter.readers import schema
from newsletter.web.live.app import live_site
from newsletter.web.live.health import Health
from newsletter.web.live.hooks import hooks
from newsletter.web.live.shelf import Shelf
from tests.web.live.conftest import DAY, Live, Visitor

SETTINGS = BounceSettings(
    ses=Ses(topics=("arn:aws:sns:eu-west-3:123456789012:bounces",)),
    postmark=Postmark(secret="facteur:clef"),
    mailgun=Mailgun(key="clef"),
)


@pytest.fixture
def recorder(live: Live) -> Recorder:
    return Recorder(
        live.office.database, Links(live.office.publication, live.office.signer), ours="lettre.invalid"
    )


@pytest.fixture
def provider(live: Live, recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Visitor:
    office = live.office
    shelf = Shelf(tmp_path_factory.mktemp("site"), base="/actu", nonces=office.nonces, clock=live.clock)
    app = live_site(
        office,
        shelf,
        Health(office.database, [live.duty]),
        proxies=[],
        log=live.log.append,
        hooks=hooks("/actu", SETTINGS, recorder, office.signer, live.clock, live.log.append),
    )
    return Visitor(app, "198.51.100.9")


def returned(live: Live) -> list[tuple[str, str]]:
    with live.office.database.read() as connection:
        rows = connection.execute(select(schema.returned.c.kind, schema.returned.c.effect)).all()
    return [(row.kind, row.effect) for row in rows]


def mailgun(live: Live, reader: Reader, *, key: str = "clef", token: str = "t" * 50) -> dict[str, object]:
    links = Links(live.office.publication, live.office.signer)
    path = links.copies(DAY.date(), bounces="retours@lettre.invalid").copy(reader.id)[3]
    stamp = str(int(live.clock().timestamp()))
    signature = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    return {
        "signature": {"timestamp": stamp, "token": token, "signature": signature},
        "event-data": {
            "event": "failed",
            "severity": "permanent",
            "recipient": reader.email,
            "timestamp": live.clock().timestamp(),
            "envelope": {"sender": path},
            "delivery-status": {"code": 550, "message": "5.1.1 user unknown", "mx-host": "mx.example.org"},
        },
    }


def call(provider: Visitor, name: str, body: object, **headers: str) -> httpx.Response:
    return provider.post(f"/actu/hooks/{name}", content=json.dumps(body), headers=headers)


def test_a_providers_call_is_noted_and_then_decided_upon(
    live: Live, provider: Visitor, recorder: Recorder
) -> None:
    lea = live.add()
    assert call(provider, "mailgun", mailgun(live, lea)).status_code == 200
    assert returned(live) == [("hard", "")]
    assert recorder.decide_all(now=live.clock()) == {"bounce": 1}
    assert live.status() is Status.BOUNCED


def test_f26_a_call_that_comes_again_counts_once(live: Live, provider: Visitor, recorder: Recorder) -> None:
    told = mailgun(live, live.add())
    for _ in range(3):
        assert call(provider, "mailgun", told).status_code == 200
        recorder.decide_all(now=live.clock())
    assert returned(live) == [("hard", "bounce")]


def test_forged_calls_are_refused_and_change_nothing(live: Live, provider: Visitor) -> None:
    lea = live.add()
    forged = [
        call(provider, "mailgun", mailgun(live, lea, key="autre")),
        call(provider, "mailgun", {}),
        call(provider, "postmark", {"RecordType": "Bounce", "Email": lea.email}),
        call(provider, "postmark", {"RecordType": "Bounce"}, Authorization="Basic ZmFjdGV1cjp4"),
        call(provider, "ses", {"Type": "Notification", "Message": "{}"}),
        provider.post("/actu/hooks/ses", content=b"\xff" * 100),
    ]
    assert [answer.status_code for answer in forged] == [401] * 6
    assert returned(live) == []
    assert live.status() is Status.ACTIVE
    assert lea.email not in "".join(live.log)
    live.log.clear()


def test_an_old_call_is_forged(live: Live, provider: Visitor) -> None:
    told = mailgun(live, live.add())
    live.clock.goes_on(minutes=6)
    assert call(provider, "mailgun", told).status_code == 401
    live.log.clear()


def test_hooks_are_called_by_post_alone_and_only_where_they_are_set_up(live: Live, provider: Visitor) -> None:
    assert provider.get("/actu/hooks/mailgun").status_code == 404
    assert live.visitor().post("/actu/hooks/mailgun", content=b"{}").status_code in (404, 405)
    assert provider.post("/actu/hooks/mailgun", content=b"x" * (LONGEST + 1)).status_code == 413
