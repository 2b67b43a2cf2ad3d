"""
A release as LiteRT (TensorFlow Lite) files. Pictures are NHWC, as cameras and LiteRT's kernels have them.

int8 weights are dequantized once, when a file is opened, and computing is fp32: on the CPUs measured, XNNPACK's int8
kernels for activations quantized while running are slower (docs/exports.md). fp16 weights are for the GPU, which paints
frames; what runs once a style stays int8 beside them (formats.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import fx

from mlmodels.files import replacing
from mlmodels.release import Release

from .roles import RoleGraph, Write

WEIGHTS = {
    "int8": ("min_max_uniform_quantize", {"num_bits": 8, "granularity": "CHANNELWISE", "dtype": "INT"}),
    "fp16": ("float_casting", {"num_bits": 16, "granularity": "TENSORWISE", "dtype": "FLOAT"}),
}


def writer(_: Release, graph: RoleGraph) -> Write:
    model = _converted(channels_last(graph))

    def write(path: Path, precision: str) -> None:
        with replacing(path) as unfinished:
            model.export(str(unfinished))
            if precision != "fp32":
                _quantized(unfinished, precision, graph.least_quantized)

    return write


def _converted(graph: RoleGraph) -> Any:
    import litert_torch

    return litert_torch.convert(graph.module, sample_kwargs=dict(zip(graph.inputs, graph.examples(), strict=True)))


def _quantized(path: Path, precision: str, least: int) -> None:
    from ai_edge_quantizer import quantizer

    work = quantizer.Quantizer(str(path))
    work.load_quantization_recipe([_recipe(precision, least)])
    path.write_bytes(work.quantize().quantized_model)


def _recipe(precision: str, least: int) -> dict[str, Any]:
    algorithm, weights = WEIGHTS[precision]
    config = {
        "weight_tensor_config": {"symmetric": True, **weights},
        "compute_precision": "FLOAT",
        "explicit_dequantize": True,
        "min_weight_elements": least,
    }
    return {"regex": ".*", "operation": "*", "algorithm_key": algorithm, "op_config": config}


def channels_last(graph: RoleGraph) -> RoleGraph:
    """Return the graph with pictures (1, H, W, 3) at both ends and results by name."""
    module = graph.module
    for node in list(module.graph.nodes):
        if node.op == "placeholder" and len(graph.inputs[node.name]) == 4:
            _permuted_input(module, node)
        elif node.op == "call_function" and node.target is F.pad:
            _by_index(module, node)
        elif node.op == "output":
            _named_results(module, node, graph.outputs)
    module.recompile()
    inputs, outputs = (
        {name: (sides[0], *sides[2:], sides[1]) if len(sides) == 4 else sides for name, sides in ends.items()}
        for ends in (graph.inputs, graph.outputs)
    )
    return RoleGraph(graph.role, graph.shape, module, inputs, outputs)


def _permuted_input(module: fx.GraphModule, node: fx.Node) -> None:
    with module.graph.inserting_after(node):
        planes = module.graph.call_method("permute", (node, 0, 3, 1, 2))
    node.replace_all_uses_with(planes, delete_user_cb=lambda user: user is not planes)


def _by_index(module: fx.GraphModule, node: fx.Node) -> None:
    """Look rows and columns up: what the converter makes of replicate padding itself takes three times as long."""
    source, (left, right, top, bottom) = cast(Any, node.args)
    height, width = cast(tuple[int, int], node.meta["inner"])
    with module.graph.inserting_before(node):
        for axis, size, before, after in ((2, height, top, bottom), (3, width, left, right)):
            place = f"edge_{axis}"
            module.register_buffer(place, torch.arange(-before, size + after).clamp(0, size - 1))
            source = module.graph.call_method("index_select", (source, axis, module.graph.get_attr(place)))
    node.replace_all_uses_with(source)
    module.graph.erase_node(node)


def _named_results(module: fx.GraphModule, node: fx.Node, outputs: dict[str, Any]) -> None:
    returned = node.args[0] if isinstance(node.args[0], tuple) else (node.args[0],)
    results = {}
    for (name, sides), value in zip(outputs.items(), cast(tuple[fx.Node, ...], returned), strict=True):
        with module.graph.inserting_before(node):
            results[name] = module.graph.call_method("permute", (value, 0, 2, 3, 1)) if len(sides) == 4 else value
    node.args = (results,)
