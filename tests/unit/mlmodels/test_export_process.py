"""Exports in a process of their own: what it answers, what it refuses, and what the parent may import."""

import subprocess
import sys
from pathlib import Path

import pytest

from mlmodels import export_process, exporting
from mlmodels.export_process import CannotExport
from mlmodels.release import load_release
from mlmodels.shipped import SHIPPED
from tests.unit.mlmodels.releases import write_release

ROOT = Path(__file__).resolve().parents[3]


def test_a_release_is_exported_by_another_process(tmp_path):
    release = write_release(tmp_path / "small", "student")
    (tmp_path / "out").mkdir()

    exported = export_process.run_export(release, "onnx", tmp_path / "out")

    assert (exported.name, exported.version) == ("small-v1", "1.0.0")
    assert exported.model_sha256 == export_process.release_sha256(release)
    assert {file.role for file in exported.files} == {"predictor", "readout", "transform", "transform-locked"}
    assert all(file.path.is_file() for file in exported.files)
    assert {file.shape for file in exported.files if file.role == "transform"} >= {"dynamic", "480x854"}
    assert [file.shape for file in exported.files if file.role == "predictor"] == [
        f"{exported.picture_size}x{exported.picture_size}"
    ]
    assert len(exported.norm_widths) > 3


@pytest.mark.parametrize(
    ("format", "precisions"),
    [("onnx", ["int8"]), ("litert", ["int8", "fp16"]), ("executorch", ["int8"]), ("coreml", ["fp16", "int8"])],
)
def test_all_precisions_that_clients_download_are_exported(tmp_path, monkeypatch, format, precisions):
    asked = {}
    monkeypatch.setattr(export_process, "die_with", lambda parent: None)
    monkeypatch.setattr(exporting, "export", lambda release, name, folder, **kinds: asked.update(kinds) or [])
    release = write_release(tmp_path / "small", "student")

    export_process.main(str(release), format, str(tmp_path), "1")

    assert list(asked["precisions"]) == precisions


def test_a_release_that_is_not_whole_says_so(tmp_path):
    release = write_release(tmp_path / "small", "student")
    (release / "model.json").unlink()

    with pytest.raises(CannotExport, match=r"model\.json"):
        export_process.run_export(release, "onnx", tmp_path)


def test_a_format_nobody_knows_says_so(tmp_path):
    release = write_release(tmp_path / "small", "student")

    with pytest.raises(CannotExport, match="tarot"):
        export_process.run_export(release, "tarot", tmp_path)


def test_a_folder_without_weights_says_which_is_missing(tmp_path):
    with pytest.raises(CannotExport, match=r"transform\.safetensors"):
        export_process.release_sha256(tmp_path)


def test_the_checksum_is_the_one_that_the_release_says():
    assert export_process.release_sha256(SHIPPED) == load_release().sha256


def test_the_exporters_version_follows_its_code(monkeypatch, tmp_path):
    before = export_process.exporter_version()
    (tmp_path / "exporting").mkdir()
    (tmp_path / "exporting" / "onnx_graph.py").write_text("OPSET = 21")
    monkeypatch.setattr(export_process, "__file__", str(tmp_path / "export_process.py"))
    first = export_process.exporter_version()

    (tmp_path / "exporting" / "onnx_graph.py").write_text("OPSET = 22")

    assert len({before, first, export_process.exporter_version()}) == 3


def test_whoever_only_asks_imports_no_torch():
    code = (
        "import sys; from mlmodels import export_process as e, shipped;"
        "e.release_sha256(shipped.SHIPPED); e.exporter_version(); print('torch' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "False"
