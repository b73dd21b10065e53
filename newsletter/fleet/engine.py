"""Procrastinate, the queue in PostgreSQL that spreads batches over workers: its only door.

It may lose a job, run it twice, or let two workers have it: the ledger keeps all of that harmless (R13). It
keeps a job until its worker has ended it, so that what a dead worker had in hand is there for another.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException, ProcrastinateException
from procrastinate.schema import SchemaManager

from newsletter.errors import NewsletterError, StoreError

BEAT_SECONDS = 1.0
STALLED_SECONDS = 4.0
"""How often a worker gives the engine a sign, and after how long without one its job goes to another."""

SWEEP_SECONDS = 1.0
AGAIN_SECONDS = 2.0
TRIES = 20
FIRST = 100
"""The priority of what a vanished worker had in hand: it is behind already."""

TASK = "send_batch"

# The queue goes by the database's clock, and ours may be ahead of it.
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)

_TROUBLE = (ProcrastinateException, psycopg.Error, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What a worker does: for each relay `work` on a batch until it `should_stop`; `tick` every few seconds.

    `reconcile` is told now and then which batches are in somebody's hands or wait for them; `tell` is for
    words to whoever looks after the worker.
    """

    work: Mapping[str, Callable[[int, Callable[[], bool]], None]]
    tick: Callable[[], None]
    reconcile: Callable[[set[int]], None]
    tell: Callable[[str], None]
    reconcile_seconds: float = 20.0


def upgrade(conninfo: str) -> bool:
    """Make the engine's tables, or bring them up to its version, in one transaction; False if they are.

    How far they are is noted beside them, by the name of the last of the engine's own steps. Raises
    StoreError.
    """
    folder = Path(SchemaManager.get_migrations_path())
    steps = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    newest = max(steps)
    try:
        with psycopg.connect(conninfo) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS queue (step text NOT NULL)")
            connection.execute("LOCK TABLE queue")
            (last,) = connection.execute("SELECT max(step) FROM queue").fetchone() or (None,)
            if last is None:
                connection.execute(SchemaManager.get_schema())
            for step in [name for name in steps if last is not None and name > last]:
                connection.execute(steps[step].read_bytes())
            connection.execute("DELETE FROM queue")
            connection.execute("INSERT INTO queue VALUES (%s)", (newest,))
    except psycopg.Error as error:
        raise StoreError(f"the queue's tables cannot be made: {_words(error)}", where="fleet") from error
    return bool(last != newest)


class Engine:
    """The queue of one database, at `conninfo` (libpq's connection string)."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    def enqueue(self, bare: Any, jobs: Sequence[tuple[int, str]], at: datetime | None = None) -> None:
        """Hand over batches, each with its relay, from `at` on, in the transaction of psycopg's `bare`."""
        app = self._app()
        for relay in sorted({relay for _, relay in jobs}):
            task = app.configure_task(TASK, queue=relay, schedule_at=at, connection=bare)
            mine: list[dict[str, Any]] = [{"batch": batch} for batch, name in jobs if name == relay]
            task.batch_defer(*mine)

    def live(self) -> set[int]:
        """The batches that are in somebody's hands, or wait for them."""
        app = self._app()
        with app.open():
            return {
                int(str(job.task_kwargs["batch"]))
                for status in ("todo", "doing")
                for job in app.job_manager.list_jobs(task=TASK, status=status)
            }

    def run(self, relays: Sequence[str], shift: Shift) -> None:
        """Work for these relays until SIGTERM or SIGINT, one batch at a time for each.

        What is in flight is finished then; a second signal ends all at once. A database that is away is
        waited for.
        """
        asyncio.run(_Round(self._app, relays, shift).run())

    def _app(self, most: int = 1, work: Callable[..., None] | None = None) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(
            conninfo=self._conninfo, min_size=1, max_size=most, timeout=10, reconnect_timeout=10
        )
        app = procrastinate.App(connector=connector)
        if work:
            retry = procrastinate.RetryStrategy(max_attempts=TRIES, wait=round(AGAIN_SECONDS))
            app.task(name=TASK, retry=retry, pass_context=True)(work)
        return app


class _Round:
    """The life of one worker process: session after session with the database, until it is asked to stop."""

    def __init__(self, app: Callable[..., procrastinate.App], relays: Sequence[str], shift: Shift) -> None:
        self._make = app
        self._relays = relays
        self._shift = shift
        self._stop = asyncio.Event()
        self._told = ""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(2 * len(self._relays) + 4))
        loop.set_exception_handler(self._on_loose_end)
        with _quiet(), self._signals(loop):
            while not self._stop.is_set():
                try:
                    await self._session()
                except _TROUBLE as error:
                    self._shift.tell(f"The queue is not to be had: {_words(error)}")
                if not self._stop.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stop.wait(), AGAIN_SECONDS)

    async def _session(self) -> None:
        """Work until asked to stop, or until the engine gives up; then all that is in hand ends soon."""
        app = self._make(2 * len(self._relays) + 2, self._work)
        async with app.open_async():
            workers = [
                asyncio.create_task(
                    app.run_worker_async(
                        queues=[relay],
                        name=relay,
                        concurrency=1,
                        fetch_job_polling_interval=1.0,
                        shutdown_graceful_timeout=0.0,  # what is in hand is told to end, and then waited for
                        delete_jobs="always",
                        install_signal_handlers=False,
                        update_heartbeat_interval=BEAT_SECONDS,
                        stalled_worker_timeout=STALLED_SECONDS,
                    )
                )
                for relay in self._relays
            ]
            rounds = [asyncio.create_task(self._ticks()), asyncio.create_task(self._sweeps(app))]
            stop = asyncio.create_task(self._stop.wait())
            every: list[asyncio.Task[Any]] = [*workers, *rounds, stop]
            await asyncio.wait(every, return_when=asyncio.FIRST_COMPLETED)
            for task in every:
                task.cancel()
            ends = await asyncio.gather(*every, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end

    def _work(self, context: procrastinate.JobContext, batch: int) -> None:
        try:
            self._shift.work[context.job.queue](batch, context.should_abort)
        except Exception as error:  # the engine tries it again, and tells nobody
            words = str(error) if isinstance(error, NewsletterError) else f"{type(error).__name__}: {error}"
            if words != self._told:  # each batch may have it, again and again
                self._told = words
                self._shift.tell(f"Batch {batch}: {words}; it is tried again.")
            raise
        self._told = ""

    async def _ticks(self) -> None:
        while True:
            await asyncio.to_thread(self._shift.tick)
            await asyncio.sleep(BEAT_SECONDS)

    async def _sweeps(self, app: procrastinate.App) -> None:
        """Give what vanished workers had in hand to others, and now and then look for what was lost.

        The engine does not by itself. It is no task of its own in the queue, or it would wait for a free
        worker behind the very batches that it is to set free.
        """
        last = 0.0
        manager = app.job_manager
        while True:
            stalled = await manager.get_stalled_jobs(task_name=TASK, seconds_since_heartbeat=STALLED_SECONDS)
            for job in stalled:
                with suppress(ConnectorException):  # another worker has just done so
                    assert job.id is not None
                    await manager.retry_job_by_id_async(job.id, _AT_ONCE, priority=FIRST)
                    self._shift.tell(f"Batch {job.task_kwargs['batch']} was left by its worker; it goes on.")
            now = asyncio.get_running_loop().time()
            if now - last > self._shift.reconcile_seconds:
                last = now
                found = [
                    job
                    for status in ("todo", "doing")
                    for job in await manager.list_jobs_async(task=TASK, status=status)
                ]
                live = {int(str(job.task_kwargs["batch"])) for job in found}
                await asyncio.to_thread(self._shift.reconcile, live)
            await asyncio.sleep(SWEEP_SECONDS)

    def _on_loose_end(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Such as a job that could not be ended, because somebody else has it meanwhile."""
        error = context.get("exception")
        self._shift.tell(f"The queue: {_words(error) if error else context.get('message', '')}")

    @contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        def on_signal() -> None:
            if self._stop.is_set():
                os._exit(130)  # what is in flight stays in doubt
            self._stop.set()
            self._shift.tell("Finishing what is in flight; once more to stop at once.")

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def _words(error: BaseException) -> str:
    cause = error.__cause__ or error
    return " ".join(str(cause).split("\n")[0].split()) or type(cause).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """The engine's log is for its makers: what matters of it is told in our words."""
    loggers = [logging.getLogger(name) for name in ("procrastinate", "psycopg", "asyncio")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
