"""OpenVINO paints what torch paints: the folded network and its int8 form, on tiny networks and sizes."""

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import fx

from mlmodels.network import BORDER, TransformNetwork, pad
from mlmodels.quantization import Int8Conv2d, QuantizedWeight, fold, measure_scene, quantize
from mlmodels.release import to_tensor
from tests.unit.mlmodels.networks import LAYOUTS, small_network

pytest.importorskip("openvino")

import openvino
from openvino import opset13 as op

from mlmodels import openvino_graph
from mlmodels.openvino_graph import Painter


@pytest.fixture(params=LAYOUTS)
def network(request) -> TransformNetwork:
    return small_network(request.param)


@pytest.mark.parametrize("size", [(40, 64), (45, 67)])
def test_the_folded_graph_paints_what_torch_paints(network, size):
    frame = picture(*size)
    statistics, _ = measure_scene(network, to_tensor(frame[None]), STYLE)
    folded = fold(network, STYLE, statistics)

    painted = painted_by(Painter(folded, *size), frame)

    # bfloat16 keeps eight bits of every value, which is some four levels here and there
    assert psnr(painted, by_torch(folded, frame)) > 40


@pytest.mark.parametrize("dot_products", [True, False], ids=["as it is", "without 8-bit dot products"])
@pytest.mark.parametrize("size", [(40, 64), (45, 67)])
def test_the_int8_graph_paints_what_torch_paints(network, size, dot_products, monkeypatch):
    if not dot_products:
        monkeypatch.setattr(openvino_graph, "has_int8_dot_products", lambda: False)
    frame = picture(*size)
    statistics, ranges = measure_scene(network, to_tensor(frame[None]), STYLE)
    folded = fold(network, STYLE, statistics)

    painted = painted_by(Painter(quantize(folded, ranges), *size), frame)

    assert psnr(painted, by_torch(folded, frame)) > 33  # the bar is 30 on held-out frames


def test_without_8_bit_dot_products_no_two_products_pass_16_bits():
    pairs = torch.combinations(torch.arange(1, 128), with_replacement=True).to(torch.int8)  # all there are
    integers = torch.cat([pairs, -pairs], 1).view(-1, 4, 1, 1)
    stored = QuantizedWeight(integers, torch.ones(len(integers)))

    kept = openvino_graph._within_16_bits(stored)

    for side in (kept.integers.int(), -kept.integers.int()):
        assert 255 * side.flatten(1).unflatten(1, (-1, 2)).clamp(min=0).sum(2).max() < 2**15
    torch.testing.assert_close(kept.restored(), stored.restored(), atol=1.01, rtol=0)  # at most half of the levels


@pytest.mark.parametrize("inputs", [1, 2, 6, 7, 12, 64, 96])
@pytest.mark.parametrize("kernel", [1, 3])
def test_without_8_bit_dot_products_the_largest_sums_of_bytes_are_exact(inputs, kernel, monkeypatch):
    """Which channels are summed in 16 bits is the library's own choice: this is where a new version would show."""
    monkeypatch.setattr(openvino_graph, "has_int8_dot_products", lambda: False)
    worst = torch.tensor([[127, 1], [64, 64], [127, 127], [-127, -127]]).repeat(4, (inputs + 1) // 2)
    integers = worst[:, :inputs, None, None].expand(-1, -1, kernel, kernel).contiguous().to(torch.int8)
    groups = 16 if inputs == 1 else 1  # depthwise
    part = Int8Conv2d(inputs * groups, 16, kernel, padding=kernel // 2, groups=groups, bias=False)
    part.quantized = QuantizedWeight(integers, torch.full((16,), 0.01))
    full = np.full((1, part.in_channels, 24, 32), 255, np.float32)

    given = op.parameter(list(full.shape), np.float32)
    levels = openvino_graph._rounded(given, torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1), 255.0))
    model = openvino.Model([op.relu(openvino_graph._convolution(levels, part))], [given])
    summed = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(full)[0]

    kept = openvino_graph._within_16_bits(part.quantized).restored().double()
    exact = F.conv2d(torch.from_numpy(full).double(), kept, padding=kernel // 2, groups=groups)
    np.testing.assert_allclose(summed, exact.relu().numpy(), rtol=1e-5)


def test_the_first_convolution_reads_the_bytes_as_they_come():
    network = small_network("student")
    frame = picture(48, 64)
    statistics, ranges = measure_scene(network, to_tensor(frame[None]), STYLE)

    ran = layers_of(Painter(quantize(fold(network, STYLE, statistics), ranges), 48, 64))

    before = ran[: ran.index("Convolution")]
    assert not {"Transpose", "Subgraph", "Convert"} & set(before), before


def test_importing_the_graph_leaves_the_usage_reporter_out():
    code = "import sys, mlmodels.openvino_graph; sys.exit(any('openvino_telemetry.' in name for name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


STYLE = torch.randn(8, generator=torch.Generator().manual_seed(2))


def picture(height: int, width: int) -> np.ndarray:
    """Areas and edges with a little noise, as photographs have."""
    random = np.random.default_rng(1)
    areas = random.integers(0, 230, (height // 8 + 1, width // 8 + 1, 3)).repeat(8, 0).repeat(8, 1)[:height, :width]
    return (areas + random.integers(0, 25, areas.shape)).astype(np.uint8)


def painted_by(painter: Painter, frame: np.ndarray) -> np.ndarray:
    painted = np.empty_like(frame)
    painter.paint(frame, painted)
    return painted


def layers_of(painter: Painter) -> list[str]:
    """The kinds of layers in the order in which the processor runs them."""
    model = painter._request.get_compiled_model().get_runtime_model()
    return [node.get_rt_info()["layerType"].value for node in model.get_ordered_ops()]


def by_torch(module: fx.GraphModule, frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    painted = module(pad(to_tensor(frame[None])))[0, :, BORDER : BORDER + height, BORDER : BORDER + width]
    return (painted * 255).round().byte().permute(1, 2, 0).numpy()


def psnr(painted: np.ndarray, expected: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-6, np.square(painted.astype(float) - expected).mean())))
