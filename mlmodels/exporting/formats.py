"""The formats there are: what each takes, what writes it, and what that needs to be installed."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mlmodels.release import Release

from .exported import ExportedFile
from .roles import VIDEO_SHAPES


@dataclass(frozen=True)
class Format:
    """
    :param module: the module of this package with `write(release, folder, shapes, precision)`; imported when needed
    :param shapes: those that are exported when none is asked for
    :param precisions: of weights; the first is the one exported when none is asked for
    :param shipped: the precisions that `export_model` writes
    :param converter: the package that only `make exporters` installs; None when the product has all
    """

    name: str
    suffix: str
    module: str
    shapes: tuple[str, ...]
    precisions: tuple[str, ...]
    shipped: tuple[str, ...]
    layout: str = "NCHW"
    converter: str | None = None

    def write(self, release: Release, folder: Path, shapes: Sequence[str], precision: str) -> list[ExportedFile]:
        """:raises CannotExport: a shape that there is not, or not in this format"""
        writer = importlib.import_module(f"mlmodels.exporting.{self.module}")
        return cast(list[ExportedFile], writer.write(release, folder, shapes, precision))


FORMATS = {
    made.name: made
    for made in (
        Format("onnx", "onnx", "onnx_files", ("dynamic", *VIDEO_SHAPES), ("int8", "fp32"), ("int8",)),
        Format(
            "litert", "tflite", "litert_files", VIDEO_SHAPES, ("int8", "fp16", "fp32"), ("int8", "fp16"),
            layout="NHWC", converter="litert_torch",
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
