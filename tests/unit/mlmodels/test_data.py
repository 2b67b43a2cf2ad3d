"""Views of a painting: more styles than anybody painted, the same ones each time they are asked for."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mlmodels.data import FeatureCache, check_clip, load_crop, recoloured
from mlmodels.options import BadConfig
from mlmodels.release import middle_square
from mlmodels.stylemodel import resized
from mlmodels.vgg import VGGFeatures, channel_statistics
from tests.media import make_video, moving


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    path = tmp_path / "painting.png"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)).resize((80, 60), 2).save(path)
    return path


@pytest.fixture(scope="module")
def vgg() -> VGGFeatures:
    torch.manual_seed(0)
    return VGGFeatures()


def test_each_view_of_a_painting_is_another_style_and_comes_back_the_same(painting, vgg, tmp_path):
    first, again = (FeatureCache(vgg, tmp_path / "cache") for _ in range(2))
    without_folder = FeatureCache(vgg)

    views = [first.style(painting, 32, view) for view in range(3)]

    for view, sample in enumerate(views):
        assert torch.equal(sample.image_3SS, again.style(painting, 32, view).image_3SS)
        assert torch.equal(sample.image_3SS, without_folder.style(painting, 32, view).image_3SS)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (views[one].image_3SS - views[other].image_3SS).abs().mean() > 0.02


def test_a_views_statistics_are_its_own(painting, vgg):
    sample = FeatureCache(vgg).style(painting, 32, 2)

    with torch.no_grad():
        measured = channel_statistics([layer.float() for layer in vgg(sample.image_3SS[None])])[0]

    assert (sample.statistics - measured).norm() < 0.03 * measured.norm()  # the crop is kept in bytes


def test_a_large_paintings_statistics_are_measured_large_and_its_picture_is_what_a_predictor_sees(painting, vgg):
    rng = random.Random("style painting.png 320")
    whole = load_crop(painting, 320, rng, zoom=rng.uniform(1, 1.3))

    sample = FeatureCache(vgg).style(painting, 320)

    with torch.no_grad():
        large = channel_statistics([layer.float() for layer in vgg(whole[None])])[0]
    assert sample.image_3SS.shape == (3, 224, 224)
    assert (sample.image_3SS - resized(whole, 224)).abs().max() <= 1 / 255
    assert (sample.statistics - large).norm() < 0.03 * large.norm()


def test_a_style_that_is_compared_with_small_pictures_is_measured_in_its_corners(painting, vgg):
    rng = random.Random("style painting.png 320 in 96")
    whole = load_crop(painting, 320, rng, zoom=rng.uniform(1, 1.3))
    ends = slice(96), slice(224, 320)
    pieces = [whole[:, rows, columns] for rows in ends for columns in ends]

    sample = FeatureCache(vgg).style(painting, 320, part=96)

    with torch.no_grad():
        each = [channel_statistics([layer.float() for layer in vgg(piece[None])])[0] for piece in pieces]
    mean = torch.stack(each).mean(0)
    assert (sample.statistics - mean).norm() < 0.03 * mean.norm()
    assert sample.image_3SS.shape == (3, 224, 224)


def test_a_near_part_of_a_photograph_is_seen_by_the_predictor_as_the_whole_frame_is(painting, vgg, tmp_path):
    whole = FeatureCache(vgg, tmp_path).content(painting, 32)
    near, again = (FeatureCache(vgg, tmp_path).content(painting, 32, (1.5, 1.8)) for _ in range(2))

    assert torch.equal(whole.seen_3SS, whole.image_3SS)
    assert near.image_3SS.shape == whole.image_3SS.shape
    assert not torch.equal(near.image_3SS, whole.image_3SS)
    assert torch.equal(near.seen_3SS, again.seen_3SS)
    pixels = middle_square(np.asarray(Image.open(painting)), 224)
    assert torch.equal((near.seen_3SS * 255).round().byte().permute(1, 2, 0), torch.from_numpy(pixels.copy()))
    assert torch.equal(near.mirrored().seen_3SS, near.seen_3SS.flip(-1))


@pytest.mark.parametrize("seed", range(5))
def test_recoloured_pictures_stay_pictures(seed):
    image = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(seed))

    changed = recoloured(image, random.Random(seed))

    assert changed.shape == image.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert (changed - image).abs().mean() > 0.05


def test_a_black_picture_can_be_recoloured():
    assert torch.equal(recoloured(torch.zeros(3, 4, 4), random.Random(1)), torch.zeros(3, 4, 4))


def test_kept_features_are_measured_again_of_a_picture_that_was_replaced(painting, vgg, tmp_path):
    before = FeatureCache(vgg, tmp_path / "cache").style(painting, 32)
    Image.new("RGB", (80, 60), "teal").save(painting)

    after = FeatureCache(vgg, tmp_path / "cache").style(painting, 32)

    assert torch.equal(after.statistics, FeatureCache(vgg).style(painting, 32).statistics)
    assert not torch.equal(after.statistics, before.statistics)


def test_kept_features_are_measured_again_by_another_vgg(painting, vgg, tmp_path):
    other = VGGFeatures()
    with torch.no_grad():
        other.get_parameter("conv4_1.weight").mul_(1.5)
    FeatureCache(vgg, tmp_path / "cache").content(painting, 32)

    sample = FeatureCache(other, tmp_path / "cache").content(painting, 32)

    assert torch.equal(sample.relu4_1, FeatureCache(other).content(painting, 32).relu4_1)


@pytest.mark.parametrize(("frames", "said"), [(0, "cannot be read"), (2, "has 2 frames")])
def test_a_clip_that_has_no_pair_of_frames_is_refused(tmp_path, frames, said):
    clip = tmp_path / "clip.mp4"
    make_video(clip, moving(64, 48, frames)) if frames else clip.write_bytes(b"no clip")

    with pytest.raises(BadConfig, match=said):
        check_clip(clip)


def test_a_clip_of_three_frames_has_pairs(tmp_path, vgg):
    clip = make_video(tmp_path / "clip.mp4", moving(64, 48, 3))

    check_clip(clip)

    assert FeatureCache(vgg).clip(clip, 0, 32).pair is not None
