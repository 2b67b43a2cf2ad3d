"""What the queue runs for this room."""

import logging
from pathlib import Path
from uuid import UUID

from jobs.attempts import Attempt, JobFailed

from . import conf, upload_files
from .ingest.bounds import Refusal
from .ingest.worker import make_mezzanine
from .media import PreparedMedia, prepare_media
from .models import Upload
from .services import clip_adopt
from .uploads import upload_done

log = logging.getLogger(__name__)


def run_ingest(attempt: Attempt) -> None:
    """
    Make a clip of a complete upload.

    A second run of a job that has succeeded never comes here; one that was interrupted starts from the upload again.
    """
    upload = _upload(attempt)
    media = _prepared(attempt, upload_files.path_of(upload.pk))
    attempt.report(stage="finishing", progress=0.98)

    def write() -> dict[str, str]:
        demo = str(attempt.job.payload.get("demo", ""))
        clip = clip_adopt(owner=attempt.job.owner, title=upload.title, media=media, job=attempt.job, demo=demo)
        return {"clip_id": str(clip.pk)}

    attempt.commit(write)
    upload_done(upload_id=upload.pk)


def _upload(attempt: Attempt) -> Upload:
    upload = Upload.objects.filter(pk=UUID(attempt.job.payload["upload_id"]), owner=attempt.job.owner).first()
    if upload is None or not upload.is_complete or upload_files.size_of(upload.pk) != upload.length:
        raise JobFailed("What was uploaded is not there any more. Send the clip once more.", code="upload_lost")
    return upload


def _prepared(attempt: Attempt, source: Path) -> PreparedMedia:
    directory = attempt.directory
    try:
        video = make_mezzanine(source, directory, conf.bounds(), attempt.report)
    except Refusal as refusal:
        raise JobFailed(refusal.detail, code=refusal.code, title=refusal.title) from None
    attempt.report(stage="finishing", progress=0.92)
    return prepare_media(video, directory)
