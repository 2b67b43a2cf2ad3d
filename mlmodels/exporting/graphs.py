"""
The networks of a release as the graphs that every export is made from: explicit, flat, of operations that all mobile
runtimes have.

What is exact but cheaper than the network as it trains is done here once, for all formats:

- pixel-unshuffle by two and a 3×3 convolution after it (layout `quarter`) are one 6×6 convolution of stride 2;
- the picture's own path, where a network has one, is added at full size;
- the border is cut off before the last convolutions, which then run without padding;
- the predictor's batch norms are part of the convolution or the linear layer that they stand beside.
"""

from __future__ import annotations

import copy
import operator
import re
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mlmodels.network import BORDER, EPSILON, MULTIPLE, TransformNetwork, measure
from mlmodels.predictor import SeeingPredictor
from mlmodels.quantization import plain

SIDES = (32, 2160)  # pixels: below, there is too little to measure; above, a phone has no memory for the features


class CannotExport(ValueError):
    """The format, shape or precision that was asked for does not exist."""


@dataclass(frozen=True)
class Shape:
    """The size of a frame; without one, height and width are inputs of the graph and multiples of 8."""

    height: int | None = None
    width: int | None = None

    @classmethod
    def parse(cls, text: str) -> Shape:
        """
        Read "dynamic" or "HEIGHTxWIDTH".

        :raises CannotExport: neither, or sides that are odd or outside 32..2160 px
        """
        if text == "dynamic":
            return cls()
        if (found := re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)) is None:
            raise CannotExport(f"a shape is “dynamic” or HEIGHTxWIDTH, as in 480x854, not {text!r}")
        sides = int(found[1]), int(found[2])
        if any(side % 2 or not SIDES[0] <= side <= SIDES[1] for side in sides):
            raise CannotExport(f"the sides of a shape are even and between {SIDES[0]} and {SIDES[1]}, not {text}")
        return cls(*sides)

    def __str__(self) -> str:
        return "dynamic" if self.height is None else f"{self.height}x{self.width}"

    @property
    def filling(self) -> tuple[int, int]:
        """Rows below and columns on the right that are missing to multiples of 8."""
        return -(self.height or 0) % MULTIPLE, -(self.width or 0) % MULTIPLE


class LiveNorm(nn.Module):
    """Instance norm with everything explicit; gamma is 1 + delta. Statistics (1, K, 1, 1) come out as well."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, features: Tensor, delta: Tensor, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, variance = measure(features, dims=(2, 3))
        scale = (1 + delta) / torch.sqrt(variance + EPSILON)
        return features * scale + (beta - mean * scale), mean, variance


class LockedNorm(nn.Module):
    """What is left of a norm layer when the statistics of the scene are known: scale and shift (K,)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, features: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return features * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)


class _Live(nn.Module):
    """Frame (1, 3, H, W) and style (1, 2ΣK) to painting and statistics (1, 2ΣK)."""

    def __init__(self, network: TransformNetwork, shape: Shape) -> None:
        super().__init__()
        self.network, self.shape = network, shape
        self.norms_in_order = nn.ModuleList([LiveNorm(width) for width in network.widths])

    def forward(self, frame: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        parts = style.reshape(1, -1, 1, 1).split(_twice(self.network.widths), dim=1)
        measured: list[Tensor] = []
        layers = enumerate(self.norms_in_order)

        def norm(features: Tensor) -> Tensor:
            index, layer = next(layers)
            painted, mean, variance = layer(features, parts[2 * index], parts[2 * index + 1])
            measured.extend((mean, variance))
            return painted

        painted, _ = self.network.run(_padded(frame, self.shape), norm)
        return painted, torch.cat(measured, dim=1).reshape(1, -1)


class _Locked(nn.Module):
    """Frame (1, 3, H, W) and affine (1, 2ΣK) to painting."""

    def __init__(self, network: TransformNetwork, shape: Shape) -> None:
        super().__init__()
        self.network, self.shape = network, shape
        self.norms_in_order = nn.ModuleList([LockedNorm(width) for width in network.widths])

    def forward(self, frame: Tensor, affine: Tensor) -> Tensor:
        parts = affine.reshape(-1).split(_twice(self.network.widths), dim=0)
        layers = enumerate(self.norms_in_order)

        def norm(features: Tensor) -> Tensor:
            index, layer = next(layers)
            return cast(Tensor, layer(features, parts[2 * index], parts[2 * index + 1]))

        return self.network.run(_padded(frame, self.shape), norm)[0]


def _twice(widths: list[int]) -> list[int]:
    return [width for width in widths for _ in range(2)]


def _padded(frame: Tensor, shape: Shape) -> Tensor:
    bottom, right = shape.filling
    return F.pad(frame, [BORDER, BORDER + right, BORDER, BORDER + bottom], mode="replicate")


def transform(network: TransformNetwork, shape: Shape, *, locked: bool = False) -> fx.GraphModule:
    """Return (frame, style) → (painting, statistics), or locked (frame, affine) → painting, for frames of one shape."""
    module = plain(_Locked(network, shape) if locked else _Live(network, shape))
    _picture_at_full_size(module, shape)
    _without_unshuffle(module)
    _cropped(module, shape)
    for node in _calls(module, F.pad):
        node.meta["inner"] = (shape.height, shape.width)
    module.graph.eliminate_dead_code()
    return _finished(module)


def _finished(module: fx.GraphModule) -> fx.GraphModule:
    """Return a graph with weights of its own, in the plain layout that converters want."""
    module.recompile()
    module.delete_all_unused_submodules()
    own = copy.deepcopy(module).eval().requires_grad_(False)
    for values in (*own.parameters(), *own.buffers()):
        # `contiguous` leaves the strides of axes of one as they are, and those decide a constant's dimension order.
        values.data = values.data.clone(memory_format=torch.contiguous_format)
    return own


def _picture_at_full_size(module: fx.GraphModule, shape: Shape) -> None:
    """The sub-pixels of a picture's own path find their places when they are added after the pixel-shuffle."""
    for unshuffle in _calls(module, torch.pixel_unshuffle):
        (total,) = unshuffle.users
        if total.target not in (operator.add, torch.add):
            continue
        (sigmoid,) = total.users
        (shuffle,) = sigmoid.users
        (painted,) = (term for term in total.all_input_nodes if term is not unshuffle)
        with module.graph.inserting_before(total):
            spread = module.graph.call_function(torch.pixel_shuffle, (painted, 2))
            picture = module.graph.call_function(crop, (unshuffle.args[0], BORDER, *shape.filling))
            sums = module.graph.call_function(operator.add, (spread, picture))
            levels = module.graph.call_function(torch.sigmoid, (sums,))
        shuffle.replace_all_uses_with(levels)
        for node in (shuffle, sigmoid, total, unshuffle):
            module.graph.erase_node(node)


def _without_unshuffle(module: fx.GraphModule) -> None:
    """A 3×3 convolution of sub-pixels (layout `quarter` has one) is a 6×6 convolution of pixels with stride 2."""
    for unshuffle in _calls(module, torch.pixel_unshuffle):
        (node,) = unshuffle.users
        weight = _convolution(module, node).weight
        outputs = weight.shape[0]
        split = weight.view(outputs, 3, 2, 2, 3, 3)  # output, colour, row, column, kernel down, kernel across
        merged = nn.Conv2d(3, outputs, 6, stride=2, padding=2, bias=False)
        merged.weight = nn.Parameter(split.permute(0, 1, 4, 2, 5, 3).reshape(outputs, 3, 6, 6).contiguous())
        _replace(module, node, merged)
        node.args = (unshuffle.args[0],)


def crop(features: Tensor, border: int, bottom: int, right: int) -> Tensor:
    """Return features without a border, and without what fills the frame below and on the right."""
    return features[:, :, border : -(border + bottom), border : -(border + right)]


def _cropped(module: fx.GraphModule, shape: Shape) -> None:
    """Leave of the half-size features' border what the kernels of the last convolutions read, a pixel for each."""
    node = _calls(module, torch.pixel_shuffle)[0]
    last: list[fx.Node] = []
    while (node := cast(fx.Node, node.args[0])) and (node.target is torch.sigmoid or _is_convolution(module, node)):
        last += [node] if node.op == "call_module" else []
    for convolution in last:
        unpadded = copy.deepcopy(_convolution(module, convolution))
        unpadded.padding = (0, 0)
        _replace(module, convolution, unpadded)
    bottom, right = shape.filling
    with module.graph.inserting_before(last[-1]):
        inside = module.graph.call_function(crop, (node, BORDER // 2 - len(last), bottom // 2, right // 2))
    last[-1].args = (inside,)


def _is_convolution(module: fx.GraphModule, node: fx.Node) -> bool:
    return node.op == "call_module" and isinstance(module.get_submodule(str(node.target)), nn.Conv2d)


def _calls(module: fx.GraphModule, function: object) -> list[fx.Node]:
    return [node for node in module.graph.nodes if node.op == "call_function" and node.target is function]


def _convolution(module: fx.GraphModule, node: fx.Node) -> nn.Conv2d:
    part = module.get_submodule(str(node.target))
    assert isinstance(part, nn.Conv2d)
    return part


def _replace(module: fx.GraphModule, node: fx.Node, part: nn.Module) -> None:
    place = f"exported_{node.name}"
    module.add_submodule(place, part)
    node.target = place


def predictor(network: SeeingPredictor, side: int) -> fx.GraphModule:
    """Return picture (1, 3, S, S) → its embedding and the one that gives it back, (1, E) each, without batch norms."""
    network = copy.deepcopy(network).eval()
    module = fx.symbolic_trace(network)
    _with_identity(module, network.identity)
    for node in list(module.graph.nodes):
        if node.op == "call_module" and isinstance(norm := module.get_submodule(str(node.target)), nn.BatchNorm2d):
            before = cast(fx.Node, node.args[0])
            _replace(module, before, fuse_conv_bn_eval(_convolution(module, before), norm))
            node.replace_all_uses_with(before)
            module.graph.erase_node(node)
    _with_picture_as_input(module)
    _constants_renamed(module)
    ShapeProp(module).propagate(torch.zeros(1, 3, side, side))
    for node in _calls(module, torch.var_mean):
        _explicit_moments(module, node)
    for node in module.graph.nodes:
        node.meta.clear()
    return _finished(module)


def _with_identity(module: fx.GraphModule, identity: nn.Linear) -> None:
    module.add_submodule("identity", identity)
    (result,) = (node for node in module.graph.nodes if node.op == "output")
    embedding = cast(fx.Node, result.args[0])
    with module.graph.inserting_before(result):
        way = module.graph.call_module("identity", (embedding,))
        given_back = module.graph.call_function(operator.add, (embedding, way))
    result.args = ((embedding, given_back),)


def _with_picture_as_input(module: fx.GraphModule) -> None:
    (given,) = (node for node in module.graph.nodes if node.op == "placeholder")
    with module.graph.inserting_before(given):
        given.replace_all_uses_with(module.graph.placeholder("picture"))
    module.graph.erase_node(given)


def _constants_renamed(module: fx.GraphModule) -> None:
    """`torch.export` mixes a constant up with an operation of the same name, as the predictor's `mean` is."""
    for node in module.graph.nodes:
        if node.op == "get_attr":
            name = f"constant_{node.name}"
            module.register_buffer(name, getattr(module, str(node.target)))
            delattr(module, str(node.target))
            node.target = name


def _explicit_moments(module: fx.GraphModule, node: fx.Node) -> None:
    """Variance, with Bessel's correction as torch has it, and mean, (1, K) each, of operations that converters know."""
    source = cast(fx.Node, node.args[0])
    pixels = source.meta["tensor_meta"].shape[-2:].numel()
    graph = module.graph
    with graph.inserting_before(node):
        mean = graph.call_method("mean", (source, (2, 3)), {"keepdim": True})
        centered = graph.call_function(operator.sub, (source, mean))
        squares = graph.call_function(operator.mul, (centered, centered))
        variance = graph.call_method("mean", (squares, (2, 3)))
        variance = graph.call_function(operator.mul, (variance, pixels / (pixels - 1)))
        results = variance, graph.call_method("reshape", (mean, 1, -1))
    for item in list(node.users):
        item.replace_all_uses_with(results[cast(int, item.args[1])])
        graph.erase_node(item)
    graph.erase_node(node)


class _Readout(nn.Module):
    def __init__(self, film: nn.Linear) -> None:
        super().__init__()
        self.film = film

    def forward(self, embedding: Tensor) -> Tensor:
        return cast(Tensor, self.film(embedding))


def readout(network: TransformNetwork) -> fx.GraphModule:
    """Return embedding (1, E) → style (1, 2ΣK)."""
    return _finished(fx.symbolic_trace(_Readout(network.film)))
