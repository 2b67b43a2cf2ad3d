import cv2
import numpy as np
from numpy.typing import NDArray

from stylization.engine.color import keep_colors


def soft(seed: int, width: int = 96, height: int = 64, low: int = 70, high: int = 180) -> NDArray[np.uint8]:
    """Away from black and white, where one of light and colour has to give way."""
    coarse = np.random.default_rng(seed).integers(low, high, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def parts(image: NDArray[np.uint8]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    split = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(np.int16)
    return split[..., 0], split[..., 1:]


def test_kept_colours_have_the_paintings_light_and_the_originals_colour() -> None:
    painting, original = soft(1, low=100, high=150), soft(2, low=100, high=150)

    mixed = keep_colors(painting, original)

    assert np.abs(parts(mixed)[0] - parts(painting)[0]).mean() < 1.5
    assert np.abs(parts(mixed)[1] - parts(original)[1]).mean() < 1.5


def test_keeping_the_colours_of_itself_changes_nothing() -> None:
    image = soft(3)

    assert np.abs(keep_colors(image, image).astype(int) - image).max() <= 3
