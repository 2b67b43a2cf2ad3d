"""How patient jobs are; a setting of the same name overrides each."""

from datetime import timedelta

from django.conf import settings


def lease() -> timedelta:
    """How long a running job is believed to be in good hands without a sign of life."""
    return timedelta(seconds=getattr(settings, "JOB_LEASE_SECONDS", 15))


def beat_seconds() -> float:
    return getattr(settings, "JOB_BEAT_SECONDS", 3)


def active_jobs_max() -> int:
    """How many unfinished jobs one person may have."""
    return getattr(settings, "JOBS_ACTIVE_MAX", 20)
