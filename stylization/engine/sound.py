"""The sound of the source, carried over: copied where the target's container holds it, else as AAC."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import av.filter

from .decode import open_container

# What a container holds *and* common players play in it: Opus and FLAC in MP4 keep to the standard, and silent.
COPIED = {
    "mp4": {"aac", "mp3", "ac3", "eac3", "alac"},
    "mov": {"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"},
    "matroska": {"aac", "mp3", "ac3", "eac3", "alac", "opus", "vorbis", "flac", "pcm_s16le", "pcm_s24le"},
}
AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
AAC_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
BITS_A_CHANNEL = 80_000


class Sound:
    """
    One audio stream on its way from source to target.

    Packets are handed over only as far as the picture has come, so that both interleave and nothing piles up.
    """

    def __init__(self, source: Path, target: Any, container_format: str) -> None:
        self._container = open_container(source)
        self._stream = _best_stream(self._container)
        self._packets: Iterator[Any] = iter(())
        self._next: Any = None
        self.kept = "none"
        if self._stream is None:
            return
        if self._stream.codec_context.name in COPIED[container_format] and _describes_itself(self._stream):
            self.kept = "copied"
            self._out = target.add_stream_from_template(self._stream)
            self._make = self._copies
        else:
            self.kept = "aac"
            self._out = _aac_stream(target, self._stream)
            self._make = self._encodes

    @property
    def starts_at_seconds(self) -> Fraction | None:
        if self._stream is None or self._stream.start_time is None:
            return None
        return Fraction(self._stream.start_time * self._stream.time_base)

    def begin(self, origin_seconds: Fraction) -> None:
        """The source's time that becomes zero in the target."""
        if self._stream is not None:
            self._packets = self._make(origin_seconds)
            self._next = next(self._packets, None)

    def until(self, seconds: Fraction | None) -> Iterator[Any]:
        """Packets that start before this time of the target; all that are left when it is None."""
        while self._next is not None and (seconds is None or _starts_at(self._next) < seconds):
            yield self._next
            self._next = next(self._packets, None)

    def close(self) -> None:
        self._container.close()

    def _copies(self, origin_seconds: Fraction) -> Iterator[Any]:
        shift = round(origin_seconds / self._stream.time_base)
        for packet in self._container.demux(self._stream):
            if packet.dts is None:
                continue
            packet.dts -= shift
            packet.pts = packet.dts if packet.pts is None else packet.pts - shift
            packet.stream = self._out
            yield packet

    def _encodes(self, origin_seconds: Fraction) -> Iterator[Any]:
        graph = _aac_graph(self._stream, self._out.codec_context)
        shift = round(origin_seconds * self._out.codec_context.sample_rate)
        for frame in _resampled(graph, self._decoded()):
            if frame.pts is not None:
                frame.pts -= shift
            yield from self._out.encode(frame)
        yield from self._out.encode(None)

    def _decoded(self) -> Iterator[av.AudioFrame]:
        for packet in self._container.demux(self._stream):
            try:
                yield from self._stream.codec_context.decode(packet if packet.size else None)
            except av.error.InvalidDataError:
                continue  # a click in the sound is no reason to lose the painting


def _best_stream(container: Any) -> Any:
    """The first audio stream that can be decoded: phones add spatial ones that no library knows."""
    return next((stream for stream in container.streams.audio if stream.codec_context is not None), None)


def _describes_itself(stream: Any) -> bool:
    """AAC out of a transport stream has no header of its own, and MP4 wants one."""
    return stream.codec_context.name != "aac" or bool(stream.codec_context.extradata)


def _aac_stream(target: Any, source: Any) -> Any:
    layout = AAC_LAYOUTS.get(source.codec_context.channels) or "stereo"
    rate = source.codec_context.sample_rate
    out = target.add_stream("aac", rate=rate if rate in AAC_RATES else 48000)
    out.codec_context.layout = layout
    out.codec_context.format = "fltp"
    out.codec_context.bit_rate = BITS_A_CHANNEL * out.codec_context.channels
    return out


def _aac_graph(source: Any, out: Any) -> av.filter.Graph:
    """Resample, and lengthen or drop samples where the source's clock jumps, so that lips stay with voices."""
    graph = av.filter.Graph()
    head = graph.add_abuffer(template=source)
    pace = graph.add("aresample", f"async=1000:osr={out.sample_rate}")
    shape = graph.add("aformat", f"sample_fmts=fltp:sample_rates={out.sample_rate}:channel_layouts={out.layout.name}")
    tail = graph.add("abuffersink")
    head.link_to(pace)
    pace.link_to(shape)
    shape.link_to(tail)
    graph.configure()
    graph.set_audio_frame_size(1024)  # what an AAC packet holds
    return graph


def _resampled(graph: av.filter.Graph, frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    for frame in frames:
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: av.filter.Graph) -> Iterator[av.AudioFrame]:
    while True:
        try:
            pulled: Any = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield pulled


def _starts_at(packet: Any) -> Fraction:
    at = packet.pts if packet.pts is not None else packet.dts
    return Fraction(at or 0) * Fraction(packet.time_base)
