"""What an installation that serves networks should not get wrong."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from . import signing

SQLITE = "django.db.backends.sqlite3"
SEED_BYTES = 32


@register("mlmodels")
def check_signing_key(**kwargs: Any) -> list[CheckMessage]:
    """The key that signs releases is a key, and the same one on all machines."""
    if not isinstance(settings.MODEL_SIGNING_KEY, bytes) or len(settings.MODEL_SIGNING_KEY) != SEED_BYTES:
        return [Error("MODEL_SIGNING_KEY must be 32 bytes.", id="mlmodels.E001")]
    is_embedded = settings.DATABASES["default"]["ENGINE"] == SQLITE
    if is_embedded or settings.MODEL_SIGNING_KEY_IS_GIVEN:
        return []
    known_as = signing.key_id(signing.public_key(settings.MODEL_SIGNING_KEY))
    return [
        Warning(
            f"Model releases are signed with a key that was made on this machine ({known_as}).",
            hint="Several machines may share this database: give all of them the same IMPASTO_MODEL_SIGNING_KEY.",
            id="mlmodels.W001",
        )
    ]
