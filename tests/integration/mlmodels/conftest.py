import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from mlmodels.export_process import Exported
from mlmodels.exported import ExportedFile

ROLES = [("predictor", "192x192"), ("readout", "-"), ("transform", "dynamic")]


@pytest.fixture(autouse=True)
def _nothing_left_in_the_media() -> Iterator[None]:
    from foundation.files import media_path, remove_tree

    yield
    remove_tree(media_path("models"))


@pytest.fixture
def make_exported(tmp_path: Path) -> Callable[..., Exported]:
    """What an export says it wrote: `make_exported(version="2.0.0")`; the files of each differ, or have `content`."""
    numbers = itertools.count()

    def make(content: bytes | None = None, **changes: Any) -> Exported:
        number = next(numbers)
        folder = tmp_path / f"export-{number}"
        folder.mkdir()
        name = changes.get("name", "small-v1")
        files = []
        for role, shape in ROLES:
            path = folder / f"{name}-{role}-int8.onnx"
            path.write_bytes(content or f"{number} {role} ".encode() * 1000)
            files.append(ExportedFile(path, role, "onnx", "int8", shape, "NCHW", {"psnr_db": 42.875}))
        facts = {
            "name": name, "version": "1.0.0", "model_sha256": f"{number:064x}", "embedding_size": 128,
            "norm_widths": [32, 64], "picture_size": 192, "files": files,
        }  # fmt: skip
        return Exported(**{**facts, **changes})

    return make


@pytest.fixture
def make_release(db: None, make_exported: Callable[..., Exported]) -> Callable[..., Any]:
    """Make a release: `make_release(version="2.0.0", publish=False)`."""
    from mlmodels import services

    def make(*, publish: bool = True, format: str = "onnx", exporter_version: str = "e1", **facts: Any) -> Any:
        return services.model_release_create(
            exported=make_exported(**facts), format=format, exporter_version=exporter_version, at=timezone.now(),
            publish=publish,
        )  # fmt: skip

    return make
