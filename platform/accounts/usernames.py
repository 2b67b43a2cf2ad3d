"""What a public handle may look like: it stands in an address, `/u/{username}`."""

from collections.abc import Callable

from django.core.validators import MaxLengthValidator, RegexValidator

LENGTH_MAX = 30

validators: list[Callable[[str], None]] = [
    RegexValidator(
        r"\A[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\Z",
        "Use letters, digits, dots, dashes and underscores; begin with a letter or digit.",
        code="username_invalid",
    ),
    MaxLengthValidator(LENGTH_MAX),
]
