from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api import UserBriefSerializer

from .models import Clip


def media_url(clip: Clip, name: str) -> str:
    return reverse("clip-media", args=[clip.pk, name])


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
    sprite = serializers.SerializerMethodField()
    parents = serializers.SerializerMethodField()
    recipe = serializers.JSONField(read_only=True, allow_null=True)
    is_demo = serializers.BooleanField(read_only=True)

    class Meta:
        model = Clip
        fields = [
            "id", "owner", "title", "width", "height", "duration_seconds", "frame_rate", "frame_count", "has_audio",
            "bytes", "created_at", "video_url", "poster_url", "sprite", "parents", "recipe", "is_demo",
        ]  # fmt: skip
        read_only_fields = [name for name in fields if name != "title"]

    @extend_schema_field(ClipSpriteSerializer)
    def get_sprite(self, clip: Clip) -> dict[str, Any]:
        return {"url": media_url(clip, "sprite.jpg"), **clip.sprite}

    @extend_schema_field(ClipBriefSerializer(many=True))
    def get_parents(self, clip: Clip) -> list[Any]:
        parents = [link.parent for link in clip.parent_links.all()]
        return list(ClipBriefSerializer(parents, many=True).data)
