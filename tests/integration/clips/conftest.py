from collections.abc import Callable
from pathlib import Path

import pytest

from clips.ingest.bounds import Bounds
from clips.ingest.worker import make_mezzanine


@pytest.fixture
def bounds() -> Bounds:
    return Bounds(seconds_max=5.0)


@pytest.fixture
def ingest(tmp_path: Path, bounds: Bounds) -> Callable[[Path], Path]:
    """Make the mezzanine of a file, in the process that reads strangers' files: `ingest(path)`."""

    def make(source: Path, bounds: Bounds = bounds) -> Path:
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        return make_mezzanine(source, folder, bounds, lambda **said: None)

    return make
