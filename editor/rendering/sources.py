"""Reading clips by the number of the frame: forwards, backwards, and as packets that need no decoding."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import av.error

from .errors import RenderError

# Demuxers that open nothing but the file itself.
OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,mp3,wav,flac,aac",
}
SIDE_MAX = 8192


@dataclass(frozen=True)
class VideoSource:
    """
    A clip's picture as its index tells it.

    `times` are seconds, one a frame in the order of showing; `keys` the frames at which decoding can begin, `pts` what
    the container calls each frame. `is_closed`: no frame before a key frame needs one after it.
    """

    path: Path
    width: int
    height: int
    times: tuple[float, ...]
    pts: tuple[int, ...]
    keys: tuple[int, ...]
    is_closed: bool
    rate: Fraction
    time_base: Fraction
    header: bytes
    has_sound: bool

    @property
    def seconds(self) -> float:
        return self.times[-1] + float(1 / self.rate)

    def key_at(self, frame: int) -> int:
        """The last key frame no later than a frame."""
        return self.keys[max(0, bisect_right(self.keys, frame) - 1)]


def look_at(path: Path) -> VideoSource:
    """
    Read a file's index; nothing is decoded.

    :raises RenderError: not a video that can be edited
    """
    with opened(path) as container:
        if not container.streams.video:
            raise RenderError(f"{path.name} has no picture.", "no_picture")
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size and packet.pts is not None]
        size = stream.codec_context.width, stream.codec_context.height
        if not packets or not all(0 < side <= SIDE_MAX for side in size):
            raise RenderError(f"{path.name} holds no frames.", "no_picture")
        pts = sorted(packet.pts for packet in packets)
        number = {at: frame for frame, at in enumerate(pts)}
        keys = sorted(number[packet.pts] for packet in packets if packet.is_keyframe) or [0]
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        return VideoSource(
            path, *size,
            times=tuple(float((at - pts[0]) * stream.time_base) for at in pts),
            pts=tuple(pts), keys=tuple(keys), is_closed=_is_closed(packets),
            rate=rate, time_base=Fraction(stream.time_base),
            header=bytes(stream.codec_context.extradata or b"") if stream.codec_context.name == "h264" else b"",
            has_sound=bool(container.streams.audio),
        )  # fmt: skip


def frames_at(source: VideoSource, wanted: Sequence[int]) -> Iterator[av.VideoFrame]:
    """
    Decode frames by number; `wanted` never turns: it only rises, or only falls. Numbers may repeat.

    :raises RenderError: the file is damaged
    """
    if wanted[0] <= wanted[-1]:
        yield from _rising(source, wanted)
        return
    for _, group in groupby(wanted, source.key_at):
        numbers = list(group)
        rising = sorted(set(numbers))
        kept = dict(zip(rising, _rising(source, rising), strict=True))
        yield from (kept[number] for number in numbers)


def packets_of(source: VideoSource, first: int, end: int) -> Iterator[Any]:
    """The encoded frames from the key frame `first` to the frame before `end`, itself a key frame or past the last."""
    with opened(source.path) as container:
        stream = container.streams.video[0]
        container.seek(source.pts[first], stream=stream, backward=True)
        inside = range(source.pts[first], source.pts[end - 1] + 1)
        for packet in container.demux(stream):
            if packet.pts is None or (packet.is_keyframe and packet.pts not in inside and packet.pts > inside[0]):
                return
            if packet.pts in inside:
                yield packet


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """:raises RenderError: missing, or not a file of ours"""
    try:
        container = av.open(str(path), options=OPTIONS)
    except FileNotFoundError:
        raise RenderError(f"There is no file {path.name}.", "source_missing") from None
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise RenderError(f"{path.name} cannot be opened as a clip or a sound.", "source_unreadable") from error
    with container:
        yield container


def _rising(source: VideoSource, wanted: Sequence[int]) -> Iterator[av.VideoFrame]:
    with opened(source.path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1  # two pieces are made at a time
        container.seek(source.pts[source.key_at(wanted[0])], stream=stream, backward=True)
        decoded = _decoded(source, container, stream)
        number, frame = next(decoded, (-1, None))
        for want in wanted:
            while number < want and (following := next(decoded, None)):
                number, frame = following
            if frame is None:
                raise RenderError(f"{source.path.name} cannot be decoded.", "source_damaged")
            yield frame


def _decoded(source: VideoSource, container: Any, stream: Any) -> Iterator[tuple[int, av.VideoFrame]]:
    try:
        for frame in container.decode(stream):
            yield bisect_right(source.pts, frame.pts) - 1, frame
    except av.error.FFmpegError as error:
        raise RenderError(f"{source.path.name} is damaged.", "source_damaged") from error


def _is_closed(packets: list[Any]) -> bool:
    """In the order of decoding, whatever follows a key frame is shown after it."""
    key = None
    for packet in packets:
        key = packet.pts if packet.is_keyframe else key
        if key is not None and packet.pts < key:
            return False
    return True
