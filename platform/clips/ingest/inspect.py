"""
What kind of file it is, before anything is decoded: first the bytes themselves, then the headers, then every packet.

Times are in seconds unless a name says otherwise.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import Any

import av
import av.error
from av.stream import Disposition

from .bounds import MEBI, Bounds, Refusal

# By the names of decoders, as PyAV tells them: one codec may have several.
VIDEO_CODECS = {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores"}
VIDEO_DECODERS = VIDEO_CODECS | {"libdav1d", "libvpx", "libvpx-vp9", "libaom-av1"}
AUDIO_DECODERS = {
    "aac", "aac_fixed", "mp3", "mp3float", "opus", "libopus", "vorbis", "libvorbis", "flac", "alac", "ac3", "eac3",
    "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le",
}  # fmt: skip
HEAD = 4096
_PLAYLISTS = re.compile(rb"#EXTM3U|ffconcat\s+version|\[playlist\]|<\?wpl|<smil|<MPD\b|^\s*file\s+['\"/]", re.I | re.M)
_MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx"}
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_OTHERS = re.compile(rb"RIFF|FLV|OggS|\x30\x26\xb2\x75\x8e\x66\xcf\x11|\x00\x00\x01[\xba\xb3]|G[\s\S]{187}G|GIF8|ID3")


@dataclass(frozen=True)
class Source:
    """A file that passed: how to open it, and what every packet of its video said."""

    path: Path
    demuxer: str
    width: int
    height: int
    # Of one pixel, width to height.
    aspect: Fraction
    starts_at: Fraction
    seconds: Fraction
    packet_count: int
    rate: Fraction
    has_sound: bool

    def open(self) -> Any:
        return _opened(self.path, self.demuxer)


def inspect(path: Path, bounds: Bounds, on_progress: Callable[[float], None]) -> Source:
    """
    :raises Refusal: for anything but a short video of an accepted kind, whole and within bounds
    """
    size = path.stat().st_size
    if size > bounds.bytes_max:
        raise Refusal("too_large", megabytes=round(size / MEBI), limit=round(bounds.bytes_max / MEBI))
    demuxer = kind_of(path)
    refuse_truncated(path, demuxer)
    with _opened_or_refused(path, demuxer, bounds) as container:
        _check_headers(container, bounds)
        stream = picture_stream(container)
        has_sound = sound_stream(container) is not None
        context = stream.codec_context
        scan = _scan(container, stream, bounds, size, on_progress)
        return Source(path, demuxer, context.width, context.height, _aspect(stream), *scan, has_sound=has_sound)


def kind_of(path: Path) -> str:
    """
    Return the demuxer for a file, by its first bytes alone: libav is never asked to guess.

    :raises Refusal: for a playlist, another kind of media, or no media at all
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[4:8] in _MP4_BOXES:
        return "mov"
    if head.startswith(_EBML):
        return "matroska"
    if _PLAYLISTS.search(head):
        raise Refusal("playlist_refused")
    raise Refusal("container_not_allowed" if _OTHERS.match(head) else "not_a_video")


def refuse_truncated(path: Path, demuxer: str) -> None:
    """
    Refuse a file that is shorter than its outermost boxes promise.

    :raises Refusal: truncated
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        ends = _box_ends(file, size) if demuxer == "mov" else _element_ends(file)
        if any(end > size for end in ends):
            raise Refusal("truncated")


def picture_stream(container: Any) -> Any:
    """
    Return the video to take: the first that is not a cover picture.

    :raises Refusal: no_video_stream
    """
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise Refusal("no_video_stream")


def sound_stream(container: Any) -> Any | None:
    """
    Return the first sound that may be decoded; None when there is no sound.

    :raises Refusal: codec_not_allowed, when there is sound, but only of kinds that are not accepted
    """
    streams = list(container.streams.audio)
    accepted = [stream for stream in streams if _decoder(stream) in AUDIO_DECODERS]
    if streams and not accepted:
        raise Refusal("codec_not_allowed", codec=_codec_name(streams[0]))
    return accepted[0] if accepted else None


def _box_ends(file: Any, size: int) -> Iterator[int]:
    """Where the top-level boxes of an MP4 say they end."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:  # until the end of the file
            return
        if length < 8:
            raise Refusal("damaged")
        place += length
        yield place
    if place != size:
        yield size + 1  # the beginning of a box, cut off


def _element_ends(file: Any) -> Iterator[int]:
    """Where the header and the segment of a Matroska file say they end; a live recording's segment does not say."""
    for identity in (_EBML, _SEGMENT):
        if file.read(4) != identity:
            raise Refusal("not_a_video")
        length = _element_length(file)
        if length is None:
            return
        yield file.tell() + length
        if identity == _EBML:
            file.seek(length, 1)


def _element_length(file: Any) -> int | None:
    first = (file.read(1) or b"\0")[0]
    width = 9 - first.bit_length()
    if width > 8:
        raise Refusal("damaged")
    rest = file.read(width - 1)
    length = int.from_bytes(bytes([first & ((1 << (8 - width)) - 1)]) + rest, "big")
    return None if length == (1 << (7 * width)) - 1 else length


def _opened_or_refused(path: Path, demuxer: str, bounds: Bounds) -> Any:
    try:
        return _opened(path, demuxer, bounds)
    except av.error.InvalidDataError:
        # An MP4 whose index is missing, of boxes that are whole: the recorder never came to write it.
        raise Refusal("truncated" if demuxer == "mov" else "damaged") from None
    except (av.error.FFmpegError, ValueError) as error:  # PyAV's own word for a file without a single track
        raise Refusal("damaged") from error


def _opened(path: Path, demuxer: str, bounds: Bounds | None = None) -> Any:
    decoders = ",".join(sorted(VIDEO_DECODERS | AUDIO_DECODERS))
    # libav may decode a little to learn what a stream is: within the same lists and bounds.
    probing: Any = {"codec_whitelist": decoders, "max_pixels": str((bounds or Bounds()).pixels_max), "threads": "1"}
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm",
        "codec_whitelist": decoders,
        "max_streams": "64",
    }
    # Titles of old recorders are in any encoding; nothing of them is kept, so nothing of them need be read.
    return av.open(
        f"file:{path}",
        format=demuxer,
        container_options=options,
        stream_options=[probing] * 64,
        metadata_errors="ignore",
    )


def _check_headers(container: Any, bounds: Bounds) -> None:
    if len(container.streams) > bounds.streams_max:
        raise Refusal("too_many_streams", count=len(container.streams), limit=bounds.streams_max)
    stream = picture_stream(container)
    # The name first: nothing of a codec that is not on the list may run.
    if _decoder(stream) not in VIDEO_DECODERS:
        raise Refusal("codec_not_allowed", codec=_codec_name(stream))
    refuse_large(stream.codec_context.width, stream.codec_context.height, bounds)
    promised = max((container.duration or 0) / av.time_base, float((stream.duration or 0) * stream.time_base))
    if promised > bounds.seconds_tolerated:
        raise too_long(promised, bounds)


def refuse_large(width: int, height: int, bounds: Bounds) -> None:
    if width * height > bounds.pixels_max or max(width, height) > bounds.side_max:
        raise Refusal("too_many_pixels", width=width, height=height, megapixels=round(bounds.pixels_max / 1e6))
    if width < 1 or height < 1:
        raise Refusal("damaged")


def too_long(seconds: float, bounds: Bounds) -> Refusal:
    return Refusal("too_long", seconds=round(seconds), limit=round(bounds.seconds_max))


def _scan(
    container: Any, stream: Any, bounds: Bounds, size: int, on_progress: Callable[[float], None]
) -> tuple[Fraction, Fraction, int, Fraction]:
    """Read every packet without decoding one. Returns start, length, packet count and frames per second."""
    count_max = int(bounds.frame_rate_max * bounds.seconds_tolerated) + 2
    starts: list[int] = []
    end = 0
    for packet in _packets(container, stream):
        start = packet.pts if packet.pts is not None else packet.dts
        # Discarded: before the place at which an edit list has players begin.
        if not packet.size or start is None or packet.is_discard:
            continue
        starts.append(start)
        end = max(end, start + (packet.duration or 0)) if len(starts) > 1 else start + (packet.duration or 0)
        if len(starts) > count_max or float((end - starts[0]) * stream.time_base) > bounds.seconds_tolerated * 4:
            break
        if packet.pos is not None and len(starts) % 64 == 0:
            on_progress(min(packet.pos / max(size, 1), 1.0))
    return _measured(stream, starts, end, bounds)


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    try:
        yield from container.demux(stream)
    except av.error.InvalidDataError:
        raise Refusal("damaged") from None


def _measured(stream: Any, starts: list[int], end: int, bounds: Bounds) -> tuple[Fraction, Fraction, int, Fraction]:
    if not starts:
        raise Refusal("truncated")
    base = Fraction(stream.time_base)
    first, last = min(starts), max(starts)
    spread = (last - first) * base
    declared = Fraction(stream.average_rate or stream.guessed_rate or 25)
    rate = _rate(starts, base) if spread else declared
    end = max(end, last + (0 if end > last else round(1 / (rate * base))))
    seconds = (end - first) * base
    if seconds > bounds.seconds_tolerated:
        raise too_long(float(seconds), bounds)
    if spread and rate > bounds.frame_rate_max:
        raise Refusal("frame_rate_too_high", rate=round(rate), limit=round(bounds.frame_rate_max))
    _refuse_short(stream, first, end, rate)
    return first * base, seconds, len(starts), rate


def _rate(starts: list[int], base: Fraction) -> Fraction:
    """The mean rate; where frames come in bursts and pauses, that of the bursts, so that no motion is lost."""
    mean = (len(starts) - 1) / ((max(starts) - min(starts)) * base)
    usual = median_low(later - earlier for earlier, later in pairwise(sorted(starts)))
    return mean if usual <= 0 or 1 / (usual * base) < mean * Fraction(21, 20) else 1 / (usual * base)


def _refuse_short(stream: Any, first: int, end: int, rate: Fraction) -> None:
    """Refuse what holds less than its header promises, by more than rounding explains."""
    if not stream.duration:
        return
    base = Fraction(stream.time_base)
    missing = stream.duration * base - (end - min(first, stream.start_time or 0)) * base
    if missing > max(Fraction(1, 10), 3 / rate):
        raise Refusal("truncated")


def _aspect(stream: Any) -> Fraction:
    ratio = Fraction(stream.sample_aspect_ratio or 1)
    return ratio if Fraction(1, 8) <= ratio <= 8 else Fraction(1)


def _decoder(stream: Any) -> str:
    return stream.codec_context.name if stream.codec_context is not None else ""


def _codec_name(stream: Any) -> str:
    return _decoder(stream) or "an unknown codec"
