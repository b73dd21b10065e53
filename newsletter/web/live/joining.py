"""Signing up: the same answer whoever asks, and a mail to whoever the address belongs to."""

from starlette.requests import Request
from starlette.responses import Response

from newsletter.errors import ContentError
from newsletter.readers.addresses import LONGEST, read_address
from newsletter.readers.requests import Wish
from newsletter.web.live.forms import Form
from newsletter.web.live.office import Office, page_address


class Joining:
    """The page to sign up on, and what it leads to."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def look(self, request: Request) -> Response:
        return self._form("join", came_from=self._came_from(request))

    def act(self, request: Request, form: Form) -> Response:
        office = self._office
        typed = form["email"][:LONGEST]
        if form["website"]:
            # Nobody sees this field but a program, which need not know that it was seen through.
            return office.page("asked", {"email": typed})
        page = page_address(form["page"]) or self._came_from(request)
        try:
            address = read_address(typed)
        except ContentError:
            return self._form("join", status=422, email=typed, problem=problem_of(typed), came_from=page)
        words = office.pages.boxes.known().get(form["box"])
        if not words or not office.nonces.fits(form["nonce"]) or not office.ours(request):
            # From another site, or a page that was kept for long: a person takes one step more.
            return self._form("once_more", email=address.email, came_from=page)
        if not office.limits.admit(office.proof(request, "").network):
            return office.busy()
        proof = office.proof(request, "the site", words=words, page=page)
        office.requests.ask(Wish.JOIN, address, proof=proof, now=office.clock())
        return office.page("asked", {"email": address.email})

    def _form(self, name: str, *, status: int = 200, **values: object) -> Response:
        turn = self._office.clock().date().toordinal()
        box = self._office.pages.boxes.pair(turn)[0]
        shown = {"email": "", "problem": "", "box": box, **values}
        return self._office.page(name, shown, status=status)

    def _came_from(self, request: Request) -> str:
        """The page on which the form stood, as far as the browser says."""
        return page_address(request.headers.get("referer", "")) or page_address(
            request.headers.get("origin", "")
        )


def problem_of(typed: str) -> str:
    """What is wrong with what should be an address, as a word that the page makes a sentence of."""
    if not typed.strip(" "):
        return "nothing"
    if "@" not in typed:
        return "no @"
    if typed.count("@") > 1 or "," in typed or ";" in typed:
        return "several"
    return "other"
