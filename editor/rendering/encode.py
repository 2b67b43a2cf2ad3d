"""Encoding pieces and joining them: one H.264 stream out of parts that were made at different times."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from editor.editlist.schema import Canvas

from .sources import OPTIONS

# As a clip's own file is encoded (clips.ingest): what was not changed can then be taken over as it is.
PRESET, QUALITY = "veryfast", "20"
BT709, LIMITED = 1, 1


def encode(frames: Iterable[av.VideoFrame], canvas: Canvas, time_base: Fraction, target: Path) -> int:
    """
    Write a piece as an MP4 of its own; returns how many frames it has.

    :param time_base: the encoder's tick, which H.264 writes into its header; a frame is a whole number of them
    """
    count = 0
    with av.open(str(target), "w", format="mp4") as container:
        stream = _stream(container, canvas, time_base)
        for frame in frames:
            frame.pts, frame.time_base, frame.pict_type = count, Fraction(1, canvas.frame_rate), 0
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
    return count


def _stream(container: Any, canvas: Canvas, time_base: Fraction) -> Any:
    stream = container.add_stream("libx264", rate=canvas.frame_rate)
    stream.width, stream.height = canvas.size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = time_base
    context.sample_aspect_ratio = Fraction(1)
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED
    context.thread_count = 1  # two pieces are made at a time
    stream.options = {
        "preset": PRESET,
        "crf": QUALITY,
        "profile": "high",
        "g": str(canvas.frame_rate),
        "rc-lookahead": "20",
    }
    return stream


def header_of(piece: Path) -> bytes:
    with av.open(str(piece), options=OPTIONS) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


@dataclass
class Joined:
    """The picture of the finished video: packets with the times they have in it."""

    rate: int
    frames: int = 0

    def packets(self, parts: Iterable[Iterable[Any]], delay: int) -> Iterator[Any]:
        """
        Yield the parts' packets one after the other, renumbered.

        :param delay: frames by which decoding runs ahead of showing; the same for all of them
        """
        for part in parts:
            packets = list(part)
            rank = {pts: place for place, pts in enumerate(sorted(packet.pts for packet in packets))}
            for place, packet in enumerate(packets):
                shown = rank[packet.pts]
                packet.time_base = Fraction(1, self.rate)
                packet.pts, packet.dts = self.frames + shown, self.frames + place - delay
                packet.duration = 1
                yield packet
            self.frames += len(packets)


def delay_of(piece: Path) -> int:
    """How many frames later than it is decoded a frame is shown at least: what B-frames cost."""
    with av.open(str(piece), options=OPTIONS) as container:
        stream = container.streams.video[0]
        return int(stream.codec_context.reorder_depth)


@contextmanager
def packets_in(piece: Path) -> Iterator[Iterator[Any]]:
    with av.open(str(piece), options=OPTIONS) as container:
        yield (packet for packet in container.demux(container.streams.video[0]) if packet.size)
