import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q


class Job(models.Model):
    """
    One piece of long work somebody asked for, from the wish to its end.

    This row is the truth; the queue only says "look at it". While it runs, whoever holds `token` may write to it.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Stage(models.TextChoices):
        WAITING = "waiting"
        CHECKING = "checking"
        CONVERTING = "converting"
        PAINTING = "painting"
        FINISHING = "finishing"
        DONE = "done"

    ACTIVE = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    # What the handler is to do; what it is about (ids for the client); what came of it.
    payload = models.JSONField(default=dict, blank=True)
    subject = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)

    stage = models.CharField(max_length=10, choices=Stage, default=Stage.WAITING)
    progress = models.FloatField(default=0)
    frames_done = models.PositiveIntegerField(null=True, blank=True)
    frames_total = models.PositiveIntegerField(null=True, blank=True)
    frames_per_second = models.FloatField(null=True, blank=True)
    eta_seconds = models.FloatField(null=True, blank=True)
    preview_at = models.DateTimeField(null=True, blank=True)

    error_code = models.CharField(max_length=60, blank=True)
    error_title = models.CharField(max_length=200, blank=True)
    error_detail = models.TextField(blank=True)
    # For the staff: why the latest attempt ended without a result. The owner reads `error_detail`.
    trouble = models.TextField(blank=True)

    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    token = models.UUIDField(null=True, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    created_at = models.DateTimeField()
    # The place in the queue counts from here: a job that is tried again queues anew.
    queued_at = models.DateTimeField()
    woken_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="jobs_of_owner"),
            models.Index(
                fields=["state", "queued_at"], condition=Q(state__in=["queued", "running"]), name="active_jobs"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "succeeded", "failed", "cancelled"]),
                name="job_state_is_known",
            ),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=1), name="job_progress_is_a_fraction"),
            models.CheckConstraint(
                condition=Q(state="running", token__isnull=False, lease_expires_at__isnull=False)
                | (~Q(state="running") & Q(token=None, lease_expires_at=None)),
                name="only_a_running_job_has_token_and_lease",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at=None)
                | Q(state__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False),
                name="an_ended_job_says_when",
            ),
            models.CheckConstraint(
                condition=(Q(state="failed") & ~Q(error_code="")) | (~Q(state="failed") & Q(error_code="")),
                name="a_failed_job_says_why",
            ),
            models.CheckConstraint(
                condition=Q(attempts__lte=models.F("max_attempts"), max_attempts__gte=1),
                name="job_attempts_are_bounded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def has_preview(self) -> bool:
        return self.is_active and self.preview_at is not None

    @property
    def cancel_requested(self) -> bool:
        return self.cancel_requested_at is not None


class WorkerBeat(models.Model):
    """The latest sign of life of one worker process: it took a task, or is busy with one."""

    cluster = models.CharField(max_length=40)
    worker = models.CharField(max_length=120)
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["cluster", "worker"], name="one_beat_per_worker")]

    def __str__(self) -> str:
        return f"{self.worker} ({self.cluster})"


class SocketTicket(models.Model):
    """A word that opens one WebSocket once, for apps, which have no cookie to show there. Only its hash is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"ticket of {self.user_id} until {self.expires_at:%H:%M:%S}"

    def is_open(self, at: datetime) -> bool:
        return at < self.expires_at
