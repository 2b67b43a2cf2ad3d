import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from foundation import storage
from foundation.errors import ApplicationError, Conflict
from foundation.files import remove_tree

from . import selectors, signing
from .export_process import Exported
from .exported import ExportedFile
from .files import sha256_of
from .models import FOLDER, Format, ModelFile, ModelRelease, Platform

State = ModelRelease.State
# Nothing before needs a newer app.
MINIMUM_CLIENT = "0.1.0"
# A release is put together in minutes.
ORPHANS_KEPT_FOR = timedelta(hours=3)
PLATFORMS: Mapping[str, Sequence[str]] = {
    Format.ONNX: [Platform.WEB, Platform.ANDROID, Platform.IOS, Platform.DESKTOP],
    Format.LITERT: [Platform.ANDROID, Platform.IOS],
    Format.EXECUTORCH: [Platform.ANDROID, Platform.IOS],
    Format.COREML: [Platform.IOS, Platform.DESKTOP],
}


class NotPublishable(Conflict):
    """It is out already, or it holds no file."""

    code = "not_publishable"
    title = "This cannot be published"


class FileDiffers(Conflict):
    """A stored file is gone, or is not the one that was exported."""

    code = "file_differs"
    title = "A file is not what it was"


class NotPublished(Conflict):
    code = "not_published"
    title = "This is not out"


class NotDescribed(ApplicationError):
    """A platform nobody knows, or a version that is none."""

    code = "release_not_described"
    title = "This does not describe a release"


def model_release_create(
    *, exported: Exported, format: str, exporter_version: str, at: datetime, publish: bool,
    minimum_client: str = MINIMUM_CLIENT,
) -> ModelRelease:  # fmt: skip
    """
    Keep exported files, which are moved to their place, and publish them or leave a draft that nobody sees yet.

    Should it fail, rows and files go again: at once, or the files with a sweep when the process died.

    :raises NotDescribed: a version or a file name that is none
    :raises NotPublishable: there is no file
    """
    release = ModelRelease(
        name=exported.name, version=exported.version, format=format, platforms=list(PLATFORMS[format]),
        minimum_client=minimum_client, model_sha256=exported.model_sha256, exporter_version=exporter_version,
        embedding_size=exported.embedding_size, norm_widths=exported.norm_widths,
        picture_size=exported.picture_size, created_at=at,
    )  # fmt: skip
    files = [_file_of(release, file) for file in exported.files]
    moved: list[ModelFile] = []
    try:
        with transaction.atomic():
            _check(release, *files)
            release.save(force_insert=True)
            ModelFile.objects.bulk_create(files)
            for row, file in zip(files, exported.files, strict=True):
                moved.append(row)
                storage.put(file.path, row.file)
            return model_release_publish(release=release, at=at) if publish else release
    except BaseException:
        _remove_unknown(moved)
        raise


@transaction.atomic
def model_release_publish(*, release: ModelRelease, at: datetime) -> ModelRelease:
    """
    Offer a draft, or what was withdrawn, to everybody. Every file is read and compared with its checksum first.

    :raises NotPublishable: it is out already, or holds no file
    :raises FileDiffers: a file is gone or changed
    """
    row = ModelRelease.objects.select_for_update().get(pk=release.pk)
    files = list(row.files.all())
    if row.state == State.PUBLISHED:
        raise NotPublishable("It is published already.")
    if not files:
        raise NotPublishable("It holds no file.")
    if differing := [file.filename for file in files if not _is_as_exported(file)]:
        raise FileDiffers(f"Not what was exported: {', '.join(differing)}. Export the release again.")
    return _turn(row, state=State.PUBLISHED, published_at=at, withdrawn_at=None)


@transaction.atomic
def model_release_withdraw(*, release: ModelRelease, at: datetime) -> ModelRelease:
    """
    Offer it no more: the release before takes its place, and its addresses answer 410.

    :raises NotPublished: a draft, or withdrawn already
    """
    row = ModelRelease.objects.select_for_update().get(pk=release.pk)
    if row.state != State.PUBLISHED:
        raise NotPublished("Only what is published can be withdrawn.")
    return _turn(row, state=State.WITHDRAWN, withdrawn_at=at)


@transaction.atomic
def model_release_describe(
    *, release: ModelRelease, platforms: Sequence[str], minimum_client: str, at: datetime
) -> ModelRelease:
    """
    Say for whom a release is. Apps that have seen it refuse an older manifest from then on; what says nothing new
    changes nothing.

    :raises NotDescribed: a platform nobody knows, or a version that is none
    """
    row = ModelRelease.objects.select_for_update().get(pk=release.pk)
    known = set(row.platforms), row.minimum_client
    row.platforms, row.minimum_client = list(dict.fromkeys(platforms)), minimum_client
    _check(row)
    if (set(row.platforms), row.minimum_client) != known:
        row.described_at = at
        row.save(update_fields=["platforms", "minimum_client", "described_at"])
    return row


def model_release_rebuilt(*, release: ModelRelease, exported: Exported) -> None:
    """Put the files of a release back into the storage, which lost some of them."""
    for row in release.files.all():
        for file in exported.files:
            if file.path.name == row.filename and sha256_of(file.path) == row.sha256:
                storage.put(file.path, row.file)
                break


@transaction.atomic
def model_release_measured(*, release: ModelRelease, metrics: Mapping[str, Mapping[str, float]], at: datetime) -> None:
    """
    Say what was measured of the files of a release; what nobody measured, or what is known, stays as it was.

    :param metrics: by the SHA-256 of a file
    """
    said = [
        (row, {name: _decimal(value) for name, value in metrics.get(row.sha256, {}).items()})
        for row in release.files.all()
    ]
    news = [(row, texts) for row, texts in said if texts and texts != row.metrics]
    for row, texts in news:
        row.metrics = texts
        row.save(update_fields=["metrics"])
    if news:
        release.described_at = at
        release.save(update_fields=["described_at"])


def manifest_offered(*, format: str, platform: str | None = None) -> dict[str, Any]:
    """
    Return what an app has to know of the newest release, signed by this site: the same bytes while nothing changes.

    :raises NoModelRelease: nothing is published in this format for this platform
    """
    # The serial first: what is published between the two reads then has a serial that is too small, until it is asked
    # for again. The other way round what was before would be signed with the newest serial, and pass for ever.
    serial = selectors.serial_of(format)
    release = selectors.release_to_offer(format, platform)
    content = {
        "serial": serial,
        "name": release.name,
        "version": release.version,
        "model_sha256": release.model_sha256,
        "format": release.format,
        "platform": platform,
        "minimum_client": release.minimum_client,
        "embedding_size": release.embedding_size,
        "norm_widths": release.norm_widths,
        "picture_size": release.picture_size,
        "files": [
            {
                "role": file.role, "shape": file.shape, "layout": file.layout, "precision": file.precision,
                "url": file.url, "sha256": file.sha256, "bytes": file.bytes, "metrics": file.metrics,
            }
            for file in release.files.all()
        ],
    }  # fmt: skip
    return signing.signed(content, settings.MODEL_SIGNING_KEY)


def models_sweep(*, at: datetime) -> int:
    """Remove files that no row knows: what a kill between file and row left behind."""
    before = (at - ORPHANS_KEPT_FOR).timestamp()
    orphans = [folder for folder in _unknown_folders() if folder.stat().st_mtime < before]
    for folder in orphans:
        remove_tree(folder)
    return len(orphans)


def has_its_files(release: ModelRelease) -> bool:
    """Tell whether the storage still has every file, by size: quick, for every start."""
    for file in release.files.all():
        try:
            if storage.size(file.file) != file.bytes:
                return False
        except FileNotFoundError:
            return False
    return True


def _file_of(release: ModelRelease, file: ExportedFile) -> ModelFile:
    return ModelFile(
        release=release, role=file.role, shape=file.shape, layout=file.layout, precision=file.precision,
        filename=file.path.name, sha256=sha256_of(file.path), bytes=file.path.stat().st_size,
        metrics={name: _decimal(value) for name, value in file.metrics.items()},
    )  # fmt: skip


def _decimal(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else str(value)


def _check(release: ModelRelease, *files: ModelFile) -> None:
    unknown = sorted(set(release.platforms) - set(Platform.values))
    if unknown or not release.platforms:
        raise NotDescribed(f"There is no platform {', '.join(unknown)}." if unknown else "Name a platform.")
    try:
        release.clean_fields(exclude=["norm_widths"])
        for file in files:
            file.clean_fields(exclude=["release"])
    except ValidationError as error:
        raise NotDescribed(" ".join(error.messages), errors=error.message_dict) from error


def _is_as_exported(file: ModelFile) -> bool:
    try:
        path = storage.local_path(file.file)
        return path.stat().st_size == file.bytes and sha256_of(path) == file.sha256
    except FileNotFoundError:
        return False


def _turn(row: ModelRelease, **changes: Any) -> ModelRelease:
    for field, value in changes.items():
        setattr(row, field, value)
    row.save(update_fields=list(changes))
    return row


def _remove_unknown(files: list[ModelFile]) -> None:
    for file in files:
        if not ModelFile.objects.filter(sha256=file.sha256, filename=file.filename).exists():
            with suppress(FileNotFoundError):
                storage.remove_file(file.file)


def _unknown_folders() -> Iterator[Path]:
    known = set(ModelFile.objects.values_list("sha256", flat=True))
    yield from (folder for folder in storage.local_folders(FOLDER) if folder.name not in known)
