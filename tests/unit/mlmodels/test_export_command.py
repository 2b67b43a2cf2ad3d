"""`manage.py export_model`: what it writes, and what it refuses in one line."""

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import call_command
from safetensors.torch import save_file

from mlmodels import measured
from mlmodels.exporting import FORMATS, ExportedFile, export, sets, verify
from mlmodels.exporting.roles import PAINTERS
from mlmodels.exporting.verify import TOLERANCES, NoPictures, TooDifferent, Verification, psnr
from mlmodels.management.commands import export_model
from mlmodels.release import Release
from mlmodels.stylemodel import StyleModel
from mlmodels.vgg import VGGFeatures
from tests.unit.mlmodels.networks import LAYOUTS
from tests.unit.mlmodels.releases import write_release


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command and return its exit code and the one line that it says on stderr."""

    def run(*arguments: Any) -> tuple[int, str]:
        with pytest.raises(SystemExit) as end:
            call_command("export_model", *map(str, arguments))
        (line,) = capsys.readouterr().err.splitlines()
        return int(str(end.value.code)), line

    return run


def exported(*arguments: Any) -> None:
    call_command("export_model", *map(str, arguments))


def test_files_and_a_manifest_of_them_are_written(release, tmp_path, capsys):
    exported("--format", "onnx", "--release", release, "--out", tmp_path / "out", "--shapes", "64x64,dynamic")

    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["name"] == "small-v1"
    assert manifest["norm_widths"] == Release(release).transform.widths
    assert manifest["embedding_size"] == 8
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "manifest.json",
        *(row["file"] for row in manifest["files"]),
    }
    for row in manifest["files"]:
        content = (tmp_path / "out" / row["file"]).read_bytes()
        assert (row["sha256"], row["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert [row["shape"] for row in manifest["files"]][2:] == ["64x64", "64x64", "dynamic", "dynamic"]
    assert "6 files" in capsys.readouterr().out


def test_the_manifest_says_what_is_downloaded_together(release, tmp_path):
    exported("--format", "onnx", "--release", release, "--out", tmp_path, "--shapes", "64x64,dynamic")

    manifest = json.loads((tmp_path / "manifest.json").read_text())
    size_of = {row["file"]: row["bytes"] for row in manifest["files"]}
    for each, shape in zip(manifest["sets"], ("64x64", "dynamic"), strict=True):
        assert (each["format"], each["precision"], each["shape"]) == ("onnx", "int8", shape)
        assert each["files"] == [
            f"small-v1-predictor-{side_of(release)}-int8.onnx",
            "small-v1-readout-int8.onnx",
            f"small-v1-transform-{shape}-int8.onnx",
            f"small-v1-transform-locked-{shape}-int8.onnx",
        ]
        assert each["bytes"] == sum(size_of[name] for name in each["files"])


def side_of(release: Path) -> str:
    side = Release(release).picture_size
    return f"{side}x{side}"


def test_a_set_larger_than_clients_shall_download_ends_a_verified_export(
    refused, release, heldout, tmp_path, monkeypatch
):
    monkeypatch.setattr(sets, "LARGEST", 300_000)

    code, line = refused(
        "--format", "onnx", "--release", release, "--out", tmp_path / "out", "--shapes", "64x64",
        "--verify", heldout, "--frames", 2,
    )  # fmt: skip

    assert (code, "onnx int8 for 64x64 is 0." in line, "0.3 MB" in line) == (1, True, True)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_single_precision_may_be_larger_for_it_is_there_to_compare_with(release, heldout, tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "LARGEST", 300_000)

    exported(
        "--format", "onnx", "--release", release, "--out", tmp_path / "out", "--shapes", "64x64",
        "--precision", "fp32", "--verify", heldout, "--frames", 2,
    )  # fmt: skip

    assert (tmp_path / "out" / "manifest.json").exists()


def test_beside_fp16_transforms_what_runs_once_a_style_is_int8(tmp_path):
    def made(role: str, precision: str, shape: str = "64x64") -> ExportedFile:
        return ExportedFile(tmp_path / f"{role}-{precision}", role, "litert", precision, shape)

    small = [made("predictor", "int8", "192x192"), made("readout", "int8", "-")]
    painters = {name: [made(role, name) for role in PAINTERS] for name in ("int8", "fp16")}

    found = {each.precision: each.files for each in sets.download_sets([*small, *painters["int8"], *painters["fp16"]])}

    assert found == {name: [*small, *files] for name, files in painters.items()}


def test_what_was_measured_is_in_the_manifest(release, heldout, tmp_path):
    weights = tmp_path / "vgg.safetensors"
    torch.manual_seed(0)
    save_file({name: value.contiguous() for name, value in VGGFeatures().state_dict().items()}, weights)

    exported(
        "--format", "onnx", "--release", release, "--out", tmp_path / "out", "--shapes", "64x64",
        "--verify", heldout, "--frames", 2, "--vgg", weights,
    )  # fmt: skip

    rows = {
        row["role"]: row["metrics"] for row in json.loads((tmp_path / "out" / "manifest.json").read_text())["files"]
    }
    assert rows["transform"]["psnr_db"] > 80  # the integers are the release's own
    assert rows["transform-locked"]["psnr_db"] > 80
    assert abs(rows["transform"]["style_change"]) < 0.001
    assert abs(rows["transform-locked"]["content_change"]) < 0.001
    assert max(rows["predictor"].values()) < 0.001


def test_what_was_measured_is_kept_beside_the_release_when_that_is_asked_for(release, heldout, tmp_path):
    mine = Path(shutil.copytree(release, tmp_path / "mine"))
    asked = "--format", "onnx", "--release", mine, "--shapes", "64x64", "--verify", heldout, "--frames", 2

    exported(*asked, "--out", tmp_path / "out")
    assert measured.metrics_of(mine) == {}
    exported(*asked, "--out", tmp_path / "out", "--keep")

    known = measured.metrics_of(mine)
    rows = json.loads((tmp_path / "out" / "manifest.json").read_text())["files"]
    assert known == {row["sha256"]: row["metrics"] for row in rows}
    assert len(known) == 4


@pytest.mark.parametrize("option", [["--keep"], ["--parent", "pair.safetensors"]])
def test_what_nobody_measures_is_neither_kept_nor_compared(refused, release, tmp_path, option):
    code, line = refused("--format", "onnx", "--release", release, "--out", tmp_path / "out", *option)

    assert (code, "--verify" in line) == (2, True)
    assert not (tmp_path / "out").exists()


def test_measurements_that_are_not_ours_are_refused(refused, release, heldout, tmp_path):
    mine = Path(shutil.copytree(release, tmp_path / "mine"))
    (mine / measured.NAME).write_text("half")

    code, line = refused(
        "--format", "onnx", "--release", mine, "--out", tmp_path / "out", "--shapes", "64x64",
        "--verify", heldout, "--frames", 2, "--keep",
    )  # fmt: skip

    assert (code, "measured.json" in line) == (2, True)


def test_all_formats_of_a_shape_are_compared_before_the_next_shape_and_listed_by_format(
    release, heldout, tmp_path, monkeypatch
):
    def written(_: Path, format: str, folder: Path, **kinds: Any) -> list[ExportedFile]:
        made = [ExportedFile(folder / f"{shape}.{format}", "transform", format, "int8", shape) for shape in SHAPES]
        for file in made:
            file.path.write_bytes(b"")
        return made

    def checked(_: Verification, file: ExportedFile) -> ExportedFile:
        seen.append(file.shape)
        return file

    seen: list[str] = []
    monkeypatch.setattr(export_model, "export", written)
    monkeypatch.setattr(Verification, "check", checked)

    exported("--format", "all", "--release", release, "--out", tmp_path, "--verify", heldout, "--frames", 2)

    assert [shape for shape, _ in groupby(seen)] == sorted(SHAPES)
    listed = json.loads((tmp_path / "manifest.json").read_text())["files"]
    assert [(row["format"], row["shape"]) for row in listed] == [(name, shape) for name in FORMATS for shape in SHAPES]


SHAPES = ["64x64", "32x64"]


def test_what_torch_paints_is_painted_and_looked_at_once_for_all_files_of_a_shape(
    release, heldout, tmp_path, monkeypatch
):
    torch.manual_seed(0)
    files = export(release, "onnx", tmp_path, shapes=["64x64"])
    verification = Verification(Release(release), heldout, vgg=VGGFeatures().eval(), frames=2)
    calls = {"paint": 0, "look": 0}

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            calls[name] += 1
            return real(*arguments)

        return call

    monkeypatch.setattr(verify, "look", counted("look", verify.look))
    monkeypatch.setattr(verification.release.transform, "paint", counted("paint", verification.release.transform.paint))

    for file in files:
        verification.check(file)

    assert calls == {"paint": 2, "look": 2 * len(["style", "photograph", "torch's", "live", "locked"])}


@pytest.fixture(scope="session")
def before_eight_bits(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The very weights of `release`, in half precision."""
    return Release(write_release(tmp_path_factory.mktemp("half"), "student", precision="half"))


def test_beside_a_parent_the_loss_of_quantizing_is_seen(release, heldout, tmp_path, before_eight_bits):
    torch.manual_seed(0)
    files = {file.role: file for file in export(release, "onnx", tmp_path, shapes=["64x64"])}
    vgg = VGGFeatures().eval()
    verification = Verification(Release(release), heldout, vgg=vgg, parent=before_eight_bits, frames=2)

    for role in PAINTERS:
        metrics = verification.check(files[role]).metrics

        assert metrics["psnr_db"] > 80  # exporting costs nothing
        assert 30 < metrics["parent_psnr_db"] < 70  # rounding to eight bits did
        assert 1e-5 < abs(metrics["parent_style_change"]) < 0.03
        assert 1e-5 < abs(metrics["parent_content_change"]) < 0.03
    assert set(verification.check(files["readout"]).metrics) == {"relative_error"}


def test_a_release_is_its_own_parent_without_a_loss(release, heldout, tmp_path):
    (file,) = (file for file in export(release, "onnx", tmp_path, shapes=["64x64"]) if file.role == "transform")
    mine = Release(release)

    metrics = Verification(mine, heldout, parent=mine, frames=2).check(file).metrics

    assert metrics["parent_psnr_db"] == metrics["psnr_db"]


@pytest.mark.parametrize(
    ("name", "value", "is_allowed"),
    [
        ("psnr_db", 30.0, True), ("psnr_db", 29.9, False),
        ("style_change", 0.03, True), ("style_change", 0.031, False), ("style_change", -0.031, False),
        ("content_change", -0.03, True), ("content_change", -0.031, False), ("content_change", 0.031, False),
    ],
)  # fmt: skip
def test_a_file_may_differ_from_the_parent_by_no_more_than_from_torch(
    release, heldout, tmp_path, monkeypatch, name, value, is_allowed
):
    verification = Verification(Release(release), heldout, frames=2)
    monkeypatch.setattr(verification, "_measured", lambda file: {"psnr_db": 80.0, f"parent_{name}": value})
    file = ExportedFile(tmp_path / "x.onnx", "transform", "onnx", "int8", "64x64")

    with nullcontext() if is_allowed else pytest.raises(TooDifferent, match=f"parent_{name}"):
        assert verification.check(file).metrics[f"parent_{name}"] == value


def test_another_network_is_no_parent_and_ends_the_command(refused, release, heldout, tmp_path):
    other = weights_of(StyleModel("student", SIZES, "mobilenetv3-texture"), tmp_path / "pair.safetensors")

    code, line = refused(
        "--format", "onnx", "--release", release, "--out", tmp_path / "out", "--shapes", "64x64",
        "--verify", heldout, "--frames", 2, "--parent", other,
    )  # fmt: skip

    assert (code, "parent_psnr_db" in line) == (1, True)


def test_a_parent_is_read_from_the_weights_that_a_stage_kept(heldout, tmp_path):
    sizes = {**LAYOUTS["student"], "embedding": 128}  # as pairs have it
    release = write_release(tmp_path, "student", sizes=sizes)
    kept = weights_of(pair_before(release, sizes), tmp_path / "pair.safetensors", sizes)

    exported(
        "--format", "onnx", "--release", release, "--out", tmp_path / "out", "--shapes", "64x64",
        "--verify", heldout, "--frames", 2, "--parent", kept,
    )  # fmt: skip

    rows = json.loads((tmp_path / "out" / "manifest.json").read_text())["files"]
    assert ["parent_psnr_db" in row["metrics"] for row in rows] == [row["role"] in PAINTERS for row in rows]


@pytest.mark.parametrize(("name", "words"), [("nowhere.safetensors", "no style model"), ("statistics", "VGG16")])
def test_a_parent_that_cannot_be_asked_is_refused(refused, release, heldout, tmp_path, name, words):
    weights_of(StyleModel("student", SIZES), tmp_path / "statistics.safetensors")

    code, line = refused(
        "--format", "onnx", "--release", release, "--out", tmp_path / "out", "--verify", heldout, "--frames", 2,
        "--parent", (tmp_path / name).with_suffix(".safetensors"),
    )  # fmt: skip

    assert (code, words in line) == (2, True)
    assert not (tmp_path / "out").exists()


SIZES = {"width": 16, "deep": 24, "blocks": 1}


def pair_before(release: Path, sizes: dict[str, int]) -> StyleModel:
    """The pair that a release was written from, in single precision."""
    model = StyleModel("student", sizes, "mobilenetv3-texture")
    for part, network in (("transform", model), ("predictor", model.predictor)):
        trained = torch.load(release.parent / part / "checkpoint.pt", weights_only=True)["model"]
        assert not network.load_state_dict(trained, strict=False).unexpected_keys
    return model


def weights_of(model: StyleModel, path: Path, sizes: dict[str, int] = SIZES) -> Path:
    described = {"layout": "student", "network": json.dumps(sizes), "predictor": model.predictor_name}
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path, described)
    return path


def test_a_file_of_other_weights_is_found_out(release, heldout, tmp_path):
    files = {file.role: file for file in export(release, "onnx", tmp_path / "files", shapes=["64x64"])}
    torch.manual_seed(5)
    changed = Release(release)
    changed.transform.last.weight.copy_(torch.randn_like(changed.transform.last.weight))

    with pytest.raises(TooDifferent, match=r"transform-64x64.*psnr_db"):
        Verification(changed, heldout, frames=2).check(files["transform"])


def test_too_few_pictures_are_refused(release, heldout):
    with pytest.raises(NoPictures, match="3 photographs"):
        Verification(Release(release), heldout, frames=3)


def test_psnr_of_a_known_difference():
    assert psnr(np.zeros((3, 4), np.float32), np.full((3, 4), 0.1, np.float32)) == pytest.approx(20, abs=1e-4)
    assert psnr(np.ones(4, np.float32), np.ones(4, np.float32)) == 120


def test_a_fault_on_the_way_leaves_the_file_that_was_there(release, tmp_path, monkeypatch):
    (before,) = (file for file in export(release, "onnx", tmp_path, shapes=["64x64"]) if file.role == "readout")
    content = before.path.read_bytes()
    monkeypatch.setattr(Path, "write_bytes", lambda self, data: (_ for _ in ()).throw(OSError("no space left")))

    with pytest.raises(OSError, match="no space"):
        export(release, "onnx", tmp_path, shapes=["64x64"])

    assert before.path.read_bytes() == content
    assert not list(tmp_path.glob("unfinished-*"))


def test_a_format_that_there_is_not_is_refused(refused, tmp_path):
    code, line = refused("--format", "caffe", "--out", tmp_path)

    assert code == 2
    assert line.startswith("export_model: ")
    assert "onnx" in line


def test_a_shape_that_there_is_not_is_refused(refused, release, tmp_path):
    code, line = refused("--format", "onnx", "--release", release, "--out", tmp_path, "--shapes", "64x64,portrait")

    assert (code, "'portrait'" in line) == (2, True)
    assert not list(tmp_path.iterdir())


def test_a_format_of_fixed_shapes_refuses_a_dynamic_one(refused, release, tmp_path):
    code, line = refused("--format", "litert", "--release", release, "--out", tmp_path, "--shapes", "dynamic")

    assert (code, "fixed shapes" in line) == (2, True)


def test_a_folder_without_a_release_is_refused(refused, tmp_path):
    code, line = refused("--format", "onnx", "--release", tmp_path, "--out", tmp_path / "out")

    assert (code, "model.json" in line) == (2, True)


def test_missing_converters_are_refused_with_what_installs_them(refused, release, tmp_path, monkeypatch):
    monkeypatch.setenv("IMPASTO_EXPORTERS_PYTHON", str(tmp_path / "no-python"))

    code, line = refused("--format", "coreml", "--release", release, "--out", tmp_path / "out")

    assert (code, "make exporters" in line) == (2, True)


def test_a_file_outside_of_its_tolerance_ends_the_command(refused, release, heldout, tmp_path, monkeypatch):
    monkeypatch.setitem(TOLERANCES, "psnr_db", (500.0, 1000.0))

    code, line = refused(
        "--format", "onnx", "--release", release, "--out", tmp_path / "out", "--shapes", "64x64",
        "--verify", heldout, "--frames", 2,
    )  # fmt: skip

    assert (code, "psnr_db" in line) == (1, True)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_an_empty_folder_of_pictures_is_refused_before_anything_is_written(refused, release, tmp_path):
    code, line = refused("--format", "onnx", "--release", release, "--out", tmp_path / "out", "--verify", tmp_path)

    assert (code, "photographs" in line) == (2, True)
    assert not (tmp_path / "out").exists()
