from datetime import UTC, datetime, timedelta

from django.db.models import Max, QuerySet

from foundation.errors import ApplicationError, NotFound

from .models import ModelFile, ModelRelease

State = ModelRelease.State
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoModelRelease(NotFound):
    code = "no_model_release"
    title = "There is no such release"


class ModelWithdrawn(ApplicationError):
    """It was published once, and must not be used any more."""

    status = 410
    code = "model_withdrawn"
    title = "These networks were withdrawn"


def releases_published(format: str) -> QuerySet[ModelRelease]:
    return ModelRelease.objects.filter(format=format, state=State.PUBLISHED).prefetch_related("files")


def release_to_offer(format: str, platform: str | None = None) -> ModelRelease:
    """
    The newest published version in a format; of two exports of one version, the one that was published last.

    :raises NoModelRelease: nothing is published in this format for this platform
    """
    # A handful of rows: versions have an order that databases do not know.
    offered = [row for row in releases_published(format) if platform is None or platform in row.platforms]
    if not offered:
        raise NoModelRelease("Nothing is published in this format for this platform.")
    return max(offered, key=lambda row: (row.rank, row.published_at, row.pk))


def serial_of(format: str) -> int:
    """
    Count the milliseconds from 1970 to when something was published, withdrawn or described anew last in a format.

    It grows with every change of what is offered, back to an older release too, and stays while nothing changes.
    """
    moments = ModelRelease.objects.filter(format=format).aggregate(
        out=Max("published_at"), back=Max("withdrawn_at"), described=Max("described_at")
    )
    changes = [moment for moment in moments.values() if moment is not None]
    return max(((change - EPOCH) // timedelta(milliseconds=1) for change in changes), default=0)


def release_exported(*, model_sha256: str, format: str, exporter_version: str) -> ModelRelease | None:
    """What this exporter has made of this release already, in whatever state."""
    known = ModelRelease.objects.filter(
        model_sha256=model_sha256, format=format, exporter_version=exporter_version
    ).prefetch_related("files")
    return known.first()


def file_to_download(sha256: str, filename: str) -> ModelFile:
    """
    A file of a published release. Several may hold the same bytes: one that is published is enough.

    :raises ModelWithdrawn: every release that was published with it was withdrawn
    :raises NotFound: unknown, or still a draft
    """
    rows = list(ModelFile.objects.filter(sha256=sha256, filename=filename).select_related("release"))
    by_state = {row.release.state: row for row in rows}
    if State.PUBLISHED in by_state:
        return by_state[State.PUBLISHED]
    if State.WITHDRAWN in by_state:
        raise ModelWithdrawn("Read the list of releases again and use what it names now.")
    raise NotFound("There is no such file.")
