"""Test actions: made by Countersign among the real ones, to see whether people look. In code they are called drills.

A plan per group says how often; a Drill is what is wrong with one of them and what people made of it. Its Action carries `drill`, which
never changes, and which PostgreSQL lets neither be approved nor claimed.
"""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.actions import Action, frozen, kept
from approvals.states import DRILL_TRANSITIONS, DrillState, steps


class DrillPlan(models.Model):
    """How often a group gets a test action. No row, or one that is not active: never.

    `gap` is how many verdicts lie between this one and the next, drawn anew each time so that nobody can count; `since` when the last one
    was placed, and `not_before` when the next try makes sense at all.
    """

    group = models.CharField(max_length=150, primary_key=True)
    active = models.BooleanField(default=False)
    every = models.IntegerField()
    per_day = models.IntegerField()
    kinds = models.JSONField(default=list)
    gap = models.IntegerField()
    since = models.DateTimeField(db_default=Now())
    not_before = models.DateTimeField(db_default=Now())
    changed_by_name = models.TextField()
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(every__gte=5, every__lte=1_000), name="drill_rate_bounded"),
            models.CheckConstraint(condition=Q(per_day__gte=1, per_day__lte=20), name="drill_per_day_bounded"),
        ]

    def __str__(self) -> str:
        return f"test actions for {self.group}"


class Drill(models.Model):
    """One test action: which call it was made from, what is wrong with it, and what came of it."""

    action = models.OneToOneField(Action, primary_key=True, on_delete=models.PROTECT, related_name="+")
    group = models.TextField()
    kind = models.TextField()  # a key of agents.tools.twists.KINDS
    wrong = models.JSONField()  # [{"path", "said"}]: where it can be seen, and a sentence
    based_on = models.UUIDField()
    state = models.CharField(max_length=10, default=DrillState.OPEN, choices=[(s, s) for s in DrillState])
    verdict = models.TextField(blank=True)  # the verdict that ended it, or "edit"
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    person = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in DrillState]), name="drill_state_known"),
            models.CheckConstraint(condition=Q(state=DrillState.OPEN) ^ Q(ended_at__isnull=False), name="drill_ended_has_a_time"),
            # Of several at once people would learn what they look like.
            models.UniqueConstraint(fields=["group"], condition=Q(state="OPEN"), name="drill_one_at_a_time"),
        ]
        indexes = [
            models.Index(fields=["-ended_at"], name="drill_ended", condition=Q(ended_at__isnull=False)),
            models.Index(fields=["group", "-created_at"], name="drill_of_group"),
        ]
        triggers = [
            pgtrigger.FSM(name="drill_steps", field="state", transitions=steps(DRILL_TRANSITIONS)),
            frozen("action", "group", "kind", "wrong", "based_on", "created_at"),
            kept(),
        ]

    def __str__(self) -> str:
        return f"test action {self.action_id} {self.state}"
