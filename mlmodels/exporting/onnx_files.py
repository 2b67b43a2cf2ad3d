"""A release as ONNX files: weights int8, frames NCHW."""

from __future__ import annotations

from pathlib import Path

from mlmodels.files import replacing
from mlmodels.release import Release

from . import onnx_graph
from .roles import RoleGraph, Write


def writer(release: Release, graph: RoleGraph) -> Write:
    def write(path: Path, precision: str) -> None:
        model = onnx_graph.build(
            graph.module,
            graph.role,
            inputs=graph.inputs,
            outputs=graph.outputs,
            least_quantized=graph.least_quantized if precision == "int8" else None,
            metadata=_metadata(release, graph),
        )
        with replacing(path) as unfinished:
            unfinished.write_bytes(model.SerializeToString(deterministic=True))

    return write


def _metadata(release: Release, graph: RoleGraph) -> dict[str, str]:
    return {
        "release": release.name,
        "version": release.version,
        "weights_sha256": release.sha256,
        "role": graph.role,
        "norm_widths": ",".join(str(width) for width in release.transform.widths),
    }
