"""`manage.py publish_models`: once, again, half way, withdrawn."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from foundation import storage
from foundation.files import media_path
from mlmodels import export_process, measured, releasing, services
from mlmodels.export_process import CannotExport, Exported
from mlmodels.models import ModelFile, ModelRelease
from mlmodels.shipped import WEIGHTS, release_files
from website.management.commands import prepare

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A release, as far as its checksum goes."""
    for file in release_files(tmp_path):
        file.write_bytes(file.name.encode())
    return tmp_path


class Exporter:
    """Stands for the process that runs torch: writes files of the release it is given, and counts."""

    def __init__(self, make_exported: Any) -> None:
        self.make_exported = make_exported
        self.runs: list[str] = []
        self.fault: BaseException | None = None
        self.workplaces: list[Path] = []

    def __call__(self, release: Path, format: str, workplace: Path) -> Exported:
        self.runs.append(format)
        self.workplaces.append(workplace)
        (workplace / "half.onnx").write_bytes(b"half")
        if self.fault:
            raise self.fault
        sha256 = export_process.release_sha256(release)
        return self.make_exported(model_sha256=sha256, content=b"weights " * 500)


@pytest.fixture
def exporter(make_exported: Any, monkeypatch: pytest.MonkeyPatch) -> Exporter:
    exporter = Exporter(make_exported)
    monkeypatch.setattr(export_process, "run_export", exporter)
    return exporter


def publish(folder: Path, **options: Any) -> str:
    said = io.StringIO()
    call_command("publish_models", release=folder, stdout=said, stderr=said, **options)
    return said.getvalue()


def no_stray_files(var: Path) -> bool:
    known = {storage.local_path(file.file) for file in ModelFile.objects.all()}
    root = media_path("models")
    stored = {path for path in root.rglob("*") if path.is_file()} if root.exists() else set()
    return stored == known and not list((var / "work").glob("models-*"))


def test_a_release_is_exported_and_published(folder: Path, exporter: Exporter, var_directory: Path) -> None:
    said = publish(folder)

    release = ModelRelease.objects.get()
    assert (release.format, release.state) == ("onnx", "published")
    assert release.platforms == ["web", "android", "ios", "desktop"]
    assert "published, 3 files exported now" in said
    assert no_stray_files(var_directory)


def test_the_second_time_there_is_nothing_to_do(folder: Path, exporter: Exporter) -> None:
    publish(folder)

    assert "nothing to do" in publish(folder)
    assert (len(exporter.runs), ModelRelease.objects.count()) == (1, 1)


def test_other_weights_another_format_and_a_changed_exporter_are_exported_each(
    folder: Path, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(folder)
    publish(folder, format="litert")
    monkeypatch.setattr(export_process, "exporter_version", lambda: "next")
    publish(folder)
    (folder / WEIGHTS[0]).write_bytes(b"trained on")
    publish(folder)

    assert exporter.runs == ["onnx", "litert", "onnx", "onnx"]
    assert ModelRelease.objects.filter(state="published").count() == 4


def know(folder: Path, sha256: str, **metrics: float) -> None:
    """Write what was measured of these bytes, as `export_model --verify … --keep` does."""
    (folder / measured.NAME).write_text(json.dumps({"x.onnx": {"sha256": sha256, "metrics": metrics}}))


def test_what_was_measured_later_goes_with_what_is_out(folder: Path, exporter: Exporter) -> None:
    publish(folder)
    know(folder, ModelFile.objects.all()[0].sha256, relative_error=0.00012, psnr_db=61.25)

    assert "nothing to do" in publish(folder)

    assert ModelFile.objects.all()[0].metrics == {"relative_error": "0.00012", "psnr_db": "61.25"}
    assert len(exporter.runs) == 1


def test_what_was_measured_before_is_published_at_once(folder: Path, exporter: Exporter) -> None:
    publish(folder)
    know(folder, ModelFile.objects.all()[0].sha256, relative_error=0.5)
    ModelRelease.objects.all().delete()

    publish(folder)

    assert ModelFile.objects.all()[0].metrics == {"relative_error": "0.5"}


@pytest.mark.parametrize("text", ["half", "[]", '{"x.onnx": {"sha256": "a", "metrics": {"psnr_db": "high"}}}'])
def test_a_damaged_file_of_measurements_is_named_and_stops_nothing(folder: Path, exporter: Exporter, text: str) -> None:
    (folder / measured.NAME).write_text(text)

    said = publish(folder)

    assert said.startswith(f"Warning: {folder / measured.NAME} ")
    assert "published, 3 files exported now" in said
    assert ModelRelease.objects.get().state == "published"


def test_what_is_known_already_outlives_a_damaged_file(folder: Path, exporter: Exporter) -> None:
    publish(folder)
    know(folder, ModelFile.objects.all()[0].sha256, psnr_db=61.25)
    publish(folder)
    (folder / measured.NAME).write_text("half")

    publish(folder)

    assert ModelFile.objects.all()[0].metrics == {"psnr_db": "61.25"}


def test_a_file_that_the_storage_lost_is_made_again(folder: Path, exporter: Exporter) -> None:
    publish(folder)
    release = ModelRelease.objects.get()
    storage.local_path(release.files.all()[0].file).unlink()

    publish(folder)

    assert ModelRelease.objects.get() == release
    assert services.has_its_files(release)
    assert len(exporter.runs) == 2


@pytest.mark.parametrize("fault", [CannotExport("no converter"), KeyboardInterrupt(), SystemExit(143)])
def test_an_export_that_ends_half_way_leaves_nothing(
    folder: Path, exporter: Exporter, var_directory: Path, fault: BaseException
) -> None:
    exporter.fault = fault

    with pytest.raises((CommandError, KeyboardInterrupt, SystemExit)):
        publish(folder)

    assert not ModelRelease.objects.exists()
    assert no_stray_files(var_directory)
    assert exporter.workplaces


def test_a_fault_while_publishing_leaves_nothing(
    folder: Path, exporter: Exporter, var_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_is_as_exported", lambda file: False)

    with pytest.raises(CommandError, match="Not what was exported"):
        publish(folder)

    assert not ModelRelease.objects.exists()
    assert no_stray_files(var_directory)


def test_what_a_killed_run_left_is_removed_by_the_next(folder: Path, exporter: Exporter, var_directory: Path) -> None:
    left = var_directory / "work" / "models-999999"
    left.mkdir(parents=True)
    (left / "half.onnx").write_bytes(b"half")

    publish(folder)

    assert not left.exists()
    assert no_stray_files(var_directory)


def test_of_two_machines_that_export_at_once_one_publishes(
    folder: Path, exporter: Exporter, make_exported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = exporter.__call__

    def slower(release: Path, format: str, workplace: Path) -> Exported:
        made = alone(release, format, workplace)
        other = make_exported(model_sha256=made.model_sha256, content=b"weights " * 500)
        services.model_release_create(
            exported=other, format=format, exporter_version=export_process.exporter_version(), at=timezone.now(),
            publish=True,
        )  # fmt: skip
        # The other one is only seen when the row is written.
        monkeypatch.setattr(releasing.selectors, "release_exported", seen_late(releasing.selectors.release_exported))
        return made

    monkeypatch.setattr(export_process, "run_export", slower)

    assert "nothing to do" in publish(folder)
    assert ModelRelease.objects.count() == 1
    assert services.has_its_files(ModelRelease.objects.get())


def seen_late(find: Any) -> Any:
    answers = iter([lambda **_: None])
    return lambda **wanted: next(answers, find)(**wanted)


def test_a_draft_waits_for_the_staff(folder: Path, exporter: Exporter) -> None:
    assert "draft" in publish(folder, draft=True)

    assert ModelRelease.objects.get().state == "draft"


def test_what_was_withdrawn_is_not_published_again_by_the_next_start(folder: Path, exporter: Exporter) -> None:
    publish(folder)
    said = publish(folder, withdraw="small-v1")

    assert "small-v1 1.0.0, ONNX: withdrawn." in said
    assert "withdrawn, nothing to do" in publish(folder)
    assert ModelRelease.objects.get().state == "withdrawn"


def test_all_formats_of_a_name_are_withdrawn_or_one(folder: Path, exporter: Exporter) -> None:
    for format in ("onnx", "litert", "coreml"):
        publish(folder, format=format)

    publish(folder, withdraw="small-v1", format="coreml")
    assert set(ModelRelease.objects.filter(state="published").values_list("format", flat=True)) == {"onnx", "litert"}
    publish(folder, withdraw="small-v1")

    assert not ModelRelease.objects.filter(state="published").exists()


def test_withdrawing_what_is_not_out_is_refused(folder: Path) -> None:
    with pytest.raises(CommandError, match="Nothing is published as impasto-v7"):
        publish(folder, withdraw="impasto-v7")


@pytest.mark.parametrize(
    ("options", "words"),
    [({"release": Path("/nowhere")}, "holds no release"), ({"minimum_client": "soon"}, "Three numbers")],
)
def test_what_cannot_be_published_says_why_in_one_line(
    folder: Path, exporter: Exporter, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("publish_models", **{"release": folder, "stdout": io.StringIO(), **options})

    assert not ModelRelease.objects.exists()


def test_an_unknown_format_is_refused(folder: Path) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("publish_models", "--format", "tarot")


def test_preparing_the_site_publishes_the_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(prepare, "call_command", lambda name, **_: called.append(name))

    prepare.Command().handle()

    assert called[0] == "migrate"
    assert "publish_models" in called


def test_the_process_that_publishes_is_the_real_one(folder: Path) -> None:
    """Weights that are none: the real process says so, and nothing is left."""
    with pytest.raises(CommandError, match="BadRelease"):
        publish(folder)

    assert not ModelRelease.objects.exists()


def test_an_export_that_hangs_is_ended(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_process, "SECONDS", 0)

    with pytest.raises(CannotExport, match="did not end within 0 s"):
        export_process.run_export(folder, "onnx", tmp_path)
