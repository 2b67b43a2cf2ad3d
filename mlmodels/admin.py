from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from foundation.errors import ApplicationError
from foundation.staff import ReadOnly

from . import services
from .models import ModelFile, ModelRelease, Platform

STATE_COLOURS = {"draft": "info", "published": "success", "withdrawn": "danger"}


class ReleaseForm(forms.ModelForm):
    """For whom a release is; what it holds comes from the export alone."""

    platforms = forms.MultipleChoiceField(choices=Platform.choices, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = ModelRelease
        fields = ["platforms", "minimum_client"]


class FilesInline(ReadOnly, TabularInline):
    model = ModelFile
    extra = 0
    fields = ["role", "shape", "layout", "precision", "size", "checksum", "metrics", "download"]
    readonly_fields = fields

    @admin.display(description="Size")
    def size(self, file: ModelFile) -> str:
        return filesizeformat(file.bytes)

    @admin.display(description="SHA-256")
    def checksum(self, file: ModelFile) -> str:
        return file.sha256[:16]

    @admin.display(description="")
    def download(self, file: ModelFile) -> str:
        return format_html('<a href="{}" download>{}</a>', file.url, file.filename)


@admin.register(ModelRelease)
class ModelReleaseAdmin(ModelAdmin):
    """What apps and pages may run: `publish_models` brings releases in, here they are let out or taken back."""

    form = ReleaseForm
    list_display = [
        "name", "version", "format", "shown_state", "for_platforms", "minimum_client", "file_count", "size",
        "created_at", "published_at", "withdrawn_at",
    ]  # fmt: skip
    list_filter = ["state", "format"]
    search_fields = ["name", "version", "model_sha256"]
    date_hierarchy = "created_at"
    actions = ["publish", "withdraw"]
    inlines = [FilesInline]
    readonly_fields = [
        "name", "version", "format", "shown_state", "model_sha256", "exporter_version", "created_at", "published_at",
        "withdrawn_at",
    ]  # fmt: skip
    fields = [*readonly_fields[:4], "platforms", "minimum_client", *readonly_fields[4:]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelRelease]:
        rows: QuerySet[ModelRelease] = super().get_queryset(request)
        return rows.annotate(file_count=Count("files"), file_bytes=Sum("files__bytes"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ModelRelease | None = None) -> bool:
        return False

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def shown_state(self, release: ModelRelease) -> str:
        return release.state

    @admin.display(description="Platforms")
    def for_platforms(self, release: ModelRelease) -> str:
        return ", ".join(release.platforms)

    @admin.display(description="Files", ordering="file_count")
    def file_count(self, release: Any) -> int:
        return int(release.file_count)

    @admin.display(description="Size", ordering="file_bytes")
    def size(self, release: Any) -> str:
        return filesizeformat(release.file_bytes or 0)

    @admin.action(description="Publish", permissions=["change"])
    def publish(self, request: HttpRequest, releases: QuerySet[ModelRelease]) -> None:
        self._each(request, releases, services.model_release_publish, "published")

    @admin.action(description="Withdraw", permissions=["change"])
    def withdraw(self, request: HttpRequest, releases: QuerySet[ModelRelease]) -> None:
        self._each(request, releases, services.model_release_withdraw, "withdrawn")

    def save_model(self, request: HttpRequest, obj: ModelRelease, form: Any, change: bool) -> None:
        try:
            services.model_release_describe(release=obj, **form.cleaned_data, at=timezone.now())
        except ApplicationError as refusal:
            messages.error(request, refusal.detail)

    def _each(
        self, request: HttpRequest, releases: QuerySet[ModelRelease], service: Callable[..., ModelRelease], done: str
    ) -> None:
        for release in releases:
            try:
                service(release=release, at=timezone.now())
            except ApplicationError as refusal:
                self.message_user(request, f"{release}: {refusal.detail}", messages.WARNING)
            else:
                self.message_user(request, f"{release}: {done}.", messages.SUCCESS)
