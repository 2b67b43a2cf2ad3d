from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import person_of
from foundation.idempotency import idempotent

from . import selectors, services
from .models import Job


class JobErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField()


class JobSubjectSerializer(serializers.Serializer[Any]):
    upload_id = serializers.UUIDField(required=False)
    clip_id = serializers.UUIDField(required=False)
    project_id = serializers.UUIDField(required=False)


class JobResultSerializer(serializers.Serializer[Any]):
    clip_id = serializers.UUIDField(required=False)


class JobSerializer(serializers.ModelSerializer[Job]):
    """A piece of long work, as its owner sees it."""

    queue_position = serializers.SerializerMethodField(help_text="1 is next; null unless it waits.")
    error = serializers.SerializerMethodField()
    subject = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    has_preview = serializers.BooleanField(read_only=True)
    cancel_requested = serializers.BooleanField(read_only=True)

    class Meta:
        model = Job
        fields = [
            "id", "kind", "state", "stage", "progress", "frames_done", "frames_total", "frames_per_second",
            "eta_seconds", "queue_position", "error", "subject", "result", "has_preview", "cancel_requested",
            "attempts", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_queue_position(self, job: Job) -> int | None:
        return selectors.queue_position(job)

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        if not job.error_code:
            return None
        return {"code": job.error_code, "title": job.error_title, "detail": job.error_detail}

    @extend_schema_field(JobSubjectSerializer)
    def get_subject(self, job: Job) -> dict[str, Any]:
        return job.subject

    @extend_schema_field(JobResultSerializer)
    def get_result(self, job: Job) -> dict[str, Any]:
        return job.result


class SocketTicketSerializer(serializers.Serializer[Any]):
    ticket = serializers.CharField()
    expires_at = serializers.DateTimeField()


@extend_schema(parameters=[OpenApiParameter("active", bool, description="Only what waits or runs.")])
class JobListView(ListAPIView[Job]):
    serializer_class = JobSerializer
    queryset = Job.objects.none()

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Job.objects.none()
        user = person_of(self.request)
        is_active = self.request.query_params.get("active", "").lower() in {"true", "1"}
        return selectors.active_jobs_of(user) if is_active else selectors.jobs_of(user)


class JobView(APIView):
    @extend_schema(operation_id="job", responses=JobSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        return Response(JobSerializer(selectors.job_for_owner(person_of(request), job_id)).data)


class JobCancelView(APIView):
    @extend_schema(operation_id="job_cancel", request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        user = person_of(request)
        job = services.job_cancel(job=selectors.job_for_owner(user, job_id), by=user)
        return Response(JobSerializer(job).data)


class JobRetryView(APIView):
    @extend_schema(operation_id="job_retry", request=None, responses=JobSerializer)
    @idempotent
    def post(self, request: Request, job_id: UUID) -> Response:
        user = person_of(request)
        job = services.job_retry(job=selectors.job_for_owner(user, job_id), by=user)
        return Response(JobSerializer(job).data)


class JobPreviewView(APIView):
    @extend_schema(operation_id="job_preview", responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: UUID) -> HttpResponseBase:
        path = selectors.preview_for_owner(person_of(request), job_id)
        return FileResponse(path.open("rb"), content_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


class SocketTicketView(APIView):
    @extend_schema(operation_id="socket_ticket", request=None, responses={201: SocketTicketSerializer})
    def post(self, request: Request) -> Response:
        ticket, expires_at = services.ticket_issue(user=person_of(request), at=timezone.now())
        return Response(SocketTicketSerializer({"ticket": ticket, "expires_at": expires_at}).data, status=201)
