"""The moderators' screens: look, then hide, restore, dismiss or suspend, with a reason and through the services."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Case, Model, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from foundation.errors import ApplicationError

from . import services
from .models import Comment, ModerationAction, Post, Report

Act = Callable[[Any, HttpRequest, str], None]


class ReasonForm(forms.Form):
    """Why something is done; kept in the log."""

    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}), label="Reason")


class ModerationAdmin(ModelAdmin):  # type: ignore[misc]
    """A list to read and act on. Nothing is edited or deleted here."""

    actions_need = "community.change_report"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.actions_need)

    def with_reason(self, request: HttpRequest, rows: QuerySet[Any], action: str, title: str, act: Act) -> Any:
        """Ask for a reason on a page of its own, then act on each row and say what became of it."""
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            return self._ask(request, rows, action, title, form)
        done = sum(self._try(request, row, act, form.cleaned_data["reason"]) for row in rows)
        self.message_user(request, f"{title}: {done} done.", messages.SUCCESS if done else messages.WARNING)
        return None

    def _ask(
        self, request: HttpRequest, rows: QuerySet[Any], action: str, title: str, form: ReasonForm
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "rows": rows,
            "form": form,
            "action": action,
        }
        return TemplateResponse(request, "community/reason.html", {**context, "opts": self.model._meta})

    def _try(self, request: HttpRequest, row: Any, act: Act, reason: str) -> bool:
        try:
            act(row, request, reason)
        except ApplicationError as refusal:
            self.message_user(request, f"{row}: {refusal.detail}", messages.WARNING)
            return False
        return True


def _hide(target: Post | Comment, request: HttpRequest, reason: str) -> None:
    services.content_hide(target=target, by=request.user, reason=reason, at=timezone.now())  # type: ignore[arg-type]


def _restore(target: Post | Comment, request: HttpRequest, reason: str) -> None:
    services.content_restore(target=target, by=request.user, reason=reason, at=timezone.now())  # type: ignore[arg-type]


def _suspend(target: Post | Comment, request: HttpRequest, reason: str) -> None:
    services.author_suspend(target=target, by=request.user, reason=reason, at=timezone.now())  # type: ignore[arg-type]


def _dismiss(report: Report, request: HttpRequest, reason: str) -> None:
    services.report_dismiss(report=report, by=request.user, reason=reason, at=timezone.now())  # type: ignore[arg-type]


def player(post: Post | None) -> SafeString | str:
    """The clip that a post shows, to watch where one decides."""
    if post is None:
        return "—"
    video, poster = (reverse("clip-media", args=[post.clip_id, name]) for name in ("video.mp4", "poster.jpg"))
    return format_html('<video src="{}" poster="{}" controls preload="none" width="320"></video>', video, poster)


class ContentAdmin(ModerationAdmin):
    """Posts and comments alike: hide, restore, suspend the author."""

    actions = ["hide", "restore", "suspend_author"]

    @admin.action(description="Hide …", permissions=["moderate"])
    def hide(self, request: HttpRequest, rows: QuerySet[Any]) -> Any:
        return self.with_reason(request, rows, "hide", "Hide", _hide)

    @admin.action(description="Restore …", permissions=["moderate"])
    def restore(self, request: HttpRequest, rows: QuerySet[Any]) -> Any:
        return self.with_reason(request, rows, "restore", "Restore", _restore)

    @admin.action(description="Suspend the author …", permissions=["moderate"])
    def suspend_author(self, request: HttpRequest, rows: QuerySet[Any]) -> Any:
        return self.with_reason(request, rows, "suspend_author", "Suspend the author", _suspend)

    @admin.display(boolean=True, description="visible")
    def is_visible(self, row: Post | Comment) -> bool:
        return row.hidden_at is None and row.deleted_at is None


@admin.register(Post)
class PostAdmin(ContentAdmin):
    list_display = ["poster", "caption", "author", "is_visible", "hidden_reason", "created_at"]
    list_display_links = ["poster", "caption"]
    list_filter = [("hidden_at", admin.EmptyFieldListFilter), ("deleted_at", admin.EmptyFieldListFilter)]
    search_fields = ["caption", "author__username"]
    list_select_related = ["author", "clip"]
    fields = ["watch", "caption", "author", "created_at", "hidden_at", "hidden_by", "hidden_reason", "deleted_at"]

    @admin.display(description="clip")
    def poster(self, post: Post) -> SafeString:
        address = reverse("clip-media", args=[post.clip_id, "poster.jpg"])
        return format_html('<img src="{}" alt="" width="96">', address)

    @admin.display(description="clip")
    def watch(self, post: Post) -> SafeString | str:
        return player(post)


@admin.register(Comment)
class CommentAdmin(ContentAdmin):
    list_display = ["text", "author", "is_visible", "hidden_reason", "created_at"]
    list_filter = [("hidden_at", admin.EmptyFieldListFilter), ("deleted_at", admin.EmptyFieldListFilter)]
    search_fields = ["text", "author__username"]
    list_select_related = ["author"]
    fields = ["text", "author", "post", "created_at", "hidden_at", "hidden_by", "hidden_reason", "deleted_at"]


@admin.register(Report)
class ReportAdmin(ModerationAdmin):
    """The queue: what waits for a decision comes first."""

    list_display = ["reason", "poster", "about", "author", "reporter", "state", "created_at"]
    list_filter = ["state", "reason"]
    search_fields = ["detail", "post__caption", "comment__text", "reporter__username"]
    list_select_related = ["post__author", "comment__author", "reporter", "post__clip"]
    actions = ["hide", "dismiss", "suspend_author"]
    fields = [
        "reason", "detail", "watch", "about", "author", "reporter", "created_at", "state", "decided_by", "decided_at",
        "note",
    ]  # fmt: skip

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [Case(When(state=Report.State.OPEN, then=Value(0)), default=Value(1)), "created_at", "pk"]

    @admin.action(description="Hide what is reported …", permissions=["moderate"])
    def hide(self, request: HttpRequest, rows: QuerySet[Report]) -> Any:
        return self.with_reason(request, rows, "hide", "Hide what is reported", self._on_target(_hide))

    @admin.action(description="Leave it there …", permissions=["moderate"])
    def dismiss(self, request: HttpRequest, rows: QuerySet[Report]) -> Any:
        return self.with_reason(request, rows, "dismiss", "Leave it there", _dismiss)

    @admin.action(description="Suspend its author …", permissions=["moderate"])
    def suspend_author(self, request: HttpRequest, rows: QuerySet[Report]) -> Any:
        return self.with_reason(request, rows, "suspend_author", "Suspend its author", self._on_target(_suspend))

    def _on_target(self, act: Act) -> Act:
        return lambda report, request, reason: act(report.target, request, reason)

    @admin.display(description="clip")
    def poster(self, report: Report) -> SafeString | str:
        post = report.post or (report.comment.post if report.comment else None)
        if post is None:
            return "—"
        address = reverse("clip-media", args=[post.clip_id, "poster.jpg"])
        return format_html('<img src="{}" alt="" width="96">', address)

    @admin.display(description="clip")
    def watch(self, report: Report) -> SafeString | str:
        return player(report.post or (report.comment.post if report.comment else None))

    @admin.display(description="says")
    def about(self, report: Report) -> str:
        return str(report.target)

    @admin.display(description="author")
    def author(self, report: Report) -> str:
        return str(report.target.author)


@admin.register(ModerationAction)
class ModerationActionAdmin(ModerationAdmin):
    """The log: who did what, to whom and why."""

    list_display = ["action", "about", "person", "moderator", "reason", "at"]
    list_filter = ["action"]
    search_fields = ["about", "reason", "person__username", "moderator__username"]
    list_select_related = ["person", "moderator"]
