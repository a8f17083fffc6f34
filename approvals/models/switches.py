"""Switches of operators per agent and per tool. Read where proposals are opened and inside the claim statement."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.actions import kept


class Switch(models.Model):
    """Stricter than policy for a while: in force until it is ended, replaced, or its time is over by the database's clock."""

    class Scope(models.TextChoices):
        AGENT = "agent"
        TOOL = "tool"

    class Setting(models.TextChoices):
        ASK = "ask"  # people are asked even where policy or a grant would let it pass
        DENY = "deny"  # new proposals are refused, and nothing is claimed

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=8, choices=Scope.choices)
    target = models.TextField()
    setting = models.CharField(max_length=8, choices=Setting.choices)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.TextField()
    door = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by_name = models.TextField(blank=True)
    end_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "target"], condition=Q(ended_at=None), name="switch_one_each"),
            models.CheckConstraint(condition=~Q(target="") & ~Q(reason=""), name="switch_says_what_and_why"),
            models.CheckConstraint(condition=Q(scope__in=["agent", "tool"], setting__in=["ask", "deny"]), name="switch_known"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="set_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("scope", "target", "setting", "reason", "by", "by_name", "created_at", "until"),
            ),
            pgtrigger.Protect(name="ended_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__ended_at__isnull=False)),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.setting} {self.scope} {self.target}"
