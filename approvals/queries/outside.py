"""One action as programs see it: what it is, what people said, and what its proposer does now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Collate

from approvals import envelopes
from approvals.errors import NotFound, Tampered
from approvals.legible.findings import faults
from approvals.models import Action, Edit, Requirement
from approvals.queries.stops import halted_actions
from approvals.states import ActionState
from audit import canonical, rows
from audit.answerable import unanswerable
from audit.sentences import say

WAIT, CLAIM, REPORT, DONE = "wait", "claim", "report", "done"
_LOOK = f"""
SELECT {rows.columns(Action, "a")}, {rows.columns(Requirement, "r")}
FROM approvals_action a LEFT JOIN approvals_requirement r ON r.action_id = a.id AND r.version = a.version
WHERE a.id = %s AND (%s = '' OR a.agent = %s AND NOT a.drill)
"""  # noqa: S608  names of ours only


@dataclass(frozen=True)
class Edited:
    """Other arguments that a person wanted for a version. `state`: WANTED until a worker has looked, then APPLIED or REFUSED, `errors` says why."""

    id: int
    version: int
    state: str
    errors: dict[str, str]


@dataclass(frozen=True)
class Asked:
    """An action and what its proposer does now.

    Attributes:
        next: "wait" for people (or for a hold or a halt to end), "claim" before acting, "report" what came of it, "done".
        again_s: when a look is worthwhile even if nothing is heard of it; None: only then.
        tampered: a sentence when what is stored does not hold; then nothing will run.
        needs: who must agree, as (group, people, stage).
        editable: whether other arguments may be written for it now, by whoever may.
        edit: the newest edit anybody wanted, and what became of it.
        marks: what hides or misleads in the summary and the arguments, as pages mark it.
        answer_schema: what an answer to it has to fit, None where any words do.
        hears_reason: whether its agent can be told why it was rejected. no_ends_run: it cannot be told no at all, so that rejecting ends its run.
        unanswerable: why no answer can be given to a question, "" where one can.
    """

    action: Action
    args: Any
    level: str
    needs: tuple[tuple[str, int, int], ...]
    verdicts: tuple[str, ...]
    next: str
    again_s: float | None = None
    tampered: str = ""
    edit: Edited | None = None
    editable: bool = False
    marks: tuple[str, ...] = ()
    answer_schema: Any = None
    hears_reason: bool = True
    no_ends_run: bool = False
    unanswerable: str = ""


def proposed(thread: str, *, begin: str, after: str = "", limit: int) -> list[tuple[str, UUID, str]]:
    """What was proposed under ids of a proposer that begin so: the id, its action, and the SHA-256 of the arguments of its first version; in order."""
    rows = Requirement.objects.filter(
        version=1, action__run="", action__thread=thread, action__interrupt_id__startswith=begin, action__index=0
    )
    rows = rows.annotate(key=Collate("action__interrupt_id", "C")).filter(key__gt=after).order_by("key")
    found = rows.values_list("key", "action_id", "envelope")[:limit]
    return [(key, action, canonical.fingerprint(canonical.parse(bytes(raw))["args"])) for key, action, raw in found]


def asked(action_id: UUID, *, agent: str = "") -> Asked:
    """One action; of this agent only, when one is named. Raises NotFound."""
    found = rows.pair(Action, Requirement, _LOOK, [action_id, agent, agent])
    if found is None or found[1] is None:
        raise NotFound(say("There is no such action"))
    action, requirement = found[0], found[1]
    tampered = ""
    try:
        envelope = envelopes.opened(action, requirement)
    except Tampered as error:
        envelope, tampered = envelopes.parse(requirement), error.message
    following, again_s = _next(action)
    needs = tuple((need.group, need.count, need.stage) for need in envelope.needs)
    edit = Edit.objects.filter(action=action).order_by("-pk").values("id", "version", "state", "errors").first()
    edited = Edited(**edit) if edit else None
    editable = action.state == ActionState.PENDING and action.kind != Action.Kind.QUESTION and envelope.takes_edits()
    verdicts = tuple(envelope.verdicts_of(requirement.why))
    marks = (*_marks_of_summary(action.summary), *map(str, envelope.data["facts"].get("hidden_characters", ())))
    mute = unanswerable(envelope.answer_schema) if envelope.answer_schema is not None and "respond" not in verdicts else ""
    return Asked(
        action, envelope.args, action.level, needs, verdicts, following, again_s, tampered, edited, editable, marks, envelope.answer_schema,
        envelope.hears_reason, bool(envelope.agent_takes) and "reject" not in envelope.agent_takes, mute,
    )  # fmt: skip


def _marks_of_summary(summary: str) -> tuple[str, ...]:
    why = faults(summary)
    return (f"summary ({why})",) if why else ()


def _next(action: Action) -> tuple[str, float | None]:
    if action.settled_at:
        return DONE, None
    if action.state == ActionState.PENDING or action.run or not action.executes:
        return WAIT, None
    if action.claimed_at:
        return REPORT, None
    if held := _left(action.hold_until):
        return WAIT, held
    return (WAIT, None) if halted_actions([action.pk]) else (CLAIM, None)


def _left(until: datetime | None) -> float:
    """Seconds until then by the database's clock, and a little more so that it is over; 0 when it is."""
    if until is None:
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT GREATEST(0, EXTRACT(epoch FROM %s::timestamptz - clock_timestamp()))::float8", [until])
        left: float = cursor.fetchone()[0]
    return left + 0.05 if left else 0.0
