import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower


class User(AbstractUser):
    """A person who paints, watches or moderates. The username is the public handle; the e-mail stays private."""

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    display_name = models.CharField(max_length=60, blank=True)
    bio = models.CharField(max_length=280, blank=True)

    class Meta(AbstractUser.Meta):
        ordering = ["pk"]
        constraints = [
            # `Anna` and `anna` would be one address, /u/anna.
            models.UniqueConstraint(Lower("username"), name="one_person_per_username"),
        ]

    @property
    def shown_name(self) -> str:
        return self.display_name or self.username


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
