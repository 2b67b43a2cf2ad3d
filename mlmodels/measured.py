"""
What verification measured of a release's files, kept beside its weights: `measured.json`.

`export_model --verify DIR --keep` writes it, `publish_models` puts it into the manifests. A row counts for the very
bytes that were measured and for no others. Imports no torch.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .exported import ExportedFile
from .files import replacing, sha256_of

NAME = "measured.json"
Metrics = dict[str, float]


class BadMeasurements(ValueError):
    """The file of what was measured is not one of ours."""


def keep(files: Sequence[ExportedFile], release: Path) -> Path:
    """
    Remember what was measured of these files; of others, what was known before stays. Returns where.

    :raises BadMeasurements: what is there already is not one of ours
    """
    rows = {file.path.name: {"sha256": sha256_of(file.path), "metrics": file.metrics} for file in files if file.metrics}
    path = release / NAME
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps({**_rows(release), **rows}, indent=1, sort_keys=True) + "\n")
    return path


def metrics_of(release: Path) -> dict[str, Metrics]:
    """
    Return what is known by the SHA-256 of a file; nothing where nothing was measured.

    :raises BadMeasurements: the file is not one of ours
    """
    rows = _rows(release)
    try:
        return {row["sha256"]: {name: float(value) for name, value in row["metrics"].items()} for row in rows.values()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadMeasurements(f"{release / NAME} cannot be read: {error}") from error


def _rows(release: Path) -> dict[str, Any]:
    try:
        rows = json.loads((release / NAME).read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadMeasurements(f"{release / NAME} cannot be read: {error}") from error
    if not isinstance(rows, dict):
        raise BadMeasurements(f"{release / NAME} holds no rows by file")
    return rows
