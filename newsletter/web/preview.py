"""The light table: an issue in a browser while it is being written.

It answers this machine alone, under its own name only (a web page that had its name turned to 127.0.0.1 gets
nothing), changes nothing on GET, and shows mail in frames that may not run a script or ask any other host.
"""

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from newsletter.check.as_client import CLIENTS
from newsletter.check.content import FIVE_MINUTES
from newsletter.check.mail import CLIP
from newsletter.check.rule import Finding
from newsletter.errors import NewsletterError
from newsletter.web.sheet import House, Sheet
from newsletter.web.views import COLOURS, PARTS, SHOWS, View, page, sizes
from newsletter.web.watch import EVERY, stamp

AROUND = 4
"""Lines shown above and below one at fault."""

_KEY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MEDIA = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TABLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'self';"
    " sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)


def light_table(house: House, *, key: str, port: int, stopping: Callable[[], bool]) -> ASGIApp:
    """The web app on `port`, which opens with the issue `key`, for as long as not `stopping`."""
    table = _Table(house, key, stopping)
    app = Starlette(
        routes=[
            Route("/", table.index),
            Route("/table/{name}", table.asset),
            Route("/issues.json", table.issues),
            Route("/sheet.json", table.sheet),
            Route("/findings.json", table.findings),
            Route("/changes", table.changes),
            Route("/view/{key}", table.view),
            Route("/picture/{key}/{name}", table.picture),
            Route("/test", table.send_test, methods=["POST"]),
        ],
        exception_handlers={NewsletterError: _refused(house), Exception: _failed},
    )
    return _Door(app, port)


class _Door:
    """Lets in only who asks for this very server, and writes only who comes from its own pages."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            await PlainTextResponse("not the name of this server\n", 421)(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD") and origins != [f"http://{hosts[0]}"]:
            await PlainTextResponse("not from a page of this server\n", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Table:
    """The answers; what was composed last is kept for as long as no file changes."""

    def __init__(self, house: House, key: str, stopping: Callable[[], bool]) -> None:
        self._house = house
        self._key = key
        self._stopping = stopping
        self._lock = threading.Lock()
        self._sheet: Sheet | None = None
        self._findings: Sequence[Finding] | None = None

    # ---- the table itself ----

    def index(self, request: Request) -> Response:
        return _asset("index.html")

    def asset(self, request: Request) -> Response:
        return _asset(request.path_params["name"])

    # ---- what lies on it ----

    def issues(self, request: Request) -> Response:
        listed = [
            {"key": one.key, "subject": one.subject, "state": one.state} for one in self._house.issues()
        ]
        clients = [{"key": key, "name": name} for key, (name, _) in CLIENTS.items()]
        return _json({"first": self._key, "issues": listed, "clients": clients})

    def sheet(self, request: Request) -> Response:
        sheet = self._composed(_key(request.query_params.get("issue", "")))
        edition = sheet.edition
        facts = {
            "key": edition.key,
            "stamp": sheet.stamp,
            "publication": sheet.publication.name,
            "language": sheet.publication.language,
            "subject": edition.subject,
            "preheader": edition.preheader,
            "articles": len(sheet.issue.articles),
            "reading": {"seconds": edition.reading_seconds, "limit": FIVE_MINUTES},
            "composing": round(sheet.seconds, 3),
            "sizes": sizes(sheet),
            "clip": CLIP,
        }
        return _json(facts)

    def findings(self, request: Request) -> Response:
        sheet = self._composed(_key(request.query_params.get("issue", "")))
        with self._lock:
            found = self._findings if self._sheet is sheet else None
        if found is None:
            found = self._house.findings(sheet)
            with self._lock:
                if self._sheet is sheet:
                    self._findings = found
        told = [_told(each, self._house.root) for each in found]
        return _json({"stamp": sheet.stamp, "findings": told})

    def view(self, request: Request) -> Response:
        asked = request.query_params
        view = View(
            show=_one_of(SHOWS, asked.get("show", "mail")),
            colours=_one_of(COLOURS, asked.get("colours", "light")),
            pictures=asked.get("pictures", "on") != "off",
            part=_one_of(PARTS, asked.get("part", "html")),
            client=_one_of(("", *CLIENTS), asked.get("client", "")),
            article=asked.get("article", ""),
            values={name: asked[name][:200] for name in ("name", "email") if name in asked},
        )
        sheet = self._composed(_key(request.path_params["key"]))
        return _response(page(sheet, view), "text/html", **{"Content-Security-Policy": _MAIL_POLICY})

    def picture(self, request: Request) -> Response:
        edition = self._composed(_key(request.path_params["key"])).edition
        for rendition in edition.renditions:
            if rendition.name == request.path_params["name"]:
                # The name changes with the content, and without the cache a picture would flicker.
                headers = {"Cache-Control": "private, max-age=3600"}
                return _response(rendition.content, rendition.media_type, **headers)
        raise HTTPException(404)

    def _composed(self, key: str) -> Sheet:
        """The issue's sheet as its files are now; raises NewsletterError."""
        with self._lock:
            now = stamp(self._house.watched(key))
            if self._sheet and (self._sheet.edition.key, self._sheet.stamp) == (key, now):
                return self._sheet
            started = time.perf_counter()
            sheet = self._house.sheet(key)
            self._sheet = replace(sheet, stamp=now, seconds=time.perf_counter() - started)
            self._findings = None
            return self._sheet

    # ---- what goes on ----

    async def changes(self, request: Request) -> Response:
        """Server-sent events: the stamp of the issue's files, at first and whenever it has changed."""
        key = _key(request.query_params.get("issue", ""))

        async def events() -> AsyncIterator[str]:
            last = ""
            while not self._stopping():
                now = await run_in_threadpool(lambda: stamp(self._house.watched(key)))
                if now != last:
                    last = now
                    yield f"data: {now}\n\n"
                await asyncio.sleep(EVERY)

        return StreamingResponse(events(), media_type="text/event-stream", headers=_EVERYWHERE)

    async def send_test(self, request: Request) -> Response:
        try:
            wish = json.loads(await request.body())
            key, address = _key(str(wish["issue"])), str(wish["address"])
        except (ValueError, KeyError, TypeError) as error:
            raise HTTPException(400) from error
        said = await run_in_threadpool(self._house.send_test, key, address)
        return _json({"said": said})


# ---- answers ----


def _refused(house: House) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What is wrong in the publication's files, told so that it can stand in the place of the page."""

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, NewsletterError)
        path, line, _ = _place(error.where)
        told = {
            "message": error.message,
            "where": error.where,
            "hint": error.hint,
            "line": line,
            "lines": excerpt(house.root, path, line),
        }
        if request.url.path.startswith("/view/"):
            return PlainTextResponse(str(error), 409, headers=_EVERYWHERE)
        return _json({"error": told}, status=409)

    return refuse


async def _failed(request: Request, error: Exception) -> Response:
    """A fault of ours, told on the page; its traceback goes to the terminal."""
    words = f"the press itself failed: {type(error).__name__}: {error}"
    hint = "the terminal has the details; please report them"
    return _json({"error": {"message": words, "where": "", "hint": hint, "line": 0, "lines": []}}, status=500)


def excerpt(root: Path, path: str, line: int) -> list[tuple[int, str]]:
    """The numbered lines around `line` of a file inside `root`; none if there is no such line to show."""
    lines = _lines(root, path)
    if not line or not lines:
        return []
    line = min(line, len(lines))
    first = max(1, line - AROUND)
    return [(number, lines[number - 1]) for number in range(first, min(len(lines), line + AROUND) + 1)]


def _lines(root: Path, path: str) -> list[str]:
    if Path(path).is_absolute() or ".." in Path(path).parts:
        return []
    try:
        return (root / path).read_text(encoding="utf-8", errors="replace").split("\n")
    except (OSError, ValueError):
        return []


def _told(found: Finding, root: Path) -> dict[str, object]:
    place = found.place
    lines = _lines(root, place.path) if place.line else []
    return {
        "rule": found.rule,
        "level": found.level.value,
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "message": found.message,
        "hint": found.hint,
        "waived": found.waived,
        "source": lines[place.line - 1][:2000] if 0 < place.line <= len(lines) else "",
    }


def _place(where: str) -> tuple[str, int, int]:
    """PATH:LINE:COLUMN apart; 0 for what is not known."""
    found = re.fullmatch(r"(.*?)(?::(\d+))?(?::(\d+))?", where)
    assert found
    return found[1], int(found[2] or 0), int(found[3] or 0)


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise HTTPException(404)
    return text


def _one_of(known: Sequence[str], asked: str) -> str:
    if asked not in known:
        raise HTTPException(404)
    return asked


def _asset(name: str) -> Response:
    kind = _MEDIA.get(name.rpartition(".")[2])
    found = files("newsletter.web") / "table" / name
    if not kind or "/" in name or not found.is_file():
        raise HTTPException(404)
    return _response(found.read_bytes(), kind, **{"Content-Security-Policy": _TABLE_POLICY})


def _response(content: bytes | str, media_type: str, **headers: str) -> Response:
    return Response(content, media_type=media_type, headers={**_EVERYWHERE, **headers})


def _json(facts: Mapping[str, Any], status: int = 200) -> Response:
    return JSONResponse(facts, status, headers=_EVERYWHERE)
