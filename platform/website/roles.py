"""What a moderator may do on the staff site. Only the site knows every room, so the list is kept here."""

from typing import Any

from django.contrib.auth.models import Group, Permission

from accounts.selectors import MODERATORS

MODERATOR_PERMISSIONS = {
    "accounts.view_user",
    "accounts.view_suspension",
    "clips.view_clip",
    "stylization.view_style",
    "community.view_post",
    "community.change_post",
    "community.view_comment",
    "community.change_comment",
    "community.view_report",
    "community.change_report",
    "community.view_moderationaction",
    "community.view_person",
    "community.change_person",
}


def ensure_moderators(**kwargs: Any) -> None:
    """After each migration: make the group, and give it what it lacks. What the staff added by hand stays."""
    group, _ = Group.objects.get_or_create(name=MODERATORS)
    group.permissions.add(*(permission for permission in _all() if _full_name(permission) in MODERATOR_PERMISSIONS))


def _all() -> list[Permission]:
    return list(Permission.objects.select_related("content_type"))


def _full_name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"
