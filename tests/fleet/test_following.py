"""Whoever follows the workers waits for the database as they do, at whatever moment it goes away."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from newsletter.cli.following import _Follower
from newsletter.cli.hours import Hours
from newsletter.cli.press import Press
from newsletter.cli.screen import progress
from newsletter.cli.sending import Manner, open_books
from newsletter.fleet.dispatch import Dispatch, Standing
from newsletter.fleet.engine import Engine
from newsletter.readers.decisions import Decisions, Kind
from tests.cluster import Cluster, running
from tests.fleet.house import KEY, house


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    with running() as cluster:
        yield cluster


class _Struck(Dispatch):
    """Stops the server at the moment at which it has told how far the workers are."""

    strike: Callable[[], None]

    def standing(self, issue_key: str) -> Standing:
        standing = super().standing(issue_key)
        self.strike()
        return standing


def test_the_hour_of_not_after_is_kept_although_the_database_goes_away_just_then(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    with house(own_cluster, tmp_path / "h", readers=10) as paper:
        paper.ledger.close()
        press = Press(paper.folders[-1], datetime(2026, 11, 23, 6, 45))
        with open_books(press, press.backend()) as books, progress(10) as shown:
            now = press.utc_now()
            frozen = books.ledger.freeze(
                issue_key=KEY, fingerprint="f1", subject="s", template="{}", date=now, now=now
            )
            dispatch = _Struck(books.database, Engine(books.database.conninfo), press.config.relays, "m1")
            dispatch.strike = own_cluster.stop
            manner = Manner(hours=Hours(not_after=press.now()), beside=False, as_json=False)
            before = books.ledger.tally(KEY)
            follower = _Follower(press, books, dispatch, frozen, manner, shown, before)
            assert follower.look()
            own_cluster.start()
            dispatch.strike = lambda: None
            assert not follower.look()
            assert [one.kind for one in Decisions(books.database).made(KEY)] == [Kind.PAUSE]
