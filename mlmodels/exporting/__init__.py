"""
A release as files that other runtimes run: one source of truth, one call.

Roles: `predictor` (picture → embedding), `readout` (embedding → style), `transform` (frame, style → painting,
statistics) and `transform-locked` (frame, affine → painting). docs/exports.md says what each takes and gives.
"""

from collections.abc import Sequence
from pathlib import Path

from mlmodels.release import Release

from . import onnx_files
from .exported import ExportedFile
from .graphs import CannotExport, Shape

__all__ = ["FORMATS", "CannotExport", "ExportedFile", "Shape", "export"]

FORMATS = {"onnx": onnx_files}


def export(
    release: Path, format: str, folder: Path, *, shapes: Sequence[str] | None = None, precision: str | None = None
) -> list[ExportedFile]:
    """
    Write all roles of the release in one folder as files of one format into another.

    :param shapes: "HxW", and "dynamic" where the format has it; by default those that video has
    :param precision: of weights; by default int8
    :raises BadRelease: when the folder holds no whole release
    :raises CannotExport: a format, shape or precision that there is not; nothing is written then
    """
    if format not in FORMATS:
        raise CannotExport(f"there is no format {format!r}; there are {', '.join(FORMATS)}")
    writer = FORMATS[format]
    precision = precision or writer.PRECISIONS[0]
    if precision not in writer.PRECISIONS:
        raise CannotExport(f"{format} has {' or '.join(writer.PRECISIONS)} weights, not {precision!r}")
    return writer.write(Release(release), folder, shapes or writer.SHAPES, precision)
