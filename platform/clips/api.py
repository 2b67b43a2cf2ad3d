from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import UserBriefSerializer
from accounts.authentication import person_of
from foundation.errors import NotFound
from foundation.serving import AnyAccept

from . import media, selectors, services
from .demos import credit_of
from .models import Clip


def media_url(clip: Clip, name: str) -> str:
    return reverse("clip-media", args=[clip.pk, name])


def captions_url(clip: Clip) -> str | None:
    return reverse("clip-captions", args=[clip.pk]) if clip.captions else None


class ClipSpriteSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    columns = serializers.IntegerField()
    rows = serializers.IntegerField()
    frame_width = serializers.IntegerField()
    frame_height = serializers.IntegerField()
    count = serializers.IntegerField()


class ClipBriefSerializer(serializers.ModelSerializer[Clip]):
    """A clip beside what was made from it."""

    video_url = serializers.SerializerMethodField()
    poster_url = serializers.SerializerMethodField()

    class Meta:
        model = Clip
        fields = ["id", "title", "video_url", "poster_url"]
        read_only_fields = fields

    def get_video_url(self, clip: Clip) -> str:
        return media_url(clip, "video.mp4")

    def get_poster_url(self, clip: Clip) -> str:
        return media_url(clip, "poster.jpg")


class ClipSerializer(ClipBriefSerializer):
    """A finished video, as its owner sees it."""

    owner = UserBriefSerializer(read_only=True)
    captions_url = serializers.SerializerMethodField(help_text="WebVTT; null where it has no captions.")
    sprite = serializers.SerializerMethodField()
    parents = serializers.SerializerMethodField()
    recipe = serializers.JSONField(read_only=True, allow_null=True)
    is_demo = serializers.BooleanField(read_only=True)
    credit = serializers.SerializerMethodField(help_text="Whom a demo clip is from; empty for all others.")

    class Meta:
        model = Clip
        fields = [
            "id", "owner", "title", "width", "height", "duration_seconds", "frame_rate", "frame_count", "has_audio",
            "bytes", "created_at", "video_url", "poster_url", "captions_url", "sprite", "parents", "recipe",
            "is_demo", "credit",
        ]  # fmt: skip
        read_only_fields = [name for name in fields if name != "title"]

    @extend_schema_field(ClipSpriteSerializer)
    def get_sprite(self, clip: Clip) -> dict[str, Any]:
        return {"url": media_url(clip, "sprite.jpg"), **clip.sprite}

    def get_captions_url(self, clip: Clip) -> str | None:
        return captions_url(clip)

    def get_credit(self, clip: Clip) -> str:
        return credit_of(clip.demo)

    @extend_schema_field(ClipBriefSerializer(many=True))
    def get_parents(self, clip: Clip) -> list[Any]:
        parents = [link.parent for link in clip.parent_links.all()]
        return list(ClipBriefSerializer(parents, many=True).data)


class ClipChangeSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=services.TITLE_LENGTH_MAX)


class FrameQuery(serializers.Serializer[Any]):
    at_seconds = serializers.FloatField(min_value=0, max_value=86_400, default=0.0)
    height = serializers.IntegerField(min_value=16, max_value=1080, default=480)


@extend_schema(parameters=[OpenApiParameter("demo", bool, description="The clips of the house instead of one's own.")])
class ClipListView(ListAPIView[Clip]):
    serializer_class = ClipSerializer
    queryset = Clip.objects.none()

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Clip.objects.none()
        is_demo = self.request.query_params.get("demo", "").lower() in {"true", "1"}
        return selectors.demo_clips() if is_demo else selectors.clips_of(person_of(self.request))


class ClipView(APIView):
    @extend_schema(operation_id="clip", responses=ClipSerializer)
    def get(self, request: Request, clip_id: UUID) -> Response:
        return Response(ClipSerializer(selectors.clip_to_paint(person_of(request), clip_id)).data)

    @extend_schema(operation_id="clip_rename", request=ClipChangeSerializer, responses=ClipSerializer)
    def patch(self, request: Request, clip_id: UUID) -> Response:
        clip = selectors.clip_for_owner(person_of(request), clip_id)
        form = ClipChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(ClipSerializer(services.clip_rename(clip=clip, title=form.validated_data["title"])).data)

    @extend_schema(operation_id="clip_remove", responses={204: None})
    def delete(self, request: Request, clip_id: UUID) -> Response:
        services.clip_remove(clip=selectors.clip_for_owner(person_of(request), clip_id), at=timezone.now())
        return Response(status=204)


class ClipFrameView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="clip_frame", parameters=[FrameQuery], responses={(200, "image/jpeg"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, clip_id: UUID) -> HttpResponse:
        query = FrameQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        clip = selectors.clip_to_paint(person_of(request), clip_id)
        try:
            frame = media.read_frame(clip.video_path, **query.validated_data)
        except (FileNotFoundError, media.UnusableVideo) as error:
            raise NotFound("The file of this clip is gone.") from error
        headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return HttpResponse(media.jpeg_of(frame), content_type="image/jpeg", headers=headers)
