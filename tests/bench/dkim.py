"""What signing costs, against the bare signature and dkimpy: `python -m tests.bench.dkim`.

"All in" is the whole making of a signed message: filling it, hashing its body, signing, writing the header.
"""

import base64
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dkim
from nacl.signing import SigningKey

from newsletter.config import Dkim
from newsletter.deliver.dkim import Seal, key_path, make_key, read_seals
from newsletter.deliver.fill import Filler
from newsletter.deliver.message import cut
from newsletter.model import Edition
from tests.bench.fill import AT, EDITIONS, LINKS, PUBLICATION, READERS

ROUNDS = 61
SIGNED = 4
"""So few that a round is over before a busy machine gives the processor to somebody else."""
SIGNED_BY_TWO = 50
"""By each of two threads, which are no faster than one where no second processor is free."""
HEADERS = (
    *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"MIME-Version", b"Content-Type"),
    *(b"List-Id", b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Feedback-ID"),
)
COVERED = b"x" * 1400
"""As many octets as the headers of a message that a signature covers."""


def spent(work: Callable[[], object], messages: int) -> float:
    """Microseconds a message."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) / messages * 1e6


def by_dkimpy(content: bytes, seal: Seal, keys: Dkim) -> Callable[[], object]:
    """One message signed by dkimpy with the same key."""
    pem = key_path(keys, seal.selector).read_bytes()
    if seal.algorithm == "ed25519-sha256":
        seed = base64.b64decode(b"".join(pem.splitlines()[1:-1]))[-32:]
        pem = base64.b64encode(bytes(SigningKey(seed)))
    return lambda: dkim.sign(
        content,
        seal.selector.encode(),
        seal.domain.encode(),
        pem,
        canonicalize=(b"relaxed", b"relaxed"),
        signature_algorithm=seal.algorithm.encode(),
        include_headers=HEADERS,
    )


def bench(edition: Edition, seal: Seal, keys: Dkim) -> None:
    template = cut(edition, PUBLICATION, at=AT)
    filler = Filler(template, LINKS, seals=(seal,))
    peer = by_dkimpy(Filler(template, LINKS).fill(READERS[0]).content, seal, keys)

    def all_in(messages: int) -> None:
        for reader in READERS[:messages]:
            filler.fill(reader)

    def bare(messages: int) -> None:
        for _ in range(messages):
            seal.sign(COVERED)

    def twice(work: Callable[[int], None]) -> None:
        list(threads.map(work, [SIGNED_BY_TWO] * 2))

    columns: list[list[float]] = [[] for _ in range(7)]
    with ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            times = (
                spent(lambda: bare(SIGNED), SIGNED),
                spent(lambda: all_in(SIGNED), SIGNED),
                spent(peer, 1),
                spent(lambda: bare(SIGNED_BY_TWO), SIGNED_BY_TWO),
                spent(lambda: twice(bare), 2 * SIGNED_BY_TWO),
                spent(lambda: all_in(SIGNED_BY_TWO), SIGNED_BY_TWO),
                spent(lambda: twice(all_in), 2 * SIGNED_BY_TWO),
            )
            for column, value in zip(columns, times, strict=True):
                column.append(value)
    signature, whole, dkimpy, one_bare, two_bare, one_whole, two_whole = map(statistics.median, columns)
    over = statistics.median(ours / least for least, ours in zip(*columns[:2], strict=True))
    size = len(filler.fill(READERS[0]).content) / 1000
    print(
        f"{size:5.1f} kB {seal.algorithm:14}: bare {signature:4.0f} us, "
        f"all in {whole:4.0f} (ratio {over:.2f}), "
        f"dkimpy {dkimpy:6,.0f} (ratio {dkimpy / whole:3.0f}); "
        f"two threads: all in x{one_whole / two_whole:.2f}, bare x{one_bare / two_bare:.2f}"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        keys = Dkim(domain="example.org", selectors=("rsa", "ed"), keys=Path(folder) / "keys")
        make_key(keys, "rsa", ed25519=False)
        make_key(keys, "ed", ed25519=True)
        for seal in read_seals(keys)[0]:
            for edition in EDITIONS:
                bench(edition, seal, keys)


if __name__ == "__main__":
    main()
