import uuid
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac


class User(AbstractUser):
    """A person who paints, watches or moderates. The username is the public handle; the e-mail stays private."""

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    display_name = models.CharField(max_length=60, blank=True)
    bio = models.CharField(max_length=280, blank=True)
    # Part of every session's proof: counting it up ends all sessions and app tokens at once.
    session_generation = models.PositiveIntegerField(default=0, editable=False)

    class Meta(AbstractUser.Meta):
        ordering = ["pk"]
        constraints = [
            # `Anna` and `anna` would be one address, /u/anna.
            models.UniqueConstraint(Lower("username"), name="one_person_per_username"),
        ]

    @property
    def shown_name(self) -> str:
        return self.display_name or self.username

    def get_session_auth_hash(self) -> str:
        return self._session_proof(settings.SECRET_KEY)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_proof(secret)

    def _session_proof(self, secret: str) -> str:
        proven = f"{self.password}/{self.session_generation}"
        return salted_hmac("accounts.session", proven, secret=secret, algorithm="sha256").hexdigest()


class Suspension(models.Model):
    """One time somebody was shut out, and why; kept after it is lifted."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="suspensions")
    reason = models.CharField(max_length=500, help_text="The suspended person reads this.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(lifted_at=None), name="one_open_suspension_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.reason}"
