"""What a person puts aside, and whom they leave their desk to."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from approvals.models.actions import Action, kept


class Snooze(models.Model):
    """An action one person does not want to see for a while. It waits on for everybody else; the deadline does not move."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="snoozes")
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "action"], name="snooze_once_per_person")]
        indexes = [models.Index(fields=["until"], name="snooze_due")]

    def __str__(self) -> str:
        return f"{self.action_id} for {self.user_id}"


class Absence(models.Model):
    """Somebody is away, and somebody else does what is theirs. It has ended when `ended_at` is set."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    delegate = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(ended_at=None), name="absence_one_at_a_time"),
            models.CheckConstraint(condition=~Q(user=F("delegate")), name="absence_left_to_another"),
        ]
        indexes = [
            models.Index(fields=["delegate"], name="absence_delegate", condition=Q(ended_at=None)),
            models.Index(fields=["until"], name="absence_due", condition=Q(ended_at=None, until__isnull=False)),
        ]
        triggers = [
            pgtrigger.Protect(
                name="said_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("user", "delegate", "note", "created_at", "until"),
            ),
            pgtrigger.Protect(name="ended_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__ended_at__isnull=False)),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is away"
