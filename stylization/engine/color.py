"""Colour after painting. Images are RGB uint8 (H, W, 3)."""

import cv2
import numpy as np
from numpy.typing import NDArray


def keep_colors(painted: NDArray[np.uint8], original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The light and shade of the painting with the colours of the original, pixel by pixel."""
    mixed = np.asarray(cv2.cvtColor(original, cv2.COLOR_RGB2YCrCb))
    mixed[..., 0] = cv2.cvtColor(painted, cv2.COLOR_RGB2YCrCb)[..., 0]
    return cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB).astype(np.uint8, copy=False)
