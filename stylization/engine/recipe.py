"""What to paint with. A recipe that exists is a recipe that can be painted."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import BadRecipe

MAX_STYLES = 8
MAX_STRENGTH = 1.5
MIN_HEIGHT, MAX_HEIGHT = 16, 2160
MIN_BRUSH, MAX_BRUSH = 0.25, 4.0


@dataclass(frozen=True)
class StyleShare:
    """One style of a mix: a picture (RGB uint8, H × W × 3, or its file) or an embedding somebody computed before."""

    name: str
    weight: float = 1.0
    image: NDArray[np.uint8] | Path | None = None
    embedding: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and 0 < self.weight <= 1000):
            raise BadRecipe(f"The weight of {self.name} is {self.weight:g}; it must be above 0 and at most 1000.")
        if self.image is None and self.embedding is None:
            raise BadRecipe(f"The style {self.name} has neither a picture nor an embedding.")


@dataclass(frozen=True)
class PaintRecipe:
    """
    Styles and how to paint with them.

    `strength` 0 gives the picture back as the network sees it, 1 paints, up to 1.5 exaggerates. `height` is that of the
    painted frame as it is looked at; None keeps the source's. `brush` is how large strokes are beside the frame: 1 as
    the network paints them at 480 lines, 2 twice as large (`brush.py`).
    """

    styles: tuple[StyleShare, ...]
    strength: float = 1.0
    keep_colors: bool = False
    height: int | None = None
    brush: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= len(self.styles) <= MAX_STYLES:
            raise BadRecipe(f"A painting takes 1 to {MAX_STYLES} styles, not {len(self.styles)}.")
        if not (math.isfinite(self.strength) and 0 <= self.strength <= MAX_STRENGTH):
            raise BadRecipe(f"The strength is {self.strength:g}; it must be between 0 and {MAX_STRENGTH:g}.")
        if self.height is not None and not MIN_HEIGHT <= self.height <= MAX_HEIGHT:
            raise BadRecipe(f"The height is {self.height}; it must be between {MIN_HEIGHT} and {MAX_HEIGHT}.")
        if not (math.isfinite(self.brush) and MIN_BRUSH <= self.brush <= MAX_BRUSH):
            raise BadRecipe(f"The brush is {self.brush:g}; it must be between {MIN_BRUSH:g} and {MAX_BRUSH:g}.")
