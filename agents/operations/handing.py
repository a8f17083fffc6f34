"""T3 for agents that make their calls themselves: what was approved is claimed and handed back as an answer, in the dialect it was asked in.

One question is answered at a time, and a batch when its last call is decided: of several answers given together, one that is refused may
leave the others half done (interop.md 2.1). Everything that must still be true of an approval is asked here once more, under the same
claim as our executor's; the call itself asks again as it begins (`leave`), and what came of it is written down in `outcomes`.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from agents import dialects, kept, prices
from agents.dialects import Quirks, Record, Said, Unanswerable, breakpoints
from agents.dialects.record import APPROVE, EDIT, NOT_ASKED, REJECT, RESPOND, Call
from agents.errors import OverBudget, WrongState
from agents.graphs.found import Found
from agents.models import Effect, Pause, Run
from agents.operations import events, overtaken, spending
from agents.operations.fingerprints import still_takes
from agents.operations.found import hold_mine
from agents.operations.receiving import ready_if_settled
from agents.operations.versions import version_of
from agents.states import EffectState
from approvals import operations as approvals
from approvals import queries as approvals_queries
from approvals.errors import ApprovalError, Conflict, Expired, Halted, Tampered
from approvals.operations.claiming import Claim, Reopened, report_tampering
from approvals.queries import Settled
from audit import canonical, log
from audit.actors import SYSTEM
from audit.sentences import say

_TAKE = """
UPDATE agents_effect SET state = 'CLAIMED', fence = fence + 1, claimed_at = statement_timestamp(), micros = %s
WHERE action_id = %s AND state = 'READY' AND by_agent AND digest = %s
"""


@dataclass
class Handed:
    """What a stretch is given for questions in dialects of others.

    Attributes:
        answers: by interrupt id; at most one that was not given before.
        waits: something is approved and cannot be handed back now: it was halted or asked again, or ran out.
        needs: what it would cost, where no budget has that left.
        unanswerable: why the dialect cannot say what was decided; then nothing is driven.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    waits: bool = False
    needs: int | None = None
    unanswerable: str = ""


def hand_back(
    run: Run,
    pauses: Sequence[Pause],
    settled: Mapping[str, Settled],
    *,
    nodes: Collection[str],
    quirks: Quirks,
    tools: Mapping[str, Found],
    taken: Callable[[Pause], bool] = lambda pause: False,
) -> Handed:
    """The answer that is due, if there is one. One that was kept before an order or a switch, and that nobody was given, is not given again.

    Args:
        nodes: of the graph as it is now: what nobody can take is handed to nobody.
        tools: what is found in its graph now, by name. taken: whether a node may have taken an answer that was kept.
    """
    for pause in pauses:
        if pause.answer is not None and not pause.again and overtaken.stopped(pause.actions) and not taken(pause):
            try:
                overtaken.take_back(run, pause)
            except ApprovalError as error:  # what is stored is not what was claimed
                return Handed(unanswerable=error.message)
    handed = Handed({p.interrupt_id: p.answer["value"] for p in pauses if p.answer is not None and not p.again})
    due = [p for p in pauses if p.answer is None and not p.again and p.node in nodes]
    # An answer given to another task of the step would take the graph past its breakpoint: that comes first.
    if (stops := [p for p in due if p.dialect == breakpoints.NAME]) and len(stops) < len(due):
        due, handed.waits = stops, True
    # Nor is one given in the stretch that takes the step up anew: its question comes back under another id first (`asking_again`).
    for pause in due if not handed.answers and not any(p.again for p in pauses) else ():
        try:
            answer = _answer(run, pause, settled, quirks, tools)
        except Unanswerable as error:
            return Handed(unanswerable=kept.CANNOT_BE_TOLD(node=pause.node, why=error))
        except (Halted, Expired, Conflict):
            handed.waits = True
        except OverBudget as error:
            handed.waits, handed.needs = True, int(error.details["micros"])
        else:
            if answer is not None:
                return Handed({pause.interrupt_id: answer["value"]})
    return handed


def offer(action_id: UUID) -> None:
    """A hold is over: the run goes on with this approval, if it waits for nothing else."""
    with transaction.atomic():
        over = Effect.objects.filter(pk=action_id, state=EffectState.READY, hold_until__lte=Now())
        if over.update(hold_until=None):
            ready_if_settled(Effect.objects.values_list("run", flat=True).get(pk=action_id))


def record_of(pause: Pause) -> Record:
    """The record as it was kept; of questions asked before records were, read again."""
    if pause.record is None:
        return dialects.read(pause.raw)
    named = {key: value for key, value in pause.record.items() if key not in {"calls", "refusals"}}
    calls = [Call(**{**call, "takes": tuple(call["takes"])}) for call in pause.record["calls"]]
    return Record(**{**named, "calls": tuple(calls)})


def actions_of(pause: Pause) -> list[str | None]:
    """The action of each call, in order; None for a call that could be asked of nobody."""
    left, refusals = iter(pause.actions), (pause.record or {}).get("refusals") or [""]
    return [None if why else next(left, None) for why in refusals]


def _answer(run: Run, pause: Pause, settled: Mapping[str, Settled], quirks: Quirks, tools: Mapping[str, Found]) -> dict[str, Any] | None:
    """Claim what was approved and put the answer together; None while a call of it is undecided. Kept in the same transaction.

    Raises:
        Unanswerable, Halted, Expired, Conflict: nothing was claimed.
    """
    ready = set(map(str, Effect.objects.filter(pk__in=pause.actions, by_agent=True, hold_until=None).values_list("pk", flat=True)))
    if not all(action in settled or action in ready for action in pause.actions):
        return None
    claiming = ""
    try:
        with transaction.atomic():
            said: list[Said] = []
            costs: list[int] = []
            for call, action, why in _calls(pause):
                claiming = action or ""
                said.append(_said(run, call, action, why, settled, tools, costs))
            spending.charge(run.pk, sum(costs))  # the run and its budgets after all actions: locks are taken in one order everywhere
            answer = {"value": dialects.answer(record_of(pause), said, quirks)}
            _keep(run, pause, answer, said)
            return answer
    except Reopened:
        _ask_the_people_again(run, claiming)
        raise
    except Tampered as error:
        report_tampering(UUID(claiming), seen=error.message)
        refused = _refuse(run, claiming, "tampered", error.message)
    except WrongState as error:
        refused = _refuse(run, claiming, error.code, error.message)
    # That call is settled now. The agent is told so, with what was said of its siblings.
    return _answer(run, pause, {**settled, **approvals_queries.settled(pause.actions)}, quirks, tools) if refused else None


def _calls(pause: Pause) -> list[tuple[Call | None, str | None, str]]:
    record = record_of(pause)
    nobody = str((pause.refusal or {}).get("reason") or "")  # of a plain question, which has no calls to be refused
    refusals = (pause.record or {}).get("refusals") or [nobody] * max(1, len(record.calls))
    return list(zip(record.calls or [None], actions_of(pause), refusals, strict=True))


def _said(
    run: Run, call: Call | None, action: str | None, why: str, settled: Mapping[str, Settled], tools: Mapping[str, Found], costs: list[int]
) -> Said:
    if action is None:
        return Said(REJECT, message=str(kept.ASKED_OF_NOBODY(why=why)), status=NOT_ASKED)
    if action in settled:
        return said_of(settled[action].outcome)
    claim = approvals.claim(UUID(action), digest=Effect.objects.values_list("digest", flat=True).get(pk=action), version=version_of(run))
    _check(run, claim, tools)
    cost = prices.cost_micros(claim.estimated_cost)
    costs.append(cost)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [cost, action, claim.digest])
        if cursor.rowcount != 1:
            raise Conflict(say("Another worker has claimed this"))
    if call is None or (APPROVE in call.takes and canonical.dumps(claim.args) == canonical.dumps(call.args)):
        return Said(APPROVE, more={"action": action})
    return Said(EDIT, args=claim.args, more={"action": action})


def _check(run: Run, claim: Claim, tools: Mapping[str, Found]) -> None:
    """What was approved is still what would be called: for this run, here, with arguments the tool still takes."""
    asked_for = canonical.fingerprint(run.input if isinstance(run.input, dict) else {})
    if claim.run != str(run.pk) or claim.asked_for_sha256 not in {"", asked_for}:
        raise Tampered(say("The run or its tool is not the one that was approved: somebody changed the database. Nothing will run"))
    if not run.agent.enabled:
        raise WrongState(say("The agent %(agent)s is switched off", agent=run.agent_id))
    found = tools.get(claim.tool)
    if found is None and tools and claim.tool_schema_sha256:  # it was found when it was asked about
        raise WrongState(say("The agent has no tool %(name)s any more", name=claim.tool))
    if found is not None and not still_takes(run.agent_id, found, claim.tool_schema_sha256):
        raise WrongState(say("%(name)s takes other arguments than when this was approved; let the agent ask again", name=claim.tool))


def said_of(outcome: Mapping[str, Any]) -> Said:
    """What a settled outcome says, whatever the dialect."""
    status, reason, words = (str(outcome.get(key) or "") for key in ("status", "reason", "response"))
    more = {"do_not_retry": True} if outcome.get("do_not_retry") else {}
    if outcome.get("taken_over"):
        return Said(RESPOND, message=words) if status == "done" else Said(REJECT, message=reason, status=status)
    if outcome.get("answered_for"):  # the graph gets it as the tool's message
        return Said(RESPOND, message=_words_of(outcome.get("result")), more={"answered_for": True})
    if status == "answered":
        return Said(RESPOND, message=words, more={"json": True} if outcome.get("json") else {})
    return Said(REJECT, message=reason if status == "rejected" else f"{status}: {reason}", status=status, more=more)


def _words_of(result: Any) -> str:
    """A result as the text of a tool's message: its own text where it is nothing but text."""
    text = result.get("content") if isinstance(result, Mapping) and set(result) == {"content"} else None
    return text if isinstance(text, str) else json.dumps(result, ensure_ascii=False)


def _keep(run: Run, pause: Pause, answer: dict[str, Any], said: Sequence[Said]) -> None:
    """The answer, once and for all: whatever happens to the worker now, the same is given again."""
    hold_mine(run)
    Pause.objects.filter(pk=pause.pk).update(answer=canonical.usable(answer))
    pause.answer = answer
    log.append(
        events.entry(
            run, "pause.handed_back", node=pause.node, interrupt=pause.interrupt_id, actions=pause.actions, said=[s.kind for s in said],
            dialect=pause.dialect,
        )
    )  # fmt: skip


def _ask_the_people_again(run: Run, action: str) -> None:
    """The claim that would have reopened it was undone with the others: this one alone, so that it is kept."""
    with transaction.atomic():
        digest = Effect.objects.values_list("digest", flat=True).get(pk=action)
        try:
            approvals.claim(UUID(action), digest=digest, version=version_of(run))
        except ApprovalError as error:
            if isinstance(error, Reopened):
                return
        transaction.set_rollback(True)


@transaction.atomic
def _refuse(run: Run, action: str, code: str, reason: str) -> bool:
    """Approved, and yet it must not run: the agent is told so, like any rejection. False when it was settled in the meantime."""
    approvals.settle(UUID(action), {"status": "failed", "reason": reason, "code": code, "result": None})
    changed = Effect.objects.filter(pk=action, state=EffectState.READY).update(
        state=EffectState.FAILED, error=reason[:2_000], finished_at=Now()
    )
    if not changed:
        transaction.set_rollback(True)
        return False
    effect = Effect.objects.get(pk=action)
    data = {"tool": effect.tool, "code": code, "error": reason, "called": False}
    log.append(events.effect(action, run.agent_id, str(run.pk), effect.digest, "effect.failed", SYSTEM, "worker", **data))
    return True
