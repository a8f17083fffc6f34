"""What a graph asks, looked at before anything is written: a proposal for people per call, or a refusal for the graph.

Our own gate is read here, every other dialect in `foreign`. Slow things happen here, outside any transaction of ours.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from agents import dialects, kept
from agents.dialects import calls
from agents.graphs.driver import Question
from agents.graphs.gate import MARK, VERSION, proposal_digest
from agents.graphs.loader import Loaded
from agents.models import Effect, Pause, Run
from agents.operations import foreign
from agents.operations.untrusted import NOTHING, Outside
from agents.operations.versions import version_of
from agents.tools import runner
from agents.tools.registry import BadArgs, Preview, Tool, ToolContext, ToolError
from agents.tools.summaries import names, summarize
from approvals.operations import Proposal
from approvals.queries import Settled
from audit import canonical

NATIVE = "countersign"
MAX_EVIDENCE = 20


@dataclass(frozen=True)
class Prepared:
    """One question, looked at before the transaction.

    Attributes:
        proposals: one per call, for people; a call that can be asked of nobody has None there.
        refusal: what the graph gets when there is nothing to ask at all; `refusals` the same per call of a dialect of others.
        about: no new question: the action whose outcome the graph waits for.
        record, place: see `Pause`. graph, code: fingerprints of the graph that asked, and of the code of its node.
        seen: how its node can be found in a graph inside (`graphs.inside.sees`), where it was asked in one. written: it can be read in the code of its node.
    """

    question: Question
    dialect: str
    digest: str
    proposals: Sequence[Proposal | None] = ()
    refusal: dict[str, Any] | None = None
    record: dict[str, Any] | None = None
    place: Mapping[str, Any] = field(default_factory=dict)
    graph: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    seen: str = ""
    written: bool = False

    def by_editors(self, editors: Collection[str]) -> "Prepared":
        """The same, asked by an agent whose state these persons changed."""
        if not editors:
            return self
        return replace(self, proposals=[one and replace(one, editors=editors) for one in self.proposals])

    def after(self, known: Mapping[int, Sequence[dict[str, Any]]]) -> "Prepared":
        """The same, with this to be read before what the agent gives: by proposal, by its identity."""
        asked = [one and replace(one, evidence=[*known.get(id(one), ()), *one.evidence]) for one in self.proposals]
        return replace(self, proposals=asked)


def prepare(run: Run, loaded: Loaded, question: Question, *, outside: Outside = NOTHING) -> Prepared:
    """Validate what is asked and preview it. Slow things happen here, outside any transaction of ours.

    Args:
        outside: what the run read from outside before it asked this.
    """
    value = question.value
    if not is_ours(value):
        return foreign_prepared(run, loaded, question)
    asked = {key: value.get(key) for key in ("kind", "tool", "args")}
    digest = digest_of(question)
    if value.get("digest") != digest:
        return Prepared(question, NATIVE, digest, (), refusal("invalid", kept.NOT_ITS_DIGEST()))
    if asked["kind"] == "question":
        return _question(run, question, asked, digest)
    if asked["kind"] == "outcome":
        return _outcome(run, question, asked, digest)
    tool = loaded.tools.get(str(asked["tool"]))
    if tool is None:
        reason = kept.NO_SUCH_TOOL(tool=repr(asked["tool"]), tools=", ".join(sorted(loaded.tools)) or "none")
        return Prepared(question, NATIVE, digest, (), refusal("invalid", reason))
    try:
        model, args = tool.validate(asked["args"])
        seen = runner.preview(tool, model, context(run, action_id=""))
    except BadArgs as error:
        return Prepared(question, NATIVE, digest, (), refusal("invalid", kept.NO_FIT(tool=tool.name, why=error)))
    except ToolError as error:
        return Prepared(question, NATIVE, digest, (), refusal("failed", error.message, code=error.code))
    return Prepared(question, NATIVE, digest, (_proposal(run, question, tool, args, digest, seen, outside),))


def linked(run: Run, prepared: Prepared, pauses: Sequence[Pause], settled: Mapping[str, Settled]) -> Prepared:
    """A question that is asked again because its node could not use the answer: linked to the one before, and shown with what went wrong."""
    former = next((p for p in pauses if p.again and p.node == prepared.question.node and p.actions), None)
    if former is None or not prepared.proposals:
        return prepared
    said = settled[former.actions[0]].outcome if former.actions[0] in settled else {}
    evidence = [
        {"title": kept.ANSWER_BEFORE(), "text": str(said.get("response") or said.get("reason") or "")},
        {"title": kept.NODE_SAID(), "text": run.error[-2_000:]},
    ]
    before = [*map(UUID, former.actions), *[None] * len(prepared.proposals)]
    seen = canonical.storable(evidence)
    asked = [
        replace(p, follows=was, evidence=[*p.evidence, *seen]) if p else None for p, was in zip(prepared.proposals, before, strict=False)
    ]
    return replace(prepared, proposals=asked)


def digest_of(question: Question) -> str:
    """The digest a question is recorded under: of the proposal in it, or of the raw value."""
    value = question.value
    if is_ours(value):
        return proposal_digest({key: value.get(key) for key in ("kind", "tool", "args")})
    return dialects.digest(value, question.response_schema)


def is_recorded(question: Question, digest: str | None) -> bool:
    """Whether a question was recorded under this digest, which may be older than the schema's being part of it."""
    return digest is not None and digest in {digest_of(question), question.digest}


def context(run: Run, *, action_id: str) -> ToolContext:
    """What the tool may know: the action's id is its idempotency key (empty while only previewing)."""
    return ToolContext(action_id, str(run.pk), run.agent_id, action_id, dict(run.input), run.agent.environment)


def is_ours(value: Any) -> bool:
    """Whether a gate of ours asks this."""
    return isinstance(value, dict) and value.get(MARK) == VERSION and not calls.is_call(value)


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
        declared_sha256=tool.declared_sha256,
        tool_class=str(tool.risk),
        reversible=tool.reversible,
        args=args,
        summary=summarize(tool.summary, args, tool.name),
        names=names(tool.summary, args, tool.confirm),
        proposal_digest=digest,
        environment=run.agent.environment,
        agent_version=version_of(run),
        preview=seen.as_json(),
        figures=seen.figures,
        evidence=_evidence(given, outside),
        rationale=canonical.storable(str(value.get("rationale") or "")),
        # All that came in from outside, not only what of it the graph chose to show.
        untrusted_text=outside.tainted(args, [str(e.get("text", "")) for e in given]),
        estimated_cost=seen.cost(value.get("estimated_cost")),
        confidence=confidence(value.get("confidence")),
        deadline_s=max(5, timeout) if isinstance(timeout, int) and not isinstance(timeout, bool) else None,
        requested_by=run.started_by,
        owner=run.agent.owner,
        asked_for=run.input if isinstance(run.input, dict) else {},
        note=f"Asked again: the node came back with other arguments than {str(again)[:12]}" if again else "",
    )


def confidence(said: Any) -> float | None:
    """How sure an agent says it is. What is no share of one is as good as no certainty at all."""
    if said is None:
        return None
    fits = isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said <= 1
    return float(said) if fits else 0.0


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
        return Prepared(question, NATIVE, digest, (), refusal("invalid", str(error)))
    args = asked["args"] if isinstance(asked["args"], dict) else {"question": asked["args"]}
    words = " ".join(str(args.get("question", "")).split())[:120]
    return Prepared(question, NATIVE, digest, (foreign.ask(run, question, args, f"Question: {words}", digest),))


def _outcome(run: Run, question: Question, asked: dict[str, Any], digest: str) -> Prepared:
    """A call of an agent that makes its calls itself began and nobody knows how it ended: its node waits for what a person says."""
    try:
        action = UUID(str(asked["args"]["action"]))
    except (ValueError, TypeError, KeyError):
        return Prepared(question, NATIVE, digest, (), refusal("invalid", kept.NO_SUCH_CALL()))
    if not Effect.objects.filter(pk=action, run=run).exists():
        return Prepared(question, NATIVE, digest, (), refusal("invalid", kept.NO_SUCH_CALL()))
    return Prepared(question, NATIVE, digest, about=str(action))


def foreign_prepared(run: Run, loaded: Loaded, question: Question) -> Prepared:
    """A question in any dialect but ours."""
    record = dialects.read(question.value, question.response_schema)
    asked = foreign.prepare(run, loaded, question, record)
    digest = digest_of(question) if run.agent.server_id is None else question.digest
    return Prepared(question, record.dialect, digest, asked.proposals, None, asked.record, asked.place)


def refusal(status: str, reason: str, **more: str) -> dict[str, Any]:
    refused: dict[str, Any] = canonical.storable({"status": status, "reason": reason, **more})
    return refused
