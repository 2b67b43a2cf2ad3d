import uuid
from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import User
from clips.models import Clip

CAPTION_MAX = 500
COMMENT_MAX = 1000
DETAIL_MAX = 1000
REASON_MAX = 500
HASHTAG_MAX = 100


class Hashtag(models.Model):
    """A word people file their posts under, in its folded form."""

    name = models.CharField(max_length=HASHTAG_MAX, unique=True)

    def __str__(self) -> str:
        return f"#{self.name}"


class Moderated(models.Model):
    """Something a person wrote: they can take it back, and a moderator can hide it. The row stays, for the reports."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    hidden_reason = models.CharField(max_length=REASON_MAX, blank=True)

    class Meta:
        abstract = True

    @property
    def is_hidden(self) -> bool:
        return self.hidden_at is not None


class Post(Moderated):
    """A clip somebody shows to everybody."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="posts")
    # A clip that was shown is not pulled away from under its post; both go when their owner goes.
    clip = models.ForeignKey(Clip, on_delete=models.RESTRICT, related_name="posts")
    caption = models.CharField(max_length=CAPTION_MAX, blank=True)
    show_original = models.BooleanField(default=False)
    hashtags = models.ManyToManyField(Hashtag, related_name="posts", blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["clip"], condition=Q(deleted_at=None), name="one_post_per_clip"),
            models.CheckConstraint(
                condition=Q(hidden_at=None, hidden_reason="") | (Q(hidden_at__isnull=False) & ~Q(hidden_reason="")),
                name="a_hidden_post_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="feed_order"),
            models.Index(fields=["author", "-created_at"], name="posts_of_author"),
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.caption[:60]}"


class Like(models.Model):
    """One person's heart under one post. Counted when asked: a counter could drift, rows cannot."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="likes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="likes")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "user"], name="one_like_per_person")]

    def __str__(self) -> str:
        return f"{self.user} likes {self.post_id}"


class Comment(Moderated):
    """What somebody said under a post."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="comments")
    text = models.CharField(max_length=COMMENT_MAX)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(hidden_at=None, hidden_reason="") | (Q(hidden_at__isnull=False) & ~Q(hidden_reason="")),
                name="a_hidden_comment_says_why",
            ),
        ]
        indexes = [models.Index(fields=["post", "-created_at"], name="comments_of_post")]

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:60]}"


class Report(models.Model):
    """Somebody thinks the moderators should look at a post or a comment."""

    class Reason(models.TextChoices):
        SPAM = "spam"
        ABUSE = "abuse"
        SEXUAL = "sexual"
        VIOLENCE = "violence"
        COPYRIGHT = "copyright"
        OTHER = "other"

    class State(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld"
        DISMISSED = "dismissed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reports")
    post = models.ForeignKey(Post, null=True, blank=True, on_delete=models.CASCADE, related_name="reports")
    comment = models.ForeignKey(Comment, null=True, blank=True, on_delete=models.CASCADE, related_name="reports")
    reason = models.CharField(max_length=10, choices=Reason)
    detail = models.CharField(max_length=DETAIL_MAX, blank=True)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=REASON_MAX, blank=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(post__isnull=False, comment=None) | Q(post=None, comment__isnull=False),
                name="a_report_is_about_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None)
                | (Q(state__in=["upheld", "dismissed"], decided_at__isnull=False) & ~Q(note="")),
                name="a_decided_report_says_when_and_why",
            ),
            models.UniqueConstraint(
                fields=["reporter", "post"], condition=Q(state="open"), name="one_open_report_per_post_and_person"
            ),
            models.UniqueConstraint(
                fields=["reporter", "comment"], condition=Q(state="open"), name="one_open_report_per_comment_and_person"
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="reports_queue")]

    def __str__(self) -> str:
        return f"{self.reason}: {self.target}"

    @property
    def target(self) -> "Post | Comment":
        target = self.post or self.comment
        assert target is not None, "the database keeps one of both"
        return target


class LogIsImmutable(TypeError):
    """The log of the moderators is written once and never changed."""


class _LogQuerySet(models.QuerySet["ModerationAction"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise LogIsImmutable

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise LogIsImmutable

    def delete(self) -> NoReturn:
        raise LogIsImmutable


class ModerationAction(models.Model):
    """
    Who judged what, and why: one line of the moderators' log.

    It names its target in words as well, and points at it by id only: the line outlives what it is about.
    """

    class Verb(models.TextChoices):
        HIDE = "hide"
        RESTORE = "restore"
        SUSPEND = "suspend"
        REINSTATE = "reinstate"
        UPHOLD = "uphold"
        DISMISS = "dismiss"

    class Target(models.TextChoices):
        POST = "post"
        COMMENT = "comment"
        PERSON = "person"
        REPORT = "report"

    moderator = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    moderator_name = models.CharField(max_length=150)
    verb = models.CharField(max_length=10, choices=Verb)
    target = models.CharField(max_length=10, choices=Target)
    target_id = models.CharField(max_length=36)
    target_text = models.CharField(max_length=200)
    reason = models.CharField(max_length=REASON_MAX)
    at = models.DateTimeField()

    objects = _LogQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["target", "target_id"], name="log_of_target")]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="a_judgement_says_why")]

    def __str__(self) -> str:
        return f"{self.moderator_name}: {self.verb} {self.target} ({self.target_text})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise LogIsImmutable
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise LogIsImmutable


class Person(User):
    """A person as the moderators see them: what stands against them, and whether they are shut out."""

    class Meta:
        proxy = True
        ordering = ["username"]
        verbose_name = "person"
        verbose_name_plural = "people"
