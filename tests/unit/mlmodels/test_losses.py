"""Facts about the losses that are true without a reference."""

import pytest
import torch
import torch.nn.functional as F

from mlmodels import losses
from mlmodels.motion import synthetic_pair
from mlmodels.network import EighthNetwork
from mlmodels.vgg import STATISTICS_SIZE, VGGFeatures, _Moments, _moments, channel_statistics


@pytest.fixture(scope="module")
def vgg() -> VGGFeatures:
    torch.manual_seed(1)
    return VGGFeatures()


def images(batch: int = 2, side: int = 48) -> torch.Tensor:
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(2))


def still_grid(batch: int, side: int) -> torch.Tensor:
    return torch.nn.functional.affine_grid(
        torch.eye(2, 3).repeat(batch, 1, 1), [batch, 3, side, side], align_corners=False
    )


def test_vgg_offers_four_levels_at_falling_sizes(vgg):
    shapes = [tuple(layer.shape[1:]) for layer in vgg(images())]

    assert shapes == [(64, 48, 48), (128, 24, 24), (256, 12, 12), (512, 6, 6)]


def test_a_picture_is_at_no_distance_from_itself(vgg):
    features = vgg(images())
    statistics = channel_statistics(features)

    assert statistics.shape == (2, STATISTICS_SIZE)
    assert losses.style_loss(statistics, statistics).abs().max() == 0
    assert losses.content_loss(features, features).abs().max() == 0
    assert losses.structure_loss(features, features).abs().max() < 0.01


def test_structure_asks_for_neither_mean_nor_deviation_and_misses_what_is_gone():
    draw = torch.Generator().manual_seed(5)
    features = [torch.rand(2, 8, 12, 12, generator=draw) for _ in range(4)]
    other = [torch.rand(2, 8, 12, 12, generator=draw) for _ in range(4)]

    recoloured = losses.structure_loss([3 * layer + 2 for layer in features], features)
    painted_over = losses.structure_loss([layer.mean((2, 3), keepdim=True) + 0 * layer for layer in features], features)
    unrelated = losses.structure_loss(other, features)

    assert recoloured.max() < 0.01
    torch.testing.assert_close(painted_over, torch.ones(2), atol=0.02, rtol=0)
    torch.testing.assert_close(unrelated, torch.full((2,), 2.0), atol=0.2, rtol=0)


def test_a_channel_that_died_in_a_painting_has_a_gradient_of_bounded_size():
    draw = torch.Generator().manual_seed(6)
    content = [torch.rand(1, 4, 8, 8, generator=draw) for _ in range(4)]
    slopes = []

    for size in (1e-3, 1e-6):
        dying = [(size * torch.rand(1, 4, 8, 8, generator=draw)).requires_grad_() for _ in range(4)]
        slopes_of = torch.autograd.grad(losses.structure_loss(dying, content).sum(), dying[2:])
        slopes.append(max(float(slope.abs().max()) for slope in slopes_of))

    assert slopes[1] < 2 * slopes[0]


def test_statistics_in_training_have_the_gradient_of_plain_autograd():
    draw = torch.Generator().manual_seed(4)
    features, weights = torch.rand(2, 6, 5, 7, generator=draw), torch.randn(2, 12, generator=draw)
    features[:, 0] = 0  # dead channels are common in VGG
    values, slopes = [], []

    for moments in (_Moments.apply, _moments):
        given = features.clone().requires_grad_()
        values.append(torch.cat(moments(given), dim=1))
        (values[-1] * weights).sum().backward()
        slopes.append(given.grad)

    torch.testing.assert_close(*values, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(*slopes, atol=1e-6, rtol=1e-4)  # they are about 0.03


def test_style_does_not_see_where_things_are(vgg):
    mirrored = channel_statistics(vgg(images().flip(-1)))

    style = losses.style_loss(channel_statistics(vgg(images())), mirrored)
    other = losses.style_loss(channel_statistics(vgg(images())), channel_statistics(vgg(images() ** 3)))

    assert (style < other / 5).all()


def test_a_flat_picture_has_no_variation():
    assert losses.total_variation(torch.full((1, 3, 8, 8), 0.3)).item() == 0


def test_only_what_repeats_at_the_strides_is_a_lattice():
    smooth = F.interpolate(images(), size=(200, 200), mode="bilinear")
    woven, noisy = torch.zeros(2, 3, 200, 200), torch.randn(2, 3, 200, 200, generator=torch.Generator().manual_seed(1))
    woven[..., ::4] = 0.05

    assert losses.lattice(smooth + woven).min() > 10 * losses.lattice(smooth).max()
    assert losses.lattice(woven).min() > 5 * losses.lattice(0.05 * noisy).max()


def test_no_motion_warps_to_the_same_picture():
    torch.testing.assert_close(losses.warp(images(), still_grid(2, 48)), images(), atol=1e-5, rtol=0)


def test_a_brighter_scene_explains_a_brighter_painting():
    first, painted, seen = images() * 0.8, images() * 0.8, torch.ones(2, 1, 48, 48)
    grid = still_grid(2, 48)

    explained = losses.output_temporal_loss((painted, painted + 0.1), (first, first + 0.1), grid, seen)
    flicker = losses.output_temporal_loss((painted, painted + 0.1), (first, first), grid, seen)

    assert explained.max() < 1e-9
    torch.testing.assert_close(flicker, torch.full((2,), 0.01), atol=1e-5, rtol=1e-3)


def test_features_that_follow_the_motion_have_not_changed():
    # At a quarter of the size; the second frame shows what was one of their pixels further right.
    whole = torch.rand(2, 5, 12, 13, generator=torch.Generator().manual_seed(6))
    features, moved = (whole[..., :-1], whole[..., 1:]), still_grid(2, 48) + torch.tensor([2 / 12, 0])
    seen = torch.ones(2, 1, 48, 48)
    seen[..., -4:] = 0  # has just come into view

    along = losses.feature_temporal_loss(features, moved, seen)
    stuck = losses.feature_temporal_loss(features, still_grid(2, 48), seen)

    assert along.max() < 1e-8
    assert stuck.min() > 0.1


def test_a_change_of_features_is_relative_to_their_energy():
    grid, seen, features = still_grid(2, 48), torch.ones(2, 1, 48, 48), torch.full((2, 5, 12, 12), 2.0)

    change = losses.feature_temporal_loss((features, features + 1), grid, seen)
    tenfold = losses.feature_temporal_loss((10 * features, 10 * (features + 1)), grid, seen)

    torch.testing.assert_close(change, torch.full((2,), 0.25), atol=0, rtol=1e-5)
    torch.testing.assert_close(tenfold, change, atol=0, rtol=1e-5)


def test_what_is_hidden_does_not_count():
    grid, hidden = still_grid(2, 48), torch.zeros(2, 1, 48, 48)

    assert losses.output_temporal_loss((images(), 1 - images()), (images(), images()), grid, hidden).max() == 0
    assert losses.feature_temporal_loss((images(), 1 - images()), grid, hidden).max() == 0


def test_motion_is_drawn_from_its_generator_alone():
    one = synthetic_pair(images(), torch.Generator().manual_seed(5))
    same = synthetic_pair(images(), torch.Generator().manual_seed(5))

    assert torch.equal(one.second_B3HW, same.second_B3HW)
    assert one.seen_B1HW.mean() > 0.7
    assert (losses.warp(images(), one.grid_BHW2) - one.second_B3HW).abs().mean() < 0.1


def test_fifty_steps_learn_to_copy_a_picture():
    torch.manual_seed(3)
    network, image, embedding = (
        EighthNetwork(embedding=4, blocks=1, width=16),
        images(1, 32),
        torch.ones(1, 4),
    )
    image = torch.nn.functional.avg_pool2d(image, 5, 1, 2)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    start = (network(image, embedding) - image).square().mean().item()

    for _ in range(50):
        loss = (network(image, embedding) - image).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    assert loss.item() < start / 5
