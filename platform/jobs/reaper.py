"""Puts right what a crash left behind: the reason why work can be late, but never lost."""

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, transaction

from foundation.files import remove_tree

from . import folders, leases, registry, selectors, wakeups
from .models import Job, SocketTicket, WorkerBeat

log = logging.getLogger(__name__)

# A message that a worker has taken but not begun with is not counted as waiting; this long it may be on its way.
WAKE_AGAIN_AFTER = timedelta(seconds=10)
CANARY_AFTER = timedelta(seconds=5)
BEATS_KEPT = timedelta(hours=1)
SWEEP_EVERY_SECONDS = 300
REAPED_AT_ONCE = 200


@dataclass
class Harvest:
    """What one round of the reaper did."""

    given_back: int = 0
    woken: int = 0
    folders: int = 0
    pruned: int = 0


def jobs_reap(*, at: datetime) -> Harvest:
    """
    Give back leases that ran out, wake jobs whose message got lost, remove what dead attempts left.

    Any number of reapers may run at a time: each step is a compare-and-set or can be repeated.
    """
    return Harvest(given_back=_give_back(at), woken=_wake_forgotten(at), folders=_sweep_folders(), pruned=_prune(at))


@dataclass
class Reaper:
    """The reaper's round: `work_once` every few seconds, for as long as the supervisor keeps it running."""

    next_sweep: float = field(default=0.0)

    def work_once(self, at: datetime) -> Harvest:
        close_old_connections()
        harvest = jobs_reap(at=at)
        for cluster in settings.WORK_CLUSTERS:
            send_canary_if_silent(cluster, at)
        if time.monotonic() >= self.next_sweep:
            self.next_sweep = time.monotonic() + SWEEP_EVERY_SECONDS
            sweep_rooms(at)
        return harvest


def send_canary_if_silent(cluster: str, at: datetime) -> bool:
    """Have an idle worker show that it works; not while a message is waiting, which would show the same."""
    beat = selectors.last_worker_beat(cluster)
    if beat is not None and at - beat < CANARY_AFTER:
        return False
    if wakeups.waiting(cluster).exists():
        return False
    wakeups.send_canary(cluster)
    return True


def sweep_rooms(at: datetime) -> None:
    for name, sweep in registry.sweeps().items():
        try:
            sweep(at)
        except Exception:  # one room's trouble is not another's
            log.exception("the sweep of %s failed", name)


def _give_back(at: datetime) -> int:
    expired = Job.objects.filter(state=Job.State.RUNNING, lease_expires_at__lte=at).order_by("lease_expires_at", "pk")
    return sum(
        leases.attempt_lose(job=job, reason="its worker stopped answering", at=at, if_expired=True)
        for job in expired[:REAPED_AT_ONCE]
    )


def _wake_forgotten(at: datetime) -> int:
    """Send a message for every queued job that none is waiting for: it was lost with the worker that took it."""
    queued = Job.objects.filter(state=Job.State.QUEUED, woken_at__lte=at - WAKE_AGAIN_AFTER)
    forgotten = [job for job in queued.order_by("queued_at", "pk") if registry.is_known(job.kind)]
    if not forgotten:
        return 0
    expected = wakeups.jobs_waiting()
    return sum(_wake_again(job, at) for job in forgotten if job.pk not in expected)


def _wake_again(job: Job, at: datetime) -> bool:
    with transaction.atomic():
        unwoken = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED, woken_at=job.woken_at)
        if not unwoken.update(woken_at=at):
            return False  # another reaper was faster
        wakeups.wake(job)
    return True


def _sweep_folders() -> int:
    # The folders first, the rows after: a folder whose token is not the job's then is a dead attempt's.
    found = list(folders.all_folders())
    rows = Job.objects.filter(pk__in={folder.job_id for folder in found}, state__in=Job.ACTIVE)
    tokens: dict[UUID, UUID | None] = dict(rows.values_list("pk", "token"))
    dead = [folder for folder in found if not _is_needed(folder, tokens)]
    for folder in dead:
        remove_tree(folder.path)
    return len(dead)


def _is_needed(folder: folders.Folder, tokens: dict[UUID, UUID | None]) -> bool:
    if folder.job_id not in tokens:
        return False
    return folder.token is None or folder.token == tokens[folder.job_id]


def _prune(at: datetime) -> int:
    tickets, _ = SocketTicket.objects.filter(expires_at__lte=at).delete()
    beats, _ = WorkerBeat.objects.filter(at__lt=at - BEATS_KEPT).delete()
    return tickets + beats + wakeups.prune(at)
