"""The worker's side of an attempt: keeps the lease alive and the child in sight."""

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from foundation import context
from foundation.errors import ApplicationError

from . import conf, folders, leases
from .attempts import perform
from .models import Job
from .processes import end_family
from .registry import kind_named

log = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 0.25
# A cancel is promised within two seconds: half a second at most to see it, this long to let go.
GRACE_SECONDS = 0.7


class TookTooLong(ApplicationError):
    code = "took_too_long"
    title = "This took too long"


@dataclass
class _Cancelled:
    """The owner does not want it any more."""


@dataclass
class _Overrun:
    """The attempt had its time."""


@dataclass
class _Lost:
    """The job is over or not this worker's any more, or this worker could not say for too long that it is."""


@dataclass
class _Ended:
    """The child is gone by itself; if it did not note how, the code says what is known."""

    code: int


_Ending = _Cancelled | _Overrun | _Lost | _Ended


def run(job: Job, *, cluster: str) -> None:
    """Run a claimed job in a process of its own until it ends, one way or another."""
    context.job_id.set(str(job.pk))
    context.request_id.set(job.request_id)
    child = _start(job)
    try:
        ending = _Watch(job, child, cluster).wait()
    finally:
        end_family(child, grace_seconds=GRACE_SECONDS)
        assert job.token is not None
        folders.attempt_remove(job.pk, job.token)
    _settle(job, ending, timezone.now())


def job_run_here(*, job: Job) -> Job:
    """Claim a queued job and do it in this process, without a worker: for tests and for a shell."""
    claimed = leases.job_claim(job_id=job.pk, at=timezone.now())
    if claimed is not None and claimed.token is not None:
        perform(job_id=claimed.pk, token=claimed.token)
    job.refresh_from_db()
    return job


def _start(job: Job) -> subprocess.Popen[bytes]:
    manage = str(settings.ROOT_DIR / "manage.py")
    command = [sys.executable, manage, "run_attempt", str(job.pk), str(job.token), "--parent", str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)


class _Watch:
    """Looks at child, lease and clock by turns."""

    def __init__(self, job: Job, child: subprocess.Popen[bytes], cluster: str) -> None:
        self.job = job
        self.child = child
        self.cluster = cluster
        self.must_end_at = time.monotonic() + kind_named(job.kind).seconds_max
        self.next_beat = time.monotonic()
        self.lease_good_until = time.monotonic() + conf.lease().total_seconds()

    def wait(self) -> _Ending:
        while True:
            try:
                return _Ended(self.child.wait(LOOK_EVERY_SECONDS))
            except subprocess.TimeoutExpired:
                ending = self._look()
            if ending is not None:
                return ending

    def _look(self) -> _Ending | None:
        now = time.monotonic()
        if now >= self.must_end_at:
            return _Overrun()
        try:
            return self._ask_database(now)
        except leases.LeaseLost:
            return self._let_finish()
        except DatabaseError as error:
            log.warning("job %s: the database does not answer: %s", self.job.pk, error)
            close_old_connections()
            return _Lost() if time.monotonic() >= self.lease_good_until else None

    def _ask_database(self, now: float) -> _Ending | None:
        if now >= self.next_beat:
            leases.lease_renew(job=self.job, at=timezone.now())
            self.lease_good_until = now + conf.lease().total_seconds()
            self.next_beat = now + conf.beat_seconds()
            leases.beat(cluster=self.cluster, at=timezone.now())
        return _Cancelled() if leases.is_cancel_requested(self.job) else None

    def _let_finish(self) -> _Ending:
        """The job has ended or is another's: a child that has just committed may tidy up."""
        try:
            return _Ended(self.child.wait(GRACE_SECONDS))
        except subprocess.TimeoutExpired:
            return _Lost()


def _settle(job: Job, ending: _Ending, at: datetime) -> None:
    """Write down the end, unless the child has done so: only one of us holds the token by then."""
    match ending:
        case _Cancelled():
            leases.attempt_cancel(job=job, at=at)
        case _Overrun():
            minutes = max(1, round(kind_named(job.kind).seconds_max / 60))
            leases.attempt_fail(job=job, error=TookTooLong(f"It was stopped after {minutes} minutes."), at=at)
        case _Ended(code):
            leases.attempt_lose(job=job, reason=_reason(code), at=at)
        case _Lost():
            log.info("job %s was over or given back before its child was; the child was ended", job.pk)


def _reason(code: int) -> str:
    if code >= 0:
        return f"its process ended early (exit code {code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
    return f"its process was ended by {name}{hint}"
