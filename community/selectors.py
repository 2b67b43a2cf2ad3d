from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from foundation.errors import NotFound

from .models import Comment, Like, Post, Report

Viewer = User | AnonymousUser
VISIBLE = Q(deleted_at=None, hidden_at=None, author__is_active=True)


def visible_posts() -> QuerySet[Post]:
    return Post.objects.filter(VISIBLE, clip__deleted_at=None)


def posts_for(viewer: Viewer) -> QuerySet[Post]:
    """The feed: visible posts, newest first, with everything a card shows in a fixed number of queries."""
    liked = Like.objects.filter(post=OuterRef("pk"), user=viewer.pk)
    return (
        visible_posts()
        .select_related("author", "clip", "original")
        .prefetch_related("hashtags", "styles")
        .annotate(
            liked=Exists(liked),
            like_count=_count(Like.objects.filter(user__is_active=True)),
            comment_count=_count(Comment.objects.filter(VISIBLE)),
        )
        .order_by("-created_at", "-pk")
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.filter(post=OuterRef("pk")).order_by().values("post").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), Value(0))


def feed(viewer: Viewer, *, author: str = "", hashtag: str = "", style: str = "") -> QuerySet[Post]:
    posts = posts_for(viewer)
    if author:
        posts = posts.filter(author__username__iexact=author)
    if hashtag:
        posts = posts.filter(hashtags__name=hashtag.removeprefix("#").casefold())
    if style:
        posts = posts.filter(styles__slug=style)
    return posts


def post_for(viewer: Viewer, post_id: UUID) -> Post:
    """:raises NotFound: for a post that is gone, hidden or was never there"""
    post = posts_for(viewer).filter(pk=post_id).first()
    if post is None:
        raise NotFound("There is no such post.")
    return post


def comments_of(post: Post) -> QuerySet[Comment]:
    return Comment.objects.filter(VISIBLE, post=post).select_related("author", "post").order_by("-created_at", "-pk")


def comment_for(comment_id: UUID) -> Comment:
    """:raises NotFound: for a comment that is gone or hidden, or whose post is"""
    shown = Comment.objects.filter(VISIBLE, post__in=visible_posts()).select_related("author", "post")
    comment = shown.filter(pk=comment_id).first()
    if comment is None:
        raise NotFound("There is no such comment.")
    return comment


def post_count(user: User) -> int:
    return visible_posts().filter(author=user).count()


def open_reports() -> QuerySet[Report]:
    return Report.objects.filter(state=Report.State.OPEN).select_related("post__clip", "comment__post", "reporter")


def clip_is_shown(clip_id: UUID, user: Viewer) -> bool:
    """The rule for clips: whoever is shown a post may fetch its clip, and the original if the author shows it."""
    return visible_posts().filter(Q(clip=clip_id) | Q(original=clip_id, original__deleted_at=None)).exists()


def style_is_shown(style_id: UUID, user: Viewer) -> bool:
    """The rule for styles: a visible post credits it."""
    return visible_posts().filter(styles=style_id).exists()
