"""
A release as ExecuTorch programs for XNNPACK.

int8 is real integer arithmetic: weights per channel, activations by the range that they have at that moment. Nothing
has to be calibrated, so it holds for any style.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from mlmodels.files import replacing
from mlmodels.release import Release

from .roles import RoleGraph, Write


def writer(_: Release, graph: RoleGraph) -> Write:
    logging.getLogger("root").setLevel(logging.WARNING)  # it tells of every pass
    program = torch.export.export(graph.module, graph.examples(), strict=False)

    def write(path: Path, precision: str) -> None:
        with replacing(path) as unfinished:
            unfinished.write_bytes(_lowered(_quantized(program, graph) if precision == "int8" else program))

    return write


def _quantized(program: Any, graph: RoleGraph) -> Any:
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    config = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True)
    prepared = prepare_pt2e(program.module(), XNNPACKQuantizer().set_global(config))
    prepared(*graph.examples())
    return torch.export.export(convert_pt2e(prepared), graph.examples(), strict=False)


def _lowered(program: Any) -> bytes:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    return bytes(to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch().buffer)
