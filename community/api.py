from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from accounts.api import UserBriefSerializer
from accounts.authentication import person_of
from clips.models import Clip
from foundation.idempotency import idempotent
from stylization.api import StyleBriefSerializer

from . import selectors, services
from .models import Comment, Post, ReportReason


class WritingThrottle(UserRateThrottle):
    """Posting, commenting and reporting: faster than anybody writes is somebody's program."""

    scope = "community_writing"
    rate = "30/min"


def _media(clip: Clip, name: str) -> str:
    return reverse("clip-media", args=[clip.pk, name])


class PostClipSerializer(serializers.ModelSerializer[Clip]):
    """As much of a clip as a post shows."""

    video_url = serializers.SerializerMethodField()
    poster_url = serializers.SerializerMethodField()

    class Meta:
        model = Clip
        fields = ["id", "video_url", "poster_url", "width", "height", "duration_seconds", "has_audio"]
        read_only_fields = fields

    def get_video_url(self, clip: Clip) -> str:
        return _media(clip, "video.mp4")

    def get_poster_url(self, clip: Clip) -> str:
        return _media(clip, "poster.jpg")


class OriginalSerializer(PostClipSerializer):
    """The clip before it was painted."""

    class Meta(PostClipSerializer.Meta):
        fields = ["video_url", "poster_url"]
        read_only_fields = fields


class PostSerializer(serializers.ModelSerializer[Post]):
    """A post as one viewer sees it; needs `request` in its context and a row of `selectors.posts_for`."""

    author = UserBriefSerializer(read_only=True)
    hashtags = serializers.SerializerMethodField()
    clip = PostClipSerializer(read_only=True)
    original = OriginalSerializer(read_only=True, allow_null=True)
    styles = StyleBriefSerializer(many=True, read_only=True)
    like_count = serializers.IntegerField(read_only=True)
    comment_count = serializers.IntegerField(read_only=True)
    liked = serializers.BooleanField(read_only=True)
    mine = serializers.SerializerMethodField()

    class Meta:
        model = Post
        fields = [
            "id", "author", "caption", "hashtags", "clip", "original", "styles", "like_count", "comment_count", "liked",
            "mine", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_hashtags(self, post: Post) -> list[str]:
        return [tag.name for tag in post.hashtags.all()]

    def get_mine(self, post: Post) -> bool:
        return post.author_id == self.context["request"].user.pk


class PublishSerializer(serializers.Serializer[Any]):
    clip_id = serializers.UUIDField()
    caption = serializers.CharField(max_length=500, allow_blank=True, default="")
    show_original = serializers.BooleanField(default=False)


class CaptionSerializer(serializers.Serializer[Any]):
    caption = serializers.CharField(max_length=500, allow_blank=True)


class LikedSerializer(serializers.Serializer[Any]):
    liked = serializers.BooleanField()
    like_count = serializers.IntegerField()


class CommentSerializer(serializers.ModelSerializer[Comment]):
    author = UserBriefSerializer(read_only=True)
    mine = serializers.SerializerMethodField()

    class Meta:
        model = Comment
        fields = ["id", "author", "text", "created_at", "mine"]
        read_only_fields = ["id", "created_at"]

    def get_mine(self, comment: Comment) -> bool:
        return comment.author_id == self.context["request"].user.pk


class ReportInSerializer(serializers.Serializer[Any]):
    target = serializers.ChoiceField(choices=["post", "comment"])
    target_id = serializers.UUIDField()
    reason = serializers.ChoiceField(choices=ReportReason.choices)
    detail = serializers.CharField(max_length=1000, allow_blank=True, default="")


class ReportedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()


def _now() -> datetime:
    return datetime.now(UTC)


class ReadByAnybody(APIView):
    """Anybody may look; writing needs somebody, and not too fast."""

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method == "GET" else IsAuthenticated()]

    def get_throttles(self) -> list[Any]:
        extra = [WritingThrottle()] if self.request.method == "POST" else []
        return [*super().get_throttles(), *extra]


def _shown(request: Request, post_id: UUID) -> dict[str, Any]:
    post = selectors.post_for(request.user, post_id)
    return PostSerializer(post, context={"request": request}).data


@extend_schema_view(
    get=extend_schema(
        operation_id="posts",
        parameters=[OpenApiParameter("author"), OpenApiParameter("hashtag"), OpenApiParameter("style")],
    )
)
class PostListView(ReadByAnybody, ListAPIView[Post]):
    serializer_class = PostSerializer

    def get_queryset(self) -> QuerySet[Post]:
        wanted = {name: self.request.query_params.get(name, "") for name in ("author", "hashtag", "style")}
        return selectors.feed(self.request.user, **wanted)

    @extend_schema(operation_id="post_publish", request=PublishSerializer, responses={201: PostSerializer})
    @idempotent
    def post(self, request: Request) -> Response:
        form = PublishSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        post = services.post_publish(author=person_of(request), at=_now(), **form.validated_data)
        return Response(_shown(request, post.pk), status=201)


class PostView(ReadByAnybody):
    @extend_schema(operation_id="post", responses=PostSerializer)
    def get(self, request: Request, post_id: UUID) -> Response:
        return Response(_shown(request, post_id))

    @extend_schema(operation_id="post_edit", request=CaptionSerializer, responses=PostSerializer)
    def patch(self, request: Request, post_id: UUID) -> Response:
        form = CaptionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        post = selectors.post_for(request.user, post_id)
        services.post_edit(post=post, by=person_of(request), **form.validated_data)
        return Response(_shown(request, post_id))

    @extend_schema(operation_id="post_remove", responses={204: None})
    def delete(self, request: Request, post_id: UUID) -> Response:
        services.post_remove(post=selectors.post_for(request.user, post_id), by=person_of(request), at=_now())
        return Response(status=204)


class LikeView(APIView):
    @extend_schema(operation_id="like", request=None, responses=LikedSerializer)
    def put(self, request: Request, post_id: UUID) -> Response:
        services.like_set(post=selectors.post_for(request.user, post_id), user=person_of(request))
        return self._answer(request, post_id)

    @extend_schema(operation_id="unlike", responses={200: LikedSerializer})
    def delete(self, request: Request, post_id: UUID) -> Response:
        services.like_clear(post=selectors.post_for(request.user, post_id), user=person_of(request))
        return self._answer(request, post_id)

    def _answer(self, request: Request, post_id: UUID) -> Response:
        return Response(LikedSerializer(selectors.post_for(request.user, post_id)).data)


@extend_schema_view(get=extend_schema(operation_id="comments"))
class CommentListView(ReadByAnybody, ListAPIView[Comment]):
    serializer_class = CommentSerializer

    def get_queryset(self) -> QuerySet[Comment]:
        if getattr(self, "swagger_fake_view", False):
            return Comment.objects.none()
        return selectors.comments_of(selectors.post_for(self.request.user, self.kwargs["post_id"]))

    @extend_schema(operation_id="comment_add", request=CommentSerializer, responses={201: CommentSerializer})
    @idempotent
    def post(self, request: Request, post_id: UUID) -> Response:
        form = CommentSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        post = selectors.post_for(request.user, post_id)
        comment = services.comment_add(post=post, author=person_of(request), at=_now(), **form.validated_data)
        return Response(CommentSerializer(comment, context={"request": request}).data, status=201)


class CommentView(APIView):
    @extend_schema(operation_id="comment_remove", responses={204: None})
    def delete(self, request: Request, comment_id: UUID) -> Response:
        services.comment_remove(comment=selectors.comment_for(comment_id), by=person_of(request), at=_now())
        return Response(status=204)


class ReportListView(APIView):
    throttle_classes = [*APIView.throttle_classes, WritingThrottle]

    @extend_schema(operation_id="report", request=ReportInSerializer, responses={201: ReportedSerializer})
    def post(self, request: Request) -> Response:
        form = ReportInSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        report = services.report_file(
            reporter=person_of(request),
            target=self._target(request, wanted["target"], wanted["target_id"]),
            reason=ReportReason(wanted["reason"]),
            detail=wanted["detail"],
            at=_now(),
        )
        return Response(ReportedSerializer(report).data, status=201)

    def _target(self, request: Request, kind: str, target_id: UUID) -> Post | Comment:
        return selectors.post_for(request.user, target_id) if kind == "post" else selectors.comment_for(target_id)
