"""Rules of publishing and withdrawing, on a real database and real files."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from foundation import storage
from foundation.errors import NotFound
from foundation.files import media_path
from mlmodels import releasing, selectors, services, signing
from mlmodels.files import sha256_of
from mlmodels.models import ModelFile, ModelRelease
from mlmodels.selectors import ModelWithdrawn, NoModelRelease
from mlmodels.services import FileDiffers, NotDescribed, NotPublishable, NotPublished

pytestmark = pytest.mark.django_db
LATER = timedelta(hours=4)


def stored() -> set[Path]:
    root = media_path("models")
    return {path for path in root.rglob("*") if path.is_file()} if root.exists() else set()


def publish(release: ModelRelease) -> ModelRelease:
    return services.model_release_publish(release=release, at=timezone.now())


def withdraw(release: ModelRelease) -> ModelRelease:
    return services.model_release_withdraw(release=release, at=timezone.now())


class TestCreating:
    def test_files_are_kept_under_their_checksum(self, make_release: Any) -> None:
        release = make_release(publish=False)

        for file in release.files.all():
            path = storage.local_path(file.file)
            assert sha256_of(path) == file.sha256 == path.parent.name
            assert path.stat().st_size == file.bytes
        assert release.state == "draft"
        assert release.files.get(role="readout").metrics == {"psnr_db": "42.875"}

    @pytest.mark.parametrize("number", [float("inf"), float("nan")])
    def test_a_measurement_without_an_end_has_words_too(self, make_exported: Any, number: float) -> None:
        exported = make_exported()
        exported.files[0].metrics["psnr_db"] = number

        services.model_release_create(
            exported=exported, format="onnx", exporter_version="e", at=timezone.now(), publish=True
        )

        signing.canonical(services.manifest_offered(format="onnx"))

    def test_when_a_file_cannot_be_stored_nothing_is_left(
        self, make_release: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put, calls = storage.put, []

        def fails_the_third_time(source: Path, name: str) -> None:
            calls.append(name)
            if len(calls) == 3:
                raise OSError("gone")
            put(source, name)

        monkeypatch.setattr(storage, "put", fails_the_third_time)
        with pytest.raises(OSError, match="gone"):
            make_release()

        assert not ModelRelease.objects.exists()
        assert stored() == set()

    def test_files_that_another_release_shares_stay_when_one_fails(
        self, make_release: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_release(content=b"the same")
        before = stored()
        monkeypatch.setattr(services, "model_release_publish", lambda **_: 1 / 0)

        with pytest.raises(ZeroDivisionError):
            make_release(content=b"the same")

        assert stored() == before != set()

    @pytest.mark.parametrize("facts", [{"version": "1.0"}, {"version": "v1.0.0"}, {"name": "../up"}, {"name": "a b"}])
    def test_names_and_versions_that_fit_no_address_are_refused(self, make_exported: Any, facts: Any) -> None:
        exported = make_exported()
        wrong = type(exported)(**{**vars(exported), **facts})

        with pytest.raises(NotDescribed):
            services.model_release_create(
                exported=wrong, format="onnx", exporter_version="e", at=timezone.now(), publish=True
            )

        assert stored() == set()

    def test_an_export_without_files_is_not_published(self, make_release: Any) -> None:
        with pytest.raises(NotPublishable):
            make_release(files=[])

        assert not ModelRelease.objects.exists()


class TestMeasuring:
    def test_what_was_measured_is_said_of_those_bytes_and_no_others(self, make_release: Any) -> None:
        release = make_release()
        before = {file.role: file.metrics for file in release.files.all()}
        known = {release.files.get(role="readout").sha256: {"relative_error": 0.00012}, "0" * 64: {"psnr_db": 1.0}}

        services.model_release_measured(release=release, metrics=known, at=timezone.now())

        after = {file.role: file.metrics for file in ModelFile.objects.all()}
        assert after == {**before, "readout": {"relative_error": "0.00012"}}
        signing.canonical(services.manifest_offered(format="onnx"))


class TestPublishing:
    def test_a_draft_is_published_with_its_moment(self, make_release: Any) -> None:
        release = publish(make_release(publish=False))

        assert (release.state, release.withdrawn_at) == ("published", None)
        assert release.published_at is not None

    def test_a_changed_file_stops_it(self, make_release: Any) -> None:
        draft = make_release(publish=False)
        file = draft.files.get(role="readout")
        path = storage.local_path(file.file)
        path.write_bytes(path.read_bytes()[:-1] + b"!")

        with pytest.raises(FileDiffers, match=file.filename):
            publish(draft)

        draft.refresh_from_db()
        assert draft.state == "draft"

    def test_a_lost_file_stops_it(self, make_release: Any) -> None:
        draft = make_release(publish=False)
        storage.local_path(draft.files.get(role="readout").file).unlink()

        with pytest.raises(FileDiffers):
            publish(draft)

    def test_what_is_out_cannot_be_published_again(self, make_release: Any) -> None:
        with pytest.raises(NotPublishable):
            publish(make_release())

    def test_what_was_withdrawn_can_come_back(self, make_release: Any) -> None:
        release = publish(withdraw(make_release()))

        assert (release.state, release.withdrawn_at) == ("published", None)

    def test_a_draft_cannot_be_withdrawn(self, make_release: Any) -> None:
        with pytest.raises(NotPublished):
            withdraw(make_release(publish=False))

    def test_it_cannot_be_withdrawn_twice(self, make_release: Any) -> None:
        release = withdraw(make_release())

        with pytest.raises(NotPublished):
            withdraw(release)

    @pytest.mark.parametrize(
        ("platforms", "minimum_client"), [(["fridge"], "1.0.0"), ([], "1.0.0"), (["web"], "1"), (["web"], "")]
    )
    def test_for_whom_it_is_must_be_said_properly(
        self, make_release: Any, platforms: list[str], minimum_client: str
    ) -> None:
        with pytest.raises(NotDescribed):
            services.model_release_describe(
                release=make_release(), platforms=platforms, minimum_client=minimum_client, at=timezone.now()
            )


class TestOffering:
    def test_the_newest_version_is_offered_however_it_came(self, make_release: Any) -> None:
        newest = make_release(version="1.10.0")
        make_release(version="1.9.0")

        assert selectors.release_to_offer("onnx") == newest

    def test_of_two_exports_of_one_version_the_later_is_offered(self, make_release: Any) -> None:
        make_release()
        later = make_release(exporter_version="e2")

        assert selectors.release_to_offer("onnx") == later

    def test_drafts_and_withdrawn_ones_are_passed_over(self, make_release: Any) -> None:
        old = make_release()
        make_release(version="3.0.0", publish=False)
        withdraw(make_release(version="2.0.0"))

        assert selectors.release_to_offer("onnx") == old

    def test_each_format_and_platform_has_its_own(self, make_release: Any) -> None:
        make_release(version="2.0.0", format="litert")
        for_web = make_release()

        assert selectors.release_to_offer("onnx", "web") == for_web
        with pytest.raises(NoModelRelease):
            selectors.release_to_offer("litert", "web")
        with pytest.raises(NoModelRelease):
            selectors.release_to_offer("coreml")


class TestDownloading:
    def test_an_older_release_stays_downloadable(self, make_release: Any) -> None:
        old = make_release().files.all()[0]
        make_release(version="2.0.0")

        assert selectors.file_to_download(old.sha256, old.filename) == old

    def test_a_draft_is_not_there(self, make_release: Any) -> None:
        file = make_release(publish=False).files.all()[0]

        with pytest.raises(NotFound):
            selectors.file_to_download(file.sha256, file.filename)

    def test_a_withdrawn_one_is_gone_unless_another_holds_the_same_bytes(self, make_release: Any) -> None:
        release = make_release(content=b"the same")
        file = withdraw(release).files.all()[0]

        with pytest.raises(ModelWithdrawn):
            selectors.file_to_download(file.sha256, file.filename)
        again = make_release(content=b"the same")

        assert selectors.file_to_download(file.sha256, file.filename).release == again


class TestSweeping:
    def test_files_without_a_row_go_when_they_are_old(self, make_release: Any) -> None:
        known = stored_by = make_release()
        orphan = media_path("models", "a" * 64)
        orphan.mkdir()
        (orphan / "x.onnx").write_bytes(b"x")

        assert services.models_sweep(at=timezone.now()) == 0
        assert services.models_sweep(at=timezone.now() + LATER) == 1

        assert not orphan.exists()
        assert services.has_its_files(known)
        assert stored_by.files.count() == ModelFile.objects.count()

    def test_what_a_killed_export_left_goes_unless_one_is_running(self, var_directory: Path) -> None:
        left = var_directory / "work" / "models-1"
        left.mkdir(parents=True)

        with releasing._lock().open("w") as lock:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            assert releasing.workplaces_sweep() == 0
            assert left.exists()
        assert releasing.workplaces_sweep() == 1

        assert not left.exists()
        assert releasing.workplaces_sweep() == 0
