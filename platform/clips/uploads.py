"""
What happens to an upload: created, extended, ended; complete, it is handed to the ingest job.

The row's offset counts what is on disk for certain: bytes first, fsync, then the row.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from foundation.errors import ApplicationError, Conflict, NotFound
from jobs.models import Job
from jobs.services import TooManyJobs, job_cancel, job_start

from . import conf, upload_files
from .ingest.bounds import FINAL
from .models import Upload
from .services import clean_title
from .upload_files import Readable

log = logging.getLogger(__name__)
MEBI = 1024 * 1024


class UploadTooLarge(ApplicationError):
    status = 413
    code = "too_large"
    title = "The file is too large"


class EmptyUpload(ApplicationError):
    code = "empty_file"
    title = "The file is empty"


class TooManyUploads(Conflict):
    code = "too_many_uploads"
    title = "Too many uploads at once"


class WrongOffset(Conflict):
    """The piece does not begin where the last one ended."""

    code = "wrong_offset"
    title = "This piece does not fit here"


@dataclass(frozen=True)
class Wish:
    """What a client says about a file before it sends it."""

    length: int
    filename: str = ""
    title: str = ""
    metadata: str = ""


@transaction.atomic
def upload_create(*, owner: User, wish: Wish, at: datetime) -> Upload:
    """
    Make room for a file.

    :raises EmptyUpload: there is nothing to send
    :raises UploadTooLarge: more than one person may bring in
    :raises TooManyUploads: at the limit of unfinished uploads for one person
    :raises DiskFull: it would not fit on the disk
    """
    if wish.length < 1:
        raise EmptyUpload("Choose the file again; perhaps it was not copied completely.")
    if wish.length > conf.upload_bytes_max():
        raise UploadTooLarge(f"At most {conf.upload_bytes_max() // MEBI} MB are accepted.")
    unfinished = Upload.objects.filter(owner=owner, expires_at__gt=at).filter(_not_ended())
    if unfinished.count() >= conf.uploads_open_max():
        raise TooManyUploads(f"Finish or cancel one of your {conf.uploads_open_max()} uploads first.")
    upload_id = uuid4()
    # A file without a row is swept away; a row without a file would promise what is not there.
    upload_files.create(upload_id, wish.length)
    return Upload.objects.create(
        id=upload_id,
        owner=owner,
        filename=wish.filename[:255],
        title=clean_title(wish.title or wish.filename.rpartition(".")[0] or wish.filename),
        metadata=wish.metadata,
        length=wish.length,
        created_at=at,
        expires_at=at + conf.upload_life(),
    )


def upload_append(*, upload: Upload, offset: int, body: Readable, at: datetime, checksum: str = "") -> Upload:
    """
    Add a piece at `offset`; the last one starts the ingest job.

    :raises WrongOffset: the upload is elsewhere by now
    :raises UploadBusy: another request is writing
    :raises ChecksumMismatch, PieceTooLong, DiskFull: nothing of the piece was kept
    """
    if upload.is_complete and offset == upload.length:
        return upload_ingest(upload=upload)
    with upload_files.held(upload.pk) as descriptor:
        upload = _fresh(upload)
        if offset != offset_of(upload):
            raise WrongOffset(f"The next byte to send is number {offset_of(upload)}.")
        written = upload_files.append(descriptor, offset, upload.length - offset, body, checksum)
        upload.offset, upload.expires_at = offset + written, at + conf.upload_life()
        if not Upload.objects.filter(pk=upload.pk).update(offset=upload.offset, expires_at=upload.expires_at):
            upload_files.remove(upload.pk)
            raise NotFound("The upload was ended meanwhile.")
    return upload_ingest(upload=upload) if upload.is_complete else upload


def offset_of(upload: Upload) -> int:
    """The next byte to send: what the row says, unless the disk has lost some of it."""
    return upload.offset if upload.job_id else min(upload.offset, upload_files.size_of(upload.pk))


@transaction.atomic
def upload_ingest(*, upload: Upload) -> Upload:
    """
    Start the ingest job of a complete upload; a second call finds the job of the first.

    At the limit of jobs for one person it is left to wait: the next look, or the sweep, starts it.
    """
    upload = Upload.objects.select_for_update().select_related("owner").get(pk=upload.pk)
    if upload.job_id is not None or not upload.is_complete:
        return upload
    try:
        upload.job = job_start(
            owner=upload.owner,
            kind="ingest",
            payload={"upload_id": str(upload.pk)},
            subject={"upload_id": str(upload.pk)},
        )
    except TooManyJobs:
        return upload
    upload.save(update_fields=["job"])
    return upload


@transaction.atomic
def upload_end(*, upload: Upload, by: User) -> None:
    """Forget an upload; what is being made of it is cancelled."""
    if upload.job is not None and upload.job.is_active:
        job_cancel(job=upload.job, by=by)
    _forget(upload)


def upload_done(*, upload_id: UUID) -> None:
    """The clip is there: the bytes as they came are not needed any more, the row says for a while what became of it."""
    upload_files.remove(upload_id)


def uploads_sweep(at: datetime) -> int:
    """Start what was complete when a crash came; remove what expired, and files that nobody needs any more."""
    for upload in Upload.objects.filter(job=None, expires_at__gt=at):
        if upload.is_complete:
            upload_ingest(upload=upload)
    expired = list(Upload.objects.filter(expires_at__lte=at).exclude(job__state__in=Job.ACTIVE))
    for upload in expired:
        with transaction.atomic():
            _forget(upload)
    return len(expired) + _sweep_files()


def _sweep_files() -> int:
    root = conf.uploads_root()
    # Files first, rows after: a row of a file seen here was there before, or the file is new and still locked.
    files = {path.stem: path for path in root.glob("*.part")} if root.is_dir() else {}
    done = Q(job__state__in=["succeeded", "cancelled"]) | Q(job__state="failed", job__error_code__in=FINAL)
    needed = {str(pk) for pk in Upload.objects.filter(pk__in=list(files)).exclude(done).values_list("pk", flat=True)}
    unknown = [path for name, path in files.items() if name not in needed]
    for path in unknown:
        path.unlink(missing_ok=True)
    return len(unknown)


def _forget(upload: Upload) -> None:
    transaction.on_commit(partial(upload_files.remove, upload.pk), robust=True)
    upload.delete()


def _fresh(upload: Upload) -> Upload:
    """
    :raises NotFound: it was ended meanwhile
    """
    fresh = Upload.objects.filter(pk=upload.pk).select_related("job", "owner").first()
    if fresh is None:
        upload_files.remove(upload.pk)
        raise NotFound("The upload was ended meanwhile.")
    return fresh


def _not_ended() -> Q:
    return Q(job=None) | Q(job__state__in=Job.ACTIVE)
