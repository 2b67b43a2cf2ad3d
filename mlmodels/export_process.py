"""
Exports in a process of their own.

Whoever publishes may go on to fork (a queue's main process does), and a process that has run torch must never fork
again. The parent imports no torch at all, not even to find out that there is nothing to do.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from jobs.processes import ModuleFailed, die_with, run_module

from .exported import ExportedFile, files_of, rows_of
from .shipped import checksum, release_files

# What decides how an exported file looks, beside the weights.
SOURCES = ["exporting/**/*.py", "exported.py", "network.py", "predictor.py", "quantization.py"]
ANSWER = "exported.json"
SECONDS = 3600


class CannotExport(RuntimeError):
    """The release is not whole, a converter is not installed, or the export failed; says why."""


@dataclass(frozen=True)
class Exported:
    """All files of one release in one format, and what an app has to know of the release."""

    name: str
    version: str
    model_sha256: str
    embedding_size: int
    norm_widths: list[int]
    picture_size: int
    files: list[ExportedFile]


def release_sha256(release: Path) -> str:
    """
    Return what `Release.sha256` will say, found out without importing torch.

    :raises CannotExport: when the folder holds no release
    """
    try:
        return checksum(release_files(release))
    except OSError as error:
        raise CannotExport(f"{release} holds no release: {error.strerror} ({error.filename})") from error


def exporter_version() -> str:
    """Return 16 hex digits that change with the code that exports."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in folder.glob(pattern)):
        digest.update(f"{path.relative_to(folder)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def run_export(release: Path, format: str, folder: Path) -> Exported:
    """
    Export a release into an empty folder; the process that does it dies with this one.

    :raises CannotExport: saying what the process said last
    """
    try:
        run_module("mlmodels.export_process", [str(release), format, str(folder), str(os.getpid())], seconds=SECONDS)
    except ModuleFailed as failed:
        raise CannotExport(str(failed)) from failed
    return _read(folder)


def _read(folder: Path) -> Exported:
    answer = json.loads((folder / ANSWER).read_text())
    return Exported(**{**answer, "files": files_of(answer["files"], folder)})


def main(release: str, format: str, folder: str, parent: str) -> None:
    die_with(int(parent))

    from . import exporting
    from .release import Release

    loaded = Release(Path(release))
    files = exporting.export(Path(release), format, Path(folder), precisions=exporting.shipped(format))
    answer = {
        "name": loaded.name,
        "version": loaded.version,
        "model_sha256": loaded.sha256,
        "embedding_size": loaded.embedding_size,
        "norm_widths": loaded.transform.widths,
        "picture_size": loaded.picture_size,
        "files": rows_of(files, Path(folder)),
    }
    (Path(folder) / ANSWER).write_text(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
