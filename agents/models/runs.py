"""Runs, their pauses, and what was said of their outcome."""

import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from agents.models.agents import Agent, AgentVersion
from agents.models.guards import kept, known, steps
from agents.states import (
    OVERRIDE_TRANSITIONS,
    PAUSE_TRANSITIONS,
    RUN_TRANSITIONS,
    UNFINISHED,
    Hold,
    OverrideKind,
    OverrideState,
    PauseState,
    RunState,
)

LIVE = tuple(sorted(str(s) for s in UNFINISHED))  # as the index has it: asked in other words, PostgreSQL would not see that it fits


class Run(models.Model):
    """One execution of a graph on one thread. The row is the queue: READY and CREATED rows are work."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(AgentVersion, on_delete=models.PROTECT, related_name="+")
    thread = models.TextField(unique=True)
    trace = models.TextField()
    state = models.CharField(max_length=12, default=RunState.CREATED, choices=[(s, s) for s in RunState])
    input = models.JSONField()
    output = models.JSONField(null=True)
    error = models.TextField(blank=True)
    nodes = models.JSONField(default=list)  # where it stands: names of the nodes next, or paused
    door = models.TextField()
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    # Of a fork: the run it goes on from, and the checkpoint of that one. Its own thread begins with a copy of it (`operations.forking`).
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="forks")
    parent_checkpoint = models.TextField(blank=True, default="", db_default="")
    idempotency_key = models.TextField(null=True)  # noqa: DJ001  (NULL: no key, never equal)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)  # leases lost in a row
    hold = models.CharField(max_length=8, blank=True, default=Hold.NONE, db_default="", choices=[(h, h) for h in Hold])
    held_by = models.TextField(blank=True, default="", db_default="")
    held_why = models.TextField(blank=True, default="", db_default="")
    # What it may spend, and has: tokens of its model calls, and money in millionths (agents.prices). NULL: no limit. `needs_micros` is what the
    # call would cost for which it is paused; `unpriced` counts model calls of which no price was known.
    budget_tokens = models.BigIntegerField(null=True)
    budget_micros = models.BigIntegerField(null=True)
    spent_tokens = models.BigIntegerField(default=0, db_default=0)
    spent_micros = models.BigIntegerField(default=0, db_default=0)
    needs_micros = models.BigIntegerField(default=0, db_default=0)
    unpriced = models.IntegerField(default=0, db_default=0)
    # How long it was driven until its last stretch was put down, and how long it may be in all; 0: no limit (operations.timing).
    driven_ms = models.BigIntegerField(default=0, db_default=0)
    limit_s = models.IntegerField(default=0, db_default=0)
    customer = models.TextField(blank=True, default="", db_default="")  # the first that a call of it is for; "" until one is
    to_change = models.BooleanField(default=False, db_default=False)  # an Override is ORDERED: whoever takes the run carries it out first
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            known("state", RunState, "run_state_known"),
            known("hold", Hold, "run_hold_known"),
            models.UniqueConstraint(fields=["agent", "started_by", "idempotency_key"], name="run_started_once_each"),
            models.CheckConstraint(condition=~Q(state=RunState.RUNNING) | Q(lease_until__isnull=False), name="run_running_has_a_lease"),
            models.CheckConstraint(
                condition=Q(parent=None, parent_checkpoint="") | Q(parent__isnull=False) & ~Q(parent_checkpoint=""),
                name="run_forked_at_a_checkpoint",
            ),
            models.CheckConstraint(
                condition=(Q(budget_tokens=None) | Q(budget_tokens__gte=0)) & (Q(budget_micros=None) | Q(budget_micros__gte=0)),
                name="run_budget_is_an_amount",
            ),
        ]
        indexes = [
            models.Index(fields=["changed_at"], name="run_work", condition=Q(state__in=["CREATED", "READY"])),
            models.Index(fields=["lease_until"], name="run_leases", condition=Q(state="RUNNING")),
            models.Index(fields=["-created_at", "-id"], name="run_newest"),
            models.Index(fields=["state", "-created_at"], name="run_by_state"),
            models.Index(fields=["-created_at", "-id"], name="run_live", condition=Q(state__in=LIVE)),
            models.Index(fields=["changed_at"], name="run_over_budget", condition=Q(hold="budget", state="PAUSED")),
            models.Index(fields=["finished_at"], name="run_failed", condition=Q(state="FAILED")),
        ]
        triggers = [
            pgtrigger.FSM(name="run_steps", field="state", transitions=steps(RUN_TRANSITIONS)),
            # What a run was started with is handed to its tools beside their arguments.
            pgtrigger.Protect(
                name="asked_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("input", "thread", "agent", "started_by", "parent", "parent_checkpoint"),
            ),
            pgtrigger.Protect(
                name="fence_only_rises",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__fence__lt=pgtrigger.F("old__fence")),
            ),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.pk} {self.state}"


class Override(models.Model):
    """An operator's order to change what a run does next: carried out once, by whoever takes the run, under its fence and the thread's lock.

    `head` was the newest checkpoint when it was given, `checkpoint` the one it starts from, `made` the one it made. `before` and `values` are
    the channels that it changes, as they were and as they are. Of a fork, `checkpoint` is its parent's, and there is no `head` yet.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="overrides")
    kind = models.CharField(max_length=8, choices=[(k, k) for k in OverrideKind])
    state = models.CharField(max_length=12, default=OverrideState.ORDERED, choices=[(s, s) for s in OverrideState])
    checkpoint = models.TextField()
    head = models.TextField()
    node = models.TextField(blank=True)
    values = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    stay = models.BooleanField(default=False, db_default=False)  # pause there
    reason = models.TextField()
    error = models.TextField(blank=True)
    made = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.TextField()
    confirmed_by_name = models.TextField(blank=True)
    confirmed_why = models.TextField(blank=True, default="", db_default="")
    door = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            known("state", OverrideState, "override_state_known"),
            known("kind", OverrideKind, "override_kind_known"),
            models.UniqueConstraint(fields=["run"], condition=Q(state="ORDERED"), name="override_one_at_a_time"),
        ]
        triggers = [
            pgtrigger.FSM(name="override_steps", field="state", transitions=steps(OVERRIDE_TRANSITIONS)),
            pgtrigger.Protect(
                name="order_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("run", "kind", "checkpoint", "head", "node", "values", "before", "stay", "reason", "by"),
            ),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.kind} {self.state}"


class Pause(models.Model):
    """One interrupt of a run: what was asked, in the dialect it was asked in, and whether its answer was taken."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="pauses")
    thread = models.TextField()
    checkpoint_ns = models.TextField(blank=True)
    interrupt_id = models.TextField()
    node = models.TextField(blank=True)
    dialect = models.TextField()
    raw = models.JSONField()
    proposal_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=12, default=PauseState.OPEN, choices=[(s, s) for s in PauseState])
    # Set when nothing can be asked of people: the answer the graph gets instead (bad arguments, a tool's refusal).
    refusal = models.JSONField(null=True)
    actions = models.JSONField(default=list)  # ids of its actions, in order
    # The people's answer could not be used by its node: the next stretch forgets it and asks again.
    again = models.BooleanField(db_default=False, default=False)
    asked = models.IntegerField(default=1)  # times it was asked: the node may come back with other arguments
    # Of a question in a dialect of others: what it says (dialects.record), where in the graph it was asked, and what it was answered. Kept so
    # that the same answer is given again, whatever became of the calls since. NULL for our own gate.
    record = models.JSONField(null=True)
    place = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    answer = models.JSONField(null=True)
    # The graph and the code it was asked by: what is compared before it is answered by newer code.
    asked_by = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["thread", "checkpoint_ns", "interrupt_id"], name="pause_asked_once"),
            known("state", PauseState, "pause_state_known"),
        ]
        indexes = [models.Index(fields=["run", "id"], name="pause_open", condition=Q(state="OPEN"))]
        triggers = [pgtrigger.FSM(name="pause_steps", field="state", transitions=steps(PAUSE_TRANSITIONS)), kept()]

    def __str__(self) -> str:
        return f"{self.node} {self.interrupt_id[:8]} {self.state}"


class Rating(models.Model):
    """Whether somebody a run worked for found its outcome useful; the last word of each counts.

    `said_by` names an end user whose word a program passed on with its agent's key; "" when the account itself says it.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="ratings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    said_by = models.TextField(blank=True)
    useful = models.BooleanField()
    words = models.TextField(blank=True)
    said_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "by", "said_by"], name="rating_once_each")]
        triggers = [kept()]

    def __str__(self) -> str:
        return f"{self.run_id} {'useful' if self.useful else 'not useful'}"
