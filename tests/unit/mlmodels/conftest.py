from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.mlmodels.releases import write_release


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small release; nobody writes there."""
    return write_release(tmp_path_factory.mktemp("student"), "student")


@pytest.fixture(scope="session")
def heldout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs and a style: areas and edges with a little noise."""
    folder, draw = tmp_path_factory.mktemp("heldout"), np.random.default_rng(1)
    for place in ("content/one", "content/two", "styles/one"):
        areas = draw.integers(0, 230, (8, 8, 3)).repeat(16, 0).repeat(16, 1)
        path = folder / f"{place}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray((areas + draw.integers(0, 25, areas.shape)).astype(np.uint8)).save(path)
    return folder
