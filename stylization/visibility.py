"""
Who may see a style's picture besides its owner.

A room above registers a rule (`style_id, user → bool`): a visible post credits the styles it was painted with, so their
name and picture are shown with it.
"""

import uuid
from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser

from accounts.models import User

Viewer = User | AnonymousUser
Rule = Callable[[uuid.UUID, Viewer], bool]
_rules: list[Rule] = []


def register(rule: Rule) -> None:
    """Call from `AppConfig.ready`; registering the same rule again changes nothing."""
    if rule not in _rules:
        _rules.append(rule)


def shown_by_a_rule(style_id: uuid.UUID, user: Viewer) -> bool:
    return any(rule(style_id, user) for rule in _rules)
