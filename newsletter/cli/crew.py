"""Who works on an issue and how fast, relay by relay, in words and for programs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from newsletter.cli.screen import number, plural

if TYPE_CHECKING:
    from newsletter.cli.press import Press
    from newsletter.fleet.dispatch import Standing
    from newsletter.readers.database import Database
    from newsletter.ways import Relay


def standing_of(press: Press, database: Database, key: str) -> Standing | None:
    """The workers and how far they are with an issue; None where the database cannot be shared."""
    if not database.conninfo:
        return None
    from newsletter.cli.sending import dispatch_of

    return dispatch_of(press, database).standing(key)


def lines(press: Press, standing: Standing) -> list[str]:
    """A line for each relay and each worker, such as "paris: 398/s of 400, 2 workers"."""
    rates: Counter[str] = Counter()
    at_work: Counter[str] = Counter()
    for worker in standing.workers:
        if worker.is_alive:
            rates[worker.relay] += round(worker.per_second)
            at_work[worker.relay] += 1
    told = [f"{number(standing.closed)} of {number(standing.batches)} batches done"]
    for relay in press.config.relays:
        most = f" of {relay.per_second:g}" if relay.per_second else ""
        rest = standing.resting.get(relay.name)
        trouble = f"; in trouble: {rest.trouble}, tried again in {rest.seconds} s" if rest else ""
        workers = plural(at_work[relay.name], "worker")
        told.append(f"{relay.name}: {number(rates[relay.name])}/s{most}, {workers}{trouble}")
    for worker in standing.workers:
        doing = f"at batch {worker.batch}, {worker.per_second:g}/s" if worker.batch else "idle"
        if not worker.is_alive:
            doing = "no sign any more"
        told.append(f"  {worker.name} for {worker.relay}: {doing}, seen {worker.seconds_ago} s ago")
    return told


def facts(press: Press, standing: Standing | None) -> dict[str, object]:
    """The same keys whether or not there are workers."""
    if standing is None:
        return {"batches": None, "relays": [], "workers": []}
    return {
        "batches": {"all": standing.batches, "closed": standing.closed},
        "relays": [_relay(relay, standing) for relay in press.config.relays],
        "workers": [
            {
                "name": worker.name,
                "relay": worker.relay,
                "batch": worker.batch,
                "per_second": worker.per_second,
                "seen_seconds_ago": worker.seconds_ago,
                "alive": worker.is_alive,
            }
            for worker in standing.workers
        ],
    }


def _relay(relay: Relay, standing: Standing) -> dict[str, object]:
    rest = standing.resting.get(relay.name)
    mine = [worker for worker in standing.workers if worker.relay == relay.name and worker.is_alive]
    return {
        "name": relay.name,
        "workers": len(mine),
        "per_second": round(sum(worker.per_second for worker in mine), 1),
        "most_per_second": relay.per_second or None,
        "trouble": rest.trouble if rest else None,
        "rests_seconds": rest.seconds if rest else 0,
    }
