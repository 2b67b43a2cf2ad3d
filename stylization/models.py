import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q

from clips.models import Clip
from foundation.files import media_path


class Style(models.Model):
    """A picture one can paint with: a preset everybody sees, or somebody's own."""

    class Kind(models.TextChoices):
        PRESET = "preset", "Preset"
        OWN = "own", "Own picture"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=80, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="styles"
    )
    name = models.CharField(max_length=120)
    artist = models.CharField(max_length=120, blank=True)
    # Text, because "c. 1831" and "1884–1886" are the true answers.
    year = models.CharField(max_length=40, blank=True)
    licence = models.CharField(max_length=120, blank=True)
    credit = models.CharField(max_length=400, blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    image_sha256 = models.CharField(max_length=64)
    palette = models.JSONField(help_text="Five colours, #rrggbb, the largest share first")
    accent_on_dark = models.CharField(max_length=7)
    accent_on_light = models.CharField(max_length=7)
    # float32 bytes. Only meaningful together with the checksum of the model that made them.
    embedding = models.BinaryField(null=True, editable=False)
    embedding_model = models.CharField(max_length=64, blank=True, editable=False)
    # Presets stand in the order of their catalogue; own pictures all share 0 and sort by age.
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    # A removed style can no longer be chosen, but its row goes on crediting what was painted with it.
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "-created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="preset", owner__isnull=True) | Q(kind="own", owner__isnull=False),
                name="style_own_has_an_owner_and_preset_none",
            )
        ]
        indexes = [models.Index(fields=["kind", "owner", "removed_at"])]

    def __str__(self) -> str:
        return self.name

    @property
    def image_path(self) -> Path:
        return media_path("styles", str(self.pk), "image.jpg")

    @property
    def thumbnail_path(self) -> Path:
        return media_path("styles", str(self.pk), "thumbnail.jpg")


class StyleUse(models.Model):
    """
    One clip was painted with one style, or an edit shows such a clip: the credit that a post shows and the reason a
    removed style stays.
    """

    style = models.ForeignKey(Style, on_delete=models.PROTECT, related_name="uses")
    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="style_uses")
    weight = models.FloatField()

    class Meta:
        ordering = ["-weight", "pk"]
        constraints = [models.UniqueConstraint(fields=["style", "clip"], name="style_use_once_per_clip")]

    def __str__(self) -> str:
        return f"{self.style_id} in {self.clip_id}"
