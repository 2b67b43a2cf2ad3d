"""Colour after painting. Images are RGB uint8 (H, W, 3)."""

import cv2
import numpy as np
from numpy.typing import NDArray


def keep_colors(painted: NDArray[np.uint8], original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The light and shade of the painting with the colours of the original, pixel by pixel."""
    mixed = np.asarray(cv2.cvtColor(original, cv2.COLOR_RGB2YCrCb))
    mixed[..., 0] = cv2.cvtColor(painted, cv2.COLOR_RGB2YCrCb)[..., 0]
    return cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB).astype(np.uint8, copy=False)


def carry_detail(
    painted_small: NDArray[np.uint8], small: NDArray[np.uint8], original: NDArray[np.uint8], *, radius: int = 4
) -> NDArray[np.uint8]:
    """
    Enlarge a painting made at a fraction of the size along the edges of the original.

    The fast guided filter (He & Sun 2015): near every pixel the painting is a linear function of the original's
    brightness; that function is found at the small size, enlarged, and applied at the full one.
    """
    guide = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    paint = painted_small.astype(np.float32) / np.float32(255)
    slope, offset = _linear_fit(guide, paint, radius)
    height, width = original.shape[:2]
    full_guide = cv2.cvtColor(original, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None] / np.float32(255)
    full_slope = cv2.resize(slope, (width, height), interpolation=cv2.INTER_LINEAR)
    full_offset = cv2.resize(offset, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip((full_slope * full_guide + full_offset) * 255 + 0.5, 0, 255).astype(np.uint8)


def _linear_fit(
    guide: NDArray[np.float32], paint: NDArray[np.float32], radius: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.boxFilter(values, -1, (2 * radius + 1, 2 * radius + 1)).astype(np.float32, copy=False)

    mean_guide, mean_paint = mean(guide), mean(paint)
    covariance = mean(paint * guide[..., None]) - mean_paint * mean_guide[..., None]
    variance = mean(guide * guide) - mean_guide**2
    # 1e-3 (3 % of brightness): flatter than that and the painting's own texture decides, not the camera's noise
    slope = covariance / (variance + 1e-3)[..., None]
    return mean(slope), mean(mean_paint - slope * mean_guide[..., None])
