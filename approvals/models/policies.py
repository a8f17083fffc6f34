"""Policies as versioned data, and drafts tried on the past."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.actions import frozen, kept
from approvals.states import BACKTEST_TRANSITIONS, POLICY_TRANSITIONS, BacktestState, PolicyState, steps


class PolicyVersion(models.Model):
    """A policy somebody proposed; published it gets its number, and the highest number is in force.

    Its content never changes, and nothing of it once it is published: old decisions are read with the rules of their day.
    """

    state = models.CharField(max_length=10, default=PolicyState.PROPOSED, choices=[(s, s) for s in PolicyState])
    number = models.IntegerField(null=True)
    source = models.TextField()
    sha256 = models.CharField(max_length=64, db_index=True)
    base = models.IntegerField(default=0)  # the number it was compared with; 0 for the seed
    diff = models.TextField(blank=True)
    loosens = models.JSONField(default=list)  # what it asks less of than its base, a sentence each
    warnings = models.JSONField(default=list)
    justification = models.TextField()
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    proposed_name = models.TextField()
    door = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    closed_name = models.TextField(blank=True)  # who published or withdrew it
    closed_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="policy_one_per_number"),
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in PolicyState]), name="policy_state_known"),
            models.CheckConstraint(condition=Q(state=PolicyState.PUBLISHED) ^ Q(number=None), name="policy_published_has_a_number"),
            models.CheckConstraint(condition=Q(state=PolicyState.PROPOSED) ^ Q(closed_at__isnull=False), name="policy_closed_has_a_time"),
        ]
        indexes = [models.Index(fields=["id"], name="policy_proposed", condition=Q(state="PROPOSED"))]
        triggers = [
            pgtrigger.FSM(name="policy_steps", field="state", transitions=steps(POLICY_TRANSITIONS)),
            frozen(
                "source", "sha256", "base", "diff", "loosens", "warnings", "justification", "proposed_by", "proposed_name", "door",
                "created_at",
            ),
            pgtrigger.Protect(
                name="closed_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__df=PolicyState.PROPOSED.value),
            ),
            kept(),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"v{self.number}-{self.sha256[:8]}" if self.number else f"proposal {self.pk}"


class Backtest(models.Model):
    """A draft tried on past actions, in stretches: `position` is where the next one begins, `tally` what was found so far."""

    state = models.CharField(max_length=10, default=BacktestState.WANTED, choices=[(s, s) for s in BacktestState])
    source = models.TextField()
    sha256 = models.CharField(max_length=64)
    wanted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    last = models.IntegerField()  # at most so many actions
    since = models.DateTimeField(null=True)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    position = models.BigIntegerField(null=True)
    tally = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(state__in=[str(s) for s in BacktestState]), name="backtest_state_known")]
        indexes = [
            models.Index(fields=["changed_at"], name="backtest_unfinished", condition=Q(state__in=["WANTED", "RUNNING"])),
            models.Index(fields=["created_at"], name="backtest_by_age"),
        ]
        triggers = [
            pgtrigger.FSM(name="backtest_steps", field="state", transitions=steps(BACKTEST_TRANSITIONS)),
            frozen("source", "sha256", "wanted_by", "last", "since"),
        ]

    def __str__(self) -> str:
        return f"back-test {self.pk} of {self.sha256[:8]}"
