"""How long `newsletter --help` takes, against Python importing click: `python -m tests.bench.startup`."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
COMMANDS = {
    'python -c "import click"': [sys.executable, "-c", "import click"],
    "newsletter --help": [str(Path(sys.executable).with_name("newsletter")), "--help"],
}


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Run both in turn, so that whatever else the machine does weighs on both alike."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:28} {median * 1000:7.1f} ms")
    reference, ours = medians.values()
    print(f"ratio {ours / reference:.2f}")


if __name__ == "__main__":
    main()
