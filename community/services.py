"""What can happen to posts, likes, comments and reports. What moderators do is in `moderation.py`."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from clips.models import Clip
from foundation.errors import ApplicationError, Conflict, NotFound
from stylization.services import style_uses_inherit

from . import selectors
from .hashtags import hashtags_in
from .models import CAPTION_MAX, COMMENT_MAX, HASHTAG_MAX, Comment, Hashtag, Like, Post, Report
from .moderation import (
    comment_hide,
    comment_restore,
    post_hide,
    post_restore,
    report_decide,
    user_restore,
    user_suspend,
)

__all__ = [
    "comment_add", "comment_hide", "comment_remove", "comment_restore", "like_clear", "like_set", "post_edit",
    "post_hide", "post_publish", "post_remove", "post_restore", "posts_of_clip_remove", "posts_sweep", "report_decide",
    "report_file", "user_restore", "user_suspend",
]  # fmt: skip

HASHTAGS_MAX = 20


class ClipAlreadyPublished(Conflict):
    """A clip stands in the feed once."""

    code = "already_published"
    title = "This clip is already published"


class ClipHidden(Conflict):
    """Moderators hid a post of this clip: taking it back and publishing anew does not lift that."""

    code = "hidden_by_moderators"
    title = "The moderators hid this clip"


class CaptionRefused(ApplicationError):
    code = "caption_refused"
    title = "The caption cannot be used"


class CommentRefused(ApplicationError):
    code = "comment_refused"
    title = "The comment cannot be used"


class OwnReport(ApplicationError):
    code = "own_report"
    title = "This is your own"


class AlreadyReported(Conflict):
    code = "already_reported"
    title = "You have reported this already"


@transaction.atomic
def post_publish(*, author: User, clip: Clip, caption: str, show_original: bool, at: datetime) -> Post:
    """
    Show a clip to everybody. From then on an edit is credited with the styles of the paintings in it.

    :raises NotFound: for a clip that is not the author's, or was removed
    :raises ClipAlreadyPublished: while another post shows it
    :raises ClipHidden: after moderators hid it
    :raises CaptionRefused: too long, or with too many hashtags
    """
    caption = _caption(caption)
    # Two requests for one clip wait for each other here.
    locked = Clip.objects.select_for_update().filter(pk=clip.pk, owner=author, deleted_at=None).first()
    if locked is None:
        raise NotFound("There is no such clip.")
    _check_not_published(locked)
    post = Post.objects.create(author=author, clip=locked, caption=caption, show_original=show_original, created_at=at)
    _file_under_hashtags(post)
    style_uses_inherit(clip=locked)
    return post


@transaction.atomic
def post_edit(*, post: Post, by: User, caption: str) -> Post:
    """
    Change what stands under a post.

    :raises NotFound: when it is not theirs, or no longer shown
    :raises CaptionRefused: too long, or with too many hashtags
    """
    post = _own_post(post, by)
    post.caption = _caption(caption)
    post.save(update_fields=["caption"])
    _file_under_hashtags(post)
    return post


@transaction.atomic
def post_remove(*, post: Post, by: User, at: datetime) -> None:
    """
    Take a post back. The clip stays its owner's; the row stays for open reports.

    :raises NotFound: when it is not theirs, or no longer shown
    """
    post = _own_post(post, by)
    post.deleted_at = at
    post.save(update_fields=["deleted_at"])


def posts_of_clip_remove(clip: Clip) -> None:
    """The clip goes, and what shows it goes with it (`clips.visibility` asks before a removal)."""
    Post.objects.filter(clip=clip, deleted_at=None).update(deleted_at=timezone.now())


def posts_sweep(at: datetime) -> int:
    """Let go of clips that only a post taken back still holds, so that their files can be removed."""
    _, per_model = selectors.posts_to_sweep().delete()
    return per_model.get("community.Post", 0)


def like_set(*, post: Post, user: User, at: datetime) -> None:
    """Like a post; liking it again changes nothing, also from two devices at once."""
    Like.objects.bulk_create([Like(post=post, user=user, created_at=at)], ignore_conflicts=True)


def like_clear(*, post: Post, user: User) -> None:
    Like.objects.filter(post=post, user=user).delete()


def comment_add(*, post: Post, author: User, text: str, at: datetime) -> Comment:
    """
    Say something under a post.

    :raises CommentRefused: for nothing but blanks, or too much
    """
    text = text.strip()
    if not text:
        raise CommentRefused("Write something first.")
    if len(text) > COMMENT_MAX:
        raise CommentRefused(f"A comment has at most {COMMENT_MAX} characters.")
    return Comment.objects.create(post=post, author=author, text=text, created_at=at)


@transaction.atomic
def comment_remove(*, comment: Comment, by: User, at: datetime) -> None:
    """
    Take back one's own comment, or one under one's own post.

    :raises NotFound: when it is neither, or no longer shown
    """
    theirs = Comment.objects.filter(Q(author=by) | Q(post__author=by), pk=comment.pk, deleted_at=None, hidden_at=None)
    if not theirs.update(deleted_at=at):
        raise NotFound("There is no such comment.")


def report_file(*, reporter: User, target: Post | Comment, reason: str, detail: str, at: datetime) -> Report:
    """
    Ask the moderators to look at something.

    :raises OwnReport: for one's own; one can take that back
    :raises AlreadyReported: while an earlier report of the same person is undecided
    """
    if target.author_id == reporter.pk:
        raise OwnReport("You can take back what you wrote yourself.")
    about = {"post": target} if isinstance(target, Post) else {"comment": target}
    report = Report(reporter=reporter, reason=reason, detail=detail.strip(), created_at=at, **about)
    report.clean_fields()
    try:
        # The constraint decides, so that two taps at once are one report as well.
        with transaction.atomic():
            report.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyReported("The moderators will look at it.") from error
    return report


def _check_not_published(clip: Clip) -> None:
    earlier = Post.objects.filter(clip=clip)
    hidden = earlier.filter(hidden_at__isnull=False).first()
    if hidden is not None:
        raise ClipHidden(hidden.hidden_reason)
    if earlier.filter(deleted_at=None).exists():
        raise ClipAlreadyPublished("Take the other post back first.")


def _own_post(post: Post, by: User) -> Post:
    mine = Post.objects.select_for_update().filter(pk=post.pk, author=by, deleted_at=None, hidden_at=None).first()
    if mine is None:
        raise NotFound("There is no such post.")
    return mine


def _caption(text: str) -> str:
    text = text.strip()
    if len(text) > CAPTION_MAX:
        raise CaptionRefused(f"A caption has at most {CAPTION_MAX} characters.")
    words = hashtags_in(text)
    if len(words) > HASHTAGS_MAX:
        raise CaptionRefused(f"A caption has at most {HASHTAGS_MAX} hashtags.")
    if any(len(word) > HASHTAG_MAX for word in words):
        raise CaptionRefused(f"A hashtag has at most {HASHTAG_MAX} characters.")
    return text


def _file_under_hashtags(post: Post) -> None:
    words = hashtags_in(post.caption)
    Hashtag.objects.bulk_create([Hashtag(name=word) for word in words], ignore_conflicts=True)
    post.hashtags.set(Hashtag.objects.filter(name__in=words))
