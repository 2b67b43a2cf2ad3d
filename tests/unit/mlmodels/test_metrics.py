"""The metrics, by facts that need no reference."""

import numpy as np
import pytest
import torch

from mlmodels.evaluation.metrics import (
    content_distance,
    flicker,
    look,
    motion_between,
    still_scene,
    style_distance,
    warping_error,
)
from mlmodels.vgg import VGGFeatures


@pytest.fixture(scope="module")
def vgg() -> VGGFeatures:
    torch.manual_seed(0)
    return VGGFeatures()


def texture(height: int = 64, width: int = 80, seed: int = 0) -> np.ndarray:
    """Smooth noise, RGB bytes: something that optical flow can follow."""
    noise = torch.rand(1, 3, height // 4, width // 4, generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(noise, (height, width), mode="bicubic").clamp(0, 1)
    return (smooth[0].permute(1, 2, 0) * 255).byte().numpy()


def test_a_picture_is_no_distance_from_itself(vgg):
    seen = look(vgg, texture())

    assert style_distance(seen, seen) == 0
    assert content_distance(seen, seen) == 0


def test_other_pictures_are_some_distance_away(vgg):
    seen, other = look(vgg, texture()), look(vgg, 255 - texture(seed=1))

    assert style_distance(seen, other) > 0
    assert content_distance(seen, other) > 0.1


def test_styles_of_pictures_of_different_shapes_compare(vgg):
    assert style_distance(look(vgg, texture()), look(vgg, texture(48, 48))) > 0


def test_a_mirrored_picture_keeps_its_colours_but_not_its_content(vgg):
    picture = look(vgg, texture())
    mirrored = look(vgg, np.ascontiguousarray(texture()[:, ::-1]))

    assert style_distance(mirrored, picture) < 0.05  # convolutions are not symmetric, so not exactly 0
    assert content_distance(mirrored, picture) > 0.5


def test_a_still_clip_has_no_warping_error():
    frame = texture()

    assert warping_error(frame, frame, motion_between(frame, frame)) == 0


def test_what_moves_along_with_the_scene_has_little_warping_error():
    whole = texture(64, 120)
    first, later = (np.ascontiguousarray(whole[:, start : start + 80]) for start in (0, 3))
    motion = motion_between(first, later)

    along, stuck = warping_error(first, later, motion), warping_error(first, first, motion)

    assert along < stuck / 3


def test_what_has_left_the_frame_is_not_seen():
    whole = texture(96, 160)
    first, later = (np.ascontiguousarray(whole[:, start : start + 128]) for start in (0, 8))

    motion = motion_between(first, later)

    columns = np.arange(128) + motion.flow[..., 0]
    assert not motion.seen[columns < -0.5].any()
    assert motion.seen[:, 16:-8].mean() > 0.9
    assert warping_error(first, later, motion) < 0.01


def test_a_change_of_light_alone_is_all_warping_error():
    frame = np.full((64, 80, 3), 100, np.uint8)

    assert warping_error(frame, frame + 51, motion_between(frame, frame)) == pytest.approx(0.2, abs=1e-6)


def test_where_nothing_is_seen_there_is_no_error():
    frame = texture()
    motion = motion_between(frame, frame)
    motion.seen[:] = False

    assert warping_error(frame, 255 - frame, motion) == 0


def test_the_identity_flickers_like_its_input():
    scene = still_scene(texture(), 4, seed=0)

    assert flicker(scene, scene) == 1


def test_a_painting_that_stands_still_does_not_flicker():
    scene = still_scene(texture(), 4, seed=0)

    assert flicker(np.repeat(scene[:1], 4, axis=0), scene) == 0


def test_a_painter_that_doubles_differences_flickers_twice():
    scene = still_scene(np.full((32, 32, 3), 100, np.uint8), 4, seed=0)

    doubled = (100 + 2 * (scene.astype(np.int16) - 100)).astype(np.uint8)

    assert flicker(doubled, scene) == pytest.approx(2)


def test_a_still_scene_is_the_photograph_with_noise_of_each_frames_own():
    photo = np.full((64, 64, 3), 128, np.uint8)

    scene = still_scene(photo, 5, seed=3)

    assert scene.shape == (5, 64, 64, 3)
    assert np.array_equal(scene, still_scene(photo, 5, seed=3))
    assert not np.array_equal(scene[0], scene[1])
    # Noise of 2.55 levels within a frame, and gains of 1 % (1.3 levels) between frames: three deviations of leeway.
    assert scene[0].std() == pytest.approx(2.55, rel=0.1)
    assert np.abs(scene.mean((1, 2, 3)) - 128).max() < 4
