"""How long proof-reading takes: `python -m tests.bench.check`.

The reference is composing the same issue once more in the same run: what the press needs for an edition is
what an editor waits for anyway.
"""

import statistics
import time
from pathlib import Path

from newsletter.check.proofread import RULES, proofread
from newsletter.cli.press import Press
from newsletter.cli.proof import proof_of
from tests.bench.compose import median_ms
from tests.conftest import ROOT

ROUNDS = 15
NAMED = 8


def bench(press: Press, folder: Path) -> None:
    issue = press.issue(folder)
    proof = proof_of(press, issue, press.edition(issue))
    composing, preparing, proofreading = median_ms(
        lambda: press.edition(press.issue(folder)),
        lambda: proof_of(press, issue, proof.edition),
        lambda: proofread(proof),
    )
    print(
        f"{folder.name}: {len(RULES)} rules {proofreading:.0f} ms, the proof for them {preparing:.0f} ms; "
        f"composing {composing:.0f} ms; ratio {(preparing + proofreading) / composing:.2f}"
    )
    spent: dict[str, list[float]] = {rule.name: [] for rule in RULES}
    for _ in range(ROUNDS):
        for rule in RULES:
            started = time.perf_counter()
            list(rule.find(proof))
            spent[rule.name].append((time.perf_counter() - started) * 1000)
    medians = {name: statistics.median(times) for name, times in spent.items()}
    slowest = sorted(medians, key=lambda name: -medians[name])[:NAMED]
    print("  slowest: " + ", ".join(f"{name} {medians[name]:.1f} ms" for name in slowest))


def main() -> None:
    press = Press(ROOT)
    for folder in sorted((ROOT / "issues").iterdir()):
        bench(press, folder)


if __name__ == "__main__":
    main()
