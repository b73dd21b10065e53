"""The counting sink as a process: `python -m tests.fleet.sink_process LOG`; its first line is its port."""

import random
import sys
from pathlib import Path

from tests.bench.counting_sink import Sink

sink = Sink(Path(sys.argv[1]), ports=1, pipelining=True, chance=random.Random(1))
print(sink.ports[0], flush=True)
while True:
    sink.turn(1.0)
