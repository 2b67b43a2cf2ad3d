"""Encoding pieces and joining them: one H.264 stream out of parts that were made at different times."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from clips.encoder import add_picture
from editor.editlist.schema import Canvas

from .sources import OPTIONS


def encode(frames: Iterable[av.VideoFrame], canvas: Canvas, tick: Fraction, target: Path) -> int:
    """
    Write a piece as an MP4 of its own; returns how many frames it has.

    :param tick: the encoder's time base; a frame is a whole number of them
    """
    count = 0
    with av.open(str(target), "w", format="mp4") as container:
        # One thread: two pieces are made at a time.
        stream = add_picture(container, canvas.size, Fraction(canvas.frame_rate), threads=1, tick=tick)
        for frame in frames:
            frame.pts, frame.time_base, frame.pict_type = count, Fraction(1, canvas.frame_rate), 0
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
    return count


def header_of(piece: Path) -> bytes:
    with av.open(str(piece), options=OPTIONS) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


def joined(parts: Iterable[Iterable[Any]], rate: int, delay: int) -> Iterator[Any]:
    """
    Yield the parts' packets one after the other, with the times they have in the whole.

    :param delay: frames by which decoding runs ahead of showing; the same for all of them
    """
    begun = 0
    for part in parts:
        packets = list(part)
        rank = {pts: place for place, pts in enumerate(sorted(packet.pts for packet in packets))}
        for place, packet in enumerate(packets):
            shown = rank[packet.pts]
            packet.time_base, packet.duration = Fraction(1, rate), 1
            packet.pts, packet.dts = begun + shown, begun + place - delay
            yield packet
        begun += len(packets)


@contextmanager
def packets_in(piece: Path) -> Iterator[Iterator[Any]]:
    with av.open(str(piece), options=OPTIONS) as container:
        yield (packet for packet in container.demux(container.streams.video[0]) if packet.size)
