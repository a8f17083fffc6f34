"""How a test action ends: with the first verdict, with an edit, or without either. `seeding` makes them. In code a drill.

A drill looks like any other action until it is over. It can be approved by nobody and claimed by nothing (PostgreSQL refuses it, and so
does the claim), no run hears of it, and nothing that counts calls or decisions counts it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from approvals.models import Action, Decision, Drill, Requirement, User
from approvals.operations import events
from approvals.operations.notices import tell_action
from approvals.operations.resolving import recorded_entry
from approvals.states import ActionState, DrillState, Verdict
from audit import log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import say

OVER = say("This was a test action, and it is over")


def end(action: Action, requirement: Requirement, decision: Decision, *, looked: Mapping[str, int] | None = None) -> None:
    """A person's verdict ends a test action, under the caller's row lock: caught when nothing would have been done of it."""
    missed = decision.verdict == Verdict.APPROVE or bool(decision.details.get("done"))
    state = DrillState.MISSED if missed else DrillState.CAUGHT
    actor = decision.by.actor if decision.by else SYSTEM
    recorded = recorded_entry(action, requirement, decision, by=actor, looked=looked)
    _finish(action, state, by=decision.by, actor=actor, verdict=str(decision.verdict), door=decision.door, before=[recorded])


def end_by_edit(action: Action, *, changed: set[str], by: User, door: str) -> None:
    """Other arguments were asked for, which ends it as well: caught when what was wrong is what they changed."""
    drill = Drill.objects.get(pk=action.pk)
    seen = any(path == w["path"] or path.startswith((f"{w['path']}.", f"{w['path']}[")) for w in drill.wrong for path in changed)
    _finish(action, DrillState.CAUGHT if seen else DrillState.MISSED, by=by, actor=by.actor, verdict="edit", door=door)


def run_out(action: Action, state: ActionState, *, by: Actor = SYSTEM, door: str) -> None:
    """It ended without a verdict, under the caller's row lock."""
    _finish(action, DrillState.EXPIRED if state == ActionState.EXPIRED else DrillState.WITHDRAWN, actor=by, door=door)


def take_back(action_id: UUID, *, by: Actor, door: str) -> None:
    action = Action.objects.select_for_update().filter(pk=action_id, state=ActionState.PENDING).first()
    if action:
        run_out(action, ActionState.CANCELLED, by=by, door=door)


def _finish(
    action: Action,
    state: DrillState,
    *,
    by: User | None = None,
    actor: Actor,
    verdict: str = "",
    door: str,
    before: Sequence[Entry] = (),
) -> None:
    name = state.lower()
    action.state = ActionState.EXPIRED if state is DrillState.EXPIRED else ActionState.CANCELLED
    # No name and no words: who caught or missed it is said to themselves, at once, and to nobody else on a page.
    action.resolution = {"verdict": verdict, "by": "", "door": door, "reason": "", "response": "", "version": action.version}
    action.resolution["details"] = {"test": name}
    ended = {"state": action.state, "resolution": action.resolution, "outcome": {"status": "test", "test": name}}
    Action.objects.filter(pk=action.pk, state=ActionState.PENDING, drill=True).update(**ended, resolved_at=Now(), settled_at=Now())
    drill = Drill.objects.get(pk=action.pk)
    Drill.objects.filter(pk=action.pk, state=DrillState.OPEN).update(
        state=state, verdict=verdict, by=by, person=by.person if by else "", ended_at=Now()
    )
    said: dict[str, Any] = {"template": drill.kind, "wrong": drill.wrong, "verdict": verdict, "based_on": str(drill.based_on)}
    log.append(*before, events.entry(action, f"drill.{name}", by=actor, door=door, **said))
    tell_action(action, f"action.{action.state.lower()}")
