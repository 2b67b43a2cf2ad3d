import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from clips.models import Clip
from stylization.models import Style


class Hashtag(models.Model):
    """A word after # as people wrote it in captions, folded to one case."""

    name = models.CharField(max_length=60, unique=True)

    def __str__(self) -> str:
        return f"#{self.name}"


class Hideable(models.Model):
    """
    Something people wrote or showed, which its author can remove and a moderator can hide.

    Rows stay: a report must be able to point at what it was about.
    """

    deleted_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    hidden_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        abstract = True


class Post(Hideable):
    """A clip hung in the gallery."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="posts")
    # A posted clip's files stay while the post stands; removing the clip removes the post first.
    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="+")
    original = models.ForeignKey(Clip, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    caption = models.CharField(max_length=500, blank=True)
    hashtags = models.ManyToManyField(Hashtag, related_name="posts", blank=True)
    styles = models.ManyToManyField(Style, related_name="+", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="posts_newest_first"),
            models.Index(fields=["author", "-created_at"], name="posts_of_person"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["clip"], condition=Q(deleted_at=None), name="one_post_per_clip"),
        ]

    def __str__(self) -> str:
        return self.caption or f"post {self.pk}"


class Like(models.Model):
    """One person likes one post, once. Counted when asked: two at the same time cannot lose one."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="likes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="likes")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "user"], name="one_like_per_person")]

    def __str__(self) -> str:
        return f"{self.user} likes {self.post}"


class Comment(Hideable):
    """What somebody says under a post."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="comments")
    text = models.CharField(max_length=1000)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["post", "-created_at"], name="comments_of_post")]

    def __str__(self) -> str:
        return self.text[:60]


class ReportReason(models.TextChoices):
    SPAM = "spam", "Spam or advertising"
    ABUSE = "abuse", "Harassment or hate"
    SEXUAL = "sexual", "Sexual content"
    VIOLENCE = "violence", "Violence"
    COPYRIGHT = "copyright", "Belongs to somebody else"
    OTHER = "other", "Something else"


class Report(models.Model):
    """Somebody says that a post or a comment should not be here."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        UPHELD = "upheld", "Upheld"
        DISMISSED = "dismissed", "Dismissed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reports")
    post = models.ForeignKey(Post, on_delete=models.CASCADE, null=True, blank=True, related_name="reports")
    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, null=True, blank=True, related_name="reports")
    reason = models.CharField(max_length=10, choices=ReportReason)
    detail = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(post=None, comment__isnull=False) | Q(post__isnull=False, comment=None),
                name="report_is_about_one_thing",
            ),
            models.UniqueConstraint(
                fields=["reporter", "post"], condition=Q(state="open", comment=None), name="one_open_report_per_post"
            ),
            models.UniqueConstraint(
                fields=["reporter", "comment"], condition=Q(state="open", post=None), name="one_open_report_per_comment"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.target}"

    @property
    def target(self) -> Post | Comment:
        found = self.post or self.comment
        assert found is not None
        return found


class ModerationAction(models.Model):
    """What a moderator did, to whom and why. Written once, never changed."""

    moderator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=20)
    about = models.CharField(max_length=200)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    post = models.ForeignKey(Post, on_delete=models.SET_NULL, null=True, blank=True, related_name="actions")
    comment = models.ForeignKey(Comment, on_delete=models.SET_NULL, null=True, blank=True, related_name="actions")
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.action} {self.about}"
