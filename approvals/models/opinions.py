"""What a second model thinks of a proposed action: asked beside the decision, never in its way. It can only add to what is asked."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.actions import Action, frozen, kept
from approvals.states import OPINION_TRANSITIONS, OpinionState, steps


class Opinion(models.Model):
    """One question to the model about one version, and what came of it. WANTED rows are work for a worker.

    `waits`: what policy would pass waits for it, until `until`; then people are asked.
    """

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="opinions")
    version = models.IntegerField()
    model = models.TextField()
    waits = models.BooleanField(default=False)
    until = models.DateTimeField()  # after that it is of no use any more
    state = models.CharField(max_length=10, default=OpinionState.WANTED, choices=[(s, s) for s in OpinionState])
    concern = models.CharField(max_length=10, blank=True, default="", db_default="")  # "none", "doubtful" or "dangerous"
    words = models.TextField(blank=True, default="", db_default="")  # the model's own; whatever led it to them is not ours
    error = models.TextField(blank=True, default="", db_default="")
    points = models.IntegerField(default=0, db_default=0)
    effect = models.CharField(max_length=10, blank=True, default="", db_default="")  # "raised", "kept", "late", "passed" or "asked"
    prompt_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    attempts = models.IntegerField(default=0, db_default=0)
    taken_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action", "version"], name="opinion_one_per_version"),
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in OpinionState]), name="opinion_state_known"),
            models.CheckConstraint(condition=Q(points__gte=0), name="opinion_never_lowers"),
            models.CheckConstraint(condition=Q(concern__in=["", "none", "doubtful", "dangerous"]), name="opinion_concern_known"),
            models.CheckConstraint(condition=Q(state=OpinionState.WANTED) ^ Q(done_at__isnull=False), name="opinion_done_has_a_time"),
        ]
        indexes = [models.Index(fields=["until"], name="opinion_wanted", condition=Q(state="WANTED"))]
        triggers = [
            pgtrigger.FSM(name="opinion_steps", field="state", transitions=steps(OPINION_TRANSITIONS)),
            pgtrigger.Protect(name="opinion_given_stays", operation=pgtrigger.Update, condition=~pgtrigger.Q(old__state="WANTED")),
            frozen("action", "version", "model", "waits", "until", "created_at"),
            kept(),
        ]

    def __str__(self) -> str:
        return f"opinion on {self.action_id} v{self.version}"
