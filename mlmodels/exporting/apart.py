"""
Converters that live apart: they and the site want different versions of the same packages, so `make exporters` gives
them a Python of their own, and they run there.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlmodels.exported import ExportedFile, files_of

from .formats import Format

ROOT = Path(__file__).resolve().parents[2]
LINES_KEPT = 12  # of what a converter said before it gave up


class ConvertersMissing(RuntimeError):
    """The packages that write or run a format are not installed."""


class ConversionFailed(RuntimeError):
    """A converter or a runtime ended with an error; the message holds its last lines."""


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def exporters_python() -> Path:
    """:raises ConvertersMissing: when `make exporters` has not been run"""
    python = Path(os.environ.get("IMPASTO_EXPORTERS_PYTHON") or ROOT / ".venv-exporters" / "bin" / "python")
    if not python.is_file():
        raise ConvertersMissing(f"there is no {python}; “make exporters” installs the converters (about 2.6 GB).")
    return python


def convert(
    release: Path, wanted: Format, folder: Path, shapes: Sequence[str], precisions: Sequence[str]
) -> list[ExportedFile]:
    """
    Let the exporters' Python write the files.

    :raises ConvertersMissing: when `make exporters` has not been run
    :raises ConversionFailed: with the converter's last words
    """
    with tempfile.TemporaryDirectory() as scratch:
        rows = Path(scratch) / "rows.json"
        run(
            "mlmodels.exporting.convert",
            [str(release.resolve()), wanted.name, str(folder.resolve()), ",".join(precisions), str(rows), *shapes],
        )
        return files_of(json.loads(rows.read_text()), folder)


def run(module: str, arguments: Sequence[str]) -> None:
    """
    Run a module in the exporters' Python.

    :raises ConvertersMissing: when `make exporters` has not been run
    :raises ConversionFailed: it ended with an error
    """
    done = subprocess.run(
        [str(exporters_python()), "-m", module, *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-LINES_KEPT:])
        raise ConversionFailed(f"{module} ended with {done.returncode}:\n{last}")
