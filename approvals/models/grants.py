"""Standing approvals: bounded, counted, revocable. What one lets through is still a Decision of the people who gave it.

The terms never change; only the counters rise, by one guarded UPDATE in the transaction of the use (`operations.using`).
"""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from approvals.models.actions import Action, frozen, kept

TERMS = (
    "agent", "tool", "tool_schema_sha256", "declared_sha256", "environment", "run", "args_sha256", "level", "max_uses", "figure", "max_each", "max_total", "also",
    "until", "like", "reason", "need", "policy", "backtest", "created_at",
)  # fmt: skip


class Grant(models.Model):
    """The same call in this run, or a tool up to so often, so much, until then. Never for critical."""

    agent = models.TextField()
    tool = models.TextField()
    tool_schema_sha256 = models.CharField(max_length=64, blank=True)
    declared_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")  # of all that the tool is declared to be
    environment = models.TextField(blank=True)
    run = models.TextField(blank=True)  # "" for any run
    args_sha256 = models.CharField(max_length=64, blank=True)  # "" for any arguments
    level = models.CharField(max_length=10)  # the highest it covers
    max_uses = models.IntegerField()
    figure = models.TextField(blank=True)  # which figure of the preview `max_each` and `max_total` speak of
    max_each = models.BigIntegerField(null=True)
    max_total = models.BigIntegerField(null=True)
    also = models.JSONField(default=dict, db_default={})  # how large each other figure may be in one call
    until = models.DateTimeField()
    uses = models.IntegerField(default=0, db_default=0)
    total = models.BigIntegerField(default=0, db_default=0)
    like = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    need = models.JSONField(default=list)  # whom calls like it asked for when it was given: what the page says is missing
    policy = models.TextField()
    backtest = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by_name = models.TextField(blank=True, default="")
    revoke_reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(level__in=["medium", "high"]), name="grant_never_critical"),
            models.CheckConstraint(condition=Q(uses__gte=0, uses__lte=F("max_uses"), max_uses__gte=1), name="grant_uses_bounded"),
            models.CheckConstraint(condition=Q(max_total=None) | Q(total__gte=0, total__lte=F("max_total")), name="grant_total_bounded"),
            models.CheckConstraint(condition=Q(figure="") ^ Q(max_total__isnull=False), name="grant_figure_has_a_total"),
            models.CheckConstraint(condition=Q(args_sha256="") | ~Q(run=""), name="grant_same_call_in_one_run"),
            models.CheckConstraint(condition=Q(until__gt=F("created_at")), name="grant_ends_after_it_began"),
        ]
        indexes = [
            # Read by every T1 that may ask people (`operations.opening`): the end comes last, so that ended ones cost nothing.
            models.Index(fields=["agent", "tool", "until"], name="grant_standing", condition=Q(revoked_at=None)),
        ]
        triggers = [
            frozen(*TERMS),
            pgtrigger.Protect(
                name="only_counts_up",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__uses__gt=pgtrigger.F("new__uses")) | pgtrigger.Q(old__total__gt=pgtrigger.F("new__total")),
            ),
            pgtrigger.Protect(name="revoked_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__revoked_at__isnull=False)),
            kept(),
        ]

    def __str__(self) -> str:
        return f"grant {self.pk} for {self.tool} of {self.agent}"


class GrantGiver(models.Model):
    """One person who gave a grant. Several give it where policy asks for several."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="givers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.TextField()
    person = models.TextField()
    groups = models.JSONField(default=list)
    door = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["grant", "person"], name="grant_one_per_person")]
        triggers = [frozen(), kept()]

    def __str__(self) -> str:
        return f"{self.name} gave {self.grant_id}"
