import uuid
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import BooleanField, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from clips.models import Clip
from editor.models import Sound
from editor.selectors import library, music_of
from foundation.errors import NotFound

from .hashtags import SIGNS, fold
from .models import Comment, Like, Post, Report

Viewer = User | AnonymousUser
Row = TypeVar("Row")
# So many paintings over an edit or a demo are looked through for whom it is from.
GENERATIONS = 3
VISIBLE = Q(deleted_at=None, hidden_at=None, author__is_active=True)


def posts_visible() -> QuerySet[Post]:
    """What anybody may see: neither taken back nor hidden, its clip still there, its author in good standing."""
    return Post.objects.filter(VISIBLE, clip__deleted_at=None)


def feed(
    *, viewer: Viewer, author: str | None = None, hashtag: str | None = None, style: str | None = None
) -> QuerySet[Post]:
    """
    Return posts newest first, each with `like_count`, `comment_count`, `liked` and all that `PostSerializer` shows.

    :param author: a username, in any case
    :param hashtag: with or without #, in any case
    :param style: the slug of a style it was painted with
    """
    posts = posts_visible()
    if author is not None:
        posts = posts.filter(author__username__iexact=author)
    if hashtag is not None:
        posts = posts.filter(hashtags__name=fold(hashtag.lstrip(SIGNS)))
    if style is not None:
        posts = posts.filter(clip__style_uses__style__slug=style)
    return _with_counts(_with_details(posts), viewer).order_by("-created_at", "-pk")


def post_to_show(*, viewer: Viewer, post_id: uuid.UUID) -> Post:
    """
    :raises NotFound: for what is not visible, to whomever
    """
    return _found(feed(viewer=viewer).filter(pk=post_id).first(), "post")


def like_count_of(post: Post) -> int:
    return post.likes.filter(user__is_active=True).count()


def comments_visible() -> QuerySet[Comment]:
    return Comment.objects.filter(VISIBLE, post__in=posts_visible())


def comments_of(*, post_id: uuid.UUID) -> QuerySet[Comment]:
    """
    Return a visible post's comments, newest first.

    :raises NotFound: for a post that is not visible
    """
    if not posts_visible().filter(pk=post_id).exists():
        raise NotFound("There is no such post.")
    comments = Comment.objects.filter(VISIBLE, post=post_id)
    return comments.select_related("author").order_by("-created_at", "-pk")


def comment_to_show(*, comment_id: uuid.UUID) -> Comment:
    """
    :raises NotFound: for what is not visible
    """
    return _found(comments_visible().select_related("author", "post").filter(pk=comment_id).first(), "comment")


def target_to_report(*, kind: str, target_id: uuid.UUID) -> Post | Comment:
    """
    :raises NotFound: for what is not visible
    """
    if kind == "comment":
        return comment_to_show(comment_id=target_id)
    return _found(posts_visible().select_related("author").filter(pk=target_id).first(), "post")


def original_of(post: Post) -> Clip | None:
    """
    Return the clip that a post shows beside its own: the one its clip was made from, if the author agreed to show it.

    A clip made from several, or from somebody else's, has no one original. A demo is everybody's to show.
    """
    parents = list(post.clip.parents.all())
    if not post.show_original or len(parents) != 1:
        return None
    original = parents[0]
    is_theirs = original.owner_id == post.author_id or original.is_demo
    return original if is_theirs and original.deleted_at is None else None


def lineage_of(post: Post) -> list[Clip]:
    """
    The clip of a post and what it was made from, nearest first, each once: an edit may have been painted over.

    An edit knows by itself whom all that is in it is from, so few generations are enough.
    """
    generation = [post.clip]
    lineage = dict.fromkeys(generation)
    for _ in range(GENERATIONS):
        generation = [parent for clip in generation for parent in clip.parents.all()]
        lineage |= dict.fromkeys(generation)
    return list(lineage)


def sound_of(post: Post, known: dict[uuid.UUID, Sound | None]) -> Sound | None:
    """
    Return the music of a post if it is in the library; somebody's own is not for others to know.

    :param known: what was looked up before, by id; filled
    """
    track = music_of(clip.recipe for clip in lineage_of(post))
    if track is None:
        return None
    if track not in known:
        known[track] = library().filter(pk=track).first()
    return known[track]


def clip_is_shown(clip_id: uuid.UUID, user: Viewer) -> bool:
    """The rule for a clip's media: a visible post shows it, as its own clip or as the original beside it."""
    if posts_visible().filter(clip=clip_id).exists():
        return True
    made_from_it = posts_visible().filter(show_original=True, clip__parents=clip_id).select_related("clip")
    originals = (original_of(post) for post in made_from_it.prefetch_related("clip__parents"))
    return any(original is not None and original.pk == clip_id for original in originals)


def style_is_shown(style_id: uuid.UUID, user: Viewer) -> bool:
    """The rule for the picture of somebody's own style: a visible post credits it."""
    return posts_visible().filter(clip__style_uses__style=style_id).exists()


def post_count_of(user: User) -> int:
    return posts_visible().filter(author=user).count()


def reports_open() -> QuerySet[Report]:
    """The moderators' queue, the longest waiting first."""
    return Report.objects.filter(state=Report.State.OPEN).order_by("created_at", "pk")


def posts_to_sweep() -> QuerySet[Post]:
    """Posts whose author took the clip away too, and that no open report is about: nobody needs the row any more."""
    is_reported = Report.objects.filter(Q(post=OuterRef("pk")) | Q(comment__post=OuterRef("pk")), state="open")
    return Post.objects.filter(~Exists(is_reported), deleted_at__isnull=False, clip__deleted_at__isnull=False)


def _with_details(posts: QuerySet[Post]) -> QuerySet[Post]:
    ancestors = "__".join(["clip", *["parents"] * GENERATIONS])
    return posts.select_related("author", "clip").prefetch_related(ancestors, "clip__style_uses__style")


def _with_counts(posts: QuerySet[Post], viewer: Viewer) -> QuerySet[Post]:
    mine = Like.objects.filter(post=OuterRef("pk"), user=viewer.pk)
    liked = Exists(mine) if viewer.is_authenticated else Value(False, output_field=BooleanField())
    return posts.annotate(
        like_count=_count(Like.objects.filter(user__is_active=True)),
        comment_count=_count(Comment.objects.filter(VISIBLE)),
        liked=liked,
    )


def _count(rows: QuerySet) -> Coalesce:
    """Count in a subquery of its own: two joins in one query would multiply each other."""
    per_post = rows.filter(post=OuterRef("pk")).order_by().values("post").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(per_post, output_field=IntegerField()), 0)


def _found(row: Row | None, kind: str) -> Row:
    if row is None:
        raise NotFound(f"There is no such {kind}.")
    return row
