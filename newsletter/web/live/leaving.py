"""The link to leave by, in every mail: looking changes nothing, pressing does, at once and without a login.

Whoever has the link, a friend to whom the mail was passed on, can do no more than what is undone as easily.
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from newsletter.errors import LinkError
from newsletter.links import PROBED, Claim, Purpose
from newsletter.model import Reader, Status
from newsletter.readers.addresses import Address
from newsletter.readers.proof import Proof
from newsletter.readers.requests import Wish
from newsletter.web.live.forms import Form
from newsletter.web.live.office import QUIET, Office

TEST = "test"
"""What stands in a test mail in the place of a token."""

WEEKS = (1, 2, 4)

_UNDONE = ("undo", "pause", "resume")
"""What may be done again and again, each time written down."""


class Leaving:
    """The page of one reader and the issue whose link was followed."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def look(self, request: Request) -> Response:
        if request.path_params["token"] == TEST or self._is_probe(request):
            return self._page("test")
        claim = self._claim(request)
        return self._state(claim) if claim else self._office.missing()

    def act(self, request: Request, form: Form) -> Response:
        office = self._office
        if request.path_params["token"] == TEST:
            return PlainTextResponse("") if form.one_click else self._page("test")
        if self._is_probe(request):
            return PlainTextResponse(PROBED, headers=QUIET) if form.one_click else self._page("test")
        claim = self._claim(request)
        if claim is None:
            return office.missing()
        day = claim.day.isoformat()
        if form.one_click:
            proof = office.proof(request, "one click in the mail program", issue_key=day)
            office.wishes.leave(claim.reader_id, proof=proof, now=office.clock())
            return PlainTextResponse("", headers=QUIET)
        if not office.ours(request, unnamed=True):
            return office.failure(403)
        return self._done(claim, form, office.proof(request, "the link in an issue", issue_key=day))

    def _done(self, claim: Claim, form: Form, proof: Proof) -> Response:
        """The answer to a button, after doing what it says; leaving is never refused."""
        office, now = self._office, self._office.clock()
        if form["do"] in _UNDONE and not office.limits.admit_again(claim.reader_id):
            return office.busy()
        match form["do"]:
            case "leave":
                office.wishes.leave(claim.reader_id, proof=proof, now=now)
                return self._state(claim, done="left")
            case "undo":
                office.wishes.undo(claim.reader_id, proof=proof, now=now)
                return self._state(claim, done="undone")
            case "pause" if form["weeks"] in map(str, WEEKS):
                until = office.midnight_in(7 * int(form["weeks"]))
                office.wishes.pause(claim.reader_id, until, proof=proof, now=now)
                return self._state(claim, done="paused")
            case "resume":
                office.wishes.resume(claim.reader_id, proof=proof, now=now)
                return self._state(claim, done="resumed")
            case "mine":
                return self._mail_link(claim, proof)
            case _:
                return office.failure(422)

    def _mail_link(self, claim: Claim, proof: Proof) -> Response:
        """Mail the reader a link to all that is theirs, which this page's link is not good enough for."""
        office = self._office
        if not office.limits.admit(proof.network):
            return office.busy()
        if reader := office.readers.get(claim.reader_id):
            address = Address(email=reader.email)
            office.requests.ask(Wish.MINE, address, proof=proof, now=office.clock(), reader_id=reader.id)
        return self._page("mailed")

    def _state(self, claim: Claim, done: str = "") -> Response:
        """Where the reader stands now, and what they can do; `done` is what they have just done."""
        office, now = self._office, self._office.clock()
        reader = office.readers.get(claim.reader_id)
        if not _gets_mail(reader):
            undo = office.wishes.may_undo(claim.reader_id, now)
            return self._page("left", just_now=done == "left", undo=undo)
        until = office.readers.paused_until(claim.reader_id)
        day = until.astimezone(now.tzinfo).date() if until else None
        return self._page("leave", done=done, until=day, weeks=WEEKS)

    def _claim(self, request: Request) -> Claim | None:
        """What the link says, and no field of a form; None if it is not one of ours."""
        try:
            return self._office.signer.check(request.path_params["token"], Purpose.LEAVE)
        except LinkError:
            return None

    def _is_probe(self, request: Request) -> bool:
        """Whether it is the doctor who asks, with a token signed by our key that stands for nobody."""
        try:
            self._office.signer.check_until(request.path_params["token"], Purpose.PROBE, self._office.clock())
        except LinkError:
            return False
        return True

    def _page(self, name: str, **values: object) -> Response:
        return self._office.page(name, values, headers=QUIET)


def _gets_mail(reader: Reader | None) -> bool:
    return reader is not None and reader.status in (Status.ACTIVE, Status.PAUSED)
