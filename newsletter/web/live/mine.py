"""A reader's own page, behind a link just mailed to them: pause, move, take data along, be erased, leave."""

import io
import json
from datetime import date, datetime, time, timedelta

from starlette.requests import Request
from starlette.responses import Response

from newsletter.errors import ContentError, Expired, LinkError
from newsletter.links import Purpose
from newsletter.model import Reader
from newsletter.readers.addresses import LONGEST, read_address
from newsletter.readers.csv_file import write_rows
from newsletter.readers.erasure import erase
from newsletter.readers.personal import as_rows, personal_data
from newsletter.readers.proof import Proof
from newsletter.readers.requests import Wish
from newsletter.readers.wishes import LONGEST_PAUSE
from newsletter.web.live.forms import Form
from newsletter.web.live.joining import problem_of
from newsletter.web.live.office import QUIET, Office


class Mine:
    """The page of one reader, for as long as its link is good."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def look(self, request: Request) -> Response:
        reader = self._reader(request)
        return reader if isinstance(reader, Response) else self._state(reader)

    def act(self, request: Request, form: Form) -> Response:
        reader = self._reader(request)
        if isinstance(reader, Response):
            return reader
        if not self._office.ours(request, unnamed=True):
            return self._office.failure(403)
        if form["do"] in ("undo", "pause", "resume") and not self._office.limits.admit_again(reader.id):
            return self._office.busy()
        proof = self._office.proof(request, "the reader's own page")
        match form["do"]:
            case "pause":
                return self._pause(reader, form["until"], proof)
            case "move":
                return self._move(reader, form["email"][:LONGEST], proof)
            case "json" | "csv" as kind:
                return self._data(reader, kind)
            case "erase" if form["sure"] == "yes":
                erase(
                    self._office.database,
                    reader.id,
                    hashes=self._office.signer.hashes,
                    now=self._office.clock(),
                )
                self._office.forget_elsewhere(reader.email)
                return self._page("erased")
            case "erase":
                return self._page("erase", reader=reader)
            case "resume" | "leave" | "undo" as wish:
                return self._plain_wish(reader, wish, proof)
            case _:
                return self._office.failure(422)

    # ---- what can be done ----

    def _plain_wish(self, reader: Reader, wish: str, proof: Proof) -> Response:
        office, now = self._office, self._office.clock()
        wishes = office.wishes
        does, done = {
            "resume": (wishes.resume, "resumed"),
            "leave": (wishes.leave, "left"),
            "undo": (wishes.undo, "undone"),
        }[wish]
        after = does(reader.id, proof=proof, now=now)
        return self._state(after or reader, done=done)

    def _pause(self, reader: Reader, text: str, proof: Proof) -> Response:
        office, now = self._office, self._office.clock()
        try:
            until = datetime.combine(date.fromisoformat(text), time(), tzinfo=now.tzinfo)
        except ValueError:
            return self._state(reader, status=422, problem="until")
        if not now < until <= now + LONGEST_PAUSE:
            return self._state(reader, status=422, problem="until")
        after = office.wishes.pause(reader.id, until, proof=proof, now=now)
        return self._state(after or reader, done="paused")

    def _move(self, reader: Reader, typed: str, proof: Proof) -> Response:
        """Write to the new address, whose owner has the last word."""
        office = self._office
        try:
            address = read_address(typed)
        except ContentError:
            return self._state(reader, status=422, problem=problem_of(typed), typed=typed)
        if not office.limits.admit(proof.network):
            return office.busy()
        office.requests.ask(Wish.MOVE, address, proof=proof, now=office.clock(), reader_id=reader.id)
        return self._state(reader, done="moving", typed=address.email)

    def _data(self, reader: Reader, kind: str) -> Response:
        """All that is kept of the reader, as a file."""
        data = personal_data(self._office.database, reader.id)
        if kind == "json":
            text, media = json.dumps(data, ensure_ascii=False, indent=2) + "\n", "application/json"
        else:
            out = io.StringIO()
            write_rows(out, ("what", "value"), as_rows(data))
            text, media = out.getvalue(), "text/csv; charset=utf-8"
        headers = {"Content-Disposition": f'attachment; filename="my-data.{kind}"', **QUIET}
        # Spreadsheets know UTF-8 by its mark alone.
        content = text.encode("utf-8-sig" if kind == "csv" else "utf-8")
        return Response(content, media_type=media, headers=headers)

    # ---- what is shown ----

    def _state(self, reader: Reader, *, status: int = 200, done: str = "", **values: object) -> Response:
        """Where the reader stands now, and what they can do; `done` is what they have just done."""
        office, now = self._office, self._office.clock()
        until = office.readers.paused_until(reader.id)
        return self._page(
            "mine",
            status=status,
            **{
                "reader": reader,
                "done": done,
                "problem": "",
                "typed": "",
                "until": until.astimezone(now.tzinfo).date() if until else None,
                "undo": office.wishes.may_undo(reader.id, now),
                "first": (now + timedelta(days=1)).date(),
                "last": (now + LONGEST_PAUSE).date(),
                "steps": [
                    (event.at.astimezone(now.tzinfo).date(), event.step)
                    for event in reversed(office.readers.history(reader.id))
                ],
                **values,
            },
        )

    def _reader(self, request: Request) -> Reader | Response:
        """Whose page it is, or the answer if it is nobody's."""
        office = self._office
        try:
            reader_id = office.signer.check_until(request.path_params["token"], Purpose.MINE, office.clock())
        except Expired:
            return self._page("mine_too_old", status=410)
        except LinkError:
            return office.missing()
        return office.readers.get(reader_id) or self._page("erased", status=410)

    def _page(self, name: str, *, status: int = 200, **values: object) -> Response:
        return self._office.page(name, values, status=status, headers=QUIET)
