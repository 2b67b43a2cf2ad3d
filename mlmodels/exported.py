"""Exported files, their names, and how one process tells another of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ExportedFile:
    """
    One network of a release in the format of one runtime.

    :param precision: what weights are stored in: "int8", "fp16" or "fp32"
    :param shape: of the picture that goes in, "HxW" or "dynamic"; "-" when none does
    :param layout: of pictures, "NCHW" or "NHWC"
    :param metrics: `psnr_db` and others, of what verification measured; empty before
    """

    path: Path
    role: str
    format: str
    precision: str
    shape: str
    layout: str = "NCHW"
    metrics: dict[str, float] = field(default_factory=dict)


def file_name(release: str, role: str, shape: str, precision: str, suffix: str) -> str:
    """Return `{release}-{role}-{shape}-{precision}.{suffix}`; what takes no picture has no shape in its name."""
    parts = [release, role, shape, precision] if shape != "-" else [release, role, precision]
    return f"{'-'.join(parts)}.{suffix}"


def rows_of(files: Sequence[ExportedFile], folder: Path) -> list[dict[str, Any]]:
    """Return what JSON can hold of files in a folder."""
    return [{**asdict(file), "path": str(file.path.relative_to(folder))} for file in files]


def files_of(rows: Sequence[dict[str, Any]], folder: Path) -> list[ExportedFile]:
    """Return the files that `rows_of` was given."""
    return [ExportedFile(**{**row, "path": folder / row["path"]}) for row in rows]
