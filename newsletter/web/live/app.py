"""The live site as one web app: what was written for all, and the pages that answer somebody."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from newsletter.errors import StoreError
from newsletter.web.live.confirming import Confirming
from newsletter.web.live.door import Door, Networks
from newsletter.web.live.forms import Form, read_form
from newsletter.web.live.health import Health
from newsletter.web.live.joining import Joining
from newsletter.web.live.leaving import Leaving
from newsletter.web.live.mine import Mine
from newsletter.web.live.office import Office
from newsletter.web.live.shelf import Shelf

Answer = Callable[[Request], Awaitable[Response]]


def live_site(
    office: Office,
    shelf: Shelf,
    health: Health,
    *,
    proxies: Networks,
    log: Callable[[str], None],
    hooks: Sequence[Route] = (),
) -> ASGIApp:
    """The app of one publication, at the path that its address has; `log` takes a line for whoever runs it.
    `hooks` are where mail providers call.

    GET and HEAD change nothing. What a person wishes is done by POST alone.
    """
    base = office.base
    joining, confirming, leaving, mine = Joining(office), Confirming(office), Leaving(office), Mine(office)

    def find(request: Request) -> Response:
        return shelf.answer(request) or office.missing()

    app = Starlette(
        routes=[
            Route(f"{base}/healthz", health.look),
            _both(f"{base}/join", joining.look, joining.act),
            _both(f"{base}/confirm/{{token}}", confirming.look, confirming.act),
            _both(f"{base}/leave/{{token}}", leaving.look, leaving.act),
            _both(f"{base}/mine/{{token}}", mine.look, mine.act),
            *hooks,
            Route(f"{base}/{{path:path}}", find),
        ],
        exception_handlers={HTTPException: _refused(office), Exception: _failed(office)},
    )
    # A slash too many is no page of ours; and no redirection repeats what somebody typed.
    app.router.redirect_slashes = False
    return Door(app, url=office.publication.url, proxies=proxies, log=log)


def _both(path: str, look: Callable[[Request], Response], act: Callable[[Request, Form], Response]) -> Route:
    """A page that is looked at by GET and does something by POST."""

    async def answer(request: Request) -> Response:
        if request.method != "POST":
            return await run_in_threadpool(look, request)
        form = await read_form(request)
        return await run_in_threadpool(act, request, form)

    return Route(path, answer, methods=["GET", "POST"])


def _refused(office: Office) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return await run_in_threadpool(office.failure, error.status_code, error.headers)

    return refuse


def _failed(office: Office) -> Callable[[Request, Exception], Awaitable[Response]]:
    """A fault of ours, or a database that cannot be written now; the door logs it."""

    async def fail(request: Request, error: Exception) -> Response:
        return await run_in_threadpool(office.failure, 503 if isinstance(error, StoreError) else 500)

    return fail
