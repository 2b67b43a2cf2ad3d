"""What was exported, as one file beside the files: manifest.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlmodels.exported import ExportedFile
from mlmodels.files import replacing
from mlmodels.release import Release

from .sets import DownloadSet, download_sets

NAME = "manifest.json"


def write_manifest(release: Release, files: Sequence[ExportedFile], folder: Path) -> Path:
    """Write whose files they are, a row for each, and which of them a client downloads together; returns its path."""
    network = release.transform
    content = {
        "name": release.name,
        "version": release.version,
        "weights_sha256": release.sha256,
        "embedding_size": release.embedding_size,
        "norm_widths": list(network.widths),
        "picture_size": release.picture_size,
        "files": [row(file) for file in files],
        "sets": [set_row(each) for each in download_sets(files)],
    }
    path = folder / NAME
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1) + "\n")
    return path


def row(file: ExportedFile) -> dict[str, Any]:
    content = file.path.read_bytes()
    return {
        "file": file.path.name,
        "role": file.role,
        "format": file.format,
        "precision": file.precision,
        "shape": file.shape,
        "layout": file.layout,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "metrics": file.metrics,
    }


def set_row(each: DownloadSet) -> dict[str, Any]:
    return {
        "format": each.format,
        "precision": each.precision,
        "shape": each.shape,
        "files": [file.path.name for file in each.files],
        "bytes": each.bytes,
    }
