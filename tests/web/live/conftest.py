"""The live site in this very process: its app, its clock, its books, and a browser without a window."""

import asyncio
import email.message
import email.policy
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from starlette.types import ASGIApp

from newsletter.compose.issue import read_issue
from newsletter.compose.notice import compose_notice
from newsletter.config import Config, read_config
from newsletter.deliver.backends.memory import MemoryBackend
from newsletter.links import Links, Purpose, Signer
from newsletter.model import Reader, Status
from newsletter.readers.addresses import read_address
from newsletter.readers.database import Database
from newsletter.readers.proof import Proof
from newsletter.web.answering import Addresses, Answer, Answering
from newsletter.web.folder import fill_folder
from newsletter.web.live.app import live_site
from newsletter.web.live.health import Health
from newsletter.web.live.limits import Limits
from newsletter.web.live.nonces import Nonces
from newsletter.web.live.office import Office
from newsletter.web.live.rounds import Duty
from newsletter.web.live.shelf import Shelf
from newsletter.web.pages import Pages
from newsletter.web.site import pages_of, pictures
from newsletter.web.told import tell
from tests.conftest import ROOT, SETTINGS, write_issue

KEY = b"a key of the tests alone, long enough"
HOST = "lettre.invalid"
SITE = f"https://{HOST}/actu"
DAY = datetime(2026, 11, 23)
FIRST = "2026-11-23/premier/"
BY_HAND = Proof(source="by hand")
PER_HOUR = 20


@dataclass
class Clock:
    """The time, which only the test moves on."""

    now: datetime = field(default=datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Europe/Paris")))

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def goes_on(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Visitor:
    """Somebody at a network address, who asks the app itself, without any network."""

    app: ASGIApp
    ip: str

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, client=(self.ip, 50000))
            async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
                return await client.request(method, path, **more)

        with ThreadPoolExecutor(1) as thread:  # a browser of the test has a loop of its own in this one
            return thread.submit(lambda: asyncio.run(ask())).result()

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


@dataclass
class Live:
    """A publication at https://lettre.invalid/actu with one issue that was sent, and its live site."""

    app: ASGIApp
    office: Office
    clock: Clock
    config: Config
    duty: Duty
    log: list[str]
    outbox: MemoryBackend
    answering: Answering

    # ---- asking ----

    def visitor(self, ip: str = "192.0.2.7") -> "Visitor":
        return Visitor(self.app, ip)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.visitor().get(f"/actu/{path}", **more)

    def post(self, path: str, fields: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """A form sent as a browser sends one from a page of the site."""
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": f"https://{HOST}", **more.pop("headers", {})}
        return self.visitor().post(f"/actu/{path}", data=fields or {}, headers=headers, **more)

    def sign_up(self, email: str, **more: str) -> httpx.Response:
        """Open an article, read for three seconds, and sign up in its first box."""
        page = self.get(FIRST).text
        self.clock.goes_on(seconds=3)
        fields = {"email": email, "website": "", **hidden(page), **more}
        return self.post("join", fields, headers={"Referer": f"{SITE}/{FIRST}"})

    # ---- mails ----

    def answers(self) -> list[Answer]:
        return self.answering.answer_all(self.outbox, self.clock)

    def link(self) -> str:
        """The path, below the site's, of the link in the last mail."""
        found = re.search(rf"{SITE}/(\S+)", text_of(self.outbox.messages[-1].content))
        assert found
        return found[1]

    # ---- books ----

    def add(self, email: str = "lea@example.org") -> Reader:
        return self.office.readers.add(read_address(email), proof=BY_HAND, now=self.clock()).reader

    def reader(self, email: str = "lea@example.org") -> Reader | None:
        return self.office.readers.find(read_address(email))

    def status(self, email: str = "lea@example.org") -> Status | None:
        reader = self.reader(email)
        return reader.status if reader else None

    def steps(self, reader: Reader) -> list[str]:
        return [event.step.value for event in self.office.readers.history(reader.id)]

    def leave_path(self, reader: Reader) -> str:
        """The path of the link to leave in the copy of the issue of 23 November."""
        links = Links(self.office.publication, self.office.signer)
        return links.leave(reader.id, DAY.date())[0].removeprefix(f"{SITE}/")

    def mine_path(self, reader: Reader) -> str:
        life = timedelta(hours=24)
        return "mine/" + self.office.signer.sign_until(Purpose.MINE, reader.id, self.clock(), life)

    def asked(self) -> int:
        """How many requests are written down."""
        with self.office.database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM request").scalar_one())


def text_of(mail: bytes) -> str:
    """The plain text of a mail."""
    part = email.message_from_bytes(mail, policy=email.policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def hidden(page: str) -> dict[str, str]:
    """The fields of a page's first form that nobody types."""
    form = page[page.index("<form") : page.index("</form>")]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site's files, with one issue that was sent; nobody changes them."""
    root = tmp_path_factory.mktemp("paper")
    shutil.copytree(ROOT / "templates", root / "templates")
    (root / "newsletter.toml").write_text(SETTINGS.replace("https://lettre.invalid", SITE), "utf-8")
    config = read_config(root, {})
    issue = read_issue(write_issue(root, "2026-11-23"), root=root)
    pages = Pages(config.publication, config.look, root=root)
    told, renditions = tell(issue, config.publication, config.look, root=root, at=Clock().now)
    files = [*pictures(told, renditions, pages), *pages_of([told], [], config.publication, pages)]
    fill_folder(root / "site", files, keep=lambda path: False, shown="site")
    return root / "site"


def opened(root: Path, site: Path, database: Database, clock: Clock) -> Live:
    config = read_config(root, {})
    publication = config.publication
    signer = Signer((KEY,), list_id=publication.list_id)
    pages = Pages(publication, config.look, root=root)
    nonces = Nonces(signer, clock)
    office = Office(
        publication=publication,
        pages=pages,
        database=database,
        signer=signer,
        nonces=nonces,
        limits=Limits(most=10 * PER_HOUR, clock=clock.seconds),
        clock=clock,
    )
    shelf = Shelf(site, base="/actu", nonces=nonces, clock=clock)
    shelf.renew()
    duty = Duty(name="answers", do=lambda: None, every=1.0)
    log: list[str] = []
    app = live_site(
        office, shelf, Health(database, [duty]), proxies=[ip_network("10.0.0.0/8")], log=log.append
    )
    answering = Answering(
        office.requests,
        Addresses(publication.url, signer),
        compose=lambda notice, url: compose_notice(
            notice.value, publication, config.look, templates=root / "templates", url=url
        ),
        per_hour=PER_HOUR,
    )
    return Live(
        app=app,
        office=office,
        clock=clock,
        config=config,
        duty=duty,
        log=log,
        outbox=MemoryBackend(),
        answering=answering,
    )


@pytest.fixture
def live(paper: Path, site: Path) -> Iterator[Live]:
    """The live site; nothing may be left in its log, unless the test empties it."""
    (paper / "newsletter.toml").write_text(SETTINGS.replace("https://lettre.invalid", SITE), "utf-8")
    with Database.open(
        "sqlite:///.newsletter/newsletter.db", paper, durable=False, busy_timeout=1.0
    ) as database:
        live = opened(paper, site, database, Clock())
        yield live
        assert live.log == []
