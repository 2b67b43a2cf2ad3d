"""Pictures for the painter's tests, beside those of `tests.media`. RGB uint8 (H, W, 3)."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from tests.media import Image


def moving(width: int, height: int, count: int, *, seed: int = 1) -> Iterator[Image]:
    """A soft random picture, textured everywhere, that slides to the left."""
    coarse = np.random.default_rng(seed).integers(30, 225, (9, 24, 3), dtype=np.uint8)
    wide = cv2.resize(coarse, (width + 2 * count, height), interpolation=cv2.INTER_CUBIC)
    for index in range(count):
        yield np.ascontiguousarray(wide[:, 2 * index : 2 * index + width], dtype=np.uint8)


def flat(width: int, height: int, colours: Iterable[tuple[int, int, int]]) -> Iterator[Image]:
    for colour in colours:
        yield np.full((height, width, 3), colour, np.uint8)
