"""The formats there are: what each takes, what writes it, and what that needs to be installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlmodels.exported import ExportedFile, file_name
from mlmodels.release import Release

from .roles import PAINTERS, VIDEO_SHAPES, role_graphs


@dataclass(frozen=True)
class Format:
    """
    :param module: the module of this package with `writer(release, graph)`, which returns a `Write`; it is imported
        when it is needed
    :param shapes: those that are exported when none is asked for
    :param precisions: of weights; the first is the one exported when none is asked for
    :param shipped: the precisions that `export_model` writes and `publish_models` publishes
    :param beside: the weights of predictor and readout beside transforms of other weights; else they have the same
    :param converter: the package that only `make exporters` installs; None when the product has all
    """

    name: str
    suffix: str
    module: str
    shapes: tuple[str, ...]
    precisions: tuple[str, ...]
    shipped: tuple[str, ...]
    layout: str = "NCHW"
    beside: Mapping[str, str] = field(default_factory=dict)
    converter: str | None = None

    def write(
        self, release: Release, folder: Path, shapes: Sequence[str], precisions: Sequence[str]
    ) -> list[ExportedFile]:
        """:raises CannotExport: a shape that there is not, or not in this format"""
        return list(self._written(release, folder, shapes, precisions))

    def _written(
        self, release: Release, folder: Path, shapes: Sequence[str], precisions: Sequence[str]
    ) -> Iterator[ExportedFile]:
        module = importlib.import_module(f"mlmodels.exporting.{self.module}")
        for graph in role_graphs(release, shapes):
            write = module.writer(release, graph)
            for weights in dict.fromkeys(self.weights(graph.role, precision) for precision in precisions):
                path = folder / file_name(release.name, graph.role, graph.shape, weights, self.suffix)
                write(path, weights)
                yield ExportedFile(path, graph.role, self.name, weights, graph.shape, self.layout)

    def weights(self, role: str, precision: str) -> str:
        """Return what the weights of a role are stored in, beside transforms of the given precision."""
        return precision if role in PAINTERS else self.beside.get(precision, precision)


FORMATS = {
    made.name: made
    for made in (
        Format("onnx", "onnx", "onnx_files", ("dynamic", *VIDEO_SHAPES), ("int8", "fp32"), ("int8",)),
        Format(
            "litert", "tflite", "litert_files", VIDEO_SHAPES, ("int8", "fp16", "fp32"), ("int8", "fp16"),
            layout="NHWC", beside={"fp16": "int8"}, converter="litert_torch",
        ),
        Format(
            "executorch", "pte", "executorch_files", VIDEO_SHAPES, ("int8", "fp32"), ("int8",), converter="executorch",
        ),
        Format(
            "coreml", "mlpackage.zip", "coreml_files", VIDEO_SHAPES, ("fp16", "int8"), ("fp16", "int8"),
            converter="coremltools",
        ),
    )
}  # fmt: skip
