from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.models import User
from foundation.errors import ApplicationError

from . import services
from .models import Job, WorkerBeat

STATE_COLOURS = {"queued": "info", "running": "warning", "succeeded": "success", "failed": "danger"}


class ReadOnlyAdmin(ModelAdmin):
    """To look at: rows change through services only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "shown_state", "owner", "stage", "percent", "attempts", "why", "created_at"]
    list_filter = ["state", "kind", "error_code", "created_at"]
    search_fields = ["id", "owner__username", "request_id", "error_detail", "trouble"]
    list_select_related = ["owner"]
    exclude = ["token"]
    actions = ["retry", "cancel"]

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def shown_state(self, job: Job) -> str:
        return job.state

    @admin.display(description="Progress", ordering="progress")
    def percent(self, job: Job) -> str:
        return f"{job.progress:.0%}"

    @admin.display(description="Error")
    def why(self, job: Job) -> str:
        return job.error_detail or job.trouble

    @admin.action(description="Try again", permissions=["manage"])
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, services.job_retry, "queued again")

    @admin.action(description="Cancel", permissions=["manage"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, services.job_cancel, "cancelled")

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    def _each(self, request: HttpRequest, jobs: QuerySet[Job], service: Callable[..., Job], done: str) -> None:
        assert isinstance(request.user, User)
        for job in jobs:
            try:
                service(job=job, by=request.user)
            except ApplicationError as refusal:
                self.message_user(request, f"{job}: {refusal.detail}", messages.WARNING)
            else:
                self.message_user(request, f"{job}: {done}.", messages.SUCCESS)


@admin.register(WorkerBeat)
class WorkerBeatAdmin(ReadOnlyAdmin):
    list_display = ["worker", "cluster", "at"]
    list_filter = ["cluster"]
