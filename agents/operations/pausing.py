"""T1: what a graph asks becomes Pauses and Actions, and the Run waits, in one transaction under the fence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import JSONField, Value

from agents import kept
from agents.graphs.driver import Question
from agents.graphs.gate import MARK, VERSION, proposal_digest
from agents.graphs.loader import Loaded
from agents.models import Pause, Run
from agents.operations import events
from agents.operations.untrusted import NOTHING, Outside
from agents.states import PauseState
from agents.tools import runner
from agents.tools.registry import BadArgs, Preview, Tool, ToolContext, ToolError
from agents.tools.summaries import names, summarize
from approvals.operations import Proposal, close, lock, open_action
from approvals.queries import Settled
from approvals.states import ActionState
from audit import canonical, log, rows

NATIVE, RAW = "countersign", "raw"
MAX_EVIDENCE = 20


@dataclass(frozen=True)
class Prepared:
    """One question, looked at before the transaction: either a proposal for people, or a refusal for the graph."""

    question: Question
    dialect: str
    digest: str
    proposal: Proposal | None
    refusal: dict[str, Any] | None = None


def prepare(run: Run, loaded: Loaded, question: Question, *, outside: Outside = NOTHING) -> Prepared:
    """Validate what is asked and preview it. Slow things happen here, outside any transaction of ours.

    Args:
        outside: what the run read from outside before it asked this.
    """
    value = question.value
    if not (isinstance(value, dict) and value.get(MARK) == VERSION):
        return _raw(run, question)
    asked = {key: value.get(key) for key in ("kind", "tool", "args")}
    digest = digest_of(question)
    if value.get("digest") != digest:
        return Prepared(question, NATIVE, digest, None, _refusal("invalid", kept.NOT_ITS_DIGEST()))
    if asked["kind"] == "question":
        return _question(run, question, asked, digest)
    tool = loaded.tools.get(str(asked["tool"]))
    if tool is None:
        reason = kept.NO_SUCH_TOOL(tool=repr(asked["tool"]), tools=", ".join(sorted(loaded.tools)) or "none")
        return Prepared(question, NATIVE, digest, None, _refusal("invalid", reason))
    try:
        model, args = tool.validate(asked["args"])
        seen = runner.preview(tool, model, context(run, action_id=""))
    except BadArgs as error:
        return Prepared(question, NATIVE, digest, None, _refusal("invalid", kept.NO_FIT(tool=tool.name, why=error)))
    except ToolError as error:
        return Prepared(question, NATIVE, digest, None, _refusal("failed", error.message, code=error.code))
    return Prepared(question, NATIVE, digest, _proposal(run, question, tool, args, digest, seen, outside))


def linked(run: Run, prepared: Prepared, pauses: Sequence[Pause], settled: Mapping[str, Settled]) -> Prepared:
    """A question that is asked again because its node could not use the answer: linked to the one before, and shown with what went wrong."""
    former = next((p for p in pauses if p.again and p.proposal_digest == prepared.digest and p.actions), None)
    if former is None or prepared.proposal is None:
        return prepared
    said = settled[former.actions[0]].outcome if former.actions[0] in settled else {}
    evidence = [
        {"title": kept.ANSWER_BEFORE(), "text": str(said.get("response") or said.get("reason") or "")},
        {"title": kept.NODE_SAID(), "text": run.error[-2_000:]},
    ]
    return replace(prepared, proposal=replace(prepared.proposal, follows=UUID(former.actions[0]), evidence=canonical.storable(evidence)))


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
    if existing and (existing.proposal_digest == prepared.digest or not _let_go(existing)):
        return False
    action, refusal = None, prepared.refusal
    if prepared.proposal:
        try:
            action = open_action(replace(prepared.proposal, index=existing.asked if existing else 0))
        except canonical.NotCanonical as error:  # each part was small enough, the whole is not
            refusal = _refusal("invalid", str(error))
    content = {
        "run": run,
        "node": question.node,
        "dialect": prepared.dialect,
        "raw": Value(None, JSONField()) if question.value is None else canonical.storable(question.value),
        "proposal_digest": prepared.digest,
        "refusal": refusal,
        "actions": [str(action.pk)] if action else [],
        "asked": (existing.asked if existing else 0) + 1,
    }
    pause = existing or Pause(**place)
    for name, value in content.items():
        setattr(pause, name, value)
    pause.save() if existing else rows.insert(pause)
    if existing:
        log.append(events.entry(run, "pause.changed", node=question.node, interrupt=question.interrupt_id, actions=pause.actions))
    if refusal:
        log.append(events.entry(run, "pause.refused", node=question.node, interrupt=question.interrupt_id, **refusal))
    return action is not None and (action.state == ActionState.PENDING or action.executes)


def _let_go(existing: Pause) -> bool:
    """Supersede what an open pause asked so far, since its node came back with other arguments.

    False when that is too late (claimed or settled): then the gate sees the difference and asks again itself.
    """
    if existing.state != PauseState.OPEN:
        return False
    lock([UUID(action_id) for action_id in existing.actions])
    reason = kept.OTHER_ARGUMENTS()
    return all(close(UUID(action_id), ActionState.SUPERSEDED, reason=reason) for action_id in existing.actions)


def digest_of(question: Question) -> str:
    """The digest a question is recorded under: of the proposal in it, or of the raw value."""
    value = question.value
    if isinstance(value, dict) and value.get(MARK) == VERSION:
        return proposal_digest({key: value.get(key) for key in ("kind", "tool", "args")})
    return proposal_digest({"raw": _shown(value)})


def context(run: Run, *, action_id: str) -> ToolContext:
    """What the tool may know: the action's id is its idempotency key (empty while only previewing)."""
    return ToolContext(action_id, str(run.pk), run.agent_id, action_id, dict(run.input), run.agent.environment)


def _proposal(run: Run, question: Question, tool: Tool, args: dict[str, Any], digest: str, seen: Preview, outside: Outside) -> Proposal:
    value = question.value
    given = [e for e in value["evidence"] if isinstance(e, dict)] if isinstance(value.get("evidence"), list) else []
    timeout = value.get("timeout_s")
    again = value.get("asked_again_after")
    return Proposal(
        agent=run.agent_id,
        run=str(run.pk),
        thread=run.thread,
        interrupt_id=question.interrupt_id,
        by=run.agent.user.actor,
        tool=tool.name,
        tool_schema_sha256=tool.schema_sha256,
        tool_class=str(tool.risk),
        reversible=tool.reversible,
        args=args,
        summary=summarize(tool.summary, args, tool.name),
        names=names(tool.summary, args, tool.confirm),
        proposal_digest=digest,
        environment=run.agent.environment,
        preview=seen.as_json(),
        figures=seen.figures,
        evidence=_evidence(given, outside),
        rationale=canonical.storable(str(value.get("rationale") or "")),
        # All that came in from outside, not only what of it the graph chose to show.
        untrusted_text=outside.tainted(args, [str(e.get("text", "")) for e in given]),
        estimated_cost=seen.cost(value.get("estimated_cost")),
        deadline_s=max(5, timeout) if isinstance(timeout, int) and not isinstance(timeout, bool) else None,
        requested_by=run.started_by,
        owner=run.agent.owner,
        asked_for=run.input if isinstance(run.input, dict) else {},
        note=f"Asked again: the node came back with other arguments than {str(again)[:12]}" if again else "",
    )


def _evidence(given: Sequence[dict[str, Any]], outside: Outside) -> list[dict[str, Any]]:
    """What people are shown of it, and, where not all of it is shown or was compared, that this is so."""
    shown = [canonical.storable(e) for e in given[:MAX_EVIDENCE]]
    if len(given) > MAX_EVIDENCE:
        shown.append({"title": kept.NOT_SHOWN(n=len(given) - MAX_EVIDENCE), "text": ""})
    if outside.too_much:
        shown.append({"title": kept.NOT_COMPARED(), "text": ""})
    return shown


def _question(run: Run, question: Question, asked: dict[str, Any], digest: str) -> Prepared:
    try:
        canonical.dumps(asked)
    except canonical.NotCanonical as error:
        return Prepared(question, NATIVE, digest, None, _refusal("invalid", str(error)))
    args = asked["args"] if isinstance(asked["args"], dict) else {"question": asked["args"]}
    words = " ".join(str(args.get("question", "")).split())[:120]
    return Prepared(question, NATIVE, digest, _ask(run, question, args, f"Question: {words}", digest))


def _raw(run: Run, question: Question) -> Prepared:
    """An interrupt in no dialect we know: shown as JSON, answered with words."""
    value, digest = _shown(question.value), digest_of(question)
    return Prepared(question, RAW, digest, _ask(run, question, {"asked": value}, f"{run.agent.title} asks at {question.node}", digest))


def _shown(raw: Any) -> Any:
    """A raw value as people see it; too large or too deep to freeze: its beginning, and that it was cut."""
    value = canonical.storable(raw)
    try:
        canonical.dumps(value)
    except canonical.NotCanonical as error:
        return {"cut": f"{str(value)[:20_000]}…", "because": str(error)}
    return value


def _ask(run: Run, question: Question, args: dict[str, Any], summary: str, digest: str) -> Proposal:
    return Proposal(
        agent=run.agent_id,
        run=str(run.pk),
        thread=run.thread,
        interrupt_id=question.interrupt_id,
        by=run.agent.user.actor,
        kind="question",
        tool="ask_human",
        args=args,
        summary=summary,
        proposal_digest=digest,
        environment=run.agent.environment,
        requested_by=run.started_by,
        owner=run.agent.owner,
    )


def _refusal(status: str, reason: str, **more: str) -> dict[str, Any]:
    refused: dict[str, Any] = canonical.storable({"status": status, "reason": reason, **more})
    return refused
