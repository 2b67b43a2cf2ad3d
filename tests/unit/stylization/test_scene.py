import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from stylization.engine.decode import TimedFrame, Turn
from stylization.engine.geometry import Size
from stylization.engine.scene import SHORTEST, CutDetector, Sampler, _colours, palette_for, scenes_of

# Colours and which of the 512 they are: the browser finds the cuts of a film that is painted there (scenes.test.ts).
CASES = Path(__file__).resolve().parents[3] / "platform" / "webclient" / "tests" / "colour-cases.json"


def picture(level: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(level)
    return np.clip(rng.normal(level, 12, (36, 64, 3)), 0, 255).astype(np.uint8)


def cuts(levels: Sequence[int]) -> list[int]:
    detector = CutDetector()
    return [index for index, level in enumerate(levels) if detector.is_cut(picture(level))]


def test_another_scene_is_a_cut() -> None:
    assert cuts([60] * 20 + [180] * 20) == [20]


def test_a_still_scene_has_none() -> None:
    assert cuts([90] * 40) == []


def test_steady_strong_motion_is_no_cut() -> None:
    blocks = np.random.default_rng(5).integers(20, 230, (9, 16, 3), dtype=np.uint8)
    wide = blocks.repeat(4, axis=0).repeat(4, axis=1)
    detector = CutDetector()

    # half a block a frame: most pixels change all the time, the colours hardly do
    assert not any(detector.is_cut(np.roll(wide, 2 * index, axis=1)) for index in range(40))


def test_a_cut_out_of_strong_motion_is_found_by_its_colours() -> None:
    rng = np.random.default_rng(7)

    def shaken(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
        image = np.zeros((36, 64, 3), np.uint8)
        image[rng.random((36, 64)) < 0.5] = colour
        return image

    detector = CutDetector()
    frames = [shaken((90, 60, 20)) for _ in range(20)] + [shaken((30, 90, 200)) for _ in range(20)]

    assert [index for index, frame in enumerate(frames) if detector.is_cut(frame)] == [20]


def test_a_flash_opens_no_scene_of_its_own() -> None:
    found = cuts([60] * 20 + [250] * 2 + [60] * 20)

    assert len(found) <= 1


def test_scenes_are_never_shorter_than_the_shortest() -> None:
    found = cuts([60, 200] * 4 + [60] * 20)

    assert all(later - sooner >= SHORTEST for sooner, later in itertools.pairwise([0, *found]))


@pytest.mark.parametrize("count", [1, 5, 8, 9, 64, 1000])
def test_samples_are_spread_evenly_over_a_run_of_any_length(count: int) -> None:
    sampler = Sampler(limit=8)
    for number in range(count):
        if sampler.wants_next():
            sampler.keep(np.full((2, 2, 3), number % 251, np.uint8))
        sampler.count += 1
    scene = sampler.scene()

    assert scene.count == count
    assert min(count, 4) <= len(scene.samples) <= 8
    numbers = [int(sample[0, 0, 0]) for sample in scene.samples]
    if count <= 250:
        steps = {later - sooner for sooner, later in itertools.pairwise(numbers)}
        assert len(steps) <= 1


@pytest.mark.parametrize(("brush", "height", "count"), [(1.0, 480, 8), (0.1, 1080, 2)])
def test_a_large_frame_that_is_painted_small_is_sampled_small_and_more_often(
    brush: float, height: int, count: int
) -> None:
    picture = av.VideoFrame.from_ndarray(np.full((1080, 1920, 3), 90, np.uint8), format="rgb24")
    frames = [TimedFrame(number, 1, picture) for number in range(8)]

    (scene,) = scenes_of(frames, Size(1920, 1080), Turn(), brush)

    assert scene.count == 8
    assert len(scene.samples) == count
    assert {sample.shape[0] for sample in scene.samples} == {height}


class Recorder:
    """An engine that remembers what it was asked; pictures embed to their mean."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def embed(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.array([image.mean()], np.float32)

    def blend(self, styles: Any, own: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
        self.asked["own"] = float(own[0])
        return own

    def statistics(self, frames: NDArray[np.uint8], embedding: NDArray[np.float32]) -> Any:
        self.asked["frames"] = frames.shape
        return "statistics"


def test_a_scene_is_painted_towards_the_mean_look_of_its_samples() -> None:
    engine: Any = Recorder()
    dark, light = np.full((8, 8, 3), 40, np.uint8), np.full((8, 8, 3), 80, np.uint8)

    palette = palette_for(engine, [dark, light], [], 0.5)

    assert engine.asked == {"own": 60.0, "frames": (2, 8, 8, 3)}
    assert palette.statistics == "statistics"


def colours_and_their_numbers() -> list[list[int]]:
    """Colours a level or more away from where another number begins: rounding is the computer's own."""
    colours = np.random.default_rng(3).integers(0, 256, (1, 160, 3), dtype=np.uint8)
    levels = cv2.cvtColor(colours, cv2.COLOR_RGB2Lab)[0] % 32
    clear = colours[0, ((levels > 0) & (levels < 31)).all(axis=1)]
    return [[*map(int, colour), int(_colours(colour[None, None]).argmax())] for colour in clear]


def test_the_browser_tells_colours_apart_as_the_server_does() -> None:
    assert json.loads(CASES.read_text()) == colours_and_their_numbers()
