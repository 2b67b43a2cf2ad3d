"""What a public handle may look like: it stands in an address, `/u/{username}`."""

import re
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator

LENGTH_MAX = 30
# The account that the demo clips belong to, and names that would speak for the site.
HOUSE = ("impasto", "impasto-house")
RESERVED = {
    *HOUSE, "admin", "administrator", "anonymous", "help", "moderator", "moderators", "official", "root", "security",
    "staff", "support", "system",
}  # fmt: skip


def _bare(name: str) -> str:
    """A name as one hears it: `Im.Pasto` is no other one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


_RESERVED = {_bare(name) for name in RESERVED}


def validate_not_reserved(name: str) -> None:
    """:raises ValidationError: for a name that people would take for the site's own voice"""
    if _bare(name) in _RESERVED:
        raise ValidationError("This name is reserved. Choose another.", code="username_reserved")


validators: list[Callable[[str], None]] = [
    RegexValidator(
        r"\A[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\Z",
        "Use letters, digits, dots, dashes and underscores; begin with a letter or digit.",
        code="username_invalid",
    ),
    MaxLengthValidator(LENGTH_MAX),
    validate_not_reserved,
]
