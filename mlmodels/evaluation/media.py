"""Pictures, clips and curves as text, so that a report is one file that needs nothing beside it."""

import base64
import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from html import escape
from typing import Any

import av
import numpy as np
from PIL import Image

from mlmodels.release import Pixels

JPEG_QUALITY = 85
CRF = "23"
RATE = 24  # frames a second of the clips shown


def data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def jpeg(picture: Pixels, height: int) -> str:
    """Return a JPEG of at most that height."""
    image = Image.fromarray(picture)
    image.thumbnail((10 * height, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return data_uri("image/jpeg", file.getvalue())


def side_by_side(clips: Sequence[Sequence[Pixels]]) -> list[Pixels]:
    """Join clips of one size frame by frame, left to right: in one file they cannot drift apart."""
    return [np.concatenate(together, axis=1) for together in zip(*clips, strict=True)]


def mp4(frames: Sequence[Pixels]) -> str:
    """Return H.264 that browsers play; a last odd row or column is dropped."""
    file = io.BytesIO()
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(RATE), options={"crf": CRF, "preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            even = np.ascontiguousarray(frame[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode(None))
    return data_uri("video/mp4", file.getvalue())


PLOT = {"width": 640, "height": 380, "left": 64, "right": 24, "top": 20, "bottom": 48}


class Plot:
    """Content against style distance, one line a painter, one dot a strength; the lower left is where to be."""

    def __init__(self, curves: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
        self.curves = curves
        points = [point for curve in curves.values() for point in curve]
        self.right = 1.08 * max(point["content"] for point in points) or 1.0
        self.top = 1.08 * max(point["style"] for point in points) or 1.0

    def x(self, content: float) -> float:
        inside = PLOT["width"] - PLOT["left"] - PLOT["right"]
        return round(PLOT["left"] + inside * content / self.right, 1)

    def y(self, style: float) -> float:
        inside = PLOT["height"] - PLOT["top"] - PLOT["bottom"]
        return round(PLOT["top"] + inside * (1 - style / self.top), 1)

    def svg(self, bars: Mapping[str, float]) -> str:
        """:param bars: the largest "style" and "content" allowed at strength 1"""
        lines = "".join(self._line(who, curve) for who, curve in self.curves.items())
        return (
            f'<svg viewBox="0 0 {PLOT["width"]} {PLOT["height"]}" role="img" '
            f'aria-label="Content against style distance at each strength">'
            f"{self._region(bars)}{self._axes()}{lines}</svg>"
        )

    def _region(self, bars: Mapping[str, float]) -> str:
        if not bars:
            return ""
        left, bottom = self.x(0), self.y(0)
        right, top = self.x(min(bars["content"], self.right)), self.y(min(bars["style"], self.top))
        return (
            f'<rect class="goal" x="{left}" y="{top}" width="{right - left:.1f}" height="{bottom - top:.1f}"/>'
            f'<text class="goal-label" x="{left + 8}" y="{bottom - 10}">bars at strength 1: inside here</text>'
        )

    def _axes(self) -> str:
        left, right, bottom = self.x(0), self.x(self.right), self.y(0)
        ticks = []
        for part in range(5):
            content, style = self.right * part / 4, self.top * part / 4
            x, y = self.x(content), self.y(style)
            ticks.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
            ticks.append(f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{content:.2f}</text>')
            ticks.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{style:.2f}</text>')
        middle_x, middle_y = self.x(self.right / 2), self.y(self.top / 2)
        return "".join(ticks) + (
            f'<text x="{middle_x}" y="{PLOT["height"] - 8}" text-anchor="middle">content distance</text>'
            f'<text transform="translate(16 {middle_y}) rotate(-90)" text-anchor="middle">style distance</text>'
        )

    def _line(self, who: str, curve: Sequence[Mapping[str, float]]) -> str:
        places = [(self.x(point["content"]), self.y(point["style"]), point["strength"]) for point in curve]
        path = " ".join(f"{x},{y}" for x, y, _ in places)
        below = 16 if who == "peer" else -6  # the two run close to each other
        dots = "".join(
            f'<circle cx="{x}" cy="{y}" r="{5 if strength == 1 else 3}"><title>{escape(who)}, strength {strength:g}'
            f'</title></circle><text x="{x + 7}" y="{y + below}">{strength:g}</text>'
            for x, y, strength in places
        )
        return f'<g class="{escape(who)}"><polyline points="{path}"/>{dots}</g>'
