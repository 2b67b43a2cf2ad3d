"""The sound: decoded, laid out in time and mixed to stereo by libav's filters, a little at a time."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Protocol

import av
import av.error
import av.filter

from .inspect import sound_stream

SAMPLE_RATE = 48_000
# Broken packets are silence; this many in a row of nothing else, and there is no sound to save.
BROKEN_MAX = 200


class Opens(Protocol):
    """A file that passed: how to open it, and when its time zero is."""

    @property
    def starts_at(self) -> Fraction: ...

    def open(self) -> Any: ...


class Sound:
    """The sound of a source as stereo at 48 kHz: time zero is the first frame's, gaps are silence."""

    def __init__(self, source: Opens, seconds: Fraction) -> None:
        self._source, self._seconds = source, seconds

    def frames(self) -> Iterator[av.AudioFrame]:
        graph, kind = None, None
        for frame in self._decoded():
            now = (frame.format.name, frame.layout.name, frame.sample_rate)
            if now != kind:
                yield from graph.push(None) if graph else ()
                graph, kind = _Graph(frame, self._seconds, is_first=graph is None), now
            assert graph is not None
            yield from graph.push(frame)
        yield from graph.push(None) if graph else ()

    def _decoded(self) -> Iterator[av.AudioFrame]:
        broken = 0
        with self._source.open() as container:
            stream = sound_stream(container)
            if stream is None:
                return
            for packet in container.demux(stream):
                try:
                    frames = stream.codec_context.decode(packet if packet.size else None)
                except av.error.FFmpegError:
                    broken += 1
                    if broken > BROKEN_MAX:
                        return
                    continue
                for frame in frames:
                    frame.time_base = stream.time_base  # the decoder's last frames come without
                    if self._laid(frame) >= self._seconds:
                        return
                    yield frame

    def _laid(self, frame: av.AudioFrame) -> Fraction:
        """Count the frame's time from the first picture on; returns it in seconds."""
        base = Fraction(frame.time_base or 1)
        frame.pts = round((frame.pts or 0) - self._source.starts_at / base)
        return frame.pts * base


class _Graph:
    def __init__(self, frame: av.AudioFrame, seconds: Fraction, *, is_first: bool) -> None:
        self._graph = av.filter.Graph()
        source = self._graph.add_abuffer(
            sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name,
            time_base=Fraction(frame.time_base or 1),
        )  # fmt: skip
        nodes = [self._graph.add(name, arguments) for name, arguments in _steps(frame, seconds, is_first)]
        self._graph.link_nodes(source, *nodes, self._graph.add("abuffersink")).configure()

    def push(self, frame: av.AudioFrame | None) -> Iterator[av.AudioFrame]:
        self._graph.push(frame)
        while True:
            try:
                pulled: Any = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield pulled


def _steps(frame: av.AudioFrame, seconds: Fraction, is_first: bool) -> list[tuple[str, str]]:
    # libav spreads one channel over two with 3 dB less: as loud as before is what a person expects.
    is_mono = len(frame.layout.channels) == 1
    mix = [("pan", "stereo|c0=c0|c1=c0")] if is_mono else []
    # async=1 fills gaps and cuts overlaps; first_pts=0 pads or cuts the beginning.
    resample = f"{SAMPLE_RATE}:async=1:out_chlayout=stereo:rematrix_maxval=1" + (":first_pts=0" if is_first else "")
    form = f"sample_fmts=fltp:sample_rates={SAMPLE_RATE}:channel_layouts=stereo"
    return [*mix, ("aresample", resample), ("aformat", form), ("atrim", f"end={float(seconds):.6f}")]
