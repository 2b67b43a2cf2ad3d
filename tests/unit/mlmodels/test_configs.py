"""The training files that come with the project can be read, and what they begin with is there."""

import dataclasses
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlmodels import distillation, identity, options, stylemodel
from mlmodels.shipped import SHIPPED
from mlmodels.train import STAGES

FILES = sorted((SHIPPED.parents[1] / "configs").glob("*.toml"))
ROOT = SHIPPED.parents[2]
READERS: dict[str, Callable[[Path], Any]] = {"distill": distillation.read_options, "identity": identity.read_options}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_training_file_names_options_that_exist_and_weights_that_are_there(path: Path) -> None:
    stage = tomllib.loads(path.read_text())["stage"]
    assert stage in STAGES

    read = READERS.get(stage, options.read_options)(path)

    begins = [getattr(read, name, "") for name in ("start_from", "teacher", "embed_with")]
    missing = [file for file in begins if file.startswith("mlmodels/") and not (ROOT / file).exists()]
    assert not missing


PAINTERS = [path for path in FILES if tomllib.loads(path.read_text())["stage"] not in READERS]


@pytest.mark.parametrize("path", PAINTERS, ids=lambda path: path.stem)
def test_what_a_painter_begins_with_fits_the_one_that_is_trained(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    read = options.read_options(path)
    if not Path(read.embed_with).is_file():  # of another run: which predictor it holds does not matter to the painter
        read = dataclasses.replace(read, embed_with="")

    stylemodel.build(read).begin_with(stylemodel.read_kept(Path(read.start_from)))


def test_all_weights_that_come_with_the_project_are_ten_megabytes_at_most() -> None:
    files = [path for path in SHIPPED.parent.rglob("*") if path.is_file()]

    assert sum(path.stat().st_size for path in files) <= 10e6


def test_there_is_a_file_for_every_stage() -> None:
    assert {tomllib.loads(path.read_text())["stage"] for path in FILES} == set(STAGES)
