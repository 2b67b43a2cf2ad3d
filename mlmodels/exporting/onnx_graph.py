"""
The graphs of graphs.py as ONNX models, operator by operator: no exporter, no tracing, the same bytes every time.

Weights are int8 times a scale per output channel; what is computed is fp32. Cast and Mul say so, not DequantizeLinear:
onnxruntime works those out once, when a session is made, but a DequantizeLinear at every run, unless it is told not to.
Operators are those of opset 18 that onnxruntime has on every backend.

A live norm multiplies and adds as a 1×1 depthwise convolution whose weights are computed: onnxruntime makes one pass of
that and the relu behind it, where Mul, Add and Relu are three, and Relu alone is slow in WebAssembly.

A scene-locked norm costs nothing per pixel: scale and shift multiply and complete the weights of the convolution before
it, a few thousand numbers, when the graph runs.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, fx, nn

from mlmodels.network import EPSILON
from mlmodels.quantization import quantize_weight

from .graphs import LiveNorm, LockedNorm, crop
from .roles import Dimensions

Item = TypeVar("Item")

OPSET = 18
IR_VERSION = 9
AT_ONCE = 7  # what is joined or parted by one operator: with the whole, the 8 buffers that WebGPU promises a shader


def build(
    module: fx.GraphModule,
    name: str,
    *,
    inputs: Mapping[str, Dimensions],
    outputs: Mapping[str, Dimensions],
    least_quantized: int | None = None,
    metadata: dict[str, str] | None = None,
) -> onnx.ModelProto:
    """
    Return a graph of graphs.py as an ONNX model.

    :param inputs: name and dimensions of each, in the order of the module's arguments; a word is a dimension that is
        known only when the graph runs
    :param least_quantized: how many numbers a weight has at least that is stored in int8; None leaves all in fp32
    :raises NotImplementedError: an operation that none of the networks has
    """
    builder = _Builder(module, list(inputs), list(outputs), least_quantized=least_quantized)
    builder.run()
    graph = helper.make_graph(
        builder.nodes,
        name,
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, value) for key, value in inputs.items()],
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, value) for key, value in outputs.items()],
        builder.initializers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="impasto"
    )
    helper.set_model_props(model, metadata or {})
    onnx.checker.check_model(model, full_check=True)
    return model


class _Builder:
    """Walks a graph once; `values` holds the name, or the tuple of names, of what each node gives."""

    def __init__(
        self, module: fx.GraphModule, inputs: list[str], outputs: list[str], *, least_quantized: int | None
    ) -> None:
        self.module, self.least_quantized = module, least_quantized
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.values: dict[fx.Node, Any] = {}
        self._inputs, self._outputs = iter(inputs), outputs
        self._known: dict[tuple[str, bytes, tuple[int, ...]], str] = {}

    def run(self) -> None:
        for node in self.module.graph.nodes:
            if node.op == "output":
                returned = node.args[0] if isinstance(node.args[0], tuple) else (node.args[0],)
                for value, name in zip(returned, self._outputs, strict=True):
                    self.nodes.append(helper.make_node("Identity", [self.values[value]], [name], name=name))
            elif node.op == "placeholder":
                self.values[node] = next(self._inputs)
            elif node not in self.values:  # a convolution has already answered for the norm that is part of it
                self.values[node] = self._value(node)

    def emit(self, operation: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node. Returns the name of its output, or a tuple of names."""
        name = f"{operation}_{len(self.nodes)}"
        names = [name] if outputs == 1 else [f"{name}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operation, list(inputs), names, name=name, **attributes))
        return names[0] if outputs == 1 else tuple(names)

    def constant(self, array: NDArray[Any], label: str = "constant") -> str:
        key = (str(array.dtype), array.tobytes(), array.shape)
        if key not in self._known:
            self._known[key] = f"{label}_{len(self._known)}"
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), self._known[key]))
        return self._known[key]

    def numbers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def weights(self, weight: Tensor, label: str) -> str:
        if self.least_quantized is None or weight.numel() < self.least_quantized:
            return self.constant(_array(weight), label)
        stored = quantize_weight(weight)
        integers = self.constant(stored.integers.numpy(), label)
        scales = self.constant(_array(stored.scales).reshape(-1, *[1] * (weight.ndim - 1)), f"{label}.scale")
        return cast(str, self.emit("Mul", self.emit("Cast", integers, to=TensorProto.FLOAT), scales))

    def given(self, argument: Any) -> str:
        if isinstance(argument, fx.Node):
            if argument not in self.values:  # scale and shift of a norm are taken from their list just before it
                self.values[argument] = self._value(argument)
            return cast(str, self.values[argument])
        return self.constant(np.array(argument, np.float32))

    def _value(self, node: fx.Node) -> Any:
        if node.op == "get_attr":
            return self.constant(_array(_attribute(self.module, str(node.target))))
        if node.op == "call_module":
            part = self.module.get_submodule(str(node.target))
            return _translated(MODULES, type(part), node)(self, node, part)
        return _translated(CALLS, node.target, node)(self, node)


def _translated(table: dict[Any, Callable[..., Any]], key: Any, node: fx.Node) -> Callable[..., Any]:
    if key not in table:
        raise NotImplementedError(f"no ONNX counterpart for {node.format_node()}")
    return table[key]


def _convolution(builder: _Builder, node: fx.Node, part: nn.Conv2d) -> str:
    source, weights = builder.given(node.args[0]), builder.weights(part.weight, node.name)
    inputs = [source, weights]
    if part.bias is not None:
        inputs.append(builder.constant(_array(part.bias), f"{node.name}.bias"))
    locked = _locked_norm_after(builder.module, node) if part.bias is None else None
    if locked is not None:
        scale, shift = (builder.given(argument) for argument in locked.args[1:])
        by_output = builder.emit("Reshape", scale, builder.numbers(-1, 1, 1, 1))
        inputs = [source, builder.emit("Mul", weights, by_output), shift]
    down, across = (int(pad) for pad in part.padding)
    result = builder.emit(
        "Conv", *inputs, strides=list(part.stride), pads=[down, across, down, across], group=part.groups,
        kernel_shape=list(part.kernel_size),
    )  # fmt: skip
    if locked is not None:
        builder.values[locked] = result
    return cast(str, result)


def _locked_norm_after(module: fx.GraphModule, node: fx.Node) -> fx.Node | None:
    if len(node.users) != 1:
        return None
    reader = next(iter(node.users))
    is_norm = reader.op == "call_module" and isinstance(module.get_submodule(str(reader.target)), LockedNorm)
    return reader if is_norm and reader.args[0] is node else None


def _live_norm(builder: _Builder, node: fx.Node, part: LiveNorm) -> tuple[str, str, str]:
    source, delta, beta = (builder.given(argument) for argument in node.args)
    axes = builder.numbers(2, 3)
    mean = builder.emit("ReduceMean", source, axes, keepdims=1)
    centered = builder.emit("Sub", source, mean)
    variance = builder.emit("ReduceMean", builder.emit("Mul", centered, centered), axes, keepdims=1)
    deviation = builder.emit("Sqrt", builder.emit("Add", variance, builder.given(EPSILON)))
    scale = builder.emit("Div", builder.emit("Add", delta, builder.given(1.0)), deviation)
    shift = builder.emit("Sub", beta, builder.emit("Mul", mean, scale))
    shift = builder.emit("Reshape", shift, builder.numbers(-1))
    return _by_channel(builder, source, scale, shift, part.channels), mean, variance


def _by_channel(builder: _Builder, source: str, scale: str, shift: str, channels: int) -> str:
    by_output = builder.emit("Reshape", scale, builder.numbers(-1, 1, 1, 1))
    return cast(str, builder.emit("Conv", source, by_output, shift, kernel_shape=[1, 1], group=channels))


def _locked_norm(builder: _Builder, node: fx.Node, part: LockedNorm) -> str:
    """One that follows no convolution: what is done to the picture itself."""
    source, scale, shift = (builder.given(argument) for argument in node.args)
    return _by_channel(builder, source, scale, shift, part.channels)


def _linear(builder: _Builder, node: fx.Node, part: nn.Linear) -> str:
    weights, bias = builder.weights(part.weight, node.name), builder.constant(_array(part.bias), f"{node.name}.bias")
    return cast(str, builder.emit("Gemm", builder.given(node.args[0]), weights, bias, transB=1))


def _standardized(builder: _Builder, node: fx.Node, part: nn.BatchNorm1d) -> str:
    mean, variance = cast(Tensor, part.running_mean), cast(Tensor, part.running_var)
    if part.affine:
        raise NotImplementedError(f"no ONNX counterpart for {node.format_node()}")
    scale = torch.rsqrt(variance + part.eps)
    scaled = builder.emit("Mul", builder.given(node.args[0]), builder.constant(_array(scale[None])))
    return cast(str, builder.emit("Add", scaled, builder.constant(_array(-mean * scale)[None])))


def _pooled(builder: _Builder, node: fx.Node, part: nn.AdaptiveAvgPool2d) -> str:
    if part.output_size not in (1, (1, 1)):
        raise NotImplementedError(node.format_node())
    return cast(str, builder.emit("GlobalAveragePool", builder.given(node.args[0])))


def _unary(operation: str, **attributes: Any) -> Callable[..., str]:
    return lambda builder, node, *_: builder.emit(operation, builder.given(node.args[0]), **attributes)


def _binary(operation: str) -> Callable[..., str]:
    return lambda builder, node: builder.emit(operation, builder.given(node.args[0]), builder.given(node.args[1]))


def _hard_swish(builder: _Builder, node: fx.Node, part: nn.Module) -> str:
    source = builder.given(node.args[0])
    return cast(str, builder.emit("Mul", source, builder.emit("HardSigmoid", source, alpha=1 / 6, beta=0.5)))


def _border(builder: _Builder, node: fx.Node) -> str:
    left, right, top, bottom = cast(list[int], node.args[1])
    if node.kwargs["mode"] != "replicate":
        raise NotImplementedError(node.format_node())
    pads = builder.numbers(0, 0, top, left, 0, 0, bottom, right)
    return cast(str, builder.emit("Pad", builder.given(node.args[0]), pads, mode="edge"))


def _cropped(builder: _Builder, node: fx.Node) -> str:
    source, border, bottom, right = cast(tuple[fx.Node, int, int, int], node.args)
    starts, ends = builder.numbers(border, border), builder.numbers(-(border + bottom), -(border + right))
    return cast(str, builder.emit("Slice", builder.given(source), starts, ends, builder.numbers(2, 3)))


def _doubled(builder: _Builder, node: fx.Node) -> str:
    if node.kwargs["mode"] != "nearest" or node.kwargs["scale_factor"] != 2:
        raise NotImplementedError(node.format_node())
    scales = builder.constant(np.array([1, 1, 2, 2], np.float32))
    return cast(str, builder.emit(
        "Resize", builder.given(node.args[0]), "", scales,
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    ))  # fmt: skip


def _shuffled(builder: _Builder, node: fx.Node) -> str:
    source, blocksize = node.args
    return cast(str, builder.emit("DepthToSpace", builder.given(source), blocksize=blocksize, mode="CRD"))


def _item(builder: _Builder, node: fx.Node) -> str:
    source, index = node.args
    return builder.given(source)[cast(int, index)]


def _joined(builder: _Builder, node: fx.Node) -> str:
    parts = [builder.given(part) for part in cast(list[fx.Node], node.args[0])]
    return _concatenated(builder, parts, cast(int, node.kwargs["dim"]))


def _concatenated(builder: _Builder, parts: list[str], axis: int) -> str:
    if len(parts) > AT_ONCE:
        parts = [_concatenated(builder, group, axis) for group in _groups(parts)]
    return parts[0] if len(parts) == 1 else cast(str, builder.emit("Concat", *parts, axis=axis))


def _reshaped(builder: _Builder, node: fx.Node) -> str:
    source, *shape = node.args
    return cast(str, builder.emit("Reshape", builder.given(source), builder.numbers(*cast(list[int], shape))))


def _divided(builder: _Builder, node: fx.Node) -> tuple[str, ...]:
    source, sizes = node.args
    return _parted(builder, builder.given(source), cast(list[int], sizes), cast(int, node.kwargs["dim"]))


def _parted(builder: _Builder, source: str, sizes: list[int], axis: int) -> tuple[str, ...]:
    if len(sizes) == 1:
        return (source,)
    groups = _groups(sizes) if len(sizes) > AT_ONCE else [[size] for size in sizes]
    lengths = builder.numbers(*map(sum, groups))
    parts = builder.emit("Split", source, lengths, outputs=len(groups), axis=axis)
    return tuple(
        name for part, group in zip(parts, groups, strict=True) for name in _parted(builder, part, group, axis)
    )


def _groups(items: list[Item]) -> list[list[Item]]:
    """Return the items in order, in AT_ONCE groups or fewer."""
    size = math.ceil(len(items) / AT_ONCE)
    return [items[start : start + size] for start in range(0, len(items), size)]


def _mean(builder: _Builder, node: fx.Node) -> str:
    source, axes = node.args
    numbers, kept = builder.numbers(*cast(tuple[int], axes)), int(bool(node.kwargs.get("keepdim")))
    return cast(str, builder.emit("ReduceMean", builder.given(source), numbers, keepdims=kept))


MODULES: dict[Any, Callable[..., Any]] = {
    nn.Conv2d: _convolution,
    LiveNorm: _live_norm,
    LockedNorm: _locked_norm,
    nn.Linear: _linear,
    nn.BatchNorm1d: _standardized,
    nn.AdaptiveAvgPool2d: _pooled,
    nn.ReLU: _unary("Relu"),
    nn.Hardswish: _hard_swish,
    nn.Hardsigmoid: _unary("HardSigmoid", alpha=1 / 6, beta=0.5),
}
CALLS: dict[Any, Callable[..., Any]] = {
    F.pad: _border,
    F.relu: _unary("Relu"),
    torch.relu: _unary("Relu"),
    torch.sigmoid: _unary("Sigmoid"),
    torch.sqrt: _unary("Sqrt"),
    operator.add: _binary("Add"),
    torch.add: _binary("Add"),
    operator.sub: _binary("Sub"),
    operator.mul: _binary("Mul"),
    operator.truediv: _binary("Div"),
    F.interpolate: _doubled,
    torch.pixel_shuffle: _shuffled,
    crop: _cropped,
    operator.getitem: _item,
    torch.cat: _joined,
    "reshape": _reshaped,
    "split": _divided,
    "mean": _mean,
}


def _attribute(module: nn.Module, name: str) -> Tensor:
    owner, _, last = name.rpartition(".")
    return cast(Tensor, getattr(module.get_submodule(owner), last))


def _array(values: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(values.detach().float().numpy())
