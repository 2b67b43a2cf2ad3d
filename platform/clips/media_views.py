"""The bytes of clips, each through a permission check."""

from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.errors import NotFound
from foundation.serving import PRIVATE, AnyAccept, not_modified, serve

from . import clip_files, selectors


class ClipMediaView(APIView):
    """One file of a clip: for its owner, a moderator, or whomever a rule shows it to."""

    permission_classes = [AllowAny]
    content_negotiation_class = AnyAccept
    http_method_names = ["get", "head", "options"]

    @extend_schema(exclude=True)
    def get(self, request: Request, clip_id: str, name: str) -> HttpResponseBase:
        clip = selectors.clip_to_watch(request.user, _uuid(clip_id))
        return serve(
            request,
            clip_files.clip_file(clip.pk, name),
            content_type=clip_files.CONTENT_TYPES[name],
            tag=f"{clip.sha256[:32]}.{name.partition('.')[0]}",
            made_at=clip.created_at,
        )

    def head(self, request: Request, clip_id: str, name: str) -> HttpResponseBase:
        return self.get(request, clip_id, name)


class ClipCaptionsView(APIView):
    """The captions of a clip, out of its recipe: for whoever may have its video."""

    permission_classes = [AllowAny]
    content_negotiation_class = AnyAccept
    http_method_names = ["get", "head", "options"]

    @extend_schema(exclude=True)
    def get(self, request: Request, clip_id: str) -> HttpResponseBase:
        clip = selectors.clip_to_watch(request.user, _uuid(clip_id))
        if not clip.captions:
            raise NotFound("This clip has no captions.")
        etag = quote_etag(f"{clip.sha256[:32]}.captions")
        response = not_modified(request, etag) or HttpResponse(clip.captions, content_type="text/vtt; charset=utf-8")
        for header, value in {**PRIVATE, "ETag": etag, "X-Content-Type-Options": "nosniff"}.items():
            response[header] = value
        return response

    def head(self, request: Request, clip_id: str) -> HttpResponseBase:
        return self.get(request, clip_id)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such clip.") from None
