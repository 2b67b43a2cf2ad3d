"""What verification measured, kept beside a release: for the very bytes that were measured."""

import json
from pathlib import Path

import pytest

from mlmodels import measured
from mlmodels.exported import ExportedFile
from mlmodels.files import sha256_of
from mlmodels.measured import BadMeasurements


def written(folder: Path, name: str, content: bytes, **metrics: float) -> ExportedFile:
    (folder / name).write_bytes(content)
    return ExportedFile(folder / name, "transform", "onnx", "int8", "dynamic", metrics=metrics)


def test_where_nothing_was_measured_nothing_is_known(tmp_path: Path) -> None:
    assert measured.metrics_of(tmp_path) == {}


def test_it_is_known_by_the_bytes(tmp_path: Path) -> None:
    near, never = written(tmp_path, "near", b"a", psnr_db=61.5), written(tmp_path, "never", b"b")

    measured.keep([near, never], tmp_path)

    assert measured.metrics_of(tmp_path) == {sha256_of(near.path): {"psnr_db": 61.5}}


def test_another_format_adds_its_rows_and_the_same_file_takes_the_place_of_its_own(tmp_path: Path) -> None:
    measured.keep([written(tmp_path, "one", b"a", psnr_db=1.0), written(tmp_path, "two", b"b", psnr_db=2.0)], tmp_path)

    again = written(tmp_path, "two", b"changed", psnr_db=3.0)
    measured.keep([again], tmp_path)

    known = measured.metrics_of(tmp_path)
    assert sorted(row["psnr_db"] for row in known.values()) == [1.0, 3.0]
    assert known[sha256_of(again.path)] == {"psnr_db": 3.0}


@pytest.mark.parametrize(
    "text", ["half", "[]", '{"x": 1}', '{"x": {}}', '{"x": {"sha256": "a", "metrics": {"psnr_db": "high"}}}']
)
def test_a_file_that_is_not_ours_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / measured.NAME).write_text(text)

    with pytest.raises(BadMeasurements, match=r"measured\.json"):
        measured.metrics_of(tmp_path)


def test_a_damaged_file_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / measured.NAME).write_text("half")

    with pytest.raises(BadMeasurements):
        measured.keep([written(tmp_path, "one", b"a", psnr_db=1.0)], tmp_path)

    assert (tmp_path / measured.NAME).read_text() == "half"


def test_the_file_reads_as_json_by_name(tmp_path: Path) -> None:
    path = measured.keep([written(tmp_path, "one.onnx", b"a", psnr_db=1.0)], tmp_path)

    assert json.loads(path.read_text())["one.onnx"]["metrics"] == {"psnr_db": 1.0}
