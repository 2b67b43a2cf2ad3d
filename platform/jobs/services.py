"""What can happen to a job and to a socket ticket, seen from outside; what a running attempt may do is in `leases`."""

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from foundation import context
from foundation.errors import Conflict, NotAllowed

from . import conf, folders
from .hints import announce, announce_queue
from .models import Job, SocketTicket
from .reaper import jobs_reap
from .registry import kind_named
from .wakeups import wake

__all__ = ["job_cancel", "job_retry", "job_start", "jobs_reap", "ticket_issue", "ticket_redeem"]

TICKET_LIFE = timedelta(seconds=60)
State = Job.State


class TooManyJobs(Conflict):
    code = "too_many_jobs"
    title = "Too much at once"


class JobEnded(Conflict):
    """There is nothing left to cancel."""

    code = "job_ended"
    title = "This job is already over"


class JobNotRetryable(Conflict):
    """Only what failed or was cancelled can be tried again."""

    code = "job_not_retryable"
    title = "This job cannot be tried again"


@transaction.atomic
def job_start(*, owner: User, kind: str, payload: dict[str, Any], subject: dict[str, Any]) -> Job:
    """
    Queue a piece of work; `payload` is for its handler, `subject` (ids) for the client.

    Call it in the transaction that writes what the work is about: then both are there, or neither.

    :raises TooManyJobs: at the limit of unfinished jobs for one person
    :raises UnknownKind: when no room registered the kind
    """
    what = kind_named(kind)
    if Job.objects.filter(owner=owner, state__in=Job.ACTIVE).count() >= conf.active_jobs_max():
        raise TooManyJobs(f"Wait until one of your {conf.active_jobs_max()} jobs is done, or cancel one.")
    at = timezone.now()
    job = Job.objects.create(
        owner=owner,
        kind=kind,
        payload=payload,
        subject=subject,
        max_attempts=what.max_attempts,
        request_id=context.request_id.get(),
        created_at=at,
        queued_at=at,
        woken_at=at,
    )
    wake(job)
    announce(job_id=job.pk, owner_pk=owner.pk)
    return job


@transaction.atomic
def job_cancel(*, job: Job, by: User) -> Job:
    """
    End a job: at once while it waits, within two seconds while it runs. It leaves nothing behind.

    :raises NotAllowed: for somebody else's job, unless `by` is a superuser
    :raises JobEnded: when it has already succeeded or failed
    """
    _check_may_manage(job, by)
    now = timezone.now()
    mine = Job.objects.filter(pk=job.pk)
    # Asked for once is enough: the first wish stays.
    cancelled = mine.filter(state=State.QUEUED).update(
        state=State.CANCELLED, finished_at=now, cancel_requested_at=now, preview_at=None
    ) or mine.filter(state=State.RUNNING, cancel_requested_at=None).update(cancel_requested_at=now)
    job.refresh_from_db()
    if job.state in (State.SUCCEEDED, State.FAILED):
        raise JobEnded("It was over before it could be cancelled.")
    if cancelled:
        if job.state == State.CANCELLED:
            transaction.on_commit(partial(folders.preview_remove, job.pk), robust=True)
            announce_queue(job.kind)
        announce(job_id=job.pk, owner_pk=job.owner_id)
    return job


@transaction.atomic
def job_retry(*, job: Job, by: User) -> Job:
    """
    Queue a job that failed or was cancelled once more, from the beginning.

    :raises NotAllowed: for somebody else's job, unless `by` is a superuser
    :raises JobNotRetryable: while it is active, and after it has succeeded
    """
    _check_may_manage(job, by)
    now = timezone.now()
    ended = Job.objects.filter(pk=job.pk, state__in=[State.FAILED, State.CANCELLED])
    if not ended.update(**_as_new(now)):
        raise JobNotRetryable("Only what failed or was cancelled can be tried again.")
    job.refresh_from_db()
    wake(job)
    announce(job_id=job.pk, owner_pk=job.owner_id)
    return job


def ticket_issue(*, user: User, at: datetime) -> tuple[str, datetime]:
    """Return a word that opens one WebSocket once, and when it expires."""
    word, expires_at = secrets.token_urlsafe(32), at + TICKET_LIFE
    SocketTicket.objects.create(user=user, digest=_digest(word), expires_at=expires_at)
    return word, expires_at


@transaction.atomic
def ticket_redeem(*, ticket: str, at: datetime) -> User | None:
    """Return whose ticket it was, and tear it up; None for an unknown, used or expired one, or a suspended person's."""
    found = SocketTicket.objects.filter(digest=_digest(ticket)).select_related("user").first()
    if found is None:
        return None
    # Of two that show the same word, one deletes the row.
    deleted, _ = SocketTicket.objects.filter(pk=found.pk).delete()
    is_good = bool(deleted) and found.is_open(at) and found.user.is_active
    return found.user if is_good else None


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def _check_may_manage(job: Job, by: User) -> None:
    if job.owner_id != by.pk and not by.is_superuser:
        raise NotAllowed("This is somebody else's job.")


def _as_new(at: datetime) -> dict[str, Any]:
    nothing = {"frames_done": None, "frames_total": None, "frames_per_second": None, "eta_seconds": None}
    no_error = {"error_code": "", "error_title": "", "error_detail": ""}
    past = {"started_at": None, "finished_at": None, "cancel_requested_at": None, "preview_at": None}
    start = {"state": State.QUEUED, "stage": Job.Stage.WAITING, "progress": 0, "attempts": 0, "result": {}}
    return {**nothing, **no_error, **past, **start, "queued_at": at, "woken_at": at}
