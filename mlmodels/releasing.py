"""From a release in a folder to files that apps download: export, keep, publish; all of it or nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction

from foundation.files import remove_tree, work_directory

from . import export_process, measured, selectors, services
from .models import ModelRelease

PREFIX = "models-"


@dataclass(frozen=True)
class Outcome:
    """What there is now, whether anything had to be done for it, and why nothing could be read that was measured."""

    release: ModelRelease
    was_made: bool
    damaged: str = ""


def release_bring_out(
    *, folder: Path, format: str, at: datetime, publish: bool = True, minimum_client: str = services.MINIMUM_CLIENT
) -> Outcome:
    """
    Export a release and publish it in one transaction. What this exporter has made of it before stays as it is,
    withdrawn or not; only files that the storage lost are made again. What was measured of its files goes with it,
    where that can be read: numbers that are only looked at keep no networks from anybody.

    :param publish: False leaves a draft for the staff to publish
    :raises CannotExport: no release, no converter, or a fault on the way
    """
    known, damaged = _measured(folder)
    outcome = _brought_out(folder, format, at, publish, minimum_client)
    services.model_release_measured(release=outcome.release, metrics=known, at=at)
    return replace(outcome, damaged=damaged)


def _measured(folder: Path) -> tuple[dict[str, measured.Metrics], str]:
    """Return what is known by the SHA-256 of a file, and why that is nothing where the file is damaged."""
    try:
        return measured.metrics_of(folder), ""
    except measured.BadMeasurements as damaged:
        return {}, str(damaged)


def _brought_out(folder: Path, format: str, at: datetime, publish: bool, minimum_client: str) -> Outcome:
    wanted = {
        "model_sha256": export_process.release_sha256(folder),
        "format": format,
        "exporter_version": export_process.exporter_version(),
    }
    if known := _whole(**wanted):
        return Outcome(known, was_made=False)
    with _alone() as workplace:
        if known := _whole(**wanted):  # somebody else made it while this one waited
            return Outcome(known, was_made=False)
        exported = export_process.run_export(folder, format, workplace)
        if known := selectors.release_exported(**wanted):
            services.model_release_rebuilt(release=known, exported=exported)
            return Outcome(known, was_made=True)
        return _keep(exported, wanted["exporter_version"], format, at, publish, minimum_client)


def releases_withdraw(*, name: str, at: datetime, format: str | None = None) -> list[ModelRelease]:
    """
    Withdraw everything published under a name, in one format or in all.

    :raises NotPublished: nothing of that name is published
    """
    published = ModelRelease.objects.filter(name=name, state=ModelRelease.State.PUBLISHED)
    rows = list(published.filter(format=format) if format else published)
    if not rows:
        raise services.NotPublished(f"Nothing is published as {name}.")
    with transaction.atomic():
        return [services.model_release_withdraw(release=row, at=at) for row in rows]


def _keep(
    exported: export_process.Exported, exporter_version: str, format: str, at: datetime, publish: bool,
    minimum_client: str,
) -> Outcome:  # fmt: skip
    try:
        release = services.model_release_create(
            exported=exported, format=format, exporter_version=exporter_version, at=at, publish=publish,
            minimum_client=minimum_client,
        )  # fmt: skip
        return Outcome(release, was_made=True)
    except IntegrityError:
        # Another machine was quicker: what it made is the same.
        known = selectors.release_exported(
            model_sha256=exported.model_sha256, format=format, exporter_version=exporter_version
        )
        if known is None:
            raise
        return Outcome(known, was_made=False)


def workplaces_sweep() -> int:
    """Remove what killed exports left, unless one is running."""
    root = Path(settings.VAR_DIR) / "work"
    if not (left := list(root.glob(f"{PREFIX}*"))):
        return 0
    with _lock().open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        for folder in left:
            remove_tree(folder)
    return len(left)


def _lock() -> Path:
    return Path(settings.VAR_DIR) / "models.lock"


def _whole(**wanted: str) -> ModelRelease | None:
    known = selectors.release_exported(**wanted)
    return known if known and services.has_its_files(known) else None


@contextmanager
def _alone() -> Iterator[Path]:
    """Give a private folder; one process of this machine at a time, which also removes what a killed one left."""
    root = Path(settings.VAR_DIR) / "work"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock().open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in root.glob(f"{PREFIX}*"):
            remove_tree(left)
        workplace = work_directory(f"{PREFIX}{os.getpid()}")
        try:
            yield workplace
        finally:
            remove_tree(workplace)
