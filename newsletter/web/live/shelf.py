"""The site's written pages, as files in a folder -> answers that browsers and mail clients may keep."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from newsletter.web.folder import listed
from newsletter.web.live.nonces import EMPTY, Nonces

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_SEARCHING = f"{POLICY}; script-src 'self'; connect-src 'self'"


class Shelf:
    """The files of the site in `folder`; nothing else there is served. `base` stands before their paths."""

    def __init__(self, folder: Path, *, base: str, nonces: Nonces, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._base = base
        self._nonces = nonces
        self._clock = clock
        self._known: frozenset[str] = frozenset()

    def renew(self) -> None:
        """Serve what is in the folder now."""
        self._known = frozenset(listed(self._folder))

    @property
    def is_empty(self) -> bool:
        return not self._known

    def answer(self, request: Request) -> Response | None:
        """The answer to a request for a file, None if there is no such file."""
        path: str = request.path_params.get("path", "")
        if f"{path}/index.html" in self._known:
            # The page's own links would lead astray without the slash.
            return RedirectResponse(f"{self._base}/{path}/", 301)
        name = f"{path}index.html" if path == "" or path.endswith("/") else path
        if name not in self._known or (path and name == "404.html"):
            return None
        try:
            content = (self._folder / name).read_bytes()
        except OSError:
            return None  # gone since
        kind = _KINDS.get(name.rpartition(".")[2], "application/octet-stream")
        tag = hashlib.sha256(content).hexdigest()[:20]
        if EMPTY in content:
            content = self._nonces.put_in(content)
            # A browser that has the page keeps it, but no longer than its number is good.
            tag = f"{tag}-{int(self._clock().timestamp() // 3600)}"
        headers = {
            "Cache-Control": _keeping(name),
            "ETag": f'W/"{tag}"',
            "Content-Security-Policy": _SEARCHING if name.startswith("archive/") else POLICY,
            "Referrer-Policy": "strict-origin-when-cross-origin",
        }
        if _has(request, tag):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=kind, headers=headers)


def _keeping(name: str) -> str:
    """How long a file may be kept unasked: what changes with its address for long."""
    if "/pictures/" in name:
        return "public, max-age=2592000"
    if name in ("site.css", "search.js"):
        return "public, max-age=86400"
    return "no-cache"


def _has(request: Request, tag: str) -> bool:
    """Whether whoever asks has the file already (RFC 9110 §13.1.2, weak comparison)."""
    asked = request.headers.get("if-none-match", "")
    known = {part.strip(" ").removeprefix("W/").strip('"') for part in asked.split(",")}
    return tag in known or asked.strip(" ") == "*"
