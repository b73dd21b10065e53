"""Whether all is well, for whoever watches over the server: nothing that is anybody's secret."""

import threading
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from newsletter.errors import StoreError
from newsletter.readers.database import Database
from newsletter.web.live.rounds import Duty

BUSY = 2.0
"""Seconds after which a database that cannot be written is told as such."""


class Health:
    """Looks at the database and at what is done in the rounds."""

    def __init__(self, database: Database, duties: Sequence[Duty]) -> None:
        self._database = database
        self._duties = duties
        self._asking = threading.Lock()

    def look(self, request: Request) -> Response:
        writable = self._writable()
        duties = {
            duty.name: {
                "last": duty.done_at.isoformat(timespec="seconds") if duty.done_at else None,
                "well": not duty.trouble,
            }
            for duty in self._duties
        }
        well = writable and not any(duty.trouble for duty in self._duties)
        facts = {"well": well, "database": "writable" if writable else "not to be written", **duties}
        return JSONResponse(facts, 200 if well else 503)

    def _writable(self) -> bool:
        """Whether the right to write is to be had; nothing is written with it."""
        if not self._asking.acquire(timeout=BUSY):
            return False
        try:
            with self._database.write():
                return True
        except StoreError:
            return False
        finally:
            self._asking.release()
