"""What is asked, what policy asks of people, and what they said.

An Action's content lives in its current Requirement: the canonical envelope, frozen per version. The
Action row holds only state and what lists need; whoever acts on it parses the envelope.
"""

import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from approvals.states import ACTION_TRANSITIONS, EDIT_TRANSITIONS, ActionState, EditState, Verdict, steps


def frozen(*fields: str) -> pgtrigger.Protect:
    """A trigger that refuses to change these fields once written."""
    return pgtrigger.Protect(
        name="frozen",
        operation=pgtrigger.Update,
        condition=pgtrigger.AnyChange(*fields) if fields else pgtrigger.AnyChange(),
    )


def kept(name: str = "kept") -> pgtrigger.Protect:
    """A trigger that refuses to delete."""
    return pgtrigger.Protect(name=name, operation=pgtrigger.Delete)


class Action(models.Model):
    """A tool call or question proposed by an agent, PENDING until resolved, settled when its outcome is final."""

    class Kind(models.TextChoices):
        TOOL = "tool"
        QUESTION = "question"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.TextField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    agent = models.TextField()
    run = models.TextField(blank=True)
    thread = models.TextField()
    checkpoint_ns = models.TextField(blank=True)
    interrupt_id = models.TextField()
    index = models.IntegerField(default=0)
    tool = models.TextField()
    summary = models.TextField()
    environment = models.TextField(blank=True)
    customer = models.TextField(blank=True, default="", db_default="")  # whom it is for, as policy finds it; follows the arguments
    agent_version = models.TextField(blank=True, default="", db_default="")  # the code that asked: "refunds@3"
    state = models.CharField(max_length=12, default=ActionState.PENDING, choices=[(s, s) for s in ActionState])
    version = models.IntegerField(default=1)
    digest = models.CharField(max_length=64)
    proposal_digest = models.CharField(max_length=64)
    level = models.CharField(max_length=10)
    score = models.IntegerField()
    drill = models.BooleanField(default=False, db_default=False)  # a test action: see `models.drills`
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    claim_by = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    hold_until = models.DateTimeField(null=True)  # an approval may be taken back until then; no claim before
    # What lets a run be told that it proposes the same again: fingerprint of tool and arguments, and the action this one follows.
    call_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    follows = models.UUIDField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolution = models.JSONField(default=dict)
    settled_at = models.DateTimeField(null=True)
    outcome = models.JSONField(null=True)
    unheard = models.TextField(blank=True, default="", db_default="")  # why nobody heard what people had decided
    # Whose turn it is and what the clock does next, for lists and the sweeper; the envelope says what is true of both.
    stage = models.SmallIntegerField(default=1, db_default=1)
    stages = models.SmallIntegerField(default=1, db_default=1)
    turn = models.TextField(default="", db_default="")  # "|reviewers|finance|"; empty for rows of before
    passed = models.SmallIntegerField(default=0, db_default=0)  # how many of the envelope's moments have come
    next_at = models.DateTimeField(null=True)
    extended_s = models.IntegerField(default=0, db_default=0)
    # Who says they are on it, until when, and in whose stead. A courtesy: it keeps nobody from deciding.
    reserved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    reserved_for = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    reserved_until = models.DateTimeField(null=True)
    # Groups whose people may stand in, and whoever is excluded from every verdict: for lists, as the turn is. None for rows of before.
    delegates = models.JSONField(null=True)
    apart = models.JSONField(null=True)
    # Operators who had a place of this version filled by another than whose it is: they fill none themselves (operations.reassigning).
    moved_by = models.JSONField(default=list, db_default=Value([], models.JSONField()))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved_by=None, reserved_for=None, reserved_until=None)
                | Q(reserved_by__isnull=False, reserved_until__isnull=False),
                name="action_reserved_by_somebody",
            ),
            models.CheckConstraint(condition=Q(extended_s__gte=0), name="action_never_shortened"),
            # Whatever else goes wrong: what was only a test is approved by nobody and claimed by nothing.
            models.CheckConstraint(
                condition=Q(drill=False)
                | Q(state__in=["PENDING", "CANCELLED", "EXPIRED"], claimed_at=None, claim_by=None, hold_until=None, kind="tool"),
                name="action_test_never_runs",
            ),
            models.UniqueConstraint(fields=["thread", "checkpoint_ns", "interrupt_id", "index"], name="action_asked_once"),
            models.CheckConstraint(condition=Q(state__in=[str(s) for s in ActionState]), name="action_state_known"),
            models.CheckConstraint(
                condition=Q(state=ActionState.PENDING) ^ Q(resolved_at__isnull=False), name="action_resolved_has_a_time"
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True) | (~Q(state=ActionState.PENDING) & Q(outcome__isnull=False)),
                name="action_settled_has_an_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at", "id"], name="action_pending_due", condition=Q(state="PENDING")),
            models.Index(fields=["-created_at", "-id"], name="action_pending_new", condition=Q(state="PENDING")),
            models.Index(fields=["-resolved_at", "-id"], name="action_decided", condition=Q(resolved_at__isnull=False)),
            models.Index(fields=["run", "created_at"], name="action_by_run"),
            # Those of agents outside, by how their proposer's own ids begin.
            models.Index(
                fields=["thread", "interrupt_id"], name="action_by_key", opclasses=["text_ops", "text_pattern_ops"], condition=Q(run="")
            ),
            models.Index(fields=["agent", "tool", "-resolved_at"], name="action_by_tool"),
            models.Index(fields=["next_at"], name="action_next", condition=Q(state="PENDING", next_at__isnull=False)),
            models.Index(fields=["reserved_until"], name="action_reserved", condition=Q(reserved_until__isnull=False)),
            models.Index(fields=["claim_by"], name="action_unclaimed", condition=Q(state="APPROVED", claimed_at=None)),
            models.Index(fields=["resolved_at"], name="action_expired", condition=Q(state="EXPIRED", claim_by=None)),
            # What automatic halts count: small, as most of what happens is neither.
            models.Index(fields=["settled_at"], name="action_failed", condition=Q(outcome__status="failed")),
            models.Index(fields=["resolved_at"], name="action_rejected", condition=Q(state="REJECTED")),
        ]
        triggers = [
            pgtrigger.FSM(name="state_steps", field="state", transitions=steps(ACTION_TRANSITIONS)),
            pgtrigger.Protect(
                name="asked_is_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    *("tenant", "kind", "agent", "run", "thread", "interrupt_id", "tool", "requested_by", "owner", "drill", "agent_version")
                ),
            ),
            # What people were told came of it stays, as long as it is not asked again.
            pgtrigger.Protect(
                name="resolved_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__resolved_at__isnull=False)
                & pgtrigger.Q(old__state=pgtrigger.F("new__state"))
                & (
                    pgtrigger.Q(old__resolution__df=pgtrigger.F("new__resolution"))
                    | pgtrigger.Q(old__resolved_at__df=pgtrigger.F("new__resolved_at"))
                ),
            ),
            # A settled fact was told to the graph: it never changes afterwards.
            pgtrigger.Protect(
                name="settled_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__settled_at__isnull=False)
                & (
                    pgtrigger.Q(old__outcome__df=pgtrigger.F("new__outcome"))
                    | pgtrigger.Q(old__state__df=pgtrigger.F("new__state"))
                    | pgtrigger.Q(old__settled_at__df=pgtrigger.F("new__settled_at"))
                ),
            ),
            kept(),
        ]

    def __str__(self) -> str:
        return f"{self.summary} ({self.state})"

    @property
    def executes(self) -> bool:
        """Whether its tool is to be run, or has been."""
        return self.state == ActionState.APPROVED and self.kind == self.Kind.TOOL


class Requirement(models.Model):
    """What one version of an Action is and asks, frozen: the envelope's bytes, their digest, and why."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="requirements")
    version = models.IntegerField()
    envelope = models.BinaryField()
    digest = models.CharField(max_length=64)
    policy = models.TextField()
    level = models.CharField(max_length=10)
    score = models.IntegerField()
    factors = models.JSONField()
    preview = models.JSONField(default=dict)
    # The agent's own words and what it had read: shown fenced off, never part of what runs.
    rationale = models.TextField(blank=True)
    evidence = models.JSONField(default=list)
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    why = models.TextField(default="proposed")  # proposed | edited | reopened
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "version"], name="requirement_one_per_version")]
        triggers = [frozen(), kept()]

    def __str__(self) -> str:
        return f"{self.action_id} v{self.version}"


class Decision(models.Model):
    """One reviewer's verdict on one version; a policy's own verdict has no user. Never changed."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="decisions")
    version = models.IntegerField()
    digest = models.CharField(max_length=64)
    verdict = models.CharField(max_length=10, choices=[(v, v) for v in Verdict])
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.TextField()
    person = models.TextField()
    groups = models.JSONField(default=list)
    reason = models.TextField(blank=True)
    response = models.TextField(blank=True)
    door = models.TextField()
    nonce = models.CharField(max_length=32)
    details = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField())
    )  # what a verdict says beside its words: see operations.verdicts
    idempotency_key = models.TextField(blank=True)
    # Set when a standing approval spoke for this person, who saw the grant and not this very call.
    grant = models.ForeignKey("approvals.Grant", null=True, db_index=False, on_delete=models.PROTECT, related_name="decisions")
    # What the door knows of the reading, for the figures of review quality; null where it knows nothing.
    looked_ms = models.IntegerField(null=True)
    saw_all = models.BooleanField(null=True)
    # When this person opened each part of this version, by name (operations.viewing); {} where the ladder does not ask for it.
    viewed = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    # How the person showed that it is they (operations.step_up); {} where the ladder asks nothing.
    proof = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    stage = models.SmallIntegerField(default=1, db_default=1)
    # Whom the stage asked then, as the action's column has it; "" of what was given before this was kept. For lists: what counts is computed from the envelope.
    turn = models.TextField(default="", db_default="")
    # How often this person had decided this version before: again only when what they said counts no more (who went over to another group that is asked).
    nth = models.SmallIntegerField(default=0, db_default=0)
    # In whose stead it was given: that person's groups are lent, and neither of the two decides again.
    instead_of = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    instead_of_person = models.TextField(default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action", "version", "person", "nth"], name="decision_one_at_a_time"),
            models.UniqueConstraint(fields=["nonce"], name="decision_nonce_once"),  # no row borrows the leaf of another
            models.CheckConstraint(condition=Q(verdict__in=[str(v) for v in Verdict]), name="decision_verdict_known"),
        ]
        indexes = [
            models.Index(fields=["person", "-created_at"], name="decision_by_person"),
            models.Index(fields=["grant", "-id"], name="decision_by_grant", condition=Q(grant__isnull=False)),
            models.Index(fields=["created_at"], name="decision_by_people", condition=Q(by__isnull=False)),
        ]
        triggers = [frozen(), kept()]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.by_name}"


class Edit(models.Model):
    """Arguments a reviewer wants instead, waiting for a worker to check them with the tool itself."""

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="edits")
    version = models.IntegerField()
    args = models.BinaryField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    door = models.TextField()
    reason = models.TextField(blank=True)
    state = models.CharField(max_length=10, default=EditState.WANTED, choices=[(s, s) for s in EditState])
    errors = models.JSONField(default=dict)
    attempts = models.IntegerField(default=0)
    taken_until = models.DateTimeField(null=True)  # a worker is at it until then: what takes its time is not a worker that died
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action"], condition=Q(state="WANTED"), name="edit_one_at_a_time")]
        indexes = [models.Index(fields=["done_at"], name="edit_applied", condition=Q(state="APPLIED"))]
        triggers = [pgtrigger.FSM(name="edit_steps", field="state", transitions=steps(EDIT_TRANSITIONS)), kept()]

    def __str__(self) -> str:
        return f"edit of {self.action_id} v{self.version}"
