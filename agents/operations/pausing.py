"""T1: what a graph asks becomes Pauses and Actions, and the Run waits, in one transaction under the fence."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db.models import JSONField, Value

from agents import kept
from agents.models import Pause, Run
from agents.operations import events, handovers
from agents.operations.fingerprints import shape_of
from agents.operations.preparing import Prepared, refusal
from agents.states import PauseState
from approvals.operations import close, lock, open_action
from approvals.states import ActionState
from audit import canonical, log, rows

if TYPE_CHECKING:
    from approvals.models import Action

MOST_CALLS = 1_000  # of one question: a batch has a handful
MOST_RAW = 4_000_000  # characters a text; what an agent asked is kept whole for whoever looks into it


def open_pause(run: Run, prepared: Prepared, *, first: bool = False) -> bool:
    """Write one prepared question, inside the caller's transaction; the same interrupt again is the same row.

    Args:
        first: nothing was asked on this thread before, so nothing has to be looked for.

    Returns:
        Whether the run has to wait for it for certain: its action was opened just now, and is seen by nobody before the commit.
    """
    question = prepared.question
    place = {"thread": run.thread, "checkpoint_ns": "", "interrupt_id": question.interrupt_id}
    existing = None if first else Pause.objects.filter(**place).first()
    again = existing if existing and existing.again and run.agent.server_id is not None else None
    if existing and again is None and (existing.proposal_digest == prepared.digest or not _let_go(existing)):
        return False
    opened = _open(prepared, asked=existing.asked if existing else 0)
    if not run.customer:  # the run's own row is written when the stretch is put down
        run.customer = next((a.customer for a in opened.actions if a.customer and a.customer != settings.TENANT), "")
    content = {
        "run": run,
        "node": question.node,
        "dialect": prepared.dialect,
        "raw": Value(None, JSONField()) if question.value is None else canonical.storable(question.value, limit=MOST_RAW),
        "proposal_digest": prepared.digest,
        "refusal": opened.refusal,
        "actions": [prepared.about] if prepared.about else [str(action.pk) for action in opened.actions],
        "asked": (existing.asked if existing else 0) + 1,
        "asked_by": {
            "version": run.agent.current_id,
            "graph": prepared.graph,
            "shape": shape_of(question.value),
            "code": dict(prepared.code),
            **({"answers": canonical.text_fingerprint(schema)} if (schema := question.response_schema) is not None else {}),
            "written": prepared.written,
        },
    }
    asked_at = {key: question.place[key] for key in ("ns", "node", "task") if key in question.place}
    if prepared.record is not None:
        asked_at = dict(prepared.place)
        content |= {"record": opened.record, "answer": None}
    content["place"] = {**asked_at, **({"seen": prepared.seen} if prepared.seen else {})}
    if again is not None:  # an Agent Server asks under the same name: what was said and sent before is over (`asking_again`)
        content |= {"again": False, "answer": None}
        handovers.anew(run, again)
    pause = existing or Pause(**place)
    for name, value in content.items():
        setattr(pause, name, value)
    pause.save() if existing else rows.insert(pause)
    if existing:
        log.append(events.entry(run, "pause.changed", node=question.node, interrupt=question.interrupt_id, actions=pause.actions))
    for tool, why in refused_calls(opened.record):
        log.append(
            events.entry(run, "pause.refused", node=question.node, interrupt=question.interrupt_id, code="invalid", tool=tool, reason=why)
        )
    if opened.refusal:
        log.append(events.entry(run, "pause.refused", node=question.node, interrupt=question.interrupt_id, **opened.refusal))
    return any(a.state == ActionState.PENDING or (a.executes and prepared.record is None) for a in opened.actions)


def refused_calls(record: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The calls of a question that nobody could be asked about, each with why."""
    calls, refusals = (record or {}).get("calls") or (), (record or {}).get("refusals") or ()
    return [(str(call.get("tool")), why) for call, why in zip(calls, refusals, strict=False) if why]


@dataclass
class _Opened:
    actions: "list[Action]"
    refusal: dict[str, Any] | None
    record: dict[str, Any] | None


def _open(prepared: Prepared, *, asked: int) -> _Opened:
    """Its actions, one per call that can be asked; what cannot is a refusal for the graph."""
    opened = _Opened([], prepared.refusal, prepared.record)
    for index, proposal in enumerate(prepared.proposals):
        if proposal is None:
            continue
        try:
            opened.actions.append(open_action(replace(proposal, index=index + asked * (MOST_CALLS if prepared.record else 1))))
        except canonical.NotCanonical as error:  # each part was small enough, the whole is not
            if opened.record is None or not opened.record["calls"]:
                opened.refusal = refusal("invalid", str(error))
            else:
                opened.record["refusals"][index] = str(error)
    return opened


def _let_go(existing: Pause) -> bool:
    """Supersede what an open pause asked so far, since its node came back with other arguments.

    False when that is too late (claimed or settled): then the gate sees the difference and asks again itself.
    """
    if existing.state != PauseState.OPEN:
        return False
    lock([UUID(action_id) for action_id in existing.actions])
    reason = kept.OTHER_ARGUMENTS()
    return all(close(UUID(action_id), ActionState.SUPERSEDED, reason=reason) for action_id in existing.actions)
