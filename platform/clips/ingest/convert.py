"""Writing the mezzanine: H.264 + AAC in MP4, streamable, nothing of the source's metadata in it."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from clips.encoder import add_picture

from .bounds import Bounds
from .inspect import Source
from .picture import Picture, Plan
from .sound import SAMPLE_RATE, Sound

SOUND_BITS = 160_000


def convert(
    source: Source, target: Path, directory: Path, bounds: Bounds, on_progress: Callable[[int, int], None]
) -> None:
    """
    Write the mezzanine of an inspected source; memory does not grow with its length.

    :raises Refusal: when decoding shows that the headers lied
    """
    plan = Plan.of(source, bounds)
    frames = Picture(source, plan, bounds, directory).frames()
    first = next(frames)
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        picture = add_picture(container, (first.width, first.height), plan.rate, threads=2)
        sound = _SoundTrack(container, source, plan) if source.has_sound else None
        for number, frame in enumerate(_chain(first, frames), start=1):
            container.mux(picture.encode(frame))
            if sound is not None:
                sound.write_until(number / plan.rate)
            on_progress(number, plan.frame_count)
        container.mux(picture.encode(None))
        if sound is not None:
            sound.finish()


class _SoundTrack:
    """The sound beside the picture: written just as far as the picture is, wherever it lies in the source."""

    def __init__(self, container: Any, source: Source, plan: Plan) -> None:
        self._container = container
        self._stream = container.add_stream("aac", rate=SAMPLE_RATE)
        self._stream.codec_context.layout = "stereo"
        self._stream.codec_context.bit_rate = SOUND_BITS
        self._frames = Sound(source, plan.frame_count / plan.rate).frames()
        self._written = Fraction(0)

    def write_until(self, seconds: Fraction) -> None:
        while self._written < seconds:
            frame = next(self._frames, None)
            if frame is None:
                return
            self._written = (frame.pts or 0) * Fraction(frame.time_base or 1) + Fraction(frame.samples, SAMPLE_RATE)
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        for frame in self._frames:
            self._container.mux(self._stream.encode(frame))
        self._container.mux(self._stream.encode(None))


def _chain(first: av.VideoFrame, rest: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    yield first
    yield from rest
