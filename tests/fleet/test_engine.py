"""What the queue is told to do, on a real PostgreSQL."""

import asyncio
from contextlib import suppress

import psycopg

from newsletter.fleet.engine import Engine, Shift, _Round, upgrade
from tests.cluster import Cluster


def test_what_a_vanished_worker_had_is_due_at_once_whatever_the_clock_of_whoever_finds_it(
    cluster: Cluster,
) -> None:
    url = cluster.empty()
    upgrade(url)
    engine = Engine(url)
    told: list[str] = []
    shift = Shift(work={}, tick=lambda: None, reconcile=lambda live: None, tell=told.append)

    async def sweep() -> None:
        app = engine._app()
        async with app.open_async():
            with suppress(TimeoutError):
                await asyncio.wait_for(_Round(engine._app, ["main"], shift)._sweeps(app), 0.5)

    with psycopg.connect(url, autocommit=True) as connection:
        engine.enqueue(connection, [(7, "main")])
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        asyncio.run(sweep())
        assert told == ["Batch 7 was left by its worker; it goes on."]
        due = connection.execute(
            "SELECT status, scheduled_at <= now() - interval '1 day' FROM procrastinate_jobs"
        )
        assert due.fetchall() == [("todo", True)]
    cluster.drop(url)
