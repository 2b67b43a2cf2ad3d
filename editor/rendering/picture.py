"""
A segment's picture on the canvas, by libav's filters: cropped, turned, scaled, placed, on black or on its own blur.

`docs/editor.md` says what each number means; the browser's preview does the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, cos, floor, radians, sin
from typing import Any, cast

import av
import av.filter
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from clips.media import matrix_of, to_rgb
from editor.editlist.schema import Canvas, Filters, Segment

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
BLUR_SHARE, BLUR_LIGHT, BLUR_SHRINK = 0.03, 0.6, 4
Step = tuple[str, str]
FINE: Step = ("format", "yuv444p")
TRANSPOSED = {90: ("transpose", "clock"), 180: ("rotate", "PI"), 270: ("transpose", "cclock")}


class Painter:
    """Lays frames of one segment on the canvas. Frames go in and come out one by one."""

    def __init__(self, segment: Segment, canvas: Canvas, width: int, height: int) -> None:
        self._matrix = colour_matrix(segment.filters) if segment.filters != Filters() else None
        self._graph = _Graph(_Geometry(segment, canvas, width, height), width, height)
        self._converter = VideoReformatter()

    def paint(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the canvas: yuv420p, limited range, BT.709."""
        if self._matrix is not None:
            frame = self._recoloured(frame, self._matrix)
        elif not _is_ours(frame):
            frame = self._converter.reformat(
                frame, format="yuv420p", src_colorspace=matrix_of(frame), dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )  # fmt: skip
        return self._graph.run(frame)

    def _recoloured(self, frame: av.VideoFrame, matrix: NDArray[np.float32]) -> av.VideoFrame:
        coloured = av.VideoFrame.from_ndarray(
            cv2.transform(to_rgb(frame), matrix).astype(np.uint8, copy=False), format="rgb24"
        )
        return self._converter.reformat(
            coloured, format="yuv420p", dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG,
        )  # fmt: skip


def _is_ours(frame: av.VideoFrame) -> bool:
    full = int(frame.color_range) == ColorRange.JPEG.value
    return frame.format.name == "yuv420p" and not full and matrix_of(frame) == Colorspace.ITU709


def colour_matrix(filters: Filters) -> NDArray[np.float32]:
    """Return (3, 4): what makes the new red, green and blue (0..255) of the old ones and 1."""
    warmth = np.diag([1 + 0.2 * filters.warmth, 1.0, 1 - 0.2 * filters.warmth])
    light = (1 + filters.brightness) * (1 + filters.contrast)
    grey = np.tile(LUMINANCE, (3, 1))
    saturation = grey + (1 + filters.saturation) * (np.eye(3) - grey)
    offset = np.full((3, 1), -0.5 * 255 * filters.contrast)  # grey in, grey out: saturation leaves it
    return np.hstack([light * saturation @ warmth, offset]).astype(np.float32)


def blended(first: av.VideoFrame, second: av.VideoFrame, weight: float) -> av.VideoFrame:
    """Mix two canvases; `weight` is the second's."""
    return _canvas(cv2.addWeighted(first.to_ndarray(), 1 - weight, second.to_ndarray(), weight, 0.0))


def dimmed(frame: av.VideoFrame, light: float) -> av.VideoFrame:
    planes = frame.to_ndarray()
    black = np.full_like(planes, 128)
    black[: frame.height] = 16
    return _canvas(cv2.addWeighted(planes, light, black, 1 - light, 0.0))


def _canvas(planes: Any) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(planes, np.uint8), format="yuv420p")


@dataclass(frozen=True)
class _Geometry:
    """The numbers of `docs/editor.md`, worked out for one segment."""

    segment: Segment
    canvas: Canvas
    width: int
    height: int

    @property
    def cropped(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in the source, in whole pixels."""
        crop = self.segment.view.crop
        left, top = round(crop.left * self.width), round(crop.top * self.height)
        right, bottom = round(crop.right * self.width), round(crop.bottom * self.height)
        return left, top, max(2, self.width - left - right), max(2, self.height - top - bottom)

    @property
    def turns(self) -> int:
        """The nearest multiple of 90°, as 0, 90, 180 or 270."""
        return round(self.segment.view.rotation / 90) * 90 % 360

    @property
    def tilt(self) -> float:
        """What is left of the rotation, -45..45 degrees."""
        return self.segment.view.rotation - round(self.segment.view.rotation / 90) * 90

    @property
    def upright(self) -> tuple[int, int]:
        """Size after the turns."""
        _, _, width, height = self.cropped
        return (height, width) if self.turns in (90, 270) else (width, height)

    def scaled(self, fit: str, zoom: float) -> tuple[float, float]:
        across, down = self.canvas.size
        width, height = self.upright
        shares = across / width, down / height
        scale = zoom * (max(shares) if fit == "fill" else min(shares))
        return width * scale, height * scale


@dataclass(frozen=True)
class _Window:
    """Where a picture of a size lies on the canvas, and which part of it can be seen: all in canvas pixels."""

    left: float
    top: float
    width: float
    height: float
    canvas: tuple[int, int]

    @property
    def seen(self) -> tuple[float, float, float, float] | None:
        """Left, top, right and bottom within the canvas, or nothing."""
        left, top = max(0.0, self.left), max(0.0, self.top)
        right = min(float(self.canvas[0]), self.left + self.width)
        bottom = min(float(self.canvas[1]), self.top + self.height)
        return (left, top, right, bottom) if right - left >= 1 and bottom - top >= 1 else None


def _foreground(shape: _Geometry) -> list[Step] | None:
    """The steps from the source to the canvas, or nothing where the picture was moved off it."""
    width, height = shape.scaled(shape.segment.fit, shape.segment.view.zoom)
    if shape.tilt:
        return _tilted(shape, width, height)
    across, down = shape.canvas.size
    view = shape.segment.view
    window = _Window(
        across / 2 + view.x * across - width / 2, down / 2 + view.y * down - height / 2, width, height, (across, down)
    )
    if window.seen is None:
        return None
    left, top, right, bottom = (round(side) for side in window.seen)
    # Chroma lies on every second pixel: at an odd place it needs one for each.
    fine = [FINE] if left % 2 or top % 2 else []
    return [
        *_cropped(shape), *_turned(shape), *_enlarged(shape.upright, window, (right - left, bottom - top)),
        *fine, ("pad", f"{across}:{down}:{left}:{top}:black"),
    ]  # fmt: skip


def _enlarged(size: tuple[int, int], window: _Window, wanted: tuple[int, int]) -> list[Step]:
    """
    Scale to what is seen, exact to half a pixel of the canvas.

    What cannot be seen is cut away before, a little outside of it at whole pixels of the source, and the rest behind.
    """
    assert window.seen is not None
    across = _axis(size[0], window.left, window.width, window.seen[0], window.seen[2])
    down = _axis(size[1], window.top, window.height, window.seen[1], window.seen[3])
    steps = []
    if (across.length, down.length) != size:
        steps.append(("crop", f"{across.length}:{down.length}:{across.first}:{down.first}:exact=1"))
    scaled = max(across.scaled, wanted[0]), max(down.scaled, wanted[1])
    steps.append(("scale", f"{scaled[0]}:{scaled[1]}:flags=bilinear"))
    if scaled != wanted:
        x, y = min(across.skipped, scaled[0] - wanted[0]), min(down.skipped, scaled[1] - wanted[1])
        steps.append(("crop", f"{wanted[0]}:{wanted[1]}:{x}:{y}:exact=1"))
    return steps


@dataclass(frozen=True)
class _Axis:
    """Of one direction: which pixels of the source are scaled, to how many, and how many of those are skipped."""

    first: int
    length: int
    scaled: int
    skipped: int


def _axis(size: int, begin: float, length: float, seen_from: float, seen_to: float) -> _Axis:
    scale = length / size
    exact = (seen_from - begin) / scale, (seen_to - begin) / scale
    first = max(0, 2 * floor(exact[0] / 2))
    last = min(size, 2 * ceil(exact[1] / 2))
    return _Axis(first, last - first, round((last - first) * scale), round((exact[0] - first) * scale))


def _tilted(shape: _Geometry, width: float, height: float) -> list[Step]:
    """Turned by less than 90°, on a ground that is seen through; the canvas is cut out of it."""
    across, down = shape.canvas.size
    angle = radians(shape.tilt)
    # Room for the turned picture and for the canvas around its middle, wherever it was moved.
    needed_x = abs(width * cos(angle)) + abs(height * sin(angle))
    needed_y = abs(width * sin(angle)) + abs(height * cos(angle))
    room_x = 2 * ceil(max(needed_x, across * (1 + 2 * abs(shape.segment.view.x))) / 2) + 4
    room_y = 2 * ceil(max(needed_y, down * (1 + 2 * abs(shape.segment.view.y))) / 2) + 4
    left = round(room_x / 2 - across / 2 - shape.segment.view.x * across)
    top = round(room_y / 2 - down / 2 - shape.segment.view.y * down)
    return [
        *_cropped(shape), *_turned(shape),
        ("scale", f"{max(2, round(width))}:{max(2, round(height))}:flags=bilinear"),
        ("format", "yuva420p"),
        ("rotate", f"a={angle:.6f}:ow={room_x}:oh={room_y}:c=black@0"),
        ("crop", f"{across}:{down}:{left}:{top}:exact=1"),
    ]  # fmt: skip


def _cropped(shape: _Geometry) -> list[Step]:
    left, top, width, height = shape.cropped
    whole = (width, height) == (shape.width, shape.height)
    return [] if whole else [("crop", f"{width}:{height}:{left}:{top}:exact=1")]


def _turned(shape: _Geometry) -> list[Step]:
    return [TRANSPOSED[shape.turns]] if shape.turns else []


def _background(shape: _Geometry) -> list[Step]:
    across, down = shape.canvas.size
    width, height = shape.scaled("fill", 1.0)
    small = [2 * max(1, round(side / 2 / BLUR_SHRINK)) for side in (width, height)]
    window = [2 * max(1, round(side / 2 / BLUR_SHRINK)) for side in (across, down)]
    sigma = BLUR_SHARE * min(across, down) / BLUR_SHRINK
    shade = f"y=16+(val-16)*{BLUR_LIGHT}:u=128+(val-128)*{BLUR_LIGHT}:v=128+(val-128)*{BLUR_LIGHT}"
    return [
        *_cropped(shape), *_turned(shape),
        ("scale", f"{max(small[0], window[0])}:{max(small[1], window[1])}:flags=area"),
        ("crop", f"{window[0]}:{window[1]}"),
        ("gblur", f"sigma={sigma:.3f}"),
        ("lutyuv", shade),
        ("scale", f"{across}:{down}:flags=bilinear"),
    ]  # fmt: skip


def buffer_of(width: int, height: int, pixels: str, time_base: Fraction) -> str:
    """The arguments of a graph's entry; what is not told of the colours would be guessed, and converted."""
    size = f"width={width}:height={height}:pix_fmt={pixels}:time_base={time_base}"
    return f"{size}:colorspace=bt709:range=tv" if pixels.startswith("yuv") else size


class _Graph:
    """The filters of one segment, configured for one size of source."""

    def __init__(self, shape: _Geometry, width: int, height: int) -> None:
        self._count = 0
        self._time_base = Fraction(1, shape.canvas.frame_rate)
        self._graph = av.filter.Graph()
        self._graph.threads = 1
        self._source = self._graph.add("buffer", buffer_of(width, height, "yuv420p", self._time_base))
        self._sink = self._graph.add("buffersink")
        # Bars are blank and bright in full range; every frame here says limited.
        tail = self._chain(self._laid_out(shape), [("format", "yuv420p"), ("setsar", "1")])
        tail.link_to(self._sink)
        self._graph.configure()

    def run(self, frame: av.VideoFrame) -> av.VideoFrame:
        frame.pts, frame.time_base = self._count, self._time_base
        frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
        self._count += 1
        self._source.push(frame)
        return cast(av.VideoFrame, self._sink.pull())

    def _laid_out(self, shape: _Geometry) -> Any:
        ground, front = _background(shape), _foreground(shape)
        if shape.segment.fit != "blur":
            ground = [("scale", "2:2"), ("lutyuv", "y=16:u=128:v=128"), ("scale", "{}:{}".format(*shape.canvas.size))]
            if front is not None and not shape.tilt:
                return self._chain(self._source, front)
        if front is None:
            return self._chain(self._source, ground)
        split = self._graph.add("split", "2")
        self._source.link_to(split)
        below, above = self._chain(split, ground, 0), self._chain(split, self._without_pad(front), 1)
        overlay = self._graph.add("overlay", self._place_of(front))
        below.link_to(overlay, 0, 0)
        above.link_to(overlay, 0, 1)
        return overlay

    def _without_pad(self, steps: list[Step]) -> list[Step]:
        return [step for step in steps if step[0] != "pad"]

    def _place_of(self, steps: list[Step]) -> str:
        """The overlay's place: where the black would have been laid around it."""
        pads = [arguments.split(":") for name, arguments in steps if name == "pad"]
        place = f"x={pads[0][2]}:y={pads[0][3]}" if pads else "x=0:y=0"
        return f"{place}:format=yuv444" if FINE in steps else place

    def _chain(self, head: Any, steps: list[Step], output: int = 0) -> Any:
        for name, arguments in steps:
            node = self._graph.add(name, arguments)
            head.link_to(node, output, 0)
            head, output = node, 0
        return head


def painted(segment: Segment, canvas: Canvas, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Lay every frame on the canvas; a repeated frame is laid once."""
    painter: Painter | None = None
    before: tuple[av.VideoFrame, av.VideoFrame] | None = None
    for frame in frames:
        if painter is None:
            painter = Painter(segment, canvas, frame.width, frame.height)
        if before is None or before[0] is not frame:
            before = frame, painter.paint(frame)
        yield before[1]
