"""Five colours that stand for a picture, and an accent that can be read. Colours are `#rrggbb`; images RGB uint8."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

COLOURS = 5
WALL_DARK = "#0e0d0c"
WALL_LIGHT = "#faf7f2"
NEUTRAL_ON_DARK = "#d8d2c8"
NEUTRAL_ON_LIGHT = "#4a453e"
READABLE = 4.5  # WCAG 2 AA for text
COLOURFUL = 14.0  # Lab chroma; below it an accent reads as a tinted grey
SIDE = 96


@dataclass(frozen=True)
class Palette:
    colours: list[str]
    on_dark: str
    on_light: str


def palette_of(image: NDArray[np.uint8]) -> Palette:
    colours = _dominant_colours(image)
    return Palette(
        colours=[_hex(lab) for lab in colours],
        on_dark=_accent(colours, wall=WALL_DARK, neutral=NEUTRAL_ON_DARK),
        on_light=_accent(colours, wall=WALL_LIGHT, neutral=NEUTRAL_ON_LIGHT),
    )


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _dominant_colours(image: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    pixels = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab).reshape(-1, 3)
    cv2.setRNGSeed(1)  # the same picture always gets the same palette
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 0.5)
    _, labels, centres = cv2.kmeans(pixels, COLOURS, None, stop, 3, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    shares = np.bincount(labels.ravel(), minlength=COLOURS)
    return [centres[index] for index in np.argsort(-shares, kind="stable")]


def _accent(colours: list[NDArray[np.float32]], *, wall: str, neutral: str) -> str:
    """The most colourful of the palette that can be read on the wall, made lighter or darker when it must be."""
    for lab in sorted(colours, key=_chroma, reverse=True):
        if _chroma(lab) < COLOURFUL:
            break
        if readable := _readable(lab, wall):
            return readable
    return neutral


def _readable(lab: NDArray[np.float32], wall: str) -> str | None:
    towards = 1 if _luminance(wall) < 0.5 else -1
    for step in range(0, 60, 2):
        moved = np.array([lab[0] + towards * step, lab[1], lab[2]], np.float32)
        if not 5 <= moved[0] <= 97:
            return None
        colour = _hex(moved)
        if contrast(colour, wall) >= READABLE:
            return colour
    return None


def _chroma(lab: NDArray[np.float32]) -> float:
    return float(np.hypot(lab[1], lab[2]))


def _hex(lab: NDArray[np.float32]) -> str:
    rgb = cv2.cvtColor(lab.reshape(1, 1, 3).astype(np.float32), cv2.COLOR_Lab2RGB).ravel()
    red, green, blue = (int(value) for value in np.clip(np.rint(rgb * 255), 0, 255))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _luminance(colour: str) -> float:
    srgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
