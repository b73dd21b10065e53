"""How fast mail leaves to a server that stands far away: `python -m tests.bench.far`.

Each reply comes 20 ms late, and that to the end of a message 30 ms later still: a message whose transaction
needs one round trip takes 50 ms on a connection, so 20 a second is all that a connection can carry.
"""

import argparse
import tempfile
from pathlib import Path

from tests.bench.papers import make_paper
from tests.bench.senders import Running, sending
from tests.bench.sinks import compiled, fast_sink

EACH = 200
"""Messages for each connection."""

DELAY = ("-d", "20", "-e", "30")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.far", description="Sending to a far server.")
    parser.add_argument(
        "--connections", type=int, nargs="+", default=[10, 400], help="our [send] connections"
    )
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a run is ended")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(Path(folder))
        paper = make_paper(Path(folder) / "paper", 8_400)
        for connections in options.connections:
            with fast_sink(program, *DELAY) as sink:
                paper.set_up(port=sink.port, connections=connections)
                paper.renew(connections * EACH)
                cost = Running(sending(paper, fine=(0, 130))).cost(limit=options.limit)
                seen = sink.seen(end=True)
            rate = seen.messages / (seen.last - seen.opened)
            print(
                f"{connections} connections wanted, {seen.at_once} at once: {rate:,.0f} msg/s, "
                f"{rate / seen.at_once:.1f} a connection ({seen.messages:,} messages, "
                f"{cost.cpu / seen.messages * 1000:.2f} CPU s per 1,000 with the start, "
                f"peak {cost.peak / 1e6:.0f} MB)"
            )


if __name__ == "__main__":
    main()
