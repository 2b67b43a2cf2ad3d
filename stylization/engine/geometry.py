"""Sizes. Widths and heights are in pixels, as looked at: upright, with square pixels."""

from dataclasses import dataclass
from fractions import Fraction

MAX_PIXELS = 3840 * 2160  # what one painted frame may have; beyond it the default size is scaled down
MIN_SIDE = 16


@dataclass(frozen=True)
class Size:
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


def shown_size(coded: Size, pixel_aspect: Fraction, *, turned: bool) -> Size:
    """What a player shows: stretched by the pixels' aspect (the longer side grows), then turned upright."""
    width = max(1, round(coded.width * pixel_aspect)) if pixel_aspect > 1 else coded.width
    height = max(1, round(coded.height / pixel_aspect)) if pixel_aspect < 1 else coded.height
    return Size(height, width) if turned else Size(width, height)


def painted_size(shown: Size, height: int | None) -> Size:
    """Even in both directions, as 4:2:0 video needs, and as near the source's shape as whole pixels allow."""
    if height is None:
        if shown.pixels <= MAX_PIXELS:
            return Size(_even(shown.width), _even(shown.height))
        height = int(shown.height * (MAX_PIXELS / shown.pixels) ** 0.5)
    even_height = _even(height)
    return Size(_even(shown.width * even_height / shown.height), even_height)


def _even(length: float) -> int:
    return max(MIN_SIDE, 2 * round(length / 2))
