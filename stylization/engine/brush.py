"""
Brush size: how large strokes are beside the frame. Images are RGB uint8 (H, W, 3).

The network paints strokes of a few pixels, whatever the size of the frame: right at 480 lines, grain at 1080. So larger
frames are painted reduced, and the detail of the original is laid back over the enlarged painting. Brush 1 is a stroke
as large beside the frame as at 480 lines, 2 one twice as large; below 1 they are finer, down to the frame's own pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Size

LINES = 480  # short side at which the network's own strokes are seen when the frame is viewed whole
COARSEST = 3  # how far strokes are enlarged for a frame's size: further, and they are soft where one looks closely
STEEPEST = 1.5  # how many times the original's contrast its detail may get, lest noise become paint


def reduced_size(size: Size, brush: float) -> Size:
    """Return the size that a frame is painted at: its own where its strokes are large enough already."""
    factor = brush * min(min(size.width, size.height) / LINES, COARSEST)
    return size if factor <= 1 else Size(round(size.width / factor), round(size.height / factor))


def reduced(image: NDArray[np.uint8], brush: float) -> NDArray[np.uint8]:
    """Return the frame at the size that it is painted at."""
    whole = Size(image.shape[1], image.shape[0])
    small = reduced_size(whole, brush)
    if small == whole:
        return image
    at = (small.width, small.height)
    return cv2.resize(image, at, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def carry_detail(
    painted_small: NDArray[np.uint8], small: NDArray[np.uint8], original: NDArray[np.uint8], *, radius: int = 4
) -> NDArray[np.uint8]:
    """
    Enlarge a painting made of a reduced frame: the strokes as they are, and what reducing took from the original.

    Near every pixel the painting follows the original's brightness with some slope (guided filter, He et al. 2013,
    eq. 5; found at the small size, He & Sun 2015). The brightness that the small size could not hold comes back by it.
    """
    height, width = original.shape[:2]
    guide, paint = _brightness(small), painted_small.astype(np.float32)
    slope = cv2.resize(_slope(guide, paint, radius), (width, height), interpolation=cv2.INTER_LINEAR)
    lost = _brightness(original) - cv2.resize(guide, (width, height), interpolation=cv2.INTER_CUBIC)
    strokes = cv2.resize(paint, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(strokes + slope * lost[..., None] + 0.5, 0, 255).astype(np.uint8)


def _brightness(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _slope(guide: NDArray[np.float32], paint: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Return how much each channel of the painting changes with the guide, (H, W, 3)."""

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.boxFilter(values, -1, (2 * radius + 1, 2 * radius + 1)).astype(np.float32, copy=False)

    mean_guide = mean(guide)
    covariance = mean(paint * guide[..., None]) - mean(paint) * mean_guide[..., None]
    variance = mean(guide * guide) - mean_guide**2
    # 8 levels: what is flatter than that is the camera's noise
    return mean(np.clip(covariance / (variance + 64)[..., None], -STEEPEST, STEEPEST))
