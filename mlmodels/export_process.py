"""
Exports in a process of their own.

Whoever publishes may go on to fork (a queue's main process does), and a process that has run torch must never fork
again. The parent imports no torch at all, not even to find out that there is nothing to do.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .shipped import checksum, weight_files

ROOT = Path(__file__).resolve().parents[1]
# What decides how an exported file looks, beside the weights.
SOURCES = ["exporting/**/*.py", "network.py", "predictor.py", "quantization.py"]
ANSWER = "exported.json"
SECONDS = 3600


class CannotExport(RuntimeError):
    """The release is not whole, a converter is not installed, or the export failed; says why."""


@dataclass(frozen=True)
class File:
    """One file that was written, by what it is; metrics are what its verification measured."""

    path: Path
    role: str
    precision: str
    shape: str
    layout: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Exported:
    """All files of one release in one format, and what an app has to know of the release."""

    name: str
    version: str
    model_sha256: str
    embedding_size: int
    norm_widths: list[int]
    picture_size: int
    files: list[File]


def release_sha256(release: Path) -> str:
    """
    Return what `Release.sha256` will say, found out without importing torch.

    :raises CannotExport: when the folder holds no release
    """
    try:
        return checksum(weight_files(release))
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
    command = [sys.executable, "-m", "mlmodels.export_process", str(release), format, str(folder), str(os.getpid())]
    python_path = os.pathsep.join([str(ROOT), str(ROOT / "platform")])
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": python_path}, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            _, said = process.communicate(timeout=SECONDS)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise CannotExport((said.strip().splitlines() or ["no reason given"])[-1])
    return _read(folder)


def _read(folder: Path) -> Exported:
    answer = json.loads((folder / ANSWER).read_text())
    files = [File(**{**row, "path": folder / row["path"]}) for row in answer.pop("files")]
    return Exported(**answer, files=files)


def main(release: str, format: str, folder: str, parent: str) -> None:
    from jobs.processes import die_with

    die_with(int(parent))

    from . import exporting
    from .release import Release

    loaded = Release(Path(release))
    files = [_described(file, Path(folder)) for file in exporting.export(Path(release), format, Path(folder))]
    answer = {
        "name": loaded.name,
        "version": loaded.version,
        "model_sha256": loaded.sha256,
        "embedding_size": loaded.embedding_size,
        "norm_widths": loaded.transform.widths,
        "picture_size": loaded.predictor.INPUT_SIZE,
        "files": files,
    }
    (Path(folder) / ANSWER).write_text(json.dumps(answer))


def _described(file: Any, folder: Path) -> dict[str, Any]:
    row = {**asdict(file), "path": str(file.path.relative_to(folder))}
    row.pop("format")
    return row


if __name__ == "__main__":
    main(*sys.argv[1:])
