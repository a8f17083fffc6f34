"""Dry runs that people order: a run driven again from its record, or taken on otherwise, beside it."""

import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agents.models.guards import kept, known
from agents.models.runs import Run
from agents.states import TrialKind


class Trial(models.Model):
    """A dry run of a run: nothing of it acts. Rows without `ended_at` are work, one at a time of each run.

    `wanted` is what was ordered (`operations.trials.Wanted`), `result` what came of it, as JSON (`operations.trial_child`); `error` says why there is none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="trials")
    kind = models.CharField(max_length=8, choices=[(k, k) for k in TrialKind])
    wanted = models.JSONField(default=dict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.TextField()
    door = models.TextField()
    ordered_at = models.DateTimeField(db_default=Now())
    tries = models.IntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            known("kind", TrialKind, "trial_kind_known"),
            models.UniqueConstraint(fields=["run"], condition=Q(ended_at=None), name="trial_one_at_a_time"),
        ]
        indexes = [models.Index(fields=["ordered_at"], name="trial_work", condition=Q(ended_at=None))]
        triggers = [
            pgtrigger.Protect(name="ended_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__ended_at__isnull=False)),
            pgtrigger.Protect(
                name="order_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("run", "kind", "wanted", "by", "ordered_at"),
            ),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.run_id}"
