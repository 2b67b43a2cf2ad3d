"""
Who may watch a clip besides its owner and the moderators.

A room above registers a rule (`clip_id, user → bool`): a visible post shows its clip. And a room above is asked before
a clip goes: it may refuse, or tidy up in the same transaction.
"""

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.selectors import user_is_moderator

if TYPE_CHECKING:
    from .models import Clip

Viewer = User | AnonymousUser
Rule = Callable[[uuid.UUID, Viewer], bool]
BeforeRemoval = Callable[["Clip"], None]
_rules: list[Rule] = []
_before_removal: list[BeforeRemoval] = []


def register(rule: Rule) -> None:
    """Call from `AppConfig.ready`; registering the same rule again changes nothing."""
    if rule not in _rules:
        _rules.append(rule)


def register_before_removal(hook: BeforeRemoval) -> None:
    """Have `hook(clip)` called in the transaction that removes a clip; it may raise an `ApplicationError`."""
    if hook not in _before_removal:
        _before_removal.append(hook)


def may_watch(clip: "Clip", user: Viewer) -> bool:
    """A clip that was deleted is watched by its owner only, beside what was made from it."""
    if clip.owner_id == user.pk:
        return True
    if clip.deleted_at is not None:
        return False
    if clip.is_demo and user.is_authenticated:
        return True
    return any(rule(clip.pk, user) for rule in _rules) or user_is_moderator(user)


def announce_removal(clip: "Clip") -> None:
    for hook in _before_removal:
        hook(clip)
