"""Questions people put to an agent about an action that waits. Asking decides nothing and moves no graph."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.actions import Action, kept
from approvals.states import ASK_TRANSITIONS, AskState, steps


class Ask(models.Model):
    """One question and the agent's own words in answer. WANTED rows are work for a worker, one at a time per action."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="asks")
    version = models.IntegerField()
    question = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    door = models.TextField()
    state = models.CharField(max_length=10, default=AskState.WANTED, choices=[(s, s) for s in AskState])
    answer = models.TextField(blank=True)
    attempts = models.IntegerField(default=0)
    taken_until = models.DateTimeField(null=True)  # a worker is at it until then: a model call costs money
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action"], condition=Q(state="WANTED"), name="ask_one_at_a_time"),
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in AskState]), name="ask_state_known"),
        ]
        triggers = [
            pgtrigger.FSM(name="ask_steps", field="state", transitions=steps(ASK_TRANSITIONS)),
            pgtrigger.Protect(
                name="asked_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("action", "version", "question", "by", "door"),
            ),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.question[:40]} ({self.state})"
