"""What django-q calls in a worker."""

from uuid import UUID

from django.utils import timezone
from django_q.conf import Conf

from . import leases, runner


def run_job(job_id: str) -> None:
    """Look at a job: run it if it is still waiting, do nothing if somebody has it or it is over."""
    sing()
    job = leases.job_claim(job_id=UUID(job_id), at=timezone.now())
    if job is not None:
        runner.run(job, cluster=Conf.CLUSTER_NAME)


def sing() -> None:
    """Show that this worker takes tasks."""
    leases.beat(cluster=Conf.CLUSTER_NAME, at=timezone.now())
