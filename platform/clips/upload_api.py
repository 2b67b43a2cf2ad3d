"""Uploads over tus 1.0: creation (with the first bytes or without), checksum, termination, expiration."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import person_of
from jobs.api import JobSerializer

from . import conf, selectors, tus, uploads
from .models import Upload
from .upload_files import Readable

TUS_RESUMABLE = OpenApiParameter("Tus-Resumable", str, OpenApiParameter.HEADER, required=True, enum=[tus.VERSION])
NO_BODY = OpenApiResponse(description="Done; see the headers.")


class UploadSerializer(serializers.ModelSerializer[Upload]):
    """A file on its way in, and what became of it."""

    state = serializers.ChoiceField(["receiving", "ingesting", "done", "failed"], read_only=True)
    offset = serializers.SerializerMethodField(help_text="Bytes that are safe.")
    job = JobSerializer(read_only=True, allow_null=True)
    clip_id = serializers.SerializerMethodField()

    class Meta:
        model = Upload
        fields = ["id", "filename", "length", "offset", "state", "job", "clip_id", "expires_at"]
        read_only_fields = fields

    def get_offset(self, upload: Upload) -> int:
        return uploads.offset_of(upload)

    @extend_schema_field(OpenApiTypes.UUID)
    def get_clip_id(self, upload: Upload) -> str | None:
        return upload.job.result.get("clip_id") if upload.job else None


class PieceParser(BaseParser):
    """Leaves the piece where it is: the view reads it block by block."""

    media_type = tus.CONTENT_TYPE

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return stream


class TusView(APIView):
    """What every tus request has in common: who asks, in which version, and what we can do."""

    parser_classes = [PieceParser]

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method == "OPTIONS" else IsAuthenticated()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in ("GET", "OPTIONS"):
            tus.check_version(request.headers)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Tus-Resumable"] = tus.VERSION
        answer["Cache-Control"] = "no-store"
        if answer.status_code == 412:
            answer["Tus-Version"] = tus.VERSION
        return answer

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204, headers=tus.capabilities(conf.upload_bytes_max()))


class UploadsView(TusView):
    @extend_schema(
        operation_id="upload_create",
        parameters=[
            TUS_RESUMABLE,
            OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("Upload-Metadata", str, OpenApiParameter.HEADER, description="filename, title"),
        ],
        request=None,
        responses={201: OpenApiResponse(description="Made; `Location` is where the bytes go.")},
    )
    def post(self, request: Request) -> Response:
        now = timezone.now()
        said = request.headers.get("Upload-Metadata", "")
        metadata = tus.metadata_of(said)
        wish = uploads.Wish(
            length=tus.number_of(request.headers, "Upload-Length"),
            filename=metadata.get("filename", ""),
            title=metadata.get("title", ""),
            metadata=said,
        )
        upload = uploads.upload_create(owner=person_of(request), wish=wish, at=now)
        headers = {"Location": reverse("upload", args=[upload.pk])}
        if _is_piece(request):
            upload = _append(request, upload, offset=0)
        return Response(status=201, headers={**headers, **_progress(upload)})


class UploadView(TusView):
    @extend_schema(operation_id="upload", responses=UploadSerializer)
    def get(self, request: Request, upload_id: UUID) -> Response:
        return Response(UploadSerializer(_mine(request, upload_id)).data)

    @extend_schema(exclude=True)
    def head(self, request: Request, upload_id: UUID) -> Response:
        upload = _mine(request, upload_id)
        headers = {"Upload-Length": str(upload.length), **_progress(upload)}
        if upload.metadata:
            headers["Upload-Metadata"] = upload.metadata
        return Response(status=200, headers=headers)

    @extend_schema(
        operation_id="upload_append",
        parameters=[
            TUS_RESUMABLE,
            OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("Upload-Checksum", str, OpenApiParameter.HEADER, description="sha1 or sha256, base64"),
        ],
        request={tus.CONTENT_TYPE: OpenApiTypes.BINARY},
        responses={204: NO_BODY},
    )
    def patch(self, request: Request, upload_id: UUID) -> Response:
        if not _is_piece(request):
            raise UnsupportedMediaType(request.content_type, f"A piece is sent as {tus.CONTENT_TYPE}.")
        offset = tus.number_of(request.headers, "Upload-Offset")
        upload = _append(request, _mine(request, upload_id), offset=offset)
        return Response(status=204, headers=_progress(upload))

    @extend_schema(operation_id="upload_end", parameters=[TUS_RESUMABLE], responses={204: None})
    def delete(self, request: Request, upload_id: UUID) -> Response:
        uploads.upload_end(upload=_mine(request, upload_id), by=person_of(request))
        return Response(status=204)

    @extend_schema(exclude=True)
    def post(self, request: Request, upload_id: UUID) -> Response:
        """For clients whose network lets no PATCH pass (tus core, X-HTTP-Method-Override)."""
        methods: dict[str, Callable[[Request, UUID], Response]] = {
            "PATCH": self.patch, "DELETE": self.delete, "HEAD": self.head,
        }  # fmt: skip
        method = methods.get(request.headers.get("X-HTTP-Method-Override", "").upper())
        if method is None:
            raise MethodNotAllowed("POST")
        return method(request, upload_id)


def _mine(request: Request, upload_id: UUID) -> Upload:
    return selectors.upload_for_owner(person_of(request), upload_id, timezone.now())


def _is_piece(request: Request) -> bool:
    return request.content_type.partition(";")[0].strip().lower() == tus.CONTENT_TYPE


def _append(request: Request, upload: Upload, *, offset: int) -> Upload:
    body: Readable = request.stream or BytesIO()
    checksum = tus.checksum_of(request.headers.get("Upload-Checksum", ""))
    return uploads.upload_append(upload=upload, offset=offset, body=body, at=timezone.now(), checksum=checksum)


def _progress(upload: Upload) -> dict[str, str]:
    headers = {"Upload-Offset": str(uploads.offset_of(upload)), **tus.expiry(upload.expires_at)}
    return {**headers, "Impasto-Job": str(upload.job_id)} if upload.job_id else headers
