"""
Frames of a video as they are meant to be seen: upright, square pixels, progressive, RGB.

Time is in ticks of `time_base` (seconds a tick) unless a name says seconds.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import av.filter
import cv2
import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from .errors import BadSource
from .geometry import Size, shown_size

# Playlists, concat scripts and image sequences open other files: they are not on the list.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,gif,apng,asf,mxf,dv,h264,hevc,m4v,mpegvideo,ivf,obu"
)
MAX_CODED_PIXELS = 8192 * 4608
MAX_FAULTS = 50
_UNSPECIFIED_COLORSPACES = (0, 2, 3)
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}


@dataclass
class TimedFrame:
    """When a frame is shown, and its decoded picture until somebody takes it."""

    start: int
    duration: int
    picture: Any

    def take_picture(self) -> av.VideoFrame:
        """Hand the picture over: a waiting time must not hold a whole frame in memory."""
        picture, self.picture = self.picture, None
        return picture


class VideoSource:
    """
    A video file, opened and understood. Every call of `frames` decodes it anew from the start.

    :raises BadSource: not there, not a video, or not one that can be decoded
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_container(path) as container:
            stream = picture_stream(container, path)
            first = _first_frame(container, stream, path)
            self.time_base = Fraction(stream.time_base or Fraction(1, 90_000))
            self.frame_rate = _frame_rate(stream)
            self.frames_guessed = _frames_guessed(container, stream, self.frame_rate)
            self.turn = Turn.of(first)
            aspect = stream.sample_aspect_ratio or Fraction(1)
            self.shown = shown_size(Size(first.width, first.height), Fraction(aspect), turned=self.turn.transposed)

    def frames(self) -> Iterator[TimedFrame]:
        """Every frame in the order shown, with times that only grow."""
        last_start: int | None = None
        usual = max(1, round(1 / (self.frame_rate * self.time_base)))
        for picture in self._progressive(self._decoded()):
            start = picture.pts
            if start is None:
                start = 0 if last_start is None else last_start + usual
            if last_start is not None and start <= last_start:
                start = last_start + 1
            last_start = start
            yield TimedFrame(start, picture.duration or usual, picture)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        faults = 0
        with open_container(self.path) as container:
            stream = picture_stream(container, self.path)
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = 2
            for packet in container.demux(stream):
                try:
                    yield from stream.codec_context.decode(packet if packet.size else None)
                except av.error.InvalidDataError:
                    # A scratch in the file costs a frame, not the painting; a file of scratches is no video.
                    faults += 1
                    if faults > MAX_FAULTS:
                        raise BadSource(f"{self.path} is damaged.") from None

    def _progressive(self, pictures: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Weave fields into whole frames, from the first interlaced one on; the rest of the world pays nothing."""
        weaver: _Deinterlacer | None = None
        for picture in pictures:
            if weaver is None and not picture.interlaced_frame:
                yield picture
                continue
            weaver = weaver or _Deinterlacer(self.time_base)
            yield from weaver.push(picture)
        if weaver:
            yield from weaver.flush()


class RgbReader:
    """Turns decoded pictures into RGB uint8 (H, W, 3) of one size. Keeps one converter, as making one is slow."""

    def __init__(self, size: Size, turn: "Turn") -> None:
        self._turn = turn
        self._width, self._height = (size.height, size.width) if turn.transposed else (size.width, size.height)
        self._converter = VideoReformatter()

    def read(self, picture: av.VideoFrame) -> NDArray[np.uint8]:
        converted = self._converter.reformat(
            picture,
            format="rgb24",
            src_colorspace=matrix_of(picture),
            src_color_range=range_of(picture),
            dst_color_range=ColorRange.JPEG,
            interpolation=_rounding(picture),
        )
        return self._turn.apply(self._scaled(np.asarray(converted.to_ndarray(), dtype=np.uint8)))

    def _scaled(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        if (width, height) == (self._width, self._height):
            return image
        # Colour first, size after: swscale doing both at once is slower and two levels too dark.
        how = cv2.INTER_AREA if self._width < width else cv2.INTER_CUBIC
        return cv2.resize(image, (self._width, self._height), interpolation=how).astype(np.uint8, copy=False)


def _rounding(picture: av.VideoFrame) -> Interpolation:
    if picture.format.name == "yuv420p" and range_of(picture) == ColorRange.MPEG:
        return Interpolation.BICUBIC  # swscale's own short cut for these: right within one level, ten times faster
    return Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


@dataclass(frozen=True)
class Turn:
    """How a coded picture must be laid down to stand upright: the display matrix, reduced to its eight cases."""

    transposed: bool = False
    flipped_across: bool = False
    flipped_down: bool = False

    @staticmethod
    def of(picture: av.VideoFrame) -> "Turn":
        attached: Any = picture.side_data
        matrix = attached.get(SideDataType.DISPLAYMATRIX)
        if matrix is None:
            return Turn()
        a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix)[:36])  # x' = a·x + c·y, y' = b·x + d·y
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return Turn(False, a < 0, d < 0)
        return Turn(True, c < 0, b < 0)

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.transposed:
            image = image.swapaxes(0, 1)
        if self.flipped_across:
            image = image[:, ::-1]
        if self.flipped_down:
            image = image[::-1]
        return np.ascontiguousarray(image)


class _Deinterlacer:
    """bwdif, one frame out for every frame in."""

    def __init__(self, time_base: Fraction) -> None:
        self._time_base = time_base
        self._shape: tuple[int, int, str] | None = None
        self._graph: av.filter.Graph | None = None

    def push(self, picture: av.VideoFrame) -> Iterator[av.VideoFrame]:
        shape = (picture.width, picture.height, picture.format.name)
        if shape != self._shape:
            yield from self.flush()
            self._shape, self._graph = shape, self._build(picture)
        assert self._graph is not None
        self._graph.push(picture)
        yield from self._pull()

    def flush(self) -> Iterator[av.VideoFrame]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()
            self._graph = None

    def _build(self, picture: av.VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=picture.width, height=picture.height, format=picture.format, time_base=self._time_base
        )
        weave = graph.add("bwdif", "mode=send_frame:deint=interlaced")
        sink = graph.add("buffersink")
        source.link_to(weave)
        weave.link_to(sink)
        graph.configure()
        return graph

    def _pull(self) -> Iterator[av.VideoFrame]:
        assert self._graph is not None
        while True:
            try:
                picture: Any = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            picture.time_base = self._time_base
            yield picture


def open_container(path: Path) -> Any:
    """Open for reading by allow-list, from the file alone."""
    if not path.exists():
        raise BadSource(f"There is no file {path}.")
    if not path.is_file():
        raise BadSource(f"{path} is not a file.")
    try:
        options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
        # Titles of old recorders are in any encoding, and nothing here reads them.
        return av.open(str(path), options=options, metadata_errors="ignore")
    except PermissionError:
        raise BadSource(f"{path} cannot be read.") from None
    except (av.error.FFmpegError, OSError, ValueError):
        raise BadSource(f"{path} is not a video or picture that can be read.") from None


def picture_stream(container: Any, path: Path) -> Any:
    """The stream to paint: the first real video, never a cover picture."""
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        if stream.codec_context is None:
            raise BadSource(f"{path} holds video of an unknown kind.")
        if stream.width * stream.height > MAX_CODED_PIXELS:
            raise BadSource(f"{path} is {stream.width} × {stream.height}, which is too large.")
        return stream
    raise BadSource(f"{path} holds no video.")


def matrix_of(picture: av.VideoFrame) -> Colorspace:
    """The YCbCr matrix; where the file is silent, what players assume from the size."""
    named = _MATRICES.get(int(picture.colorspace))
    if named is not None:
        return named
    return Colorspace.ITU709 if max(picture.height, picture.width) >= 1280 else Colorspace.ITU601


def range_of(picture: av.VideoFrame) -> ColorRange:
    if picture.format.name.startswith("yuvj") or int(picture.color_range) == ColorRange.JPEG.value:
        return ColorRange.JPEG
    is_rgb = not any(component.is_chroma for component in picture.format.components) and picture.format.is_rgb
    return ColorRange.JPEG if is_rgb else ColorRange.MPEG


def _first_frame(container: Any, stream: Any, path: Path) -> av.VideoFrame:
    faults = 0
    try:
        for packet in container.demux(stream):
            try:
                for frame in stream.codec_context.decode(packet if packet.size else None):
                    return frame
            except av.error.InvalidDataError:
                faults += 1
                if faults > MAX_FAULTS:
                    break
    except (av.error.FFmpegError, OSError):
        pass
    raise BadSource(f"{path} holds no frame that can be decoded.")


def _frame_rate(stream: Any) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return min(max(Fraction(rate), Fraction(1, 10)), Fraction(240))


def _frames_guessed(container: Any, stream: Any, rate: Fraction) -> int:
    if stream.frames:
        return int(stream.frames)
    if stream.duration:
        return max(1, round(stream.duration * stream.time_base * rate))
    return max(1, round((container.duration or 0) / 1_000_000 * rate))
