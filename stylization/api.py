import hashlib
import json
import uuid
from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from PIL import Image
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from accounts.models import User
from clips.selectors import clip_to_paint
from foundation.errors import NotFound
from foundation.idempotency import idempotent
from foundation.pagination import CursorPagination
from foundation.serving import not_modified
from jobs.api import JobSerializer

from . import pictures, selectors, services
from .engine.recipe import MAX_BRUSH, MIN_BRUSH
from .models import Style
from .preview.pool import pool
from .preview.wish import preview_wish

PRIVATE_CACHING = "private, max-age=86400"


def style_image_url(style: Style, name: str) -> str:
    return reverse("style-media", args=[style.pk, name])


class StyleBriefSerializer(serializers.ModelSerializer[Style]):
    """The credit beside a painting."""

    thumbnail_url = serializers.SerializerMethodField()

    class Meta:
        model = Style
        fields = ["slug", "name", "thumbnail_url"]
        read_only_fields = fields

    def get_thumbnail_url(self, style: Style) -> str:
        return style_image_url(style, "thumbnail.jpg")


class AccentSerializer(serializers.Serializer[Any]):
    on_dark = serializers.CharField(source="accent_on_dark")
    on_light = serializers.CharField(source="accent_on_light")


class StyleSerializer(serializers.ModelSerializer[Style]):
    """A picture one can paint with. Needs `request` in its context, to know whose it is."""

    image_url = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()
    palette = serializers.ListField(child=serializers.CharField(), min_length=5, max_length=5, read_only=True)
    accent = AccentSerializer(source="*", read_only=True)
    mine = serializers.SerializerMethodField()

    class Meta:
        model = Style
        fields = [
            "id", "slug", "name", "kind", "artist", "year", "licence", "credit", "image_url", "thumbnail_url",
            "palette", "accent", "mine",
        ]  # fmt: skip
        read_only_fields = fields

    def get_image_url(self, style: Style) -> str:
        return style_image_url(style, "image.jpg")

    def get_thumbnail_url(self, style: Style) -> str:
        return style_image_url(style, "thumbnail.jpg")

    def get_mine(self, style: Style) -> bool:
        return style.owner_id is not None and style.owner_id == self.context["request"].user.pk


class StyleUploadSerializer(serializers.Serializer[Any]):
    image = serializers.FileField(help_text="JPEG, PNG or WebP, at most 20 MB and 50 megapixels")
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")


class StyleListQuery(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["preset", "mine"], required=False)


class StylePagination(CursorPagination):
    """Presets as they hang in the catalogue, own pictures newest first: a carousel wants all of them at once."""

    page_size = 100

    def get_ordering(self, request: Request, queryset: QuerySet, view: Any) -> tuple[str, ...]:  # type: ignore[override]
        return ("position", "-created_at", "-pk")


class StyleEmbeddingSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    values = serializers.ListField(child=serializers.FloatField())


class StyleEmbeddingsSerializer(serializers.Serializer[Any]):
    """What one model says of every preset, so that an app needs its predictor for people's own pictures only."""

    model_sha256 = serializers.CharField(help_text="The manifest of the model's release names it too")
    embedding_size = serializers.IntegerField()
    styles = StyleEmbeddingSerializer(many=True)


class StyleEmbeddingsView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="style_embeddings",
        parameters=[
            OpenApiParameter("model", str, description="`model_sha256` of a release; by default the newest known"),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
        ],
        responses={200: StyleEmbeddingsSerializer, 304: OpenApiResponse(description="They are those you have.")},
    )
    def get(self, request: Request) -> HttpResponseBase:
        styles = selectors.presets_embedded(request.query_params.get("model"))
        body = services.embeddings_described(styles)
        etag = quote_etag(hashlib.sha256(json.dumps(body).encode()).hexdigest()[:32])
        answer = not_modified(request, etag) or Response(body)
        answer["ETag"], answer["Cache-Control"] = etag, "public, no-cache"
        return answer


class StylesView(APIView):
    parser_classes = [MultiPartParser]

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method == "GET" else IsAuthenticated()]

    @extend_schema(
        operation_id="styles",
        parameters=[OpenApiParameter("kind", str, enum=["preset", "mine"])],
        responses=StyleSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        query = StyleListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        listed = {"preset": selectors.presets, "mine": lambda: selectors.styles_of(request.user)}
        styles = listed.get(query.validated_data.get("kind"), lambda: selectors.styles_visible_to(request.user))()
        pages = StylePagination()
        page = pages.paginate_queryset(styles, request, self)
        return pages.get_paginated_response(StyleSerializer(page, many=True, context={"request": request}).data)

    @extend_schema(
        operation_id="style_create",
        request={"multipart/form-data": StyleUploadSerializer},
        responses={201: StyleSerializer},
    )
    def post(self, request: Request) -> Response:
        form = StyleUploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        # Decoded before the idempotency key opens its transaction: a slow picture must not hold the database.
        picture = pictures.read_picture(form.validated_data["image"])
        return self._create(request, picture=picture, name=form.validated_data["name"])

    @idempotent
    def _create(self, request: Request, *, picture: Image.Image, name: str) -> Response:
        style = services.style_create(owner=cast(User, request.user), picture=picture, name=name)
        return Response(StyleSerializer(style, context={"request": request}).data, status=201)


class StyleView(APIView):
    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method == "GET" else IsAuthenticated()]

    @extend_schema(operation_id="style", responses=StyleSerializer)
    def get(self, request: Request, slug: str) -> Response:
        style = selectors.style_to_show(request.user, slug)
        return Response(StyleSerializer(style, context={"request": request}).data)

    @extend_schema(operation_id="style_remove", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        style = selectors.style_by_slug(request.user, slug)
        services.style_remove(style=style, by=cast(User, request.user), at=timezone.now())
        return Response(status=204)


def style_media(request: HttpRequest, style_id: uuid.UUID, name: str) -> HttpResponse:
    """The picture or thumbnail of a style, for those who may see it."""
    style = Style.objects.filter(pk=style_id).first()
    if style is None or not selectors.style_shown_to(style, request.user):
        raise NotFound
    path = style.image_path if name == "image.jpg" else style.thumbnail_path
    try:
        content = path.read_bytes()  # our own JPEG, some hundred kilobytes at most
    except FileNotFoundError:
        raise NotFound from None
    headers = {"Cache-Control": PRIVATE_CACHING, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type="image/jpeg", headers=headers)


class IngredientSerializer(serializers.Serializer[Any]):
    style = serializers.SlugField(max_length=80)  # type: ignore[assignment] # a field of that name, as in the contract
    weight = serializers.FloatField(min_value=0, max_value=1, default=1.0, help_text="Relative to the others")


class RecipeInSerializer(serializers.Serializer[Any]):
    """What to paint with."""

    styles = serializers.ListField(child=IngredientSerializer(), min_length=1, max_length=4)
    strength = serializers.FloatField(min_value=0, max_value=1.5, default=1.0)
    keep_colors = serializers.BooleanField(default=False)
    brush = serializers.FloatField(
        min_value=MIN_BRUSH, max_value=MAX_BRUSH, default=1.0, help_text="Size of strokes beside the frame"
    )
    height = serializers.ChoiceField(choices=[240, 360, 480, 720, 1080], default=480)


class PreviewInSerializer(RecipeInSerializer):
    at_seconds = serializers.FloatField(min_value=0, max_value=86_400, default=0.0)


class RestyleInSerializer(RecipeInSerializer):
    title = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")


class OwnRate(UserRateThrottle):
    """A narrower net than the site's, kept beside the view that needs it."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}


class PreviewThrottle(OwnRate):
    scope = "preview"
    rate = "240/min"  # a slider dragged for a minute


class RestyleThrottle(OwnRate):
    scope = "restyle"
    rate = "120/hour"


class ClipPreviewView(APIView):
    throttle_classes = [PreviewThrottle]

    @extend_schema(
        operation_id="clip_preview",
        request=PreviewInSerializer,
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request, clip_id: uuid.UUID) -> HttpResponse:
        form = PreviewInSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = cast(User, request.user)
        clip = clip_to_paint(user, clip_id)
        wish = preview_wish(user=user, clip=clip, **form.validated_data)
        jpeg = pool.paint(str(user.pk), wish)
        return HttpResponse(jpeg, content_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


class ClipRestyleView(APIView):
    throttle_classes = [RestyleThrottle]

    @extend_schema(operation_id="clip_restyle", request=RestyleInSerializer, responses={202: JobSerializer})
    @idempotent
    def post(self, request: Request, clip_id: uuid.UUID) -> Response:
        form = RestyleInSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = cast(User, request.user)
        job = services.restyle_start(owner=user, clip=clip_to_paint(user, clip_id), **form.validated_data)
        return Response(JobSerializer(job).data, status=202)
