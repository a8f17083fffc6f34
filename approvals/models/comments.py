"""What people say to each other about an action. Words only: nothing is ever decided by them."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from approvals.models.actions import Action, frozen, kept


class Comment(models.Model):
    """One remark. `key` names the message of another place it came from, so that the same one is kept once; empty: written here."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="comments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    door = models.TextField()
    key = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], condition=~models.Q(key=""), name="comment_once")]
        triggers = [frozen(), kept()]

    def __str__(self) -> str:
        return f"{self.by_id}: {self.text[:40]}"
