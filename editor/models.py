import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q

from foundation import storage

TITLE_MAX = 120


class Project(models.Model):
    """
    One person's edit in the making: an edit list and the number of times it was saved.

    `revision` is what two tabs compare: a save names the revision it began from, and only one of two can be the next.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="projects")
    title = models.CharField(max_length=TITLE_MAX)
    edit = models.JSONField()
    revision = models.PositiveIntegerField(default=1)
    # Both follow from the edit list; lists show them without reading it.
    duration_seconds = models.FloatField(default=0)
    poster_clip = models.ForeignKey(
        "clips.Clip", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-updated_at", "-pk"]
        indexes = [models.Index(fields=["owner", "-updated_at"], name="projects_of_owner")]
        constraints = [
            models.CheckConstraint(condition=Q(revision__gte=1), name="project_revisions_count_from_one"),
            models.CheckConstraint(condition=Q(duration_seconds__gte=0), name="project_lasts_no_less_than_nothing"),
        ]

    def __str__(self) -> str:
        return self.title


class ProjectRevision(models.Model):
    """What a project was before a save: the last fifty of them, so that no save can lose work."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="earlier")
    revision = models.PositiveIntegerField()
    title = models.CharField(max_length=TITLE_MAX)
    edit = models.JSONField()
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "-revision"]
        constraints = [models.UniqueConstraint(fields=["project", "revision"], name="a_revision_is_kept_once")]

    def __str__(self) -> str:
        return f"{self.title}, {self.revision}"


class Sound(models.Model):
    """Music everybody may use, or somebody's own music or recording: AAC at 48 kHz, and what it sounds like."""

    class Kind(models.TextChoices):
        LIBRARY = "library", "Library"
        MUSIC = "music", "Own music"
        VOICE = "voice", "Own recording"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The name of a track that ships with the product.
    slug = models.SlugField(max_length=80, blank=True)
    kind = models.CharField(max_length=10, choices=Kind)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="sounds"
    )
    title = models.CharField(max_length=TITLE_MAX)
    author = models.CharField(max_length=120, blank=True)
    licence = models.CharField(max_length=120, blank=True)
    credit = models.CharField(max_length=400, blank=True)
    # `,calm,bright,`: every database can search it.
    moods = models.CharField(max_length=200, blank=True, help_text="Words, with commas between them.")
    bpm = models.FloatField(null=True, blank=True)
    beats = models.JSONField(default=list, blank=True, help_text="Seconds")
    peaks = models.JSONField(default=list, blank=True, help_text="The loudest moment of each twentieth of a second")
    duration_seconds = models.FloatField()
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the file that is served")
    source_sha256 = models.CharField(max_length=64, help_text="Of the file it was made from")
    created_at = models.DateTimeField()
    # No longer to be chosen. An own one goes with the next sweep; one of the library can be put back.
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["kind", "owner", "-created_at"], name="sounds_by_kind_and_owner")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="library", owner__isnull=True) | Q(kind__in=["music", "voice"], owner__isnull=False),
                name="an_own_sound_has_an_owner_and_the_library_none",
            ),
            models.CheckConstraint(condition=Q(duration_seconds__gt=0), name="a_sound_lasts"),
            models.CheckConstraint(condition=Q(bpm=None) | Q(bpm__gt=0), name="a_tempo_is_above_zero"),
            models.UniqueConstraint(fields=["slug"], condition=~Q(slug=""), name="one_sound_per_slug"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def file(self) -> str:
        """Its name in the storage."""
        return f"sounds/{self.pk}/audio.m4a"

    @property
    def audio_path(self) -> Path:
        """The sound as a file on this machine, fetched first where the files live elsewhere."""
        return storage.local_path(self.file)

    @property
    def mood_list(self) -> list[str]:
        return [mood for mood in self.moods.split(",") if mood]
