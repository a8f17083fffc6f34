"""What was really done: effects of actions, and pieces of an agent's own code."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agents.models.guards import known, steps
from agents.models.runs import Run
from agents.states import EFFECT_TRANSITIONS, EffectState


class Effect(models.Model):
    """The thing really done, at most once: keyed by its Action. READY rows are work for the executor."""

    action_id = models.UUIDField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="effects")
    tool = models.TextField()
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=12, default=EffectState.READY, choices=[(s, s) for s in EffectState])
    idempotent = models.BooleanField(default=False)
    # The agent makes the call itself: CLAIMED is "handed back", and `begun_at` the moment its tool started.
    by_agent = models.BooleanField(default=False, db_default=False)
    call_id = models.TextField(default="", db_default="")
    begun_at = models.DateTimeField(null=True)
    # A node of the project's own that asked was given its answer, and may act with it in its own lines: it is given it once.
    told_at = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    hold_until = models.DateTimeField(null=True)  # when the sweeper may wake a worker for it; the claim is what refuses
    micros = models.BigIntegerField(default=0, db_default=0)  # what its call was estimated to cost, counted when it was claimed
    result = models.JSONField(null=True)
    result_sha256 = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            known("state", EffectState, "effect_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=[EffectState.READY, EffectState.FAILED]) | Q(claimed_at__isnull=False),
                name="effect_claimed_has_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="effect_work", condition=Q(state="READY")),
            models.Index(fields=["lease_until"], name="effect_leases", condition=Q(state="CLAIMED")),
            models.Index(fields=["claimed_at"], name="effect_unknown", condition=Q(state="UNKNOWN")),
            models.Index(fields=["run"], name="effect_by_agent", condition=Q(by_agent=True)),
        ]
        triggers = [
            pgtrigger.FSM(name="effect_steps", field="state", transitions=steps(EFFECT_TRANSITIONS)),
            pgtrigger.Protect(
                name="effect_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("action_id", "run", "tool", "digest"),
            ),
            pgtrigger.Protect(
                name="fence_only_rises",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__fence__lt=pgtrigger.F("old__fence")),
            ),
            # An executor's claim is never undone, nor a call of an agent's own that has begun, or may have.
            pgtrigger.Protect(
                name="begun_is_not_undone",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="CLAIMED", new__state="READY")
                & (pgtrigger.Q(old__by_agent=False) | pgtrigger.Q(old__begun_at__isnull=False) | pgtrigger.Q(old__told_at__isnull=False)),
            ),
            # What a call came to was told to the graph and to people.
            pgtrigger.Protect(
                name="done_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state__in=["DONE", "FAILED"])
                & (
                    pgtrigger.Q(old__result__df=pgtrigger.F("new__result"))
                    | pgtrigger.Q(old__result_sha256__df=pgtrigger.F("new__result_sha256"))
                ),
            ),
            # Only what was never begun may be taken back (a reopened approval); the rest is history.
            pgtrigger.Protect(name="begun_is_kept", operation=pgtrigger.Delete, condition=pgtrigger.Q(old__claimed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.state}"


class OutcomeCheck(models.Model):
    """The tool's own question to the remote side about a call of unknown outcome. `answer` is "" where it gave none; `error` says why."""

    effect = models.ForeignKey(Effect, on_delete=models.PROTECT, related_name="checks")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.TextField()
    door = models.TextField()
    asked_at = models.DateTimeField(db_default=Now())
    tries = models.IntegerField(default=0)
    answer = models.CharField(max_length=10, blank=True)
    error = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["effect"], condition=Q(answered_at=None), name="outcome_asked_once_at_a_time"),
            models.CheckConstraint(condition=Q(answer__in=["", "done", "not_done", "unknown"]), name="outcome_answer_known"),
        ]
        triggers = [
            pgtrigger.Protect(name="answer_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__answered_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.effect_id} {self.answer}"


class Piece(models.Model):
    """A piece of an agent's own code that runs once per key and run (`agents.graphs.loops.once`). Nobody decides on it: it has no Action."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="pieces")
    key = models.TextField()
    result = models.JSONField(null=True)
    begun_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="piece_once")]
        triggers = [
            pgtrigger.Protect(
                name="done_is_final", operation=pgtrigger.Update | pgtrigger.Delete, condition=pgtrigger.Q(old__done_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key[:60]} of {self.run_id}"
