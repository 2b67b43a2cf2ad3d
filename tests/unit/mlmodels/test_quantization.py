"""Folding changes nothing, int8 little: on tiny seeded networks, whose numbers hold for any."""

import operator

import pytest
import torch
from torch import Tensor, fx

from mlmodels.network import BORDER, NETWORKS, TransformNetwork, pad
from mlmodels.quantization import (
    FakeQuantize,
    Int8Conv2d,
    convolutions,
    fold,
    measure_scene,
    packed,
    quantize,
    quantize_weight,
    round_activations,
    rounded,
    unpacked,
)
from tests.unit.mlmodels.networks import LAYOUTS, small_network


@pytest.fixture(params=LAYOUTS)
def network(request) -> TransformNetwork:
    return small_network(request.param)


@pytest.fixture
def frames() -> Tensor:
    """Three frames of 44 × 60 with areas, edges and a little noise, as photographs have."""
    generator = torch.Generator().manual_seed(1)
    areas = torch.rand(3, 3, 6, 8, generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3)[..., :44, :60]
    return (0.9 * areas + 0.1 * torch.rand(3, 3, 44, 60, generator=generator)).clamp(0, 1)


@pytest.fixture
def embedding() -> Tensor:
    return torch.randn(8, generator=torch.Generator().manual_seed(2))


def test_a_scene_is_measured_as_the_network_measures_it(network, frames, embedding):
    expected = network.statistics(frames, embedding.expand(3, -1))

    measured, _ = measure_scene(network, frames, embedding)

    torch.testing.assert_close(measured.means, expected.means, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(measured.variances, expected.variances, atol=1e-5, rtol=1e-4)


def test_the_folded_network_paints_what_the_unfolded_one_paints(network, frames, embedding):
    statistics, _ = measure_scene(network, frames, embedding)
    expected, _ = network.paint(frames, embedding.expand(3, -1), statistics)

    painted = run(fold(network, embedding, statistics), frames)

    torch.testing.assert_close(painted, expected, atol=1e-4, rtol=0)


def test_no_norm_layer_is_left_after_folding(network, frames, embedding):
    statistics, _ = measure_scene(network, frames, embedding)

    folded = fold(network, embedding, statistics)

    kinds = {type(folded.get_submodule(str(node.target))) for node in folded.graph.nodes if node.op == "call_module"}
    assert kinds == {torch.nn.Conv2d}


def test_int8_paints_nearly_the_same(network, frames, embedding):
    statistics, ranges = measure_scene(network, frames, embedding)
    folded = fold(network, embedding, statistics)
    expected = run(folded, frames)

    painted = run(quantize(folded, ranges), frames)

    assert psnr(painted, expected) > 35  # the bar is 30 on held-out frames


def test_every_convolution_multiplies_bytes(network, frames, embedding):
    statistics, ranges = measure_scene(network, frames, embedding)

    quantized = quantize(fold(network, embedding, statistics), ranges)

    parts = [part for _, part in convolutions(quantized)]
    assert parts
    assert all(isinstance(part, Int8Conv2d) and part.quantized.integers.dtype is torch.int8 for part in parts)


def test_a_convolution_can_be_kept(network, frames, embedding):
    statistics, ranges = measure_scene(network, frames, embedding)

    quantized = quantize(fold(network, embedding, statistics), ranges, keep=lambda part: part.out_channels == 12)

    kept = [part for _, part in convolutions(quantized) if not isinstance(part, Int8Conv2d)]
    assert {part.out_channels for part in kept} == {12}


def test_a_filter_off_the_graph_is_not_counted_twice(network, frames, embedding):
    _, ranges = measure_scene(network, frames, embedding)
    statistics, _ = measure_scene(network, frames, embedding)

    assert len(convolutions(fold(network, embedding, statistics))) == len(ranges.low)


def test_rounding_a_weight_again_changes_nothing():
    weight = torch.randn(5, 3, 3, 3, generator=torch.Generator().manual_seed(3))
    once = quantize_weight(weight)

    turned = quantize_weight(-2.5 * once.restored())  # what folding a style's negative scale does to it

    assert torch.equal(turned.integers, -once.integers)


def test_a_weight_is_off_by_half_a_step_at_most():
    weight = torch.randn(5, 3, 3, 3, generator=torch.Generator().manual_seed(3))

    quantized = quantize_weight(weight)

    steps = (quantized.restored() - weight).abs() / quantized.scales.view(-1, 1, 1, 1)
    assert steps.max() <= 0.5 + 1e-5


def test_a_channel_of_zeros_stays_zero():
    assert torch.equal(quantize_weight(torch.zeros(2, 3, 1, 1)).restored(), torch.zeros(2, 3, 1, 1))


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.0, 2.0), (-2.0, -0.5), (0.5, 2.0), (0.0, 0.0)])
def test_zero_is_exact_after_rounding(low, high):
    rounding = FakeQuantize(torch.tensor(low), torch.tensor(high))

    assert rounding(torch.zeros(1)).abs() < 1e-6


def test_packed_weights_come_back():
    network = NETWORKS["student"](**LAYOUTS["student"])

    restored = unpacked(packed(network.state_dict()))

    assert restored.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(restored[name], value, atol=float(value.abs().max()) / 127, rtol=0)


def test_packed_twice_is_packed_once():
    once = packed(NETWORKS["student"](**LAYOUTS["student"]).state_dict())

    twice = packed(unpacked(once))

    assert all(torch.equal(once[name], twice[name]) for name in once if once[name].dtype is torch.int8)


@pytest.mark.parametrize("damage", [None, torch.ones(3), torch.zeros(2)])
def test_integers_without_fitting_scales_are_refused(damage):
    stored = {"a.weight": torch.ones(2, 3, dtype=torch.int8)}
    if damage is not None:
        stored["a.weight.scale"] = damage

    with pytest.raises(ValueError, match=r"a\.weight has no scales"):
        unpacked(stored)


def run(module: fx.GraphModule, frames: Tensor) -> Tensor:
    height, width = frames.shape[-2:]
    return module(pad(frames))[..., BORDER : BORDER + height, BORDER : BORDER + width]


def psnr(painted: Tensor, expected: Tensor) -> float:
    return float(-10 * torch.log10((painted - expected).square().mean()))


def test_training_rounds_weights_as_a_release_restores_them(network):
    given = {name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()}

    coarse = rounded(given)

    restored = unpacked(packed(given))
    matrices = [name for name, value in given.items() if name.endswith(".weight") and value.ndim > 1]
    assert matrices
    for name in matrices:
        torch.testing.assert_close(coarse[name], restored[name])
    assert all(torch.equal(coarse[name], given[name]) for name in given if name not in matrices)
    coarse[matrices[0]].sum().backward()
    torch.testing.assert_close(given[matrices[0]].grad, torch.ones_like(given[matrices[0]]))


def test_rounded_activations_have_256_levels_and_pass_the_gradient_on():
    seen = []
    part = torch.nn.Conv2d(4, 4, 1, bias=False)
    round_activations(part)
    part.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    features = torch.rand(1, 4, 40, 40, requires_grad=True)

    part(features).sum().backward()

    assert len(seen[0].unique()) <= 256
    assert (seen[0] - features).abs().max() <= 1 / 255
    assert features.grad is not None
    assert features.grad.abs().min() > 0


def test_the_last_convolution_and_the_fixed_filter_run_as_one(frames, embedding):
    network = small_network("student")
    statistics, ranges = measure_scene(network, frames, embedding)

    parts = [part for _, part in convolutions(fold(network, embedding, statistics))]

    joined = [part for part in parts if part.out_channels == 12 and part.kernel_size == (3, 3)]
    assert [part.in_channels for part in joined] == [network.last.in_channels]
    assert len(parts) == len(ranges.low)


def test_what_a_sum_carries_on_is_rounded_where_a_convolution_reads_it_rounded(network, frames, embedding):
    statistics, ranges = measure_scene(network, frames, embedding)

    module = quantize(fold(network, embedding, statistics), ranges)

    sums = [node for node in module.graph.nodes if node.target in (operator.add, torch.add)]
    roundings = {node for node in module.graph.nodes if "rounding" in str(node.target)}
    carried = [term for node in sums for term in node.all_input_nodes]
    assert roundings.intersection(carried)
    assert not [term for term in carried if roundings.intersection(term.users)]
