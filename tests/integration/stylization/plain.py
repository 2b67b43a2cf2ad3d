"""
An engine that changes nothing, so that a test can see what the pipeline around the network does to a picture.

With the real network every colour, edge and time would be a matter of taste.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylization.engine.engines import Model
from stylization.engine.recipe import PaintRecipe, StyleShare

RECIPE = PaintRecipe((StyleShare("nothing", embedding=np.zeros(2, np.float32)),))


class PlainEngine:
    name = "plain"
    model = Model("plain", "0", "0" * 64)

    def __init__(self, before_painting: Callable[[], None] = lambda: None) -> None:
        self.scenes: list[int] = []
        self.painted = 0
        self._before_painting = before_painting

    def embed(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.zeros(2, np.float32)

    def blend(
        self, styles: Sequence[tuple[NDArray[np.float32], float]], own: NDArray[np.float32], strength: float
    ) -> NDArray[np.float32]:
        return own

    def statistics(self, frames: NDArray[np.uint8], embedding: NDArray[np.float32]) -> Any:
        self.scenes.append(len(frames))
        return len(self.scenes)

    def paint(
        self, frames: NDArray[np.uint8], embedding: NDArray[np.float32], statistics: Any = None
    ) -> NDArray[np.uint8]:
        self._before_painting()
        self.painted += len(frames)
        return frames.copy()
