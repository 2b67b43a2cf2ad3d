"""
The moderators' desk.

Nobody edits here, superusers included: a page shows what was said and reported, and offers judgements. Each needs a
reason and goes through the same services as everything else.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from clips.models import Clip
from foundation.errors import ApplicationError

from . import moderation
from .models import REASON_MAX, Comment, ModerationAction, Person, Post, Report

Judgement = Callable[..., object]
Choices = list[tuple[str, str]]
SUSPEND = ("suspend", "Suspend the author: nothing of theirs is shown any more")
REINSTATE = ("reinstate", "Let the author in again")


class JudgementForm(forms.ModelForm):
    """What to do, and why. It has no field of the model: nothing can be edited through it."""

    decision = forms.ChoiceField(widget=UnfoldAdminRadioSelectWidget)
    why = forms.CharField(
        label="Reason",
        max_length=REASON_MAX,
        widget=UnfoldAdminTextareaWidget,
        help_text="Written to the log. The author of what is hidden, or whoever is suspended, reads it too.",
    )

    class Meta:
        fields: list[str] = []


class DeskAdmin(ModelAdmin):
    """A page to read, with a judgement at its end. A desk says which judgements a row allows now, and does them."""

    form = JudgementForm
    actions = None
    list_display_links = ["summary"]
    list_per_page = 50
    shown: list[str] = []

    def choices_for(self, row: Any) -> Choices:
        raise NotImplementedError

    def judge(self, row: Any, decision: str, **said: Any) -> None:
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Where nothing is left to judge, the page is one to read."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or bool(self.choices_for(obj)))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return self.shown

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        shown = (None, {"fields": self.shown})
        if not self.has_change_permission(request, obj):
            return [shown]
        return [shown, ("Judgement", {"fields": ["decision", "why"]})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[ModelForm]:
        # The two fields are the form's own; asked for by name Django would look for them in the model.
        form = super().get_form(request, obj, change=change, **{**kwargs, "fields": []})
        if obj is not None and "decision" in form.base_fields:
            form.base_fields["decision"].choices = self.choices_for(obj)
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        said = {"by": request.user, "why": form.cleaned_data["why"], "at": timezone.now()}
        self.judge(obj, form.cleaned_data["decision"], **said)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A refusal is said on the page; the transaction around the change is undone by then."""
        context = {**(extra_context or {}), "show_save_and_continue": False, "show_save_and_add_another": False}
        try:
            return super().change_view(request, object_id, form_url, context)
        except ApplicationError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(request.get_full_path())


def _poster(clip: Clip, width: int) -> SafeString:
    # The theme makes pictures as high as their width asks.
    return format_html('<img src="{}" alt="" width="{}">', reverse("clip-media", args=[clip.pk, "poster.jpg"]), width)


def _player(clip: Clip) -> SafeString:
    video, poster = (reverse("clip-media", args=[clip.pk, name]) for name in ("video.mp4", "poster.jpg"))
    return format_html('<video src="{}" poster="{}" controls loop preload="none" height="360"></video>', video, poster)


def _link(row: Model, text: str) -> SafeString:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}" class="text-primary-600 underline">{}</a>', reverse(name, args=[row.pk]), text)


def _person(user: Any) -> SafeString:
    state = "" if user.is_active else " (suspended)"
    return format_html("{}{}", _link(Person(pk=user.pk), f"@{user.username}"), state)


def _standing(user: Any) -> tuple[str, str]:
    return SUSPEND if user.is_active else REINSTATE


def _judge_person(user: Any, decision: str, *, by: Any, why: str, at: datetime) -> None:
    do: Judgement = moderation.user_suspend if decision == "suspend" else moderation.user_restore
    do(user=user, by=by, reason=why, at=at)


class _Written(DeskAdmin):
    """Posts and comments: hide and show again, or judge who wrote it."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("author", "hidden_by")

    def choices_for(self, row: Post | Comment) -> Choices:
        first = ("restore", "Show it again") if row.is_hidden else ("hide", "Hide it from everybody")
        return [first, _standing(row.author)]

    @admin.display(description="State")
    def state(self, row: Post | Comment) -> str:
        if row.is_hidden:
            return f"hidden by {row.hidden_by or 'somebody'}: {row.hidden_reason}"
        return "taken back by its author" if row.deleted_at else "shown"

    @admin.display(description="Author", ordering="author__username")
    def by_whom(self, row: Post | Comment) -> SafeString:
        return _person(row.author)


@admin.register(Post)
class PostAdmin(_Written):
    list_display = ["picture", "summary", "by_whom", "state", "created_at"]
    list_filter = [("hidden_at", admin.EmptyFieldListFilter), ("deleted_at", admin.EmptyFieldListFilter)]
    search_fields = ["caption", "author__username"]
    shown = ["player", "caption", "by_whom", "state", "show_original", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("clip")

    def judge(self, row: Post, decision: str, **said: Any) -> None:
        if decision in ("suspend", "reinstate"):
            return _judge_person(row.author, decision, **said)
        do: Judgement = moderation.post_hide if decision == "hide" else moderation.post_restore
        do(post=row, by=said["by"], reason=said["why"], at=said["at"])

    @admin.display(description="Post")
    def summary(self, post: Post) -> str:
        return post.caption[:80] or "(no caption)"

    @admin.display(description="")
    def picture(self, post: Post) -> SafeString:
        return _poster(post.clip, 72)

    @admin.display(description="Clip")
    def player(self, post: Post) -> SafeString:
        return _player(post.clip)


@admin.register(Comment)
class CommentAdmin(_Written):
    list_display = ["summary", "by_whom", "state", "created_at"]
    list_filter = [("hidden_at", admin.EmptyFieldListFilter), ("deleted_at", admin.EmptyFieldListFilter)]
    search_fields = ["text", "author__username"]
    shown = ["text", "by_whom", "under", "state", "created_at"]

    def judge(self, row: Comment, decision: str, **said: Any) -> None:
        if decision in ("suspend", "reinstate"):
            return _judge_person(row.author, decision, **said)
        do: Judgement = moderation.comment_hide if decision == "hide" else moderation.comment_restore
        do(comment=row, by=said["by"], reason=said["why"], at=said["at"])

    @admin.display(description="Comment")
    def summary(self, comment: Comment) -> str:
        return comment.text[:80]

    @admin.display(description="Under")
    def under(self, comment: Comment) -> SafeString:
        return _link(comment.post, comment.post.caption[:80] or "the post")


class OpenFirst(admin.SimpleListFilter):
    """The queue is what one sees; what was decided is a click away."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("open", "Open"), ("upheld", "Upheld"), ("dismissed", "Dismissed"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        for value, title in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": (self.value() or "open") == value, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        state = self.value() or "open"
        return queryset if state == "all" else queryset.filter(state=state)


@admin.register(Report)
class ReportAdmin(DeskAdmin):
    list_display = ["picture", "summary", "reason", "by_whom", "reporter", "created_at", "state"]
    list_filter = [OpenFirst, "reason"]
    shown = [
        "player", "text", "by_whom", "target_page", "reason", "detail", "reporter", "created_at", "state", "decided",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        related = ["post__author", "post__clip", "comment__author", "comment__post__clip", "reporter", "decided_by"]
        return super().get_queryset(request).select_related(*related)

    def choices_for(self, row: Report) -> Choices:
        return list(moderation.Decision.choices) if row.state == Report.State.OPEN else []

    def judge(self, row: Report, decision: str, **said: Any) -> None:
        chosen = moderation.Decision(decision)
        moderation.report_decide(report=row, by=said["by"], decision=chosen, note=said["why"], at=said["at"])

    @admin.display(description="Reported")
    def summary(self, report: Report) -> str:
        return f"{'Post' if report.post_id else 'Comment'}: {self.text(report)[:80]}"

    @admin.display(description="What it says")
    def text(self, report: Report) -> str:
        return (report.post.caption if report.post else report.target.text) or "(no caption)"  # type: ignore[union-attr]

    @admin.display(description="Author")
    def by_whom(self, report: Report) -> SafeString:
        return _person(report.target.author)

    @admin.display(description="Page")
    def target_page(self, report: Report) -> SafeString:
        return _link(report.target, "hide, restore and more")

    @admin.display(description="")
    def picture(self, report: Report) -> SafeString:
        return _poster(self._clip(report), 72)

    @admin.display(description="Clip")
    def player(self, report: Report) -> SafeString:
        return _player(self._clip(report))

    @admin.display(description="Decision")
    def decided(self, report: Report) -> str:
        return (
            f"{report.decided_by or 'somebody'}, {report.decided_at:%Y-%m-%d %H:%M}: {report.note}"
            if report.note
            else "–"
        )

    def _clip(self, report: Report) -> Clip:
        return report.post.clip if report.post else report.target.post.clip  # type: ignore[union-attr]


@admin.register(Person)
class PersonAdmin(DeskAdmin):
    list_display = ["summary", "display_name", "standing", "date_joined"]
    list_filter = ["is_active"]
    search_fields = ["username", "display_name"]
    shown = ["summary", "display_name", "bio", "standing", "history", "date_joined"]

    def choices_for(self, row: Person) -> Choices:
        return [_standing(row)]

    def judge(self, row: Person, decision: str, **said: Any) -> None:
        _judge_person(row, decision, **said)

    @admin.display(description="Person", ordering="username")
    def summary(self, person: Person) -> str:
        return f"@{person.username}"

    @admin.display(description="Standing", boolean=True, ordering="is_active")
    def standing(self, person: Person) -> bool:
        return person.is_active

    @admin.display(description="What stands against them")
    def history(self, person: Person) -> str:
        lines = ModerationAction.objects.filter(target="person", target_id=str(person.pk))
        return "\n".join(f"{line.at:%Y-%m-%d}: {line.verb} by {line.moderator_name}: {line.reason}" for line in lines)


@admin.register(ModerationAction)
class ModerationActionAdmin(ModelAdmin):
    """The log, to read."""

    list_display = ["at", "moderator_name", "verb", "target", "target_text", "reason"]
    list_filter = ["verb", "target"]
    search_fields = ["moderator_name", "target_text", "reason"]
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
