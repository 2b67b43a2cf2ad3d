"""Motion between frames, synthetic and measured."""

import random
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from mlmodels.data import FeatureCache
from mlmodels.losses import warp
from mlmodels.motion import MovingPair, follow, optical_flow, real_pair, synthetic_pair, unoccluded
from mlmodels.vgg import VGGFeatures


def texture(height: int = 80, width: int = 96) -> np.ndarray:
    """Smooth noise, RGB bytes: something that optical flow can follow."""
    noise = torch.rand(1, 3, height // 4, width // 4, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(noise, (height, width), mode="bicubic").clamp(0, 1)
    return (smooth[0].permute(1, 2, 0) * 255).byte().numpy()


def as_batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Eight frames of a texture that moves two pixels a frame."""
    path, whole = tmp_path / "moving.mp4", texture(64, 112)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 80, 64, "yuv420p"
        for step in range(8):
            moved = np.ascontiguousarray(whole[:, 2 * step : 2 * step + 80])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_flow_finds_a_shift_of_three_pixels():
    whole = texture(80, 120)
    first, second = (np.ascontiguousarray(whole[:, start : start + 96]) for start in (0, 3))

    flow = optical_flow(first, second)

    assert abs(float(np.median(flow[..., 0])) + 3) < 0.3
    assert abs(float(np.median(flow[..., 1]))) < 0.3


def test_no_flow_leaves_a_picture_as_it_is():
    image = texture()

    assert np.array_equal(follow(image, np.zeros((80, 96, 2), np.float32)), image)


def test_flows_that_disagree_mark_hidden_pixels():
    forward, backward = np.zeros((8, 8, 2), np.float32), np.zeros((8, 8, 2), np.float32)
    backward[:, 4:] = 5

    seen = unoccluded(forward, backward)

    assert seen[:, :4].all()
    assert not seen[:, 4:].any()


def test_a_real_pair_warps_the_first_frame_onto_the_second():
    whole = texture(80, 120)
    first, second = (np.ascontiguousarray(whole[:, start : start + 96]) for start in (0, 3))

    pair = real_pair(first, second)

    error = (pair.seen_B1HW * (warp(as_batch(first), pair.grid_BHW2) - pair.second_B3HW)).abs().mean()
    still = (pair.seen_B1HW * (as_batch(first) - pair.second_B3HW)).abs().mean()
    assert pair.seen_B1HW.mean() > 0.8
    assert error < still / 4


def test_a_mirrored_pair_is_the_pair_of_the_mirrored_frame():
    image = as_batch(texture())
    pair = synthetic_pair(image, torch.Generator().manual_seed(1))

    mirrored = pair.mirrored()

    expected = warp(image, pair.grid_BHW2).flip(-1)
    torch.testing.assert_close(warp(image.flip(-1), mirrored.grid_BHW2), expected, atol=1e-4, rtol=0)


def test_a_real_pair_takes_one_place_in_a_batch():
    images = as_batch(texture()).repeat(2, 1, 1, 1)
    batch, real = synthetic_pair(images, torch.Generator().manual_seed(1)), real_pair(texture(), texture())

    mixed = batch.with_real(1, real)

    assert isinstance(mixed, MovingPair)
    assert torch.equal(mixed.second_B3HW[0], batch.second_B3HW[0])
    assert torch.equal(mixed.second_B3HW[1], real.second_B3HW[0])


def test_a_clip_gives_the_same_pair_of_frames_each_time_and_from_disk(clip, tmp_path):
    torch.manual_seed(0)
    vgg = VGGFeatures()

    fresh = FeatureCache(vgg, tmp_path / "cache").clip(clip, 0, 48)
    kept = FeatureCache(vgg, tmp_path / "cache").clip(clip, 0, 48)

    assert fresh.image_3SS.shape == (3, 48, 48)
    assert torch.equal(fresh.image_3SS, kept.image_3SS)
    assert fresh.pair is not None
    assert kept.pair is not None
    assert torch.equal(fresh.pair.grid_BHW2, kept.pair.grid_BHW2)
    warped = warp(fresh.image_3SS[None], fresh.pair.grid_BHW2)
    assert (fresh.pair.seen_B1HW * (warped - fresh.pair.second_B3HW)).abs().mean() < 0.05


def test_noise_and_exposure_leave_a_pair_in_range():
    pair = synthetic_pair(as_batch(texture()), torch.Generator().manual_seed(random.Random(3).getrandbits(20)))

    assert 0 <= pair.second_B3HW.min() <= pair.second_B3HW.max() <= 1
