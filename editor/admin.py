from contextlib import ExitStack
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from foundation.errors import ApplicationError

from . import sounds
from .models import TITLE_MAX, Project, Sound

WORDS = ["title", "author", "licence", "credit", "moods"]


class LibrarySoundForm(forms.ModelForm):
    """A new track comes with its file; of one that is there, only the words change."""

    audio = forms.FileField(required=False, help_text="MP3, M4A, OGG, WAV, FLAC or WebM; at most 20 MB and 10 minutes")
    title = forms.CharField(max_length=TITLE_MAX, required=False, help_text="The file's name, if left empty.")
    is_removed = forms.BooleanField(required=False, label="Taken out of the library")

    # What became of the file that came with the form, if any did.
    heard: sounds.Reading | ApplicationError | None = None

    class Meta:
        model = Sound
        fields = WORDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["audio"].required = self.instance._state.adding
        self.fields["licence"].required = True
        self.initial["moods"] = ", ".join(self.instance.mood_list)
        self.initial["is_removed"] = self.instance.removed_at is not None

    def clean(self) -> dict[str, Any]:
        if isinstance(self.heard, ApplicationError):
            self.add_error("audio", f"{self.heard.title}: {self.heard.detail}")
        return super().clean() or {}


@admin.register(Sound)
class SoundAdmin(ModelAdmin):
    """The library, to fill and to correct; people's own sounds, to look at."""

    form = LibrarySoundForm
    list_display = ["title", "kind", "author", "owner", "moods", "bpm", "length", "created_at", "removed_at"]
    list_filter = ["kind", "removed_at"]
    list_select_related = ["owner"]
    search_fields = ["id", "title", "author", "credit", "owner__username"]
    date_hierarchy = "created_at"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["audio", *WORDS] if obj is None else [*WORDS, "is_removed", "listen"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["listen"]

    def has_change_permission(self, request: HttpRequest, obj: Sound | None = None) -> bool:
        is_own = obj is not None and obj.kind != Sound.Kind.LIBRARY
        return not is_own and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Sound | None = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """Read the file before Django begins the transaction of the form: that takes seconds."""
        with ExitStack() as kept:
            request.heard = self._heard(request, kept)  # type: ignore[attr-defined]
            return super().add_view(request, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)  # a class of its own for each request
        form.heard = getattr(request, "heard", None)
        return form

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Sound:
        if change:
            return super().save_form(request, form, change)
        words = {name: form.cleaned_data[name] for name in WORDS}
        return sounds.library_sound_create(reading=form.heard, at=timezone.now(), **words)

    def _heard(self, request: HttpRequest, kept: ExitStack) -> sounds.Reading | ApplicationError | None:
        audio = request.FILES.get("audio") if self.has_add_permission(request) else None
        if audio is None:
            return None
        try:
            return kept.enter_context(sounds.sound_reading(audio=audio, finds_beats=True))
        except ApplicationError as refused:
            return refused

    def save_model(self, request: HttpRequest, obj: Sound, form: Any, change: bool) -> None:
        if not change:
            return
        words = {name: form.cleaned_data[name] for name in WORDS}
        removed_at = (obj.removed_at or timezone.now()) if form.cleaned_data["is_removed"] else None
        try:
            sounds.library_sound_describe(sound=obj, removed_at=removed_at, **words)
        except ApplicationError as refused:
            messages.error(request, refused.detail)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A sound has no relations of its own to save."""

    @admin.display(description="Seconds", ordering="duration_seconds")
    def length(self, sound: Sound) -> str:
        return f"{sound.duration_seconds:.1f}"

    @admin.display(description="")
    def listen(self, sound: Sound) -> str:
        from .api import audio_url

        return format_html('<audio controls preload="none" src="{}"></audio>', audio_url(sound))


@admin.register(Project)
class ProjectAdmin(ModelAdmin):
    """To look at: people's work changes through their own hands only."""

    list_display = ["title", "owner", "revision", "duration_seconds", "created_at", "updated_at"]
    list_select_related = ["owner"]
    search_fields = ["id", "title", "owner__username"]
    date_hierarchy = "updated_at"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("edit")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return False
