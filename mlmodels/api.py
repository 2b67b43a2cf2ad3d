import base64
import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.http import quote_etag
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.serving import AnyAccept, not_modified, serve

from . import selectors, services, signing
from .models import Format, Platform

# No cookie is read and nothing is anybody's own, so every page and app may read the answers.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Length, Content-Range, ETag",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"


class ManifestQuery(serializers.Serializer[Any]):
    # The name in the contract; DRF's own `?format=` (a renderer) means nothing here.
    format = serializers.ChoiceField(choices=Format.choices)
    platform = serializers.ChoiceField(choices=Platform.choices, required=False)


class SignatureSerializer(serializers.Serializer[Any]):
    """Ed25519 over the canonical JSON of all other members."""

    algorithm = serializers.ChoiceField(choices=[signing.ALGORITHM])
    key_id = serializers.CharField(help_text="The first 16 hex digits of the SHA-256 of the public key")
    value = serializers.CharField(help_text="64 bytes, base64")


class ModelFileSerializer(serializers.Serializer[Any]):
    role = serializers.CharField(help_text="predictor, readout, transform, transform-locked")
    shape = serializers.CharField(help_text="Height x width of the picture, dynamic, or - where there is none")
    layout = serializers.CharField(help_text="NCHW or NHWC")
    precision = serializers.CharField(help_text="int8, fp16, fp32")
    url = serializers.CharField()
    sha256 = serializers.CharField()
    bytes = serializers.IntegerField()
    metrics = serializers.DictField(child=serializers.CharField(), help_text="Measured numbers as decimal texts")


class ManifestSerializer(serializers.Serializer[Any]):
    """The newest published release in a format, with all its files, signed."""

    serial = serializers.IntegerField(help_text="It only ever grows: a smaller one is an old answer sent again")
    name = serializers.CharField()
    version = serializers.CharField()
    model_sha256 = serializers.CharField(help_text="Style embeddings and recipes name it too")
    format = serializers.ChoiceField(choices=Format.choices)
    platform = serializers.ChoiceField(choices=Platform.choices, allow_null=True)
    minimum_client = serializers.CharField()
    embedding_size = serializers.IntegerField()
    norm_widths = serializers.ListField(child=serializers.IntegerField())
    picture_size = serializers.IntegerField()
    files = ModelFileSerializer(many=True)
    signature = SignatureSerializer()


class SigningKeySerializer(serializers.Serializer[Any]):
    algorithm = serializers.ChoiceField(choices=[signing.ALGORITHM])
    key_id = serializers.CharField()
    public_key = serializers.CharField(help_text="32 bytes, base64")


class OpenToAll(APIView):
    """Networks and what describes them: for everybody, from any origin."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    content_negotiation_class = AnyAccept
    http_method_names = ["get", "head", "options"]

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204, headers=PREFLIGHT)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code >= 400:
            answer["Cache-Control"] = "no-store"
        for name, value in CORS.items():
            answer[name] = value
        return answer


class ModelReleasesView(OpenToAll):
    @extend_schema(
        operation_id="model_release",
        parameters=[
            OpenApiParameter("format", str, enum=Format.values, required=True),
            OpenApiParameter("platform", str, enum=Platform.values),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
        ],
        responses={200: ManifestSerializer, 304: OpenApiResponse(description="It is the one you have.")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = ManifestQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        platform = query.validated_data.get("platform")
        manifest = services.manifest_offered(format=query.validated_data["format"], platform=platform)
        etag = quote_etag(hashlib.sha256(signing.canonical(manifest)).hexdigest()[:32])
        answer = not_modified(request, etag) or Response(manifest)
        answer["ETag"], answer["Cache-Control"] = etag, ASK_AGAIN
        return answer


class SigningKeyView(OpenToAll):
    """The public half of the key that signs: to be built into apps, not trusted because it came with the manifest."""

    @extend_schema(operation_id="model_signing_key", responses=SigningKeySerializer)
    def get(self, request: Request) -> Response:
        public = signing.public_key(settings.MODEL_SIGNING_KEY)
        text = base64.b64encode(public).decode()
        return Response({"algorithm": signing.ALGORITHM, "key_id": signing.key_id(public), "public_key": text})


class ModelDownloadView(OpenToAll):
    """One file of a release. Its address holds its checksum, so it may be kept for ever."""

    @extend_schema(exclude=True)
    def get(self, request: Request, sha256: str, filename: str) -> HttpResponseBase:
        row = selectors.file_to_download(sha256, filename)
        return serve(
            request, row.file, content_type="application/octet-stream", tag=row.sha256,
            made_at=row.release.created_at, headers={"Cache-Control": FOR_EVER},
        )  # fmt: skip

    def head(self, request: Request, sha256: str, filename: str) -> HttpResponseBase:
        return self.get(request, sha256, filename)
