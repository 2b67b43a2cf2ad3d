"""
Who may write to a running job: the holder of its token, for as long as the token is the job's.

Every write is one compare-and-set, so that of two that disagree exactly one wins, whoever dies in between.
"""

import logging
import os
import socket
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce

from foundation.errors import ApplicationError

from . import conf, folders
from .hints import announce, announce_queue
from .models import Job, WorkerBeat
from .registry import is_known
from .wakeups import wake

log = logging.getLogger(__name__)
State, Stage = Job.State, Job.Stage


class OutOfAttempts(ApplicationError):
    code = "attempts_exhausted"
    title = "This could not be finished"


class KindUnknown(ApplicationError):
    code = "kind_unknown"
    title = "This cannot be done any more"


class LeaseLost(Exception):
    """Somebody else has the job by now, or nobody; what this attempt still does is in vain."""


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def job_claim(*, job_id: UUID, at: datetime) -> Job | None:
    """Take a queued job, or return None: it is somebody's already, or over. Counts as an attempt from here on."""
    token = uuid4()
    taken = Job.objects.filter(pk=job_id, state=State.QUEUED, attempts__lt=F("max_attempts")).update(
        state=State.RUNNING,
        token=token,
        lease_expires_at=at + conf.lease(),
        worker=worker_name(),
        attempts=F("attempts") + 1,
        started_at=Coalesce("started_at", Value(at)),
    )
    if not taken:
        return None
    job = Job.objects.filter(pk=job_id, token=token).select_related("owner").first()
    if job is not None:
        announce(job_id=job.pk, owner_pk=job.owner_id)
        announce_queue(job.kind)
    return job


def lease_renew(*, job: Job, at: datetime) -> None:
    """
    :raises LeaseLost: when the token is not the job's any more
    """
    if not _held(job).update(lease_expires_at=at + conf.lease()):
        raise LeaseLost(job.pk)


def is_cancel_requested(job: Job) -> bool:
    return _held(job).filter(cancel_requested_at__isnull=False).exists()


def beat(*, cluster: str, at: datetime) -> None:
    """Write down that this worker process works."""
    WorkerBeat.objects.update_or_create(cluster=cluster, worker=worker_name(), defaults={"at": at})


def attempt_succeed(*, job: Job, result: dict[str, Any], at: datetime) -> None:
    """
    :raises LeaseLost: when the token is not the job's any more
    """
    done = {"result": result, "stage": Stage.DONE, "progress": 1.0, "eta_seconds": None, "trouble": ""}
    if not _end(job, State.SUCCEEDED, at, done):
        raise LeaseLost(job.pk)


def attempt_fail(*, job: Job, error: ApplicationError, at: datetime) -> bool:
    """End the job for good: trying again would not help. False when the token is not the job's any more."""
    why = {"error_code": error.code, "error_title": error.title[:200], "error_detail": error.detail}
    return _end(job, State.FAILED, at, {**why, "trouble": f"{type(error).__name__}: {error.detail}"})


def attempt_cancel(*, job: Job, at: datetime) -> bool:
    return _end(job, State.CANCELLED, at, {})


@transaction.atomic
def attempt_lose(*, job: Job, reason: str, at: datetime, if_expired: bool = False) -> bool:
    """
    Note that an attempt ended without a result: queue the job again, or fail it when it was the last one.

    A job whose owner has cancelled it meanwhile is cancelled. `if_expired`: only when its lease has run out, too.
    False when there was nothing to do, as somebody else ended the attempt before.
    """
    held = _held(job).filter(lease_expires_at__lte=at) if if_expired else _held(job)
    now = held.select_for_update().first()
    if now is None:
        return False
    log.warning("attempt %s of %s at job %s ended: %s", now.attempts, now.max_attempts, now.pk, reason)
    if now.cancel_requested_at:
        return attempt_cancel(job=now, at=at)
    if not is_known(now.kind):
        return attempt_fail(job=now, error=KindUnknown("This installation no longer does this kind of work."), at=at)
    if now.attempts < now.max_attempts:
        return _requeue(now, reason, at)
    error = OutOfAttempts(f"It was tried {now.attempts} times; the last time {reason}. You can start it again.")
    return attempt_fail(job=now, error=error, at=at)


def attempts_excuse() -> int:
    """
    Do not count the attempts under way on this machine: it is being stopped, which is nobody's fault.

    Should one of them end by itself before, it has had one attempt too many.
    """
    host = f"{socket.gethostname()}:"
    under_way = Job.objects.filter(state=State.RUNNING, worker__startswith=host, attempts__gt=0)
    return under_way.update(attempts=F("attempts") - 1)


def _requeue(job: Job, reason: str, at: datetime) -> bool:
    back = _held(job).update(
        state=State.QUEUED,
        stage=Stage.WAITING,
        token=None,
        lease_expires_at=None,
        eta_seconds=None,
        frames_per_second=None,
        trouble=reason,
        queued_at=at,
        woken_at=at,
    )
    if back:
        wake(job)
        announce(job_id=job.pk, owner_pk=job.owner_id)
    return bool(back)


@transaction.atomic
def _end(job: Job, state: Job.State, at: datetime, changes: dict[str, Any]) -> bool:
    ended = _held(job).update(
        state=state, token=None, lease_expires_at=None, finished_at=at, preview_at=None, **changes
    )
    if ended:
        transaction.on_commit(partial(folders.preview_remove, job.pk), robust=True)
        announce(job_id=job.pk, owner_pk=job.owner_id)
    return bool(ended)


def _held(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, state=State.RUNNING, token=job.token)
