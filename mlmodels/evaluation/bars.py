"""What the network must reach beside the peer, and whether it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BARRED_SIZE = "1280x720"


@dataclass(frozen=True)
class Bar:
    """A ratio to the peer that must not be passed: from above for distances, from below for speed."""

    name: str
    value: Callable[[dict[str, Any], str], float]  # of "ours" or "peer" in a result
    limit: float
    at_least: bool = False


@dataclass(frozen=True)
class Verdict:
    name: str
    ours: float
    peer: float
    ratio: float | None  # None: the peer adds nothing to measure against
    bar: str
    met: bool


def _above_input(result: dict[str, Any], who: str) -> float:
    return float(result[who]["warping_gap_1"] - result["input"]["warping_gap_1"])


def _speed(result: dict[str, Any], who: str) -> float:
    """Megapixels a second of the transform network alone; from bytes to bytes where one of the two cannot be split."""
    both = [result[name]["milliseconds"][BARRED_SIZE] for name in ("ours", "peer")]
    kind = "network" if all("network" in times for times in both) else "whole"
    width, height = map(int, BARRED_SIZE.split("x"))
    return width * height / 1000 / float(result[who]["milliseconds"][BARRED_SIZE][kind])


BARS = (
    Bar("style distance", lambda result, who: float(result[who]["style"]), 0.65),
    Bar("content distance", lambda result, who: float(result[who]["content"]), 0.85),
    Bar("warping error at gap 1, above the input's own", _above_input, 0.45),
    Bar("transform network at 1280×720, megapixels a second", _speed, 12.0, at_least=True),
)


def judge(result: dict[str, Any]) -> list[Verdict]:
    """Compare ours with the peer's; speed only where its size was timed."""
    timed = BARRED_SIZE in result["ours"]["milliseconds"]
    bars = [bar for bar in BARS if timed or bar.value is not _speed]
    return [_verdict(bar, bar.value(result, "ours"), bar.value(result, "peer")) for bar in bars]


def _verdict(bar: Bar, ours: float, peer: float) -> Verdict:
    text = f"{'≥' if bar.at_least else '≤'} {bar.limit:g} ×"
    if peer <= 0:
        return Verdict(bar.name, ours, peer, None, text, ours <= peer)
    ratio = ours / peer
    return Verdict(bar.name, ours, peer, ratio, text, ratio >= bar.limit if bar.at_least else ratio <= bar.limit)
