"""Making a test action out of a real call: made wrong by a template, and then taken through the tool like any proposal.

The tool's own model, preview and summary make it look as it would if the agent had asked; what the tool itself would refuse is not used.
Runs in a worker, outside of any transaction; `approvals.operations.seeding.place` writes it. No graph is driven and no model is asked.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import Any

import structlog

from agents.errors import AgentError
from agents.graphs.gate import proposal_digest
from agents.graphs.loader import load_agent
from agents.models import Run
from agents.operations.preparing import context
from agents.operations.twists import Call, Twisted, twisted
from agents.operations.untrusted import Outside, read_by
from agents.operations.versions import version_of
from agents.tools import runner
from agents.tools.registry import BadArgs, ToolError
from agents.tools.summaries import names, summarize
from approvals.errors import BadRequest
from approvals.operations import Proposal, seeding
from approvals.queries import drills as queries
from approvals.queries.drills import Due, Source
from approvals.states import DrillKind
from audit import canonical
from audit.sentences import say

logger = structlog.get_logger("agents.drilling")
MOST_TRIES = 200  # validations and previews for one test action: then it is left for a while
LONGEST_S, BY_HAND_S = 5.0, 60.0  # a worker has runs to drive; whoever asks for one now can wait


def place_drills() -> int:
    """Place what is due, one per group. Returns how many."""
    return sum(_place(due, secrets.SystemRandom(), LONGEST_S) is not None for due in queries.due())


def place_drill(group: str, *, kind: str = "", chance: Random | None = None) -> str:
    """Place one without waiting for its turn; returns the id of its action.

    Raises:
        BadRequest: no plan is on for this group, one is open, or no call of theirs can be made wrong in such a way.
    """
    if kind and kind not in set(DrillKind):
        raise BadRequest(
            say("%(kind)s is no kind of test action; choose one of %(kinds)s", kind=repr(kind[:40]), kinds=", ".join(DrillKind))
        )
    due = queries.at_once(group)
    if due is None:
        raise BadRequest(say("Test actions are not switched on for %(group)s", group=group[:80]))
    due = Due(due.group, (kind,) if kind else due.kinds, due.since)
    placed = _place(due, chance or secrets.SystemRandom(), BY_HAND_S)
    if placed is None:
        raise BadRequest(
            say("Nothing was placed: one is open already, or no call of this group could be made wrong so that it can be seen")
        )
    return placed


def _place(due: Due, chance: Random, seconds: float) -> str | None:
    sources = queries.sources(due.group)
    chance.shuffle(sources)
    sources.sort(key=lambda s: not s.waits)  # what was done already, the tool will often not do again
    until = time.monotonic() + seconds
    for source, made in islice(_made(sources, due.kinds, chance), MOST_TRIES):
        if time.monotonic() > until:
            break
        try:
            proposal = _proposal(source, made.call)
            wrong = [{"path": w.path, "said": w.said} for w in made.wrong]
            action = seeding.place(due.group, proposal, kind=made.kind, wrong=wrong, based_on=source.action_id, since=due.since)
        except (BadArgs, ToolError, AgentError, canonical.NotCanonical) as refusal:
            logger.info("test_not_used", tool=source.tool, kind=made.kind, why=str(refusal))
            continue
        if action:
            return str(action.pk)
    seeding.put_off(due.group)
    return None


def _made(sources: Sequence[Source], kinds: Sequence[str], chance: Random) -> Iterator[tuple[Source, Twisted]]:
    """Real calls made wrong, one by one."""
    for source in sources:
        others = [s.args for s in sources if s.agent == source.agent and s is not source]
        wanted = [DrillKind(kind) for kind in kinds if kind in set(DrillKind)]
        chance.shuffle(wanted)
        for kind in wanted:
            for made in twisted(kind, Call(source.args, source.rationale, source.evidence), others, chance):
                yield source, made


def _proposal(source: Source, call: Call) -> Proposal:
    """What the agent would have proposed. Raises what the tool says to it."""
    run = Run.objects.select_related("agent", "agent__owner", "started_by").get(pk=source.run)
    tools = load_agent(*run.agent.code).tools
    tool = tools.get(source.tool)
    if tool is None:
        raise ToolError("gone", f"the agent has no tool {source.tool} any more")
    model, args = tool.validate(dict(call.args))
    if canonical.dumps(args) != canonical.dumps(dict(call.args)):
        raise ToolError("changed", "the tool would bring these arguments into another form")
    seen = runner.preview(tool, model, context(run, action_id=""))
    return Proposal(
        agent=run.agent_id,
        run=str(run.pk),
        thread=run.thread,
        interrupt_id=secrets.token_hex(16),
        tool=tool.name,
        args=args,
        proposal_digest=proposal_digest({"kind": "tool", "tool": tool.name, "args": args}),
        summary=summarize(tool.summary, args, tool.name),
        tool_schema_sha256=tool.schema_sha256,
        declared_sha256=tool.declared_sha256,
        tool_class=str(tool.risk),
        reversible=tool.reversible,
        names=names(tool.summary, args, tool.confirm),
        environment=run.agent.environment,
        agent_version=version_of(run),
        preview=seen.as_json(),
        figures=seen.figures,
        requested_by=run.started_by,
        owner=run.agent.owner,
        asked_for=run.input if isinstance(run.input, dict) else {},
        estimated_cost=seen.cost(source.estimated_cost),
        confidence=source.confidence,
        **_said(source, call, read_by(run, tools)),
    )


def _said(source: Source, call: Call, outside: Outside) -> dict[str, Any]:
    evidence = [dict(e) for e in call.evidence]
    return {
        "evidence": evidence,
        "rationale": call.rationale,
        "untrusted_text": outside.tainted(dict(call.args), [str(e.get("text", "")) for e in evidence]),
        "deadline_s": source.deadline_s,
    }
