"""Stop orders. Read inside the claim statement: after a halt commits, nothing new starts."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.actions import kept


class Halt(models.Model):
    """One stop order; active until released. The id is its epoch: later orders have higher ones."""

    class Scope(models.TextChoices):
        EVERYTHING = "everything"
        AGENT = "agent"
        RUN = "run"

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=12, choices=Scope.choices)
    target = models.TextField(blank=True)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.TextField()
    door = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True)
    released_by_name = models.TextField(blank=True)
    release_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "target"], condition=Q(released_at=None), name="halt_one_active"),
            models.CheckConstraint(
                condition=Q(scope="everything", target="") | ~Q(scope="everything") & ~Q(target=""), name="halt_target_fits"
            ),
            models.CheckConstraint(condition=Q(released_at=None) | ~Q(release_reason=""), name="halt_release_says_why"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="order_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("scope", "target", "reason", "by_name", "created_at"),
            ),
            pgtrigger.Protect(name="released_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__released_at__isnull=False)),
            kept(),
        ]

    def __str__(self) -> str:
        return f"halt {self.scope} {self.target}"
