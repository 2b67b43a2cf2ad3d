import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from stylization.engine.color import carry_detail, keep_colors


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


def test_a_painting_enlarged_along_the_original_keeps_the_originals_edges() -> None:
    original = np.full((128, 128, 3), 60, np.uint8)
    original[:, 64:] = 200
    small = cv2.resize(original, (32, 32), interpolation=cv2.INTER_AREA).astype(np.uint8)
    painted = np.full((32, 32, 3), (180, 40, 40), np.uint8)
    painted[:, 16:] = (40, 40, 180)

    enlarged = carry_detail(painted, small, original)
    plain = cv2.resize(painted, (128, 128), interpolation=cv2.INTER_LINEAR)

    def step(image: NDArray[np.uint8]) -> float:
        return float(abs(int(image[64, 63, 0]) - int(image[64, 64, 0])))

    assert step(enlarged) > 100 > step(np.asarray(plain, np.uint8))


@pytest.mark.parametrize("shape", [(64, 96), (65, 97)])
def test_the_enlarged_painting_has_the_originals_size(shape: tuple[int, int]) -> None:
    height, width = shape
    original = soft(4, width, height)
    small = cv2.resize(original, (width // 3, height // 3), interpolation=cv2.INTER_AREA).astype(np.uint8)

    assert carry_detail(small, small, original).shape == (height, width, 3)
