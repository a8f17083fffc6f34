"""Tables of the agents room. Written by `agents.operations`, read by `agents.queries`."""

import uuid
from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from agents.states import (
    EFFECT_TRANSITIONS,
    HANDOVER_TRANSITIONS,
    PAUSE_TRANSITIONS,
    RUN_TRANSITIONS,
    EffectState,
    HandoverState,
    PauseState,
    RunState,
)


def _steps(transitions: dict[Any, frozenset[Any]]) -> list[tuple[str, str]]:
    return sorted((str(a), str(b)) for a, targets in transitions.items() for b in targets)


def _known(field: str, states: type[Any], name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__in": [str(s) for s in states]}), name=name)


def _kept() -> pgtrigger.Protect:
    return pgtrigger.Protect(name="kept", operation=pgtrigger.Delete)


class Agent(models.Model):
    """A registered graph and its settings; `user` is the account it acts as, `owner` the person who answers for it."""

    slug = models.SlugField(primary_key=True, max_length=60)
    title = models.TextField()
    description = models.TextField(blank=True)
    project = models.TextField()  # the langgraph.json it came from
    environment = models.TextField(default="production")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    current = models.ForeignKey("AgentVersion", null=True, on_delete=models.PROTECT, related_name="+")
    enabled = models.BooleanField(default=True)
    # Of an agent that runs on an Agent Server: which, and the assistant's id there.
    server = models.ForeignKey("Server", null=True, on_delete=models.PROTECT, related_name="agents")
    assistant = models.TextField(default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "assistant"], name="agent_assistant_once", condition=Q(server__isnull=False)),
            models.CheckConstraint(condition=Q(server=None) | (Q(project="") & ~Q(assistant="")), name="agent_here_or_there"),
        ]

    def __str__(self) -> str:
        return self.slug


class AgentVersion(models.Model):
    """The immutable set of graph, tools, model and policy that runs were made with."""

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    drawing = models.JSONField()  # {"nodes": [{"id", "name"}], "edges": [{"source", "target", "conditional"}]}
    tools = models.JSONField()
    input_schema = models.JSONField()
    sample_inputs = models.JSONField(default=list)
    model = models.TextField()
    policy = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "number"], name="agent_version_number"),
            models.UniqueConstraint(fields=["agent", "sha256"], name="agent_version_once"),
        ]
        triggers = [
            pgtrigger.Protect(name="frozen", operation=pgtrigger.Update, condition=pgtrigger.AnyChange()),
            _kept(),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} v{self.number}"


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
    idempotency_key = models.TextField(null=True)  # noqa: DJ001  (NULL: no key, never equal)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)  # leases lost in a row
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            _known("state", RunState, "run_state_known"),
            models.UniqueConstraint(fields=["agent", "idempotency_key"], name="run_started_once"),
            models.CheckConstraint(condition=~Q(state=RunState.RUNNING) | Q(lease_until__isnull=False), name="run_running_has_a_lease"),
        ]
        indexes = [
            models.Index(fields=["changed_at"], name="run_work", condition=Q(state__in=["CREATED", "READY"])),
            models.Index(fields=["lease_until"], name="run_leases", condition=Q(state="RUNNING")),
            models.Index(fields=["-created_at", "-id"], name="run_newest"),
            models.Index(fields=["state", "-created_at"], name="run_by_state"),
        ]
        triggers = [
            pgtrigger.FSM(name="run_steps", field="state", transitions=_steps(RUN_TRANSITIONS)),
            # What a run was started with is handed to its tools beside their arguments.
            pgtrigger.Protect(
                name="asked_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("input", "thread", "agent", "started_by"),
            ),
            pgtrigger.Protect(
                name="fence_only_rises",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__fence__lt=pgtrigger.F("old__fence")),
            ),
            _kept(),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.pk} {self.state}"


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
            _known("state", PauseState, "pause_state_known"),
        ]
        indexes = [models.Index(fields=["run", "id"], name="pause_open", condition=Q(state="OPEN"))]
        triggers = [pgtrigger.FSM(name="pause_steps", field="state", transitions=_steps(PAUSE_TRANSITIONS)), _kept()]

    def __str__(self) -> str:
        return f"{self.node} {self.interrupt_id[:8]} {self.state}"


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
    fence = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    hold_until = models.DateTimeField(null=True)  # when the sweeper may wake a worker for it; the claim is what refuses
    result = models.JSONField(null=True)
    result_sha256 = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            _known("state", EffectState, "effect_state_known"),
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
            pgtrigger.FSM(name="effect_steps", field="state", transitions=_steps(EFFECT_TRANSITIONS)),
            pgtrigger.Protect(
                name="effect_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("action_id", "run", "tool", "digest"),
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
        triggers = [_kept()]

    def __str__(self) -> str:
        return f"{self.run_id} {'useful' if self.useful else 'not useful'}"


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


# -- agents on Agent Servers (docs/adr/0037) ----------------------------------------------------------------------------
class Server(models.Model):
    """A LangGraph Agent Server whose agents ask here. `look_at` is the queue: due rows are looked at."""

    url = models.TextField(unique=True)
    headers = models.TextField(blank=True)  # JSON, sealed: keys of others
    hook = models.TextField()  # sealed: the secret in the address by which it may hint at news
    tells = models.BooleanField(default=False)  # the runs we resume there are given that address
    version = models.TextField(blank=True)  # as it said when it was last reached
    look_at = models.DateTimeField(db_default=Now())
    reached_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)  # that failed since
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["look_at"], name="server_due")]

    def __str__(self) -> str:
        return self.url


class Thread(models.Model):
    """Where a run of such an agent stands: a thread there. `look_at` is set while the run goes on there and nobody here follows it."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.PROTECT, related_name="there")
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="+")
    thread = models.TextField()
    look_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)  # the run was cancelled, and nothing of it runs there any more

    class Meta:
        indexes = [
            models.Index(fields=["server", "thread"], name="thread_there"),
            models.Index(fields=["look_at"], name="thread_parked", condition=Q(look_at__isnull=False)),
        ]
        triggers = [_kept()]

    def __str__(self) -> str:
        return self.thread


class Handover(models.Model):
    """One answer on its way to a server, at most one per pause: the row is there before anything is sent."""

    pause = models.OneToOneField(Pause, primary_key=True, on_delete=models.PROTECT, related_name="handover")
    state = models.CharField(max_length=12, default=HandoverState.SENDING, choices=[(s, s) for s in HandoverState])
    there = models.TextField(blank=True)  # the run it began there
    why = models.TextField(blank=True)
    sent_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            _known("state", HandoverState, "handover_state_known"),
            models.CheckConstraint(condition=~Q(state=HandoverState.TAKEN) | ~Q(there=""), name="handover_taken_by_a_run"),
        ]
        triggers = [pgtrigger.FSM(name="handover_steps", field="state", transitions=_steps(HANDOVER_TRANSITIONS)), _kept()]

    def __str__(self) -> str:
        return f"{self.pause_id} {self.state}"
