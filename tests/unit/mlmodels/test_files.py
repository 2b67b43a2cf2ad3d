"""A file of training is whole at its place, or not there."""

from pathlib import Path

import pytest

from mlmodels.files import replacing


def test_what_was_written_stands_in_its_place_and_nothing_beside_it(tmp_path: Path) -> None:
    with replacing(tmp_path / "run" / "done") as unfinished:
        unfinished.write_text("7")

    assert [path.name for path in (tmp_path / "run").iterdir()] == ["done"]
    assert (tmp_path / "run" / "done").read_text() == "7"


def test_a_fault_on_the_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / "done"
    kept.write_text("6")

    with pytest.raises(OSError, match="full"):
        write_half_of(kept)

    assert [path.name for path in tmp_path.iterdir()] == ["done"]
    assert kept.read_text() == "6"


def write_half_of(path: Path) -> None:
    with replacing(path) as unfinished:
        unfinished.write_text("half of")
        raise OSError("the disk is full")
