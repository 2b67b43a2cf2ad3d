"""The only place that puts something into django-q's queue."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from .models import Job
from .registry import kind_named

RUN = "jobs.tasks.run_job"
CANARY = "jobs.tasks.sing"
JUST_SENT = timedelta(hours=1)
# A message may wait in its cluster behind one task of full length and then take as long itself.
TURNS_ALIVE = 2


def wake(job: Job) -> None:
    """
    Ask a worker to look at the job.

    The queue is a table of the same database: called in the transaction that queues the job, both happen or neither.
    """
    cluster = kind_named(job.kind).cluster
    async_task(RUN, str(job.pk), cluster=cluster, save=False, task_name=f"{job.kind} {job.pk}")


def send_canary(cluster: str) -> None:
    """Send an errand through the queue whose only effect is that the worker that gets it has shown it works."""
    async_task(CANARY, cluster=cluster, save=False, task_name="canary")


def waiting(cluster: str) -> QuerySet[OrmQ]:
    """What no worker has taken yet."""
    return OrmQ.objects.filter(key=cluster, lock__lte=timezone.now())


def jobs_waiting() -> set[UUID]:
    """The jobs that some message still waiting in a queue is about."""
    rows = OrmQ.objects.filter(lock__lte=timezone.now())
    return {UUID(row.task["args"][0]) for row in rows if row.task.get("func") == RUN}


def prune(at: datetime) -> int:
    """
    Remove messages that died with the cluster that took them: django-q would deliver them again after a day.

    A message that waits is locked until the moment it was sent, which other machines and this very round may put a
    little after `at`; one that was taken, until a day after that.
    """
    redelivery, longest = timedelta(seconds=settings.TASK_REDELIVERY_SECONDS), TURNS_ALIVE * settings.TASK_SECONDS_MAX
    dead = OrmQ.objects.filter(lock__gt=at + JUST_SENT, lock__lte=at + redelivery - timedelta(seconds=longest))
    return dead.delete()[0]
