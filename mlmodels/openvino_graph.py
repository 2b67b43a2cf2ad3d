"""
The flat transform network (see quantization.py) as an OpenVINO model: RGB bytes in, RGB bytes out.

Pictures are (B, H, W, 3) at both ends. Padding, pixel-unshuffle, pixel-shuffle and cropping are part of the model and
move bytes; the sub-pixels are laid out row, column, colour there (torch: colour, row, column), so that three
neighbouring bytes stay together, and the first and last convolution's channels are permuted to match.
"""

import copy
import operator
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from .network import BORDER, MULTIPLE
from .processor import has_int8_dot_products
from .quantization import FakeQuantize, Int8Conv2d, QuantizedWeight, convolutions, is_rounding

# Importing OpenVINO sends a usage report to its maker unless its reporter is missing. No painting of anybody's is
# anybody else's business: without the reporter OpenVINO uses its own silent stand-in.
sys.modules.setdefault("openvino_telemetry", cast(Any, None))
import openvino as ov  # noqa: E402
from openvino import opset13 as op  # noqa: E402

Value = Any  # an output of an OpenVINO node; its stubs are incomplete


def build(module: fx.GraphModule, height: int, width: int, *, batch: int = 1) -> ov.Model:
    """Return the model for pictures of one size."""
    graph = _Builder(subpixels_together(module), batch, height, width)
    return ov.Model([graph.result], [graph.picture], "impasto")


class _Builder:
    def __init__(self, module: fx.GraphModule, batch: int, height: int, width: int) -> None:
        self.module = module
        self.height, self.width = height, width
        self.picture = op.parameter([batch, height, width, 3], np.uint8, "picture")
        self.values: dict[fx.Node, Value] = {}
        for node in module.graph.nodes:
            if node.op == "output":
                self.result: Value = self._levels(self.values[cast(fx.Node, node.args[0])])
            else:
                self.values[node] = self._value(node)

    def _value(self, node: fx.Node) -> Value:
        if node.op == "placeholder":
            return self._padded()
        if node.op == "get_attr":
            return op.constant(_array(_attribute(self.module, str(node.target))))
        source = self.values[cast(fx.Node, node.args[0])]
        if node.op == "call_module":
            part = self.module.get_submodule(str(node.target))
            if isinstance(part, nn.Conv2d):
                first = _source(self.module, node).op == "placeholder"
                return _convolution(self._paired(source, int(part.padding[0]) % 2) if first else source, part)
            if isinstance(part, FakeQuantize):
                return source if _is_picture(cast(fx.Node, node.args[0])) else _rounded(source, part.low, part.high)
        elif node.target in (F.relu, torch.relu):
            return op.relu(source)
        elif node.target is torch.sigmoid:
            return op.sigmoid(source)
        elif node.target in (operator.add, torch.add):
            return op.add(source, self.values[cast(fx.Node, node.args[1])])
        elif node.target is F.interpolate:
            return _doubled(source, node)
        elif node.target is torch.pixel_unshuffle:
            return self._paired(source)
        elif node.target is torch.pixel_shuffle:
            return source  # at the end, in bytes: what comes after works on each value by itself
        raise NotImplementedError(f"no OpenVINO counterpart for {node.format_node()}")

    def _padded(self) -> Value:
        right, bottom = -self.width % MULTIPLE, -self.height % MULTIPLE
        begins, ends = [0, BORDER, BORDER, 0], [0, BORDER + bottom, BORDER + right, 0]
        return op.pad(self.picture, begins, ends, "edge")

    def _paired(self, padded: Value, shifted: int = 0) -> Value:
        """
        Two neighbouring pixels as the six channels of one: no byte moves; the first convolution does the rest.

        :param shifted: 1 where its kernel begins at odd pixels: between two columns of zeros pairs begin there too

        A picture's bytes are the 256 levels already. Said before the axes are renamed, OpenVINO sees that nothing has
        to be converted and no layout changed: 1.5 ms of 29 at 1280×720, and no byte passes through bfloat16.
        """
        if shifted:
            padded = op.pad(padded, [0, 0, 1, 0], [0, 0, 1, 0], "constant")
        batch, height, width, _ = padded.output(0).get_shape()
        pairs = op.convert(op.reshape(padded, [batch, height, width // 2, 6], False), "f32")
        levels = _rounded(op.multiply(pairs, np.float32(1 / 255)), torch.zeros(1), torch.ones(1))
        return op.transpose(levels, [0, 3, 1, 2])

    def _levels(self, painted: Value) -> Value:
        """Sub-pixels (B, 12, H/2, W/2) in [0, 1] to the picture in bytes, without its border."""
        batch, _, height, width = painted.output(0).get_shape()
        levels = op.convert(op.add(op.multiply(painted, np.float32(255)), np.float32(0.5)), "u8")
        last = op.reshape(op.transpose(levels, [0, 2, 3, 1]), [batch, height, width, 2, 6], False)
        full = op.reshape(op.transpose(last, [0, 1, 3, 2, 4]), [batch, 2 * height, 2 * width, 3], False)
        ends = [batch, BORDER + self.height, BORDER + self.width, 3]
        return op.slice(full, [0, BORDER, BORDER, 0], ends, [1, 1, 1, 1])


def _convolution(source: Value, part: nn.Conv2d) -> Value:
    weights = _int8_weights(part) if isinstance(part, Int8Conv2d) else op.constant(_array(part.weight))
    pads, strides = [int(pad) for pad in part.padding], list(part.stride)
    if part.groups > 1:
        outputs, _, *kernel = part.weight.shape
        shape = [part.groups, outputs // part.groups, part.in_channels // part.groups, *kernel]
        result = op.group_convolution(source, op.reshape(weights, shape, False), strides, pads, pads, [1, 1])
    else:
        result = op.convolution(source, weights, strides, pads, pads, [1, 1])
    return result if part.bias is None else op.add(result, _array(part.bias).reshape(1, -1, 1, 1))


def _int8_weights(part: Int8Conv2d) -> Value:
    stored = part.quantized if has_int8_dot_products() else _within_16_bits(part.quantized)
    integers = op.convert(op.constant(stored.integers.numpy()), "f32")
    return op.multiply(integers, _array(stored.scales).reshape(-1, 1, 1, 1))


def _within_16_bits(stored: QuantizedWeight) -> QuantizedWeight:
    """
    Make the integers so much smaller that two products with bytes fit the 16 bits in which older processors sum them.

    Summed are the products of input channels 2k and 2k + 1 at one place of the kernel. Each output channel gets smaller
    by its own largest pair of one sign: at worst it keeps seven bits; a depthwise one keeps all eight.
    """
    integers = stored.integers.float()
    by_place = F.pad(integers.movedim(1, -1), (0, integers.shape[1] % 2)).unflatten(-1, (-1, 2))
    pairs = torch.stack([side.clamp(min=0).sum(-1).flatten(1).amax(1) for side in (by_place, -by_place)]).amax(0)
    share = (128 / pairs).clamp(max=1)  # 255 × 128 is below 2¹⁵; of two that make 128 only one is rounded up
    smaller = integers * share.view(-1, *[1] * (integers.ndim - 1))
    return QuantizedWeight(smaller.round().to(torch.int8), stored.scales / share)


def _is_picture(source: fx.Node) -> bool:
    return source.op == "placeholder" or source.target is torch.pixel_unshuffle


def _rounded(source: Value, least: Tensor, most: Tensor) -> Value:
    low, high = _array(least), _array(most)
    return op.fake_quantize(source, low, high, low, high, 256)


def _doubled(source: Value, node: fx.Node) -> Value:
    if node.kwargs["mode"] != "nearest" or node.kwargs["scale_factor"] != 2:
        raise NotImplementedError(node.format_node())
    scales = np.array([2, 2], np.float32)
    return op.interpolate(
        source, scales, "nearest", "scales", axes=np.array([2, 3]),
        coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip


def subpixels_together(module: fx.GraphModule) -> fx.GraphModule:
    """
    Return the graph for pictures laid out as rows of pixel pairs.

    A 4×4 convolution of stride 2 is a 4×2 one over pairs with stride 2×1, and pixel-unshuffle with a 3×3 convolution a
    6×3 one; the channels before pixel-shuffle are ordered row, column, colour.
    """
    module = copy.deepcopy(module)
    order = torch.arange(12).view(3, 4).T.flatten()  # place row-column-colour holds torch's channel number
    for node, part in convolutions(module):
        pad, source = int(part.padding[0]), _source(module, node)
        if source.op == "placeholder":
            _change(part, lambda weight: weight.unflatten(3, (-1, 2)).permute(0, 4, 1, 2, 3).flatten(1, 2))
            part.stride, part.padding = (2, 1), (pad, pad // 2)
        elif source.target is torch.pixel_unshuffle:
            _change(part, _over_pairs)
            part.stride, part.padding = (2, 1), (2 * pad, pad)
        if _reader(node).target is torch.pixel_shuffle:
            _change(part, lambda weight: weight[order])
            if part.bias is not None:
                part.bias = nn.Parameter(part.bias[order], requires_grad=False)
            if isinstance(part, Int8Conv2d):
                part.quantized = QuantizedWeight(part.quantized.integers, part.quantized.scales[order])
    return module


def _over_pairs(weight: Tensor) -> Tensor:
    """(K, 12, N, M) over sub-pixels (colour, row, column) to (K, 6, 2 N, M) over pairs (column, colour)."""
    outputs, _, down, across = weight.shape
    split = weight.view(outputs, 3, 2, 2, down, across)  # output, colour, row, column, kernel down, kernel across
    return split.permute(0, 3, 1, 4, 2, 5).reshape(outputs, 6, 2 * down, across)


def _change(part: nn.Conv2d, how: Callable[[Tensor], Tensor]) -> None:
    part.weight = nn.Parameter(how(part.weight), requires_grad=False)
    if isinstance(part, Int8Conv2d):
        part.quantized = QuantizedWeight(how(part.quantized.integers), part.quantized.scales)


def _source(module: fx.GraphModule, node: fx.Node) -> fx.Node:
    source = cast(fx.Node, node.args[0])
    while is_rounding(module, source):
        source = cast(fx.Node, source.args[0])
    return source


def _reader(node: fx.Node) -> fx.Node:
    reader = next(iter(node.users))
    while reader.target in (torch.sigmoid, operator.add):
        reader = next(iter(reader.users))
    return reader


def _attribute(module: nn.Module, name: str) -> Tensor:
    owner, _, last = name.rpartition(".")
    return cast(Tensor, getattr(module.get_submodule(owner), last))


def _array(values: Tensor) -> Any:
    return np.ascontiguousarray(values.detach().float().numpy())


class Painter:
    """A compiled graph for pictures (H, W, 3) of one size; one caller at a time."""

    def __init__(self, module: fx.GraphModule, height: int, width: int, *, threads: int = 2) -> None:
        config = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        compiled = _core().compile_model(build(module, height, width), "CPU", config)
        self._request = compiled.create_infer_request()

    def paint(self, picture_HWC: NDArray[np.uint8], painted_HWC: NDArray[np.uint8]) -> None:
        """Paint into an array of the same size."""
        self.run(picture_HWC)
        painted_HWC[:] = self._request.get_output_tensor().data[0]

    def run(self, picture_HWC: NDArray[np.uint8]) -> None:
        """Paint and leave the painting where it is: what there is to be timed."""
        self._request.infer([np.ascontiguousarray(picture_HWC)[None]], share_inputs=True)


@cache
def _core() -> ov.Core:
    return ov.Core()
