import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from foundation import storage

from . import clip_files


class Clip(models.Model):
    """
    One finished video, never changed: its row exists only when its files are complete.

    What is made from it becomes a clip of its own that remembers its parents and the recipe.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="clips")
    title = models.CharField(max_length=120)

    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    duration_seconds = models.FloatField()
    frame_rate = models.FloatField()
    frame_count = models.PositiveIntegerField()
    has_audio = models.BooleanField()
    bytes = models.PositiveBigIntegerField()
    # Of the video file: the truth about what was published, and its ETag.
    sha256 = models.CharField(max_length=64)
    # How the preview sprite is laid out: columns, rows, frame_width, frame_height, count.
    sprite = models.JSONField()

    recipe = models.JSONField(null=True, blank=True)
    parents: models.ManyToManyField = models.ManyToManyField(
        "self", through="ClipParent", through_fields=("child", "parent"), symmetrical=False, related_name="children"
    )
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # The name of a clip that ships with the product; everybody may watch and paint those.
    demo = models.CharField(max_length=40, blank=True)

    created_at = models.DateTimeField()
    # Gone for its owner; row and files follow when nothing is made from it any more.
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="clips_of_owner")]
        constraints = [
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0, frame_count__gt=0), name="clip_has_frames"),
            models.UniqueConstraint(fields=["demo"], condition=~Q(demo=""), name="one_clip_per_demo"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def video_path(self) -> Path:
        """The video as a file on this machine, fetched first where the files live elsewhere."""
        return storage.local_path(clip_files.clip_file(self.pk, "video.mp4"))

    @property
    def captions(self) -> str:
        """What is said in it, as WebVTT; empty for all but edits with captions."""
        said = self.recipe.get("captions") if isinstance(self.recipe, dict) else None
        return said if isinstance(said, str) else ""

    @property
    def is_demo(self) -> bool:
        return bool(self.demo)


class ClipParent(models.Model):
    """That one clip was made from another; a mix of several keeps their order."""

    child = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="parent_links")
    parent = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="child_links")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["child", "position"]
        constraints = [
            models.UniqueConstraint(fields=["child", "parent"], name="a_parent_is_named_once"),
            models.CheckConstraint(condition=~Q(child=F("parent")), name="a_clip_is_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return f"{self.parent_id} → {self.child_id}"


class Upload(models.Model):
    """
    A file on its way in, by tus 1.0. Its bytes lie in one file of our own naming until the ingest job is done with it.

    `offset` counts bytes that are on disk for certain. The file may be longer after a crash; the rest is cut off.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    filename = models.CharField(max_length=255, blank=True)
    title = models.CharField(max_length=120, blank=True)
    # As the client sent it; HEAD gives it back.
    metadata = models.TextField(blank=True)
    length = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    job = models.OneToOneField("jobs.Job", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(length__gt=0, offset__lte=F("length")), name="upload_fits_its_length"),
        ]

    def __str__(self) -> str:
        return self.filename or str(self.pk)

    @property
    def is_complete(self) -> bool:
        return self.offset == self.length

    @property
    def state(self) -> str:
        """receiving, ingesting, done or failed."""
        if not self.is_complete:
            return "receiving"
        ended = {"succeeded": "done", "failed": "failed", "cancelled": "failed"}
        return ended.get(self.job.state, "ingesting") if self.job else "ingesting"
