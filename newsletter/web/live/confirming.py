"""The link in "please confirm": looking changes nothing, the button does."""

from starlette.requests import Request
from starlette.responses import Response

from newsletter.errors import Expired, LinkError
from newsletter.links import Purpose
from newsletter.model import Progress, Status
from newsletter.readers import requests
from newsletter.readers.membership import is_reader
from newsletter.readers.requests import Wish
from newsletter.web.live.forms import Form
from newsletter.web.live.office import QUIET, Office


class Confirming:
    """The page of one sign-up, or one new address, that waits to be confirmed."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def look(self, request: Request) -> Response:
        asked = self._asked(request)
        if isinstance(asked, Response):
            return asked
        return self._page("confirm", moving=asked.wish is Wish.MOVE)

    def act(self, request: Request, form: Form) -> Response:
        office = self._office
        asked = self._asked(request)
        if isinstance(asked, Response):
            return asked
        if not office.ours(request, unnamed=True):
            return office.failure(403)
        proof = office.proof(request, "the link in our mail", words=asked.proof.words, page=asked.proof.page)
        reader = office.wishes.confirm(asked.id, proof=proof, now=office.clock())
        if reader is None:
            return self._too_old()
        moving = asked.wish is Wish.MOVE
        if not is_reader(reader) or (not moving and reader.status is not Status.ACTIVE):
            return self._page("used")
        return self._page("confirmed", moving=moving, sender=office.publication.sender.address)

    def _asked(self, request: Request) -> "requests.Request | Response":
        """What the link is to confirm, or the answer if there is nothing to confirm."""
        office = self._office
        try:
            found = office.signer.check_until(request.path_params["token"], Purpose.CONFIRM, office.clock())
        except Expired:
            return self._too_old()
        except LinkError:
            return office.missing()
        asked = office.requests.find(found)
        if asked is None or asked.state is Progress.ASKED:
            return self._too_old()
        return self._page("used") if asked.used_at else asked

    def _too_old(self) -> Response:
        turn = self._office.clock().date().toordinal()
        return self._page("too_old", status=410, box=self._office.pages.boxes.pair(turn)[0])

    def _page(self, name: str, *, status: int = 200, **values: object) -> Response:
        return self._office.page(name, values, status=status, headers=QUIET)
