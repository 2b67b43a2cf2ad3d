from django.conf import settings
from django.db import models


class IdempotentAnswer(models.Model):
    """
    The answer one person got to one keyed request.

    Written in the transaction that did the work, so that it exists exactly if the work was done.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="one_answer_per_key"),
        ]
        indexes = [models.Index(fields=["owner", "created_at"], name="answers_by_age")]

    def __str__(self) -> str:
        return f"{self.key} → {self.status}"
