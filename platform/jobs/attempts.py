"""What a handler gets, and what becomes of the job however the handler ends."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, FloatField, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from foundation import context
from foundation.errors import ApplicationError, DiskFull
from foundation.files import is_disk_full

from . import folders, leases
from .estimate import Estimate
from .hints import announce
from .leases import LeaseLost
from .models import Job
from .registry import kind_named

log = logging.getLogger(__name__)
REPORT_EVERY_SECONDS = 0.25

__all__ = ["Attempt", "JobCancelled", "JobFailed", "LeaseLost", "perform"]


class JobFailed(ApplicationError):
    """
    Raised by a handler: the work cannot be done, and no retry would help. The person reads `detail`.

    Any other `ApplicationError` ends the job in the same way.
    """

    code = "failed"
    title = "This could not be done"

    def __init__(self, detail: str = "", *, code: str = "", title: str = "") -> None:
        self.code = code or self.code
        self.title = title or self.title
        super().__init__(detail)


class JobCancelled(Exception):
    """The owner does not want it any more. A handler lets it pass."""


class Attempt:
    """
    One try at a job, in a process of its own that may be killed at any time.

    `job` is the row as it was when the attempt began; `directory` is private and removed afterwards, whatever happens.
    """

    def __init__(self, job: Job) -> None:
        if job.token is None:
            raise LeaseLost(job.pk)
        self.job = job
        self.committed = False
        self._token: UUID = job.token
        self._next_report = 0.0
        self._stage = ""
        self._estimate = Estimate()

    @property
    def directory(self) -> Path:
        return folders.attempt_directory(self.job.pk, self._token)

    def report(
        self,
        *,
        stage: str,
        progress: float,
        frames_done: int | None = None,
        frames_total: int | None = None,
        frames_per_second: float | None = None,
        eta_seconds: float | None = None,
        preview: bytes | None = None,
    ) -> None:
        """
        Say how far it is. Call it as often as you like: four times a second something is written.

        Progress never goes back for the person, be it that an earlier attempt came further.

        :raises JobCancelled: the owner does not want it any more
        :raises LeaseLost: somebody else has the job by now
        """
        if time.monotonic() < self._next_report and stage == self._stage:
            return
        stage = Job.Stage(stage)
        progress = min(max(progress, 0.0), 1.0)
        eta = self._estimate.remaining(progress, said=eta_seconds, at=time.monotonic())
        numbers = {"frames_total": frames_total, "frames_per_second": frames_per_second, "eta_seconds": eta}
        self._write(stage=stage, progress=progress, frames_done=frames_done, numbers=numbers, preview=preview)
        self._stage, self._next_report = stage, time.monotonic() + REPORT_EVERY_SECONDS

    def commit(self, write: Callable[[], dict[str, Any]]) -> None:
        """
        Make the result real, once: `write()` makes rows, renames files and returns the job's result.

        All of it is one transaction that holds the job's row. A cancel that comes while it runs waits for it and is
        then too late; one that came before stops it. Keep `write` short: encode and hash before.

        A lease that has run out is still held until the reaper takes it back, which this transaction excludes.

        :raises JobCancelled: the owner does not want it any more
        :raises LeaseLost: somebody else has the job by now
        """
        with transaction.atomic():
            job = Job.objects.select_for_update().filter(pk=self.job.pk).first()
            self._check(job)
            result = write()
            leases.attempt_succeed(job=self.job, result=result, at=timezone.now())
        self.committed = True

    def _check(self, job: Job | None) -> None:
        if job is None or job.token != self._token:
            raise LeaseLost(self.job.pk)
        if job.cancel_requested_at:
            raise JobCancelled(self.job.pk)

    def _write(
        self, *, stage: str, progress: float, frames_done: int | None, numbers: dict[str, Any], preview: bytes | None
    ) -> None:
        try:
            self._check(Job.objects.filter(pk=self.job.pk).only("token", "cancel_requested_at").first())
            if preview is not None:
                folders.preview_write(self.job.pk, preview)
                numbers["preview_at"] = timezone.now()
            if frames_done is not None:
                numbers["frames_done"] = Greatest(Coalesce(F("frames_done"), Value(0)), Value(frames_done))
            farthest = Greatest(F("progress"), Value(progress, FloatField()))
            mine = Job.objects.filter(pk=self.job.pk, token=self._token, state=Job.State.RUNNING)
            if mine.update(stage=stage, progress=farthest, **numbers):
                announce(job_id=self.job.pk, owner_pk=self.job.owner_id)
        except DatabaseError as error:
            # A busy database makes the bar late; it does not undo an hour of painting.
            log.warning("progress of job %s was not written: %s", self.job.pk, error)


def perform(*, job_id: UUID, token: UUID) -> None:
    """Run the handler of a claimed job in this process and note how it ended."""
    job = Job.objects.filter(pk=job_id, state=Job.State.RUNNING, token=token).select_related("owner").first()
    if job is None:
        return  # given back while this process was starting
    context.job_id.set(str(job.pk))
    context.request_id.set(job.request_id)
    attempt = Attempt(job)
    try:
        kind_named(job.kind).load_handler()(attempt)
        if not attempt.committed:
            raise RuntimeError("the handler returned without a commit")
    except BaseException as error:
        _note_end(job, error)
    finally:
        folders.attempt_remove(job.pk, token)


def _note_end(job: Job, error: BaseException) -> None:
    now = timezone.now()
    match error:
        case LeaseLost():
            log.warning("job %s belongs to another attempt by now", job.pk)
        case JobCancelled():
            leases.attempt_cancel(job=job, at=now)
        case ApplicationError():
            log.info("job %s cannot be done: %s", job.pk, error.detail, extra={"code": error.code})
            leases.attempt_fail(job=job, error=error, at=now)
        case OSError() if is_disk_full(error):
            log.error("job %s: the disk is full", job.pk)
            leases.attempt_fail(job=job, error=DiskFull("Nothing was lost; try again later."), at=now)
        case Exception():
            log.exception("job %s broke", job.pk, exc_info=error)
            leases.attempt_lose(job=job, reason=f"it broke ({type(error).__name__})", at=now)
        case _:
            raise error
