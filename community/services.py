"""Everything that can happen to what people show and say."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from accounts.selectors import user_is_moderator
from accounts.services import ReasonMissing, user_suspend
from clips import selectors as clips
from clips.models import Clip
from foundation.errors import ApplicationError, Conflict, NotAllowed
from stylization.models import Style

from .hashtags import hashtags_in
from .models import Comment, Hashtag, Like, ModerationAction, Post, Report, ReportReason


class AlreadyPosted(Conflict):
    """A clip hangs in the gallery once; the caption can be changed there."""

    code = "already_posted"
    title = "This clip is already published"


class AlreadyReported(Conflict):
    """One open report per person and thing is enough for a moderator to look."""

    code = "already_reported"
    title = "You have already reported this"


class CommentEmpty(ApplicationError):
    code = "comment_empty"
    title = "Write something first"


class NotHidden(Conflict):
    code = "not_hidden"
    title = "This is not hidden"


class AlreadyHidden(Conflict):
    code = "already_hidden"
    title = "This is already hidden"


class AlreadyDecided(Conflict):
    code = "already_decided"
    title = "This report has already been decided"


@transaction.atomic
def post_publish(*, author: User, clip_id: UUID, caption: str, show_original: bool, at: datetime) -> Post:
    """
    Hang one's own clip in the gallery.

    :raises NotFound: when it is no clip of theirs
    :raises AlreadyPosted: while another post shows it
    """
    clip = clips.clip_for_owner(author, clip_id)
    original = _original_of(clip) if show_original else None
    post = Post(author=author, clip=clip, original=original, caption=caption.strip(), created_at=at)
    post.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            post.save(force_insert=True)
    except IntegrityError:
        raise AlreadyPosted("Change its caption where it hangs, or remove that post first.") from None
    _tag(post)
    post.styles.set(Style.objects.filter(slug__in=_style_slugs(clip)))
    return post


@transaction.atomic
def post_edit(*, post: Post, by: User, caption: str) -> Post:
    """:raises NotAllowed: for anybody but the author"""
    _check_author(post.author_id, by)
    post.caption = caption.strip()
    post.full_clean(validate_constraints=False)
    post.save(update_fields=["caption"])
    _tag(post)
    return post


def post_remove(*, post: Post, by: User, at: datetime) -> None:
    """:raises NotAllowed: for anybody but the author"""
    _check_author(post.author_id, by)
    Post.objects.filter(pk=post.pk, deleted_at=None).update(deleted_at=at)


def posts_of_clip_remove(clip: Clip) -> None:
    """The clip goes, and so does what shows it (a hook of `clips.visibility`)."""
    Post.objects.filter(clip=clip, deleted_at=None).update(deleted_at=timezone.now())
    Post.objects.filter(original=clip).update(original=None)


def like_set(*, post: Post, user: User) -> None:
    """Like it; liking twice is liking once."""
    Like.objects.get_or_create(post=post, user=user)


def like_clear(*, post: Post, user: User) -> None:
    Like.objects.filter(post=post, user=user).delete()


def comment_add(*, post: Post, author: User, text: str, at: datetime) -> Comment:
    """:raises CommentEmpty: for nothing but white space"""
    if not text.strip():
        raise CommentEmpty
    comment = Comment(post=post, author=author, text=text.strip(), created_at=at)
    comment.full_clean()
    comment.save(force_insert=True)
    return comment


def comment_remove(*, comment: Comment, by: User, at: datetime) -> None:
    """:raises NotAllowed: for anybody but its author and the author of the post"""
    if by.pk not in (comment.author_id, comment.post.author_id):
        raise NotAllowed("Only its author and the author of the post can delete a comment.")
    Comment.objects.filter(pk=comment.pk, deleted_at=None).update(deleted_at=at)


def report_file(*, reporter: User, target: Post | Comment, reason: ReportReason, detail: str, at: datetime) -> Report:
    """
    Ask a moderator to look.

    :raises AlreadyReported: while an earlier report of the same person is open
    """
    field = {"post": target} if isinstance(target, Post) else {"comment": target}
    report = Report(reporter=reporter, reason=reason, detail=detail.strip(), created_at=at, **field)
    report.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            report.save(force_insert=True)
    except IntegrityError:
        raise AlreadyReported("A moderator will look at it.") from None
    return report


@transaction.atomic
def content_hide(*, target: Post | Comment, by: User, reason: str, at: datetime) -> None:
    """
    Take something out of everybody's sight; its open reports are upheld with it.

    :raises ReasonMissing: the author has a right to know why
    :raises AlreadyHidden: when it is hidden
    """
    _check_moderator(by, reason)
    hidden = {"hidden_at": at, "hidden_by": by, "hidden_reason": reason.strip()}
    if not type(target).objects.filter(pk=target.pk, hidden_at=None).update(**hidden):
        raise AlreadyHidden
    _decide(_open_reports(target), Report.State.UPHELD, by, reason, at)
    _log("hide", target, by, reason, at)


@transaction.atomic
def content_restore(*, target: Post | Comment, by: User, reason: str, at: datetime) -> None:
    """:raises NotHidden: when there is nothing to restore"""
    _check_moderator(by, reason)
    shown = {"hidden_at": None, "hidden_by": None, "hidden_reason": ""}
    if not type(target).objects.filter(pk=target.pk, hidden_at__isnull=False).update(**shown):
        raise NotHidden
    _log("restore", target, by, reason, at)


@transaction.atomic
def report_dismiss(*, report: Report, by: User, reason: str, at: datetime) -> None:
    """
    Leave the thing where it is.

    :raises AlreadyDecided: when somebody else was faster
    """
    _check_moderator(by, reason)
    if not _decide(
        Report.objects.filter(pk=report.pk, state=Report.State.OPEN), Report.State.DISMISSED, by, reason, at
    ):
        raise AlreadyDecided
    _log("dismiss", report.target, by, reason, at)


@transaction.atomic
def author_suspend(*, target: Post | Comment, by: User, reason: str, at: datetime) -> None:
    """Shut the author out; with them goes everything they show. See `accounts.services.user_suspend` for refusals."""
    _check_moderator(by, reason)
    user_suspend(user=target.author, by=by, reason=reason, at=at)
    _decide(_open_reports(target), Report.State.UPHELD, by, reason, at)
    _log("suspend", target, by, reason, at)


def _original_of(clip: Clip) -> Clip | None:
    """The clip it was painted from, when that is the author's too, or a demo that everybody may show."""
    mine = Q(owner=clip.owner) | ~Q(demo="")
    return clip.parents.filter(mine, deleted_at=None).first()


def _style_slugs(clip: Clip) -> list[str]:
    recipe: dict[str, Any] = clip.recipe or {}
    return [style["slug"] for style in recipe.get("styles", [])]


def _tag(post: Post) -> None:
    names = hashtags_in(post.caption)
    Hashtag.objects.bulk_create([Hashtag(name=name) for name in names], ignore_conflicts=True)
    post.hashtags.set(Hashtag.objects.filter(name__in=names))


def _check_author(author_id: int, by: User) -> None:
    if by.pk != author_id:
        raise NotAllowed("Only its author can do this.")


def _check_moderator(by: User, reason: str) -> None:
    if not user_is_moderator(by):
        raise NotAllowed("Only moderators can do this.")
    if not reason.strip():
        raise ReasonMissing("Say why; it is kept, and the author is told.")


def _open_reports(target: Post | Comment) -> Any:
    return target.reports.filter(state=Report.State.OPEN)


def _decide(reports: Any, state: Report.State, by: User, reason: str, at: datetime) -> int:
    return reports.update(state=state, decided_by=by, decided_at=at, note=reason.strip())


def _log(action: str, target: Post | Comment, by: User, reason: str, at: datetime) -> None:
    field = {"post": target} if isinstance(target, Post) else {"comment": target}
    ModerationAction.objects.create(
        moderator=by,
        action=action,
        about=str(target)[:200],
        person=target.author,
        reason=reason.strip(),
        at=at,
        **field,
    )
