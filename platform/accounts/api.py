from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from . import profiles, selectors, services
from .authentication import person_of
from .models import User


class UserBriefSerializer(serializers.ModelSerializer[User]):
    """A person beside something they made."""

    display_name = serializers.CharField(source="shown_name", read_only=True)

    class Meta:
        model = User
        fields = ["username", "display_name"]
        read_only_fields = fields


class UserSerializer(serializers.ModelSerializer[User]):
    """A person's public page."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    display_name = serializers.CharField(source="shown_name", read_only=True)
    post_count = serializers.SerializerMethodField()
    joined_at = serializers.DateTimeField(source="date_joined", read_only=True)

    class Meta:
        model = User
        fields = ["id", "username", "display_name", "bio", "post_count", "joined_at"]
        read_only_fields = fields

    def get_post_count(self, user: User) -> int:
        return profiles.count("posts", user)


class LimitsSerializer(serializers.Serializer[Any]):
    upload_bytes = serializers.IntegerField()
    clip_seconds = serializers.IntegerField()


class MeSerializer(serializers.ModelSerializer[User]):
    """Oneself; display name and bio can be changed."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    is_moderator = serializers.SerializerMethodField()
    limits = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["id", "username", "display_name", "bio", "is_staff", "is_moderator", "limits"]
        read_only_fields = ["username", "is_staff"]

    def get_is_moderator(self, user: User) -> bool:
        return selectors.user_is_moderator(user)

    @extend_schema_field(LimitsSerializer)
    def get_limits(self, user: User) -> dict[str, int]:
        return {"upload_bytes": settings.UPLOAD_BYTES_MAX, "clip_seconds": settings.CLIP_SECONDS_MAX}


class MeView(APIView):
    @extend_schema(operation_id="me", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(person_of(request)).data)

    @extend_schema(operation_id="me_update", request=MeSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        form = MeSerializer(person_of(request), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        user = services.user_describe(user=person_of(request), **form.validated_data)
        return Response(MeSerializer(user).data)


class UserView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="user", responses=UserSerializer)
    def get(self, request: Request, username: str) -> Response:
        return Response(UserSerializer(selectors.user_by_username(username)).data)
