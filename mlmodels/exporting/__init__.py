"""
A release as files that other runtimes run: one source of truth, one call.

Roles: `predictor` (picture → embedding, identity), `readout` (embedding → style), `transform` (frame, style → painting,
statistics) and `transform-locked` (frame, affine → painting). docs/exports.md says what each takes and gives.
"""

from collections.abc import Sequence
from pathlib import Path

from mlmodels.exported import ExportedFile
from mlmodels.release import Release

from . import apart
from .apart import ConversionFailed, ConvertersMissing
from .formats import FORMATS, Format
from .graphs import CannotExport, Shape

__all__ = [
    "FORMATS",
    "CannotExport",
    "ConversionFailed",
    "ConvertersMissing",
    "ExportedFile",
    "Shape",
    "export",
    "shipped",
]


def export(
    release: Path,
    format: str,
    folder: Path,
    *,
    shapes: Sequence[str] | None = None,
    precisions: Sequence[str] | None = None,
) -> list[ExportedFile]:
    """
    Write all roles of the release in one folder as files of one format into another.

    Formats whose converters are no part of the product are written by a Python that has them (`make exporters`).

    :param shapes: "HxW", and "dynamic" where the format has it; by default those that video has
    :param precisions: of weights; by default the format's first. Some have predictor and readout in another beside them
    :raises BadRelease: when the folder holds no whole release
    :raises CannotExport: a format, shape or precision that there is not; nothing is written then
    :raises ConvertersMissing: when `make exporters` has not been run
    :raises ConversionFailed: when a converter gave up
    """
    wanted = _known(format)
    sizes, weights = _sizes(wanted, shapes), _weights(wanted, precisions)
    read = Release(release)
    if wanted.converter is None or apart.is_installed(wanted.converter):
        return wanted.write(read, folder, sizes, weights)
    return apart.convert(release, wanted, folder, sizes, weights)


def shipped(format: str) -> tuple[str, ...]:
    """
    Return the precisions of weights that clients download: all of them are published.

    :raises CannotExport: there is no such format
    """
    return _known(format).shipped


def _known(format: str) -> Format:
    """:raises CannotExport: there is no such format"""
    if format not in FORMATS:
        raise CannotExport(f"there is no format {format!r}; there are {', '.join(FORMATS)}")
    return FORMATS[format]


def _weights(wanted: Format, precisions: Sequence[str] | None) -> list[str]:
    """:raises CannotExport: a precision that the format has not"""
    for precision in precisions or ():
        if precision not in wanted.precisions:
            raise CannotExport(f"{wanted.name} has {' or '.join(wanted.precisions)} weights, not {precision!r}")
    return list(precisions or wanted.precisions[:1])


def _sizes(wanted: Format, shapes: Sequence[str] | None) -> list[str]:
    """:raises CannotExport: a shape that there is not, or not in this format"""
    sizes = list(dict.fromkeys(str(Shape.parse(text)) for text in shapes or wanted.shapes))
    if "dynamic" in sizes and "dynamic" not in wanted.shapes:
        raise CannotExport(f"{wanted.name} has fixed shapes only: HEIGHTxWIDTH, not “dynamic”")
    return sizes
