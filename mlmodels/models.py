import uuid

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

VERSION = RegexValidator(r"\A\d{1,6}\.\d{1,6}\.\d{1,6}\Z", "Three numbers with dots between them: 1.0.0.")
# It becomes part of an address.
FILENAME = RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z", "Letters, digits, dots, dashes.")
FOLDER = "models"


class Format(models.TextChoices):
    ONNX = "onnx", "ONNX"
    LITERT = "litert", "LiteRT"
    EXECUTORCH = "executorch", "ExecuTorch"
    COREML = "coreml", "Core ML"


class Platform(models.TextChoices):
    WEB = "web", "Web"
    ANDROID = "android", "Android"
    IOS = "ios", "iOS"
    DESKTOP = "desktop", "Desktop"


class ModelRelease(models.Model):
    """
    The networks of one release in one format, as one export made them: published and withdrawn as a whole.

    Another export of the same release is another row. What was published stays downloadable until it is withdrawn.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, validators=[FILENAME])
    version = models.CharField(max_length=20, validators=[VERSION])
    format = models.CharField(max_length=12, choices=Format)
    platforms = models.JSONField(default=list, help_text="Where these files are meant to run")
    minimum_client = models.CharField(
        max_length=20, validators=[VERSION], help_text="The oldest version of an app that may use these files"
    )
    # `Release.sha256`: recipes and style embeddings name it too.
    model_sha256 = models.CharField(max_length=64, editable=False)
    exporter_version = models.CharField(max_length=64, editable=False)
    embedding_size = models.PositiveIntegerField(editable=False)
    norm_widths = models.JSONField(editable=False, help_text="Channels of each norm layer, in order")
    picture_size = models.PositiveIntegerField(editable=False, help_text="Side of the picture the predictor takes")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    # When something else that its manifest says became different: for whom it is, what was measured of it.
    described_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["format", "state"], name="model_releases_to_offer")]
        constraints = [
            models.UniqueConstraint(
                fields=["model_sha256", "format", "exporter_version"], name="a_release_is_exported_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_at__isnull=False), name="published_at_some_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="withdrawn") | Q(withdrawn_at__isnull=False), name="withdrawn_at_some_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}, {self.get_format_display()}"

    @property
    def rank(self) -> tuple[int, ...]:
        """Versions in their order: 1.10.0 comes after 1.9.0."""
        return tuple(int(part) for part in self.version.split("."))


class ModelFile(models.Model):
    """One network of a release for one shape of picture; its address holds its checksum, so it never changes."""

    release = models.ForeignKey(ModelRelease, on_delete=models.CASCADE, related_name="files")
    role = models.CharField(max_length=20)
    shape = models.CharField(max_length=20, help_text="Height x width, “dynamic”, or “-” where no picture goes in")
    layout = models.CharField(max_length=4)
    precision = models.CharField(max_length=8)
    filename = models.CharField(max_length=120, validators=[FILENAME])
    sha256 = models.CharField(max_length=64)
    bytes = models.PositiveBigIntegerField()
    # Decimal texts: a signed manifest holds no fractions.
    metrics = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["release", "role", "shape", "precision", "pk"]
        indexes = [models.Index(fields=["sha256"], name="model_files_by_checksum")]
        constraints = [
            models.UniqueConstraint(
                fields=["release", "role", "shape", "precision"], name="one_file_per_role_and_shape"
            )
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def file(self) -> str:
        """Its name in the storage; releases that hold the same bytes share it."""
        return f"{FOLDER}/{self.sha256}/{self.filename}"

    @property
    def url(self) -> str:
        return reverse("model-download", args=[self.sha256, self.filename])
