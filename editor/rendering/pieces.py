"""
Cutting the timeline into pieces: runs of frames that are made in one way, so that each can be made, kept and found
again on its own.

A piece knows nothing of where in the video it lies. Its key names everything that its pixels depend on: moving a
segment, or changing another one, leaves it as it is.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from editor.editlist.schema import Canvas, EditList, Segment, StickerOn, Text
from editor.editlist.timeline import Placed, Span, Timeline, source_frames

from .sources import VideoSource

VERSION = 3  # of how pieces are made: a new one makes every kept piece anew
SECONDS_MAX = 4  # of a piece that is encoded: progress, and work for two cores, come in portions
Over = Text | StickerOn


@dataclass(frozen=True)
class Layer:
    """A segment's frames on this piece."""

    segment: Segment
    source: VideoSource
    frames: tuple[int, ...]

    def part(self, first: int, end: int) -> "Layer":
        return Layer(self.segment, self.source, self.frames[first:end])


@dataclass(frozen=True)
class Piece:
    """
    :ivar layers: one; two in a crossfade
    :ivar weights: of the second layer in a crossfade, of the light in a dip: one a frame, or none
    :ivar copied: the one layer's packets are taken as they are
    """

    span: Span
    layers: tuple[Layer, ...]
    weights: tuple[float, ...] = ()
    over: tuple[Over, ...] = ()
    copied: bool = False

    @property
    def frames(self) -> int:
        return self.span.frames


def runs(edit: EditList, timeline: Timeline, sources: Mapping[str, VideoSource]) -> list[Piece]:
    """
    Return the stretches on which the same things are shown, in order.

    :param sources: by the name that the edit list has for the clip
    """
    rate = timeline.frame_rate
    layers = [
        Layer(placed.segment, source, tuple(source_frames(placed.segment, source.times, rate)))
        for placed in timeline.placed
        for source in [sources[placed.segment.clip]]
    ]
    whole = list(zip(timeline.placed, layers, strict=True))
    return [_run(edit, timeline, whole, span) for span in _spans(edit, timeline)]


def cut(runs: Iterable[Piece], canvas: Canvas, header: bytes) -> list[Piece]:
    """
    Cut the runs of the whole video into pieces.

    :param header: of the encoder (avcC): clips with the same can be copied
    """
    pieces: list[Piece] = []
    for run in runs:
        pieces += _copied(run, canvas) if _can_copy(run, canvas, header) else _portions(run, canvas)
    return pieces


def key_of(piece: Piece, canvas: Canvas, header: bytes, digests: Mapping[str, str]) -> str:
    """Name all that the piece's packets depend on; `digests` are the clips' checksums by their names."""
    layers = [
        {
            "clip": digests[layer.segment.clip],
            "frames": layer.frames,
            **layer.segment.model_dump(include={"fit", "view", "filters"}),
        }
        for layer in piece.layers
    ]
    over = [
        {"what": type(item).__name__, **item.model_dump(exclude={"id", "start", "end", "kind"})} for item in piece.over
    ]
    whole: dict[str, Any] = {
        "version": VERSION, "canvas": canvas.model_dump(), "header": header.hex(),
        "layers": layers, "weights": piece.weights, "over": over,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _spans(edit: EditList, timeline: Timeline) -> Iterator[Span]:
    cuts = {0, timeline.frames}
    for placed in timeline.placed:
        span = placed.span
        cuts |= {span.start, span.end, span.start + placed.fade_in, span.end - placed.fade_out}
    for item in (*edit.stickers, *edit.texts):
        shown = timeline.span_of(item.start, item.end)
        cuts |= {shown.start, shown.end}
    yield from (Span(start, end) for start, end in pairwise(sorted(cuts)))


def _run(edit: EditList, timeline: Timeline, whole: list[tuple[Placed, Layer]], span: Span) -> Piece:
    shown = [(placed, layer) for placed, layer in whole if placed.span.start <= span.start < placed.span.end]
    layers = tuple(layer.part(span.start - placed.span.start, span.end - placed.span.start) for placed, layer in shown)
    all_over: tuple[Over, ...] = (*edit.stickers, *edit.texts)
    over = tuple(item for item in all_over if _lies_on(timeline, item, span))
    return Piece(span, layers, _weights([placed for placed, _ in shown], span), over)


def _lies_on(timeline: Timeline, item: Over, span: Span) -> bool:
    shown = timeline.span_of(item.start, item.end)
    return shown.start <= span.start and span.end <= shown.end


def _weights(shown: list[Placed], span: Span) -> tuple[float, ...]:
    last = shown[-1]
    rising = [(span.start - last.span.start + k + 1) / (last.fade_in + 1) for k in range(span.frames)]
    if len(shown) == 2:
        return tuple(rising)
    if last.segment.transition.kind == "dip" and span.start < last.span.start + last.fade_in:
        return tuple(rising)
    if last.fade_out and span.start >= last.span.end - last.fade_out:
        begun = span.start - (last.span.end - last.fade_out)
        return tuple(1 - (begun + k + 1) / (last.fade_out + 1) for k in range(span.frames))
    return ()


def _portions(piece: Piece, canvas: Canvas) -> Iterator[Piece]:
    """Equal parts counted from the piece's own beginning: they stay what they are when the piece moves."""
    most = SECONDS_MAX * canvas.frame_rate
    for first in range(0, piece.frames, most):
        yield _part(piece, first, min(first + most, piece.frames))


def _part(piece: Piece, first: int, end: int, *, copied: bool = False) -> Piece:
    layers = tuple(layer.part(first, end) for layer in piece.layers)
    span = Span(piece.span.start + first, piece.span.start + end)
    return Piece(span, layers, piece.weights[first:end], piece.over, copied)


def _can_copy(piece: Piece, canvas: Canvas, header: bytes) -> bool:
    """Whether the pixels asked for are the clip's own, encoded as this video will be."""
    if len(piece.layers) != 1 or piece.weights or piece.over:
        return False
    segment, source, frames = piece.layers[0].segment, piece.layers[0].source, piece.layers[0].frames
    plain = Segment(id=segment.id, clip=segment.clip, start=segment.start, end=segment.end)
    return (
        segment.view == plain.view
        and segment.filters == plain.filters
        and (source.width, source.height) == canvas.size
        and source.header == header
        and source.is_closed
        and source.rate == canvas.frame_rate
        and frames == tuple(range(frames[0], frames[0] + len(frames)))
    )


def _copied(piece: Piece, canvas: Canvas) -> Iterator[Piece]:
    """What lies between two key frames is copied; what is left at either end is encoded."""
    layer = piece.layers[0]
    first, end = layer.frames[0], layer.frames[-1] + 1
    begin = next((key for key in layer.source.keys if key >= first), end)
    stop = end if end == len(layer.source.times) else layer.source.key_at(end)
    if stop <= begin:
        yield from _portions(piece, canvas)
        return
    if first < begin:
        yield _part(piece, 0, begin - first)
    yield _part(piece, begin - first, stop - first, copied=True)
    if stop < end:
        yield _part(piece, stop - first, end - first)
