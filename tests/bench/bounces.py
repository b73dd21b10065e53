"""Scores how mails that came back are read, on folders of real ones that are kept elsewhere.

    python -m tests.bench.bounces FOLDER…

A folder has mails, one a file (`*.eml`), and may have `truth.tsv`: the name of a file without `.eml`, a tab,
the addresses that it is about, parted by blanks, and after another tab what it is ("hard", "soft",
"complaint", "auto-reply", "delayed", "other"), as a person who read it says. What is empty is not scored.

Told are the mails that made it fall; the share of those with an address in the truth for which all were
found; the share of those that are not hard by the truth and were called hard; and the time for one.
"""

import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from newsletter.bounces.mail import read_returned
from newsletter.bounces.returned import Kind, Returned
from newsletter.links import Signer

SIGNER = Signer((b"a key of no worth at all",), list_id="bench")
ADDRESS_FOUND, FALSE_HARD = 95.0, 0.5
"""What is wanted, in hundredths: at least, at most."""


def main() -> int:
    folders = [Path(name) for name in sys.argv[1:]]
    mails = sorted(path for folder in folders for path in folder.glob("*.eml"))
    truth = {key: said for folder in folders for key, said in read_truth(folder / "truth.tsv").items()}
    if not mails:
        print(__doc__)
        return 2
    scores: Counter[str] = Counter()
    spent = 0.0
    for path in mails:
        before = time.perf_counter()
        try:
            returned = read_returned(path.read_bytes(), SIGNER)
        except Exception:
            traceback.print_exc()
            scores["fell"] += 1
            continue
        spent += time.perf_counter() - before
        addresses, kind = truth.get(path.stem, (set(), ""))
        score(path, returned, addresses, kind, scores)
    print(f"\n{len(mails)} mails, {1000 * spent / len(mails):.1f} ms each; {scores['fell']} made it fall")
    print("  " + ", ".join(f"{scores[kind]} {kind}" for kind in Kind))
    found = share(scores["found"], scores["with an address"])
    false = share(scores["false hard"], scores["not hard"])
    print(f"address found: {found:.1f} % of {scores['with an address']} (wanted: {ADDRESS_FOUND} at least)")
    print(f"false hard: {false:.1f} % of {scores['not hard']} (wanted: {FALSE_HARD} at most)")
    right = share(scores["right hard"], scores["hard by truth"])
    print(f"hard found: {right:.1f} % of {scores['hard by truth']}")
    print(f"same kind: {share(scores['same'], scores['with a kind']):.1f} % of {scores['with a kind']}")
    return int(scores["fell"] > 0 or found < ADDRESS_FOUND or false > FALSE_HARD)


def score(
    path: Path, returned: tuple[Returned, ...], addresses: set[str], kind: str, scores: Counter[str]
) -> None:
    said = returned[0].kind
    scores[said] += 1
    if addresses:
        scores["with an address"] += 1
        found = {address.lower() for each in returned for address in each.addresses}
        scores["found"] += addresses <= found
        if not addresses <= found:
            print(
                f"{path.stem}: {' '.join(sorted(addresses - found))} not found, but {' '.join(sorted(found))}"
            )
    if kind:
        scores["with a kind"] += 1
        scores["same"] += said == kind
        scores["hard by truth" if kind == Kind.HARD else "not hard"] += 1
        scores["right hard"] += said is Kind.HARD and kind == Kind.HARD
        scores["false hard"] += said is Kind.HARD and kind != Kind.HARD
        if said != kind:
            print(f"{path.stem}: {said}, and is {kind}: {returned[0].code} {returned[0].text[:100]}")


def read_truth(path: Path) -> dict[str, tuple[set[str], str]]:
    truth = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        name, addresses, kind = (*line.split("\t"), "", "")[:3]
        truth[name] = ({each for each in addresses.lower().split(" ") if each}, kind)
    return truth


def share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


if __name__ == "__main__":
    sys.exit(main())
