"""The figures of a benchmark of sending: medians, ratios taken round by round, printed as a table."""

import time
from dataclasses import dataclass, field
from statistics import median

from tests.bench.senders import PRESS, SIGNED, SMTP_SOURCE, Cost, Sender

NOT_PYTHON = ("nodemailer", "smtp-source")
SIGNATURES = 300


@dataclass(slots=True, kw_only=True)
class Track:
    """What one sender did with one sink and one size of message, round after round.

    `rates` are messages a second, `cpu` seconds a message beyond the first one, `starts` the CPU seconds of a
    run that sends one message only.
    """

    sender: Sender
    sink: str
    octets: int
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    sampled: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, count: int, seconds: float, one: Cost, all_: Cost) -> None:
        """A round in which `count` messages took `seconds` on the wire."""
        self.rates.append(count / seconds)
        self.cpu.append(max(0.0, all_.cpu - one.cpu) / (count - 1))
        self.starts.append(one.cpu)
        self.peaks.append(all_.peak)


def ratio(one: list[float], other: list[float]) -> float:
    """The median of the rounds' own ratios."""
    return median(a / b for a, b in zip(one, other, strict=True))


def print_table(tracks: list[Track]) -> None:
    titles = ("sender", "sink", "octets", "msg/s", "/ smtp-source", "CPU s/1,000", "start CPU s", "peak MB")
    print(f"\n{titles[0]:32} {titles[1]:9} {titles[2]:>7}", *(f"{title:>13}" for title in titles[3:]))
    for track in tracks:
        reference = _same(tracks, track, SMTP_SOURCE)
        cells = (
            f"{median(track.rates):,.0f}",
            f"{ratio(track.rates, reference.rates):.3f}" if reference else "",
            f"{median(track.cpu) * 1000:.3f}",
            f"{median(track.starts):.2f}",
            f"{max(track.peaks) / 1e6:.0f}",
        )
        print(f"{track.sender.name:32} {track.sink:9} {track.octets:>7,}", *(f"{cell:>13}" for cell in cells))
    print()
    for track in tracks:
        if track.faults:
            wrong = f"{len(track.faults)} of {track.sampled} sampled messages are not as they must be"
            print(f"{track.sender.name}, {track.octets:,} octets: {wrong}; {track.faults[0]}")


def print_ratios(tracks: list[Track]) -> None:
    """The lines that the targets of performance.md §10 are about, each for every sink and size."""
    for ours in tracks:
        if ours.sender.name != PRESS:
            continue
        place = f"{ours.sink}, {ours.octets:,} octets"
        if reference := _same(tracks, ours, SMTP_SOURCE):
            rounds = [a / b for a, b in zip(ours.rates, reference.rates, strict=True)]
            spread = f"{min(rounds):.2f} to {max(rounds):.2f}"
            print(f"ours / smtp-source: {ratio(ours.rates, reference.rates):.2f} ({spread}; {place})")
        if peers := [track for track in tracks if _is_python_peer(track) and _like(track, ours)]:
            best = max(peers, key=lambda peer: median(peer.rates))
            times = ratio(ours.rates, best.rates)
            print(f"ours / best Python peer: {times:.3g} ({best.sender.name}; {place})")
        if signed := _same(tracks, ours, SIGNED):
            bare = bare_signature()
            added = median(a - b for a, b in zip(signed.cpu, ours.cpu, strict=True))
            words = f"{added * 1e6:.0f} us a message over {bare * 1e6:.0f} us"
            print(f"with DKIM / raw signature: {added / bare:.2f} ({words}; {place})")


def bare_signature() -> float:
    """The CPU seconds of one RSA-2048 signature of a digest, by the library that signs our mail too."""
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    spent = []
    for _ in range(5):
        started = time.process_time()
        for _ in range(SIGNATURES):
            key.sign(b"\0" * 32, padding.PKCS1v15(), Prehashed(SHA256()))
        spent.append((time.process_time() - started) / SIGNATURES)
    return median(spent)


def _like(track: Track, other: Track) -> bool:
    return (track.sink, track.octets) == (other.sink, other.octets)


def _same(tracks: list[Track], like: Track, name: str) -> Track | None:
    return next((track for track in tracks if track.sender.name == name and _like(track, like)), None)


def _is_python_peer(track: Track) -> bool:
    name = track.sender.name
    return not name.startswith((PRESS, *NOT_PYTHON))
