import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from stylization.engine.brush import carry_detail, reduced


def soft(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(70, 180, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def at(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


@pytest.mark.parametrize(
    ("shape", "brush", "painted"),
    [
        ((480, 854), 1.0, (480, 854)),
        ((360, 640), 1.0, (360, 640)),
        ((720, 1280), 1.0, (480, 853)),
        ((1280, 720), 1.0, (853, 480)),
        ((720, 1280), 2.0, (240, 427)),
        ((480, 854), 4.0, (120, 214)),
        ((1080, 1920), 0.25, (1080, 1920)),
        ((2160, 3840), 1.0, (720, 1280)),
        ((64, 96), 4.0, (64, 96)),
    ],
)
def test_strokes_have_a_size_beside_the_frame_and_not_in_pixels(
    shape: tuple[int, int], brush: float, painted: tuple[int, int]
) -> None:
    assert reduced(np.zeros((*shape, 3), np.uint8), brush).shape == (*painted, 3)


def test_a_painting_enlarged_along_the_original_keeps_the_originals_edges() -> None:
    original = np.full((128, 128, 3), 60, np.uint8)
    original[:, 64:] = 200
    small = at(original, 32, 32)
    painted = np.full((32, 32, 3), (180, 40, 40), np.uint8)
    painted[:, 16:] = (40, 40, 180)

    enlarged = carry_detail(painted, small, original)
    plain = cv2.resize(painted, (128, 128), interpolation=cv2.INTER_LINEAR)

    def step(image: NDArray[np.uint8]) -> float:
        return float(abs(int(image[64, 63, 0]) - int(image[64, 64, 0])))

    assert step(enlarged) > 100 > step(np.asarray(plain, np.uint8))


def test_strokes_on_flat_parts_of_the_original_stay_as_they_were_painted() -> None:
    original = np.full((128, 192, 3), 120, np.uint8)
    small = at(original, 64, 43)
    painted = np.zeros((43, 64, 3), np.uint8)
    painted[:, ::4] = 240

    enlarged = carry_detail(painted, small, original)

    assert enlarged.std() > 0.8 * painted.std()


def test_a_cameras_noise_does_not_become_paint() -> None:
    rng = np.random.default_rng(0)
    original = np.clip(rng.normal(120, 3, (180, 320, 3)), 0, 255).astype(np.uint8)
    small = at(original, 160, 90)
    painted = np.where(small[..., :1] > 120, 255, 0).repeat(3, 2).astype(np.uint8)  # as steep as can be

    enlarged = carry_detail(painted, small, original)

    plain = cv2.resize(painted, (320, 180), interpolation=cv2.INTER_CUBIC).astype(int)
    assert np.abs(enlarged - plain).mean() < 1.5 * np.abs(original.astype(int) - 120).mean()


@pytest.mark.parametrize("shape", [(64, 96), (65, 97)])
def test_the_enlarged_painting_has_the_originals_size(shape: tuple[int, int]) -> None:
    height, width = shape
    original = soft(4, width, height)
    small = at(original, width // 3, height // 3)

    assert carry_detail(small, small, original).shape == (height, width, 3)
