"""
Looking at videos of our own making: mezzanine and painted MP4s. Knows no Django.

Strangers' files are opened by `clips.ingest` only, in a process with limits.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import av.error
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

Image = NDArray[np.uint8]
# The demuxers a file of ours can need, and nothing that opens other files.
OPTIONS = {"protocol_whitelist": "file", "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2"}
POSTER_SIDE_MAX = 1280
POSTER_QUALITY = 85
SPRITE_FRAMES_MAX, SPRITE_COLUMNS = 25, 5
SPRITE_SIDE_MAX, SPRITE_QUALITY = 160, 72


class UnusableVideo(ValueError):
    """Not a finished MP4 with at least one frame."""


@dataclass(frozen=True)
class Sprite:
    """How the frames of a preview sprite lie in its picture: row by row, evenly spread over the clip."""

    columns: int
    rows: int
    frame_width: int
    frame_height: int
    count: int


@dataclass(frozen=True)
class VideoFacts:
    """What a video file says about itself; `frame_count` was counted, not believed."""

    width: int
    height: int
    duration_seconds: float
    frame_rate: float
    frame_count: int
    has_audio: bool


@dataclass(frozen=True)
class PreparedMedia:
    """The files of a clip-to-be, complete, in a private folder; `clips.services.clip_adopt` moves them away."""

    video: Path
    poster: Path
    sprite: Path
    facts: VideoFacts
    layout: Sprite
    bytes: int
    sha256: str

    def fields(self) -> dict[str, Any]:
        """The columns of a `Clip`."""
        return {**asdict(self.facts), "sprite": asdict(self.layout), "bytes": self.bytes, "sha256": self.sha256}


def prepare_media(video: Path, directory: Path, *, poster_at: float | None = None) -> PreparedMedia:
    """
    Look at a finished MP4 and make what goes with it: poster, preview sprite, checksum.

    The poster is the frame at `poster_at` seconds; unless said, one a fifth into the clip.

    :raises UnusableVideo: when it is not one
    """
    facts = probe(video)
    poster, sprite = directory / "poster.jpg", directory / "sprite.jpg"
    # A little way in: many clips begin with a black frame or a shaking hand.
    at_seconds = facts.duration_seconds * 0.2 if poster_at is None else poster_at
    shown = _shrunk(read_frame(video, at_seconds, facts.height), POSTER_SIDE_MAX)
    _write_jpeg(poster, shown, POSTER_QUALITY)
    layout = _write_sprite(video, facts, sprite)
    return PreparedMedia(video, poster, sprite, facts, layout, video.stat().st_size, sha256_of(video))


def probe(video: Path) -> VideoFacts:
    """
    :raises UnusableVideo: when it is not a finished MP4 with frames
    """
    with _opened(video) as container:
        stream = _picture_stream(container)
        starts = [packet.pts for packet in container.demux(stream) if packet.size and packet.pts is not None]
        if not starts:
            raise UnusableVideo(f"{video.name} holds no frames")
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        seconds = float((max(starts) - min(starts)) * stream.time_base + 1 / rate)
        size = (stream.codec_context.width, stream.codec_context.height)
        return VideoFacts(*size, round(seconds, 6), float(rate), len(starts), bool(container.streams.audio))


def read_frame(video: Path, at_seconds: float, height: int) -> Image:
    """
    Return the frame shown at a time, RGB (H, W, 3), at most `height` high: never enlarged.

    A time before the first or after the last frame gives that one.
    """
    with _opened(video) as container:
        stream = _picture_stream(container)
        frame = _frame_at(container, stream, at_seconds)
        return scaled_to_height(to_rgb(frame), height)


def to_rgb(frame: av.VideoFrame) -> Image:
    """Decode the colours by the tags the frame carries."""
    span = ColorRange.JPEG if int(frame.color_range) == ColorRange.JPEG.value else ColorRange.MPEG
    # Colour first, size after: swscale doing both at once comes out two levels too dark.
    converted = VideoReformatter().reformat(
        frame, format="rgb24", src_colorspace=matrix_of(frame), src_color_range=span, dst_color_range=ColorRange.JPEG
    )
    return np.ascontiguousarray(converted.to_ndarray(), dtype=np.uint8)


def matrix_of(frame: av.VideoFrame) -> Colorspace:
    """Which luminance a frame's tags stand for; an untagged one of ours is bt709."""
    return Colorspace.ITU601 if int(frame.colorspace) in (5, 6) else Colorspace.ITU709


def jpeg_of(image: Image, quality: int = POSTER_QUALITY) -> bytes:
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise UnusableVideo("a frame could not be encoded")
    return encoded.tobytes()


def _opened(video: Path) -> Any:
    try:
        return av.open(str(video), options=OPTIONS)
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise UnusableVideo(f"{video.name} is not a finished MP4: {error}") from error


def _picture_stream(container: Any) -> Any:
    if not container.streams.video:
        raise UnusableVideo("there is no video in it")
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 2
    return stream


def _frame_at(container: Any, stream: Any, at_seconds: float) -> av.VideoFrame:
    first = stream.start_time or 0
    wanted = first + int(max(at_seconds, 0.0) / stream.time_base)
    container.seek(wanted, stream=stream, backward=True)
    frames = _shown_until(container, stream, wanted)
    if frames is None:  # past the end, or an index that cannot be sought: walk from the start
        container.seek(first, stream=stream, backward=True)
        frames = _shown_until(container, stream, wanted)
    if frames is None:
        raise UnusableVideo("none of its frames can be decoded")
    return frames


def _shown_until(container: Any, stream: Any, wanted: int) -> av.VideoFrame | None:
    """Return the last frame that begins no later than `wanted`, or the first there is."""
    shown: av.VideoFrame | None = None
    for frame in container.decode(stream):
        if shown is not None and frame.pts is not None and frame.pts > wanted:
            break
        shown = frame
    return shown


def _write_sprite(video: Path, facts: VideoFacts, path: Path) -> Sprite:
    count = min(SPRITE_FRAMES_MAX, facts.frame_count)
    columns = min(SPRITE_COLUMNS, count)
    rows = -(-count // columns)
    frames = [_shrunk(image, SPRITE_SIDE_MAX) for image in _spread(video, facts, count)]
    height, width = frames[0].shape[:2]
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for index, frame in enumerate(frames):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height, left : left + width] = frame
    _write_jpeg(path, sheet, SPRITE_QUALITY)
    return Sprite(columns, rows, width, height, count)


def _spread(video: Path, facts: VideoFacts, count: int) -> Iterator[Image]:
    """The middle frame of each of `count` equal stretches, found by seeking."""
    edges = [facts.duration_seconds * index / count for index in range(count + 1)]
    with _opened(video) as container:
        stream = _picture_stream(container)
        for start, end in pairwise(edges):
            yield to_rgb(_frame_at(container, stream, (start + end) / 2))


def scaled_to_height(image: Image, height: int) -> Image:
    """An RGB picture at most `height` high: never enlarged."""
    if height >= image.shape[0]:
        return image
    return _resized(image, max(1, round(image.shape[1] * height / image.shape[0])), height)


def _shrunk(image: Image, side_max: int) -> Image:
    height, width = image.shape[:2]
    share = side_max / max(height, width)
    return image if share >= 1 else _resized(image, max(1, round(width * share)), max(1, round(height * share)))


def _resized(image: Image, width: int, height: int) -> Image:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _write_jpeg(path: Path, image: Image, quality: int) -> None:
    path.write_bytes(jpeg_of(image, quality))


def sha256_of(path: Path) -> str:
    """The checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
