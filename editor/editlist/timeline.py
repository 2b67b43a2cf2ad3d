"""
The time of an edit, in whole frames of its canvas: the one place where seconds become frames.

A segment of `(end - start) / speed` seconds takes `whole(seconds × rate)` frames, one at least. A crossfade lets two
segments overlap; a cut and a dip to black do not. Everything is rounded once, from the JSON's own numbers, so that the
length of the video is the sum of its parts to the frame.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor

from .schema import BadEditList, EditList, Segment

# A float's own error must not turn frame 21 (0.7 s at 30/s) into frame 20.
SAME_MOMENT = 2e-6  # seconds


@dataclass(frozen=True)
class Span:
    """Frames `[start, end)` of the finished video."""

    start: int
    end: int

    @property
    def frames(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Placed:
    """A segment at its place. `fade_in` and `fade_out` are the frames of a transition at either end."""

    segment: Segment
    span: Span
    fade_in: int = 0
    fade_out: int = 0


@dataclass(frozen=True)
class Timeline:
    """All segments in order and the frames they take."""

    placed: tuple[Placed, ...]
    frame_rate: int

    @property
    def frames(self) -> int:
        return self.placed[-1].span.end if self.placed else 0

    @property
    def seconds(self) -> float:
        return self.frames / self.frame_rate

    def span_of(self, start: float, end: float) -> Span:
        """The frames that something shown from `start` to `end` seconds lies on; none past the video's end."""
        first = min(self.frames, whole(start * self.frame_rate))
        return Span(first, min(self.frames, max(first + 1, whole(end * self.frame_rate))))


def whole(number: float) -> int:
    """The nearest whole number, halves upwards, as JavaScript's Math.round; Python's own goes to the even one."""
    return floor(number + 0.5)


def frames_of(segment: Segment, rate: int) -> int:
    return max(1, whole((segment.end - segment.start) / segment.speed * rate))


def lay_out(edit: EditList) -> Timeline:
    """
    Place every segment.

    :raises BadEditList: a transition before the first segment, or transitions longer than the segment between them
    """
    rate = edit.canvas.frame_rate
    lengths = [frames_of(segment, rate) for segment in edit.segments]
    fades = [_fade_frames(segment, rate) for segment in edit.segments]
    _check_fades(edit, lengths, fades)
    placed, at = [], 0
    for place, (segment, frames) in enumerate(zip(edit.segments, lengths, strict=True)):
        follower = edit.segments[place + 1] if place + 1 < len(edit.segments) else None
        fade_in = fades[place]
        start = at - fade_in if segment.transition.kind == "crossfade" else at
        fade_out = fades[place + 1] if follower else 0
        placed.append(Placed(segment, Span(start, start + frames), fade_in, fade_out))
        at = start + frames
    return Timeline(tuple(placed), rate)


def source_frames(segment: Segment, times: Sequence[float], rate: int) -> list[int]:
    """
    Which frame of the source is shown on each frame of the segment: the one on screen at that moment of the source.

    Reversed, the same frames come from the last to the first.

    :param times: when each frame of the source is first shown, in seconds; never empty
    """
    moments = (segment.start + frame * segment.speed / rate for frame in range(frames_of(segment, rate)))
    shown = [max(0, bisect_right(times, moment + SAME_MOMENT) - 1) for moment in moments]
    return shown[::-1] if segment.reverse else shown


def _fade_frames(segment: Segment, rate: int) -> int:
    """A crossfade's overlap, or half a dip: what it takes from each of its two segments."""
    match segment.transition.kind:
        case "crossfade":
            return whole(segment.transition.seconds * rate)
        case "dip":
            return whole(segment.transition.seconds * rate / 2)
        case _:
            return 0


def _check_fades(edit: EditList, lengths: list[int], fades: list[int]) -> None:
    faults = {}
    if edit.segments and edit.segments[0].transition.kind != "cut":
        faults["segments.0.transition.kind"] = ["There is nothing before the first segment."]
    for place, (here, following) in enumerate(pairwise([*fades, 0])):
        if here + following > lengths[place]:
            name = place if here > following else place + 1
            faults[f"segments.{name}.transition.seconds"] = ["The segment is shorter than its transitions."]
    if faults:
        raise BadEditList(faults)
