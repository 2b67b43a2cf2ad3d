import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person who paints, watches or moderates. The username is the public handle; the e-mail stays private."""

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    display_name = models.CharField(max_length=60, blank=True)
    bio = models.CharField(max_length=280, blank=True)

    class Meta(AbstractUser.Meta):
        ordering = ["pk"]

    @property
    def shown_name(self) -> str:
        return self.display_name or self.username
