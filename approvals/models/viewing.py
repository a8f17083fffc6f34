"""Who opened which part of which version: what an approval of something risky rests on."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from approvals.models.actions import Action, frozen, kept


class Viewed(models.Model):
    """One person opened one part of one version, and when. `part` is a name of `approvals.render.parts`; never changed."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.IntegerField()
    digest = models.CharField(max_length=64)
    part = models.CharField(max_length=20)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    person = models.TextField()
    door = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "version", "person", "part"], name="viewed_once")]
        triggers = [frozen(), kept()]

    def __str__(self) -> str:
        return f"{self.part} of {self.action_id} v{self.version}"
