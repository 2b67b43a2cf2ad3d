import uuid
from typing import Any, cast

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.api import UserBriefSerializer
from accounts.authentication import person_of
from clips.api import captions_url
from clips.models import Clip
from clips.selectors import clip_for_owner
from editor.models import Sound
from editor.selectors import credits_of_clips
from foundation.idempotency import HEADER, idempotent
from stylization.api import StyleBriefSerializer

from . import selectors, services
from .hashtags import hashtags_in
from .models import CAPTION_MAX, COMMENT_MAX, DETAIL_MAX, Comment, Post, Report
from .throttles import CommentThrottle, LikeThrottle, PostThrottle, ReportThrottle

KEY = OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, description="Sent again with the same key: done once.")


class MediaSerializer(serializers.Serializer[Clip]):
    """Where the bytes of a clip are."""

    video_url = serializers.SerializerMethodField()
    poster_url = serializers.SerializerMethodField()

    def get_video_url(self, clip: Clip) -> str:
        return reverse("clip-media", args=[clip.pk, "video.mp4"])

    def get_poster_url(self, clip: Clip) -> str:
        return reverse("clip-media", args=[clip.pk, "poster.jpg"])


class PostClipSerializer(MediaSerializer):
    """A clip as everybody may see it: nothing of its making, its title or its file."""

    id = serializers.UUIDField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    duration_seconds = serializers.FloatField()
    has_audio = serializers.BooleanField()
    captions_url = serializers.SerializerMethodField(help_text="WebVTT; null where it has no captions.")

    def get_captions_url(self, clip: Clip) -> str | None:
        return captions_url(clip)


class PostSoundSerializer(serializers.ModelSerializer[Sound]):
    """The music of a post, for whoever wants to use it too: always one of the library."""

    class Meta:
        model = Sound
        fields = ["id", "title", "author"]
        read_only_fields = fields


class PostSerializer(serializers.ModelSerializer[Post]):
    """A post from `selectors.feed`. Needs `request` in its context, to know whose it is."""

    author = UserBriefSerializer(read_only=True)
    hashtags = serializers.SerializerMethodField()
    clip = PostClipSerializer(read_only=True)
    original = serializers.SerializerMethodField()
    styles = serializers.SerializerMethodField()
    credits = serializers.SerializerMethodField(help_text="Whom the music and the demo clips in it are from.")
    sound = serializers.SerializerMethodField(help_text="The music, where everybody may use it.")
    like_count = serializers.IntegerField(read_only=True)
    comment_count = serializers.IntegerField(read_only=True)
    liked = serializers.BooleanField(read_only=True)
    mine = serializers.SerializerMethodField()

    class Meta:
        model = Post
        fields = [
            "id", "author", "caption", "hashtags", "clip", "original", "styles", "credits", "sound",
            "like_count", "comment_count", "liked", "mine", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_hashtags(self, post: Post) -> list[str]:
        return hashtags_in(post.caption)

    @extend_schema_field(MediaSerializer(allow_null=True))
    def get_original(self, post: Post) -> dict[str, Any] | None:
        original = selectors.original_of(post)
        return MediaSerializer(original).data if original else None

    @extend_schema_field(StyleBriefSerializer(many=True))
    def get_styles(self, post: Post) -> Any:
        return StyleBriefSerializer([use.style for use in post.clip.style_uses.all()], many=True).data

    def get_credits(self, post: Post) -> list[str]:
        return credits_of_clips(selectors.lineage_of(post))

    @extend_schema_field(PostSoundSerializer(allow_null=True))
    def get_sound(self, post: Post) -> Any:
        # One question a track, however many posts of a page have it.
        known = cast(dict[str, Any], self.context).setdefault("sounds_of_posts", {})
        sound = selectors.sound_of(post, known)
        return PostSoundSerializer(sound).data if sound else None

    def get_mine(self, post: Post) -> bool:
        return post.author_id == self.context["request"].user.pk


class PostCreateSerializer(serializers.Serializer[Any]):
    clip_id = serializers.UUIDField()
    caption = serializers.CharField(max_length=CAPTION_MAX, allow_blank=True, default="")
    show_original = serializers.BooleanField(default=False)


class PostEditSerializer(serializers.Serializer[Any]):
    caption = serializers.CharField(max_length=CAPTION_MAX, allow_blank=True)


class FeedQuerySerializer(serializers.Serializer[Any]):
    author = serializers.CharField(max_length=150, required=False, help_text="A username.")
    hashtag = serializers.CharField(max_length=CAPTION_MAX, required=False, help_text="With or without #.")
    style = serializers.CharField(max_length=80, required=False, help_text="The slug of a style.")  # type: ignore[assignment]


class LikeSerializer(serializers.Serializer[Any]):
    liked = serializers.BooleanField()
    like_count = serializers.IntegerField()


class CommentSerializer(serializers.ModelSerializer[Comment]):
    author = UserBriefSerializer(read_only=True)
    mine = serializers.SerializerMethodField()

    class Meta:
        model = Comment
        fields = ["id", "author", "text", "created_at", "mine"]
        read_only_fields = fields

    def get_mine(self, comment: Comment) -> bool:
        return comment.author_id == self.context["request"].user.pk


class CommentCreateSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=COMMENT_MAX)


class ReportCreateSerializer(serializers.Serializer[Any]):
    target = serializers.ChoiceField(choices=["post", "comment"])
    target_id = serializers.UUIDField()
    reason = serializers.ChoiceField(choices=Report.Reason.choices)
    detail = serializers.CharField(max_length=DETAIL_MAX, allow_blank=True, default="")


class ReportSerializer(serializers.Serializer[Report]):
    id = serializers.UUIDField()


class OpenToAll(APIView):
    """Anybody reads; writing needs somebody, and not too often. `writing` counts the kind of write."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    writing: type[BaseThrottle] | None = None

    def get_throttles(self) -> list[BaseThrottle]:
        own = [self.writing()] if self.writing else []
        return [*super().get_throttles(), *own]


def _form(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    form = serializer(data=data)
    form.is_valid(raise_exception=True)
    return form.validated_data


def _shown(request: Request, post_id: uuid.UUID) -> Post:
    return selectors.post_to_show(viewer=request.user, post_id=post_id)


class PostsView(OpenToAll, generics.ListAPIView[Post]):
    serializer_class = PostSerializer
    writing = PostThrottle
    filter_backends = []

    def get_queryset(self) -> QuerySet[Post]:
        if getattr(self, "swagger_fake_view", False):
            return Post.objects.none()
        return selectors.feed(viewer=self.request.user, **_form(FeedQuerySerializer, self.request.query_params))

    @extend_schema(operation_id="posts", parameters=[FeedQuerySerializer], responses=PostSerializer(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)

    @extend_schema(
        operation_id="post_publish", parameters=[KEY], request=PostCreateSerializer, responses={201: PostSerializer}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        author, form = person_of(request), _form(PostCreateSerializer, request.data)
        clip = clip_for_owner(author, form.pop("clip_id"))
        post = services.post_publish(author=author, clip=clip, at=timezone.now(), **form)
        return Response(PostSerializer(_shown(request, post.pk), context={"request": request}).data, status=201)


class PostView(OpenToAll):
    writing = PostThrottle

    @extend_schema(operation_id="post", responses=PostSerializer)
    def get(self, request: Request, post_id: uuid.UUID) -> Response:
        return Response(PostSerializer(_shown(request, post_id), context={"request": request}).data)

    @extend_schema(operation_id="post_edit", request=PostEditSerializer, responses=PostSerializer)
    def patch(self, request: Request, post_id: uuid.UUID) -> Response:
        form = _form(PostEditSerializer, request.data)
        services.post_edit(post=_shown(request, post_id), by=person_of(request), **form)
        return self.get(request, post_id)

    @extend_schema(operation_id="post_remove", responses={204: None})
    def delete(self, request: Request, post_id: uuid.UUID) -> Response:
        services.post_remove(post=_shown(request, post_id), by=person_of(request), at=timezone.now())
        return Response(status=204)


class LikeView(OpenToAll):
    writing = LikeThrottle

    @extend_schema(operation_id="like", request=None, responses=LikeSerializer)
    def put(self, request: Request, post_id: uuid.UUID) -> Response:
        post = _shown(request, post_id)
        services.like_set(post=post, user=person_of(request), at=timezone.now())
        return Response({"liked": True, "like_count": selectors.like_count_of(post)})

    @extend_schema(operation_id="unlike", responses=LikeSerializer)
    def delete(self, request: Request, post_id: uuid.UUID) -> Response:
        post = _shown(request, post_id)
        services.like_clear(post=post, user=person_of(request))
        return Response({"liked": False, "like_count": selectors.like_count_of(post)})


class CommentsView(OpenToAll, generics.ListAPIView[Comment]):
    serializer_class = CommentSerializer
    writing = CommentThrottle
    filter_backends = []

    def get_queryset(self) -> QuerySet[Comment]:
        if getattr(self, "swagger_fake_view", False):
            return Comment.objects.none()
        return selectors.comments_of(post_id=self.kwargs["post_id"])

    @extend_schema(operation_id="comments", responses=CommentSerializer(many=True))
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request)

    @extend_schema(
        operation_id="comment_add",
        parameters=[KEY],
        request=CommentCreateSerializer,
        responses={201: CommentSerializer},
    )
    @idempotent
    def post(self, request: Request, post_id: uuid.UUID) -> Response:
        form = _form(CommentCreateSerializer, request.data)
        post = _shown(request, post_id)
        comment = services.comment_add(post=post, author=person_of(request), at=timezone.now(), **form)
        return Response(CommentSerializer(comment, context={"request": request}).data, status=201)


class CommentView(OpenToAll):
    writing = CommentThrottle

    @extend_schema(operation_id="comment_remove", responses={204: None})
    def delete(self, request: Request, comment_id: uuid.UUID) -> Response:
        comment = selectors.comment_to_show(comment_id=comment_id)
        services.comment_remove(comment=comment, by=person_of(request), at=timezone.now())
        return Response(status=204)


class ReportsView(OpenToAll):
    writing = ReportThrottle

    @extend_schema(
        operation_id="report", parameters=[KEY], request=ReportCreateSerializer, responses={201: ReportSerializer}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        form = _form(ReportCreateSerializer, request.data)
        target = selectors.target_to_report(kind=form.pop("target"), target_id=form.pop("target_id"))
        report = services.report_file(reporter=person_of(request), target=target, at=timezone.now(), **form)
        return Response(ReportSerializer(report).data, status=201)
