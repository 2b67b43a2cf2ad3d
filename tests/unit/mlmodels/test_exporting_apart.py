"""Formats whose converters live apart: refused in words without them, and right by their own runtimes with them."""

import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlmodels.exporting import FORMATS, ConversionFailed, ConvertersMissing, ExportedFile, apart, export
from mlmodels.exporting.coreml_files import require_described
from mlmodels.exporting.roles import ROLES, role_graphs
from mlmodels.exporting.sets import download_sets, require_small
from mlmodels.exporting.verify import Verification
from mlmodels.release import Release
from tests.unit.mlmodels.networks import FULL_SIZE
from tests.unit.mlmodels.releases import write_release

APART = ["litert", "executorch", "coreml"]
SUFFIXES = {"litert": "tflite", "executorch": "pte", "coreml": "mlpackage.zip"}


@pytest.fixture(scope="module")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release(tmp_path_factory.mktemp("full"), "student", sizes=FULL_SIZE)


@pytest.fixture(scope="module", params=APART)
def files(request, full_size, tmp_path_factory) -> list[ExportedFile]:
    """All that ships in a format, for one shape."""
    try:
        apart.exporters_python()
    except ConvertersMissing as missing:
        pytest.skip(str(missing))
    return export(
        full_size, request.param, tmp_path_factory.mktemp(request.param),
        shapes=["64x54"], precisions=FORMATS[request.param].shipped,
    )  # fmt: skip


@pytest.mark.timeout(600)
def test_every_role_is_written_with_its_shape(files, full_size):
    side = Release(full_size).picture_size

    assert list(dict.fromkeys((file.role, file.shape) for file in files)) == [
        ("predictor", f"{side}x{side}"),
        ("readout", "-"),
        ("transform", "64x54"),
        ("transform-locked", "64x54"),
    ]
    assert all(file.path.name.endswith(SUFFIXES[file.format]) for file in files)
    assert {file.layout for file in files} == {"NHWC" if files[0].format == "litert" else "NCHW"}


@pytest.mark.timeout(600)
def test_what_a_client_downloads_is_small(files):
    made = download_sets(files)

    assert [each.precision for each in made] == list(FORMATS[files[0].format].shipped)
    assert all(sorted(file.role for file in each.files) == sorted(ROLES) for each in made)
    require_small(made)


@pytest.mark.timeout(600)
def test_every_file_gives_what_torch_gives_within_its_tolerance(files, full_size, heldout):
    if files[0].format == "coreml":
        pytest.skip("Core ML runs on Apple's hardware only; its description is checked when it is written")
    verification = Verification(Release(full_size), heldout, frames=2)

    checked = [verification.check(file) for file in files]

    assert {file.role: sorted(file.metrics) for file in checked} == {
        "predictor": ["identity_error", "relative_error"],
        "readout": ["relative_error"],
        "transform": ["psnr_db", "statistics_error"],
        "transform-locked": ["psnr_db"],
    }


def test_a_core_ml_archive_holds_one_package(files):
    if files[0].format != "coreml":
        pytest.skip("of Core ML alone")

    for file in files:
        names = zipfile.ZipFile(file.path).namelist()
        package = file.path.name.removesuffix(".zip")
        assert {name.partition("/")[0] for name in names} == {package}
        assert f"{package}/Manifest.json" in names


def test_a_package_that_describes_another_network_is_refused(release, monkeypatch):
    described = SimpleNamespace(
        name="frame", type=SimpleNamespace(multiArrayType=SimpleNamespace(shape=[1, 3, 64, 64]))
    )
    spec = SimpleNamespace(
        description=SimpleNamespace(input=[described], output=[described]), WhichOneof=lambda kind: "mlProgram"
    )
    stand_in = SimpleNamespace(utils=SimpleNamespace(load_spec=lambda path: spec))
    monkeypatch.setitem(sys.modules, "coremltools", stand_in)
    readout = list(role_graphs(Release(release), []))[1]

    with pytest.raises(RuntimeError, match=r"readout\.mlpackage describes .*frame"):
        require_described(Path("readout.mlpackage"), readout)


@pytest.mark.parametrize("format", APART)
def test_without_converters_the_refusal_says_how_to_get_them(release, tmp_path, monkeypatch, format):
    monkeypatch.setenv("IMPASTO_EXPORTERS_PYTHON", str(tmp_path / "no-python"))

    with pytest.raises(ConvertersMissing, match="make exporters"):
        export(release, format, tmp_path / "files")

    assert not (tmp_path / "files").exists()


def test_what_a_converter_said_last_is_passed_on(release, tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho many words\necho no such operator >&2\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("IMPASTO_EXPORTERS_PYTHON", str(script))

    with pytest.raises(ConversionFailed, match=r"(?s)ended with 3.*no such operator"):
        export(release, "litert", tmp_path / "files", shapes=["64x64"])
