from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from accounts.models import User
from foundation.errors import NotFound

from . import folders, registry
from .models import Job, WorkerBeat

# What ended this recently belongs into a snapshot: its last message may have been lost.
JUST_ENDED = timedelta(minutes=10)


def jobs_of(user: User) -> QuerySet[Job]:
    """Somebody's jobs, newest first."""
    return Job.objects.filter(owner=user).order_by("-created_at", "-pk")


def active_jobs_of(user: User) -> QuerySet[Job]:
    return jobs_of(user).filter(state__in=Job.ACTIVE)


def snapshot_of(user: User, at: datetime) -> QuerySet[Job]:
    """What an open page shows: the active jobs, and those that ended a moment ago."""
    return jobs_of(user).filter(Q(state__in=Job.ACTIVE) | Q(finished_at__gte=at - JUST_ENDED))


def job_for_owner(user: User, job_id: UUID) -> Job:
    """
    :raises NotFound: it does not exist, or is somebody else's
    """
    job = jobs_of(user).filter(pk=job_id).first()
    if job is None:
        raise NotFound("There is no such job.")
    return job


def preview_for_owner(user: User, job_id: UUID) -> Path:
    """
    Return the file of the newest painted frame.

    :raises NotFound: nothing was painted yet, or the job is over
    """
    job = job_for_owner(user, job_id)
    path = folders.preview_path(job.pk)
    if not job.has_preview or not path.is_file():
        raise NotFound("There is no preview of this job.")
    return path


def waiting_beside(kind: str) -> QuerySet[Job]:
    """What waits for the workers that do this kind of work, next first."""
    waiting = Job.objects.filter(state=Job.State.QUEUED, kind__in=registry.kinds_beside(kind))
    return waiting.order_by("queued_at", "pk")


def queue_position(job: Job) -> int | None:
    """Return the place among those that wait for the same workers, 1 being next; None for what does not wait."""
    if job.state != Job.State.QUEUED:
        return None
    ahead = Q(queued_at__lt=job.queued_at) | Q(queued_at=job.queued_at, pk__lt=job.pk)
    return waiting_beside(job.kind).filter(ahead).count() + 1


def last_worker_beat(cluster: str | None = None) -> datetime | None:
    """Return when a worker last showed that it works: of one cluster, or of the one that has been silent longest."""
    beats = WorkerBeat.objects.order_by().values("cluster").annotate(latest=Max("at"))
    latest = [row["latest"] for row in (beats.filter(cluster=cluster) if cluster else beats)]
    return min(latest) if latest else None
