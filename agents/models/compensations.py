"""What of a run is reversed: the order, and one row for each call that was done."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agents.models.effects import Effect
from agents.models.guards import kept, known, steps
from agents.models.runs import Run
from agents.states import COMPENSATION_TRANSITIONS, CompensationState


class CompensationOrder(models.Model):
    """That what a run did be reversed: once per run. A row without `ended_at` is work; none of the run's calls begins any more."""

    class Why(models.TextChoices):
        ORDERED = "ordered"
        CANCELLED = "cancelled"
        FAILED = "failed"
        REJECTED = "rejected"

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.PROTECT, related_name="compensation_order")
    why = models.CharField(max_length=10, choices=Why)
    reason = models.TextField(blank=True)
    by_name = models.TextField()
    door = models.TextField()
    ordered_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["ordered_at"], name="compensation_work", condition=Q(ended_at=None))]
        triggers = [
            pgtrigger.Protect(
                name="order_is_fixed", operation=pgtrigger.Update, condition=pgtrigger.AnyChange("run", "why", "reason", "by_name", "door")
            ),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.why}"


class Compensation(models.Model):
    """One call that was done and is to be reversed, at most one at a time per run, the last call first.

    `place` is its turn. FAILED is for people: it says why, and `contact` whom to call.
    """

    effect = models.OneToOneField(Effect, primary_key=True, on_delete=models.PROTECT, related_name="compensation")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="compensations")
    place = models.IntegerField()
    tool = models.TextField()
    contact = models.TextField(blank=True)
    state = models.CharField(max_length=12, default=CompensationState.OWED, choices=[(s, s) for s in CompensationState])
    fence = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(db_default=Now())
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)
    said_by = models.TextField(blank=True)  # the person who reversed it by hand
    created_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            known("state", CompensationState, "compensation_state_known"),
            models.UniqueConstraint(fields=["run", "place"], name="compensation_turn_once"),
            models.UniqueConstraint(fields=["run"], name="compensation_one_at_a_time", condition=Q(state="CLAIMED")),
        ]
        indexes = [models.Index(fields=["created_at"], name="compensation_failed", condition=Q(state="FAILED"))]
        triggers = [
            pgtrigger.FSM(name="compensation_steps", field="state", transitions=steps(COMPENSATION_TRANSITIONS)),
            pgtrigger.Protect(
                name="compensation_is_fixed", operation=pgtrigger.Update, condition=pgtrigger.AnyChange("effect", "run", "tool")
            ),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.state}"
