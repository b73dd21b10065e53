"""The calls of mail providers, who tell of what came back; each must prove that it is the provider."""

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.bounces.certificates import Certificates
from newsletter.bounces.recorder import Recorder
from newsletter.bounces.returned import Returned
from newsletter.bounces.settings import BounceSettings
from newsletter.bounces.sns import LONGEST
from newsletter.bounces.webhooks import read_mailgun, read_postmark, read_ses
from newsletter.errors import Forged, Unavailable
from newsletter.links import Signer
from newsletter.web.live.forms import read_body

Hooks = list[Route]

Read = Callable[[Mapping[str, str], bytes, datetime], list[Returned]]


def hooks(
    base: str,
    settings: BounceSettings,
    recorder: Recorder,
    signer: Signer,
    clock: Callable[[], datetime],
    log: Callable[[str], None],
) -> Hooks:
    """A route for each provider that is set up; what it tells is written down before it is answered.

    A call without the provider's proof is answered with 401 and changes nothing; a provider that is told 503
    calls again.
    """
    certificates = Certificates()
    reads: dict[str, Read] = {}
    if ses := settings.ses:
        reads["ses"] = lambda headers, body, now: read_ses(
            body, ses, certificates.fetch, signer=signer, now=now
        )
    if postmark := settings.postmark:
        reads["postmark"] = lambda headers, body, now: read_postmark(
            headers, body, postmark, signer=signer, now=now
        )
    if mailgun := settings.mailgun:
        reads["mailgun"] = lambda headers, body, now: read_mailgun(body, mailgun, signer=signer, now=now)

    def route(name: str, read: Read) -> Route:
        def take(headers: Mapping[str, str], body: bytes) -> Response:
            now = clock()
            try:
                found = read(headers, body, now)
            except Forged as error:
                log(f"hooks/{name}: {error.message}")
                raise HTTPException(401) from error
            except Unavailable as error:
                log(f"hooks/{name}: {error.message}")
                raise HTTPException(503) from error
            recorder.record(found, now=now)
            return PlainTextResponse("noted\n")

        async def answer(request: Request) -> Response:
            body = await read_body(request, LONGEST)
            return await run_in_threadpool(take, dict(request.headers), body)

        return Route(f"{base}/hooks/{name}", answer, methods=["POST"])

    return [route(name, read) for name, read in reads.items()]
