"""
A release as Core ML packages (ML programs), zipped: a package is a folder.

Features are fp16, which the Neural Engine and the GPU compute in; what measures and inverts a variance stays fp32.
With int8 weights the same is a third smaller. Core ML runs on Apple's hardware only: here the written description is
read back and compared with what was asked for.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch

from mlmodels.files import replacing
from mlmodels.release import Release

from .roles import RoleGraph, Write

# What statistics are made of; fp16 ends at 65504, which a square passes easily, and has three digits.
SINGLE_PRECISION = frozenset({"reduce_mean", "sub", "real_div", "sqrt", "rsqrt", "square", "pow"})
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files give the same archive


def writer(_: Release, graph: RoleGraph) -> Write:
    """What it returns raises RuntimeError for a package that does not describe what it was made of."""
    model = _converted(graph)

    def write(path: Path, precision: str) -> None:
        with tempfile.TemporaryDirectory() as scratch, replacing(path) as unfinished:
            package = Path(scratch) / path.name.removesuffix(".zip")
            (_with_int8_weights(model, graph.least_quantized) if precision == "int8" else model).save(str(package))
            require_described(package, graph)
            _zip(package, unfinished)

    return write


def _converted(graph: RoleGraph) -> Any:
    import coremltools as ct

    program = torch.export.export(graph.module, graph.examples(), strict=False).run_decompositions({})
    return ct.convert(
        program,
        inputs=[ct.TensorType(name, sides) for name, sides in graph.inputs.items()],
        outputs=[ct.TensorType(name) for name in graph.outputs],
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=ct.transform.FP16ComputePrecision(lambda op: op.op_type not in SINGLE_PRECISION),
        skip_model_load=True,
    )


def _with_int8_weights(model: Any, least: int) -> Any:
    from coremltools.optimize import coreml

    each = coreml.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=least)
    return coreml.linear_quantize_weights(model, coreml.OptimizationConfig(global_config=each))


def require_described(package: Path, graph: RoleGraph) -> None:
    """:raises RuntimeError: the package is no ML program with the inputs and outputs of the graph"""
    import coremltools as ct

    spec = ct.utils.load_spec(str(package))
    described = [
        {value.name: tuple(value.type.multiArrayType.shape) for value in values}
        for values in (spec.description.input, spec.description.output)
    ]
    if spec.WhichOneof("Type") != "mlProgram" or described != [graph.inputs, graph.outputs]:
        raise RuntimeError(f"{package.name} describes {described}, not {[graph.inputs, graph.outputs]}")


def _zip(package: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for file in sorted(path for path in package.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(package.parent)), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with file.open("rb") as source, opened.open(entry, "w") as target:
                shutil.copyfileobj(source, target)
