"""The transform network's shapes and promises, on tiny seeded tensors."""

import pytest
import torch

from mlmodels.network import (
    NETWORKS,
    EighthNetwork,
    QuarterNetwork,
    TransformNetwork,
    _FusedNorm,
    _Norms,
    as_plain,
    binomial_kernel,
    measure,
    scale_and_shift,
    subpixel_binomial,
)
from tests.unit.mlmodels.networks import LAYOUTS, small_network


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> TransformNetwork:
    torch.manual_seed(0)
    return NETWORKS[request.param](embedding=8, blocks=2, width=16).eval()


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 50), (71, 120)])
def test_a_painting_has_the_size_of_its_picture(network, size):
    painted = network(torch.rand(2, 3, *size), torch.randn(2, 8))

    assert painted.shape == (2, 3, *size)
    assert 0 <= painted.min() <= painted.max() <= 1


def test_the_body_has_a_quarter_of_the_size(network):
    _, features = network.paint(torch.rand(1, 3, 64, 96), torch.randn(1, 8))

    assert features.shape == (1, 16, 16, 24)


def test_every_weight_gets_a_gradient(network):
    painted = network(torch.rand(2, 3, 40, 40), torch.randn(2, 8))

    painted.square().mean().backward()

    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


def test_the_norm_of_training_normalizes_and_has_the_gradient_of_what_it_computes():
    draw = torch.Generator().manual_seed(1)
    features, gamma, beta = (
        torch.randn(2, 3, *size, dtype=torch.float64, generator=draw) for size in ((4, 5), (1, 1), (1, 1))
    )
    scale, shift = scale_and_shift(measure(features, (2, 3)), gamma, beta)

    torch.testing.assert_close(_FusedNorm.apply(features, gamma, beta), features * scale + shift)
    assert torch.autograd.gradcheck(_FusedNorm.apply, [part.requires_grad_() for part in (features, gamma, beta)])


def test_one_picture_does_not_change_another_of_its_batch(network):
    images, embedding = torch.rand(2, 3, 48, 48), torch.randn(2, 8)

    together = network(images, embedding)
    alone = network(images[:1], embedding[:1])

    torch.testing.assert_close(together[:1], alone, atol=1e-5, rtol=1e-4)  # convolution order differs with the batch


def test_the_embedding_decides_the_style(network):
    image = torch.rand(1, 3, 48, 48)
    torch.nn.init.normal_(network.film.weight, std=0.3)

    one, other = network(image, torch.randn(1, 8)), network(image, torch.randn(1, 8))

    assert (one - other).abs().mean() > 0.005


def test_statistics_of_one_frame_paint_it_as_live_ones_do(network):
    frame, embedding = torch.rand(1, 3, 48, 64), torch.randn(1, 8)

    folded, _ = network.paint(frame, embedding, network.statistics(frame, embedding))

    torch.testing.assert_close(folded, network(frame, embedding), atol=1e-5, rtol=1e-4)


def test_padding_keeps_the_halo_out_of_the_picture():
    torch.manual_seed(0)
    network = QuarterNetwork(embedding=8, blocks=2, kernel=3, width=16)
    flat, embedding = torch.full((1, 3, 96, 96), 0.5), torch.randn(1, 8)
    norms = _Norms(network, embedding, None)

    bare, _ = network.run(flat, norms)
    padded = network(flat, embedding)

    assert halo(padded) < 0.5 * halo(bare)


def halo(painted: torch.Tensor) -> float:
    """How far the outermost pixels of a painted flat picture are from its middle."""
    middle = painted[..., 40:56, 40:56].mean((2, 3), keepdim=True)
    difference = (painted - middle).abs()
    return max(difference[..., 0, :].mean().item(), difference[..., -1].mean().item())


def test_the_last_filter_stops_a_checkerboard():
    board = (torch.arange(16)[:, None] + torch.arange(16)[None]) % 2 * 2.0 - 1

    filtered = torch.nn.functional.conv2d(board[None, None], binomial_kernel(1))

    assert filtered.abs().max() < 1e-6


def test_the_filter_of_the_subpixels_is_the_one_of_the_whole_picture():
    subpixels = torch.randn(1, 12, 6, 7)
    shuffle, convolve = torch.nn.functional.pixel_shuffle, torch.nn.functional.conv2d

    before = shuffle(convolve(subpixels, subpixel_binomial(), padding=1), 2)
    after = convolve(shuffle(subpixels, 2), binomial_kernel(3), padding=1, groups=3)

    torch.testing.assert_close(before, after)


def test_the_picture_s_own_path_adds_nothing_at_first_and_can_bring_the_picture_back():
    torch.manual_seed(0)
    network = EighthNetwork(embedding=8, blocks=1, width=16, deep=24).requires_grad_(False)
    image, style = 0.2 + 0.6 * torch.rand(1, 3, 48, 48), torch.zeros(1, 8)
    statistics = network.statistics(image, style)
    assert torch.equal(network.film(style)[:, -6:], torch.tensor([[-1.0, -1, -1, 0, 0, 0]]))

    # sigmoid(4 (x - 1/2)) is close to x: the scale and shift that say so after normalization, and a silent painter
    mean, variance = statistics.means[-1].flatten(), statistics.variances[-1].flatten()
    network.film.bias[-6:-3], network.film.bias[-3:] = 4 * variance.sqrt() - 1, 4 * (mean - 0.5)
    for weight in network.last.parameters():
        torch.nn.init.zeros_(weight)

    assert (network(image, style) - image).abs().max() < 0.04


def test_a_plain_twin_of_separable_weights_paints_the_same():
    student, twin = small_network("student"), small_network("teacher", LAYOUTS["student"])
    images, embedding = torch.rand(2, 3, 48, 64, generator=torch.Generator().manual_seed(1)), torch.randn(2, 8)

    twin.load_state_dict(as_plain(student.state_dict()))

    assert (twin(images, embedding) - student(images, embedding)).abs().max() < 1e-4
