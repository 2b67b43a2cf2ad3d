"""A release as ONNX files: weights int8, frames NCHW."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlmodels.files import replacing
from mlmodels.release import Release

from . import onnx_graph
from .exported import ExportedFile, file_name
from .roles import VIDEO_SHAPES, RoleGraph, role_graphs

SHAPES = ("dynamic", *VIDEO_SHAPES)
PRECISIONS = onnx_graph.PRECISIONS


def write(release: Release, folder: Path, shapes: Sequence[str], precision: str) -> list[ExportedFile]:
    """:raises CannotExport: a shape that there is not"""
    return [_write_one(release, graph, folder, precision) for graph in role_graphs(release, shapes)]


def _write_one(release: Release, graph: RoleGraph, folder: Path, precision: str) -> ExportedFile:
    model = onnx_graph.build(
        graph.module, graph.role, inputs=graph.inputs, outputs=graph.outputs, precision=precision,
        metadata=_metadata(release, graph),
    )  # fmt: skip
    path = folder / file_name(release.name, graph.role, graph.shape, precision, "onnx")
    with replacing(path) as unfinished:
        unfinished.write_bytes(model.SerializeToString(deterministic=True))
    return ExportedFile(path, graph.role, "onnx", precision, graph.shape)


def _metadata(release: Release, graph: RoleGraph) -> dict[str, str]:
    return {
        "release": release.name,
        "version": release.version,
        "weights_sha256": release.sha256,
        "role": graph.role,
        "norm_widths": ",".join(str(width) for width in release.transform.widths),
    }
