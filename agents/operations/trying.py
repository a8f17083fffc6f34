"""A run taken on from one of its checkpoints, beside it: what would have come of another state, model, tool answer or policy.

Effects are switched off: no tool is called (their previews are), nothing is opened, decided or written. Recorded answers are given where
the very same is asked; what is new is left asked, or answered as the caller assumes. Runs the project's code: workers and commands only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents import history
from agents.errors import BadInput
from agents.graphs import changing, checkpoints, replaying
from agents.graphs.driver import Question
from agents.graphs.loader import Loaded, load_agent
from agents.models import Pause, Run
from agents.operations import other_code, preparing
from agents.operations.found import found_run
from agents.operations.played import Played, played
from agents.operations.replaying import check_record, record_of
from agents.operations.untrusted import Outside, read_by
from approvals import queries as approvals_queries
from approvals.operations.trying import would_ask
from approvals.policy.rules import Policy
from audit.sentences import say

APPROVE, REJECT = "approve", "reject"
# What a gate gets that nobody was asked at: no tool ran, and its result says so.
_ASSUMED: Mapping[str, Mapping[str, Any]] = {
    APPROVE: {"status": "done", "result": {"dry_run": True}, "reason": ""},
    REJECT: {"status": "rejected", "result": None, "reason": "A dry run assumes that people reject this"},
}


@dataclass(frozen=True)
class Wanted:
    """What is to be different.

    Attributes:
        checkpoint: where it begins; "" at the beginning. values: put into the state there.
        instead: by action id, what its tool gives back in place of what it gave.
        assume: "approve" or "reject" for what the record does not know; "": the fork stops there.
        policy: assesses what is asked, in place of the one in force.
        tools: by tool, which of the implementations that it declares for this is called in its place (see `played`).
        models: "recorded" and no others; "new" where the record knows nothing; "anew": every answer.
    """

    checkpoint: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    instead: Mapping[str, Any] = field(default_factory=dict)
    assume: str = ""
    policy: Policy | None = None
    models: str = "recorded"
    tools: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Would:
    """One thing the fork asked.

    Attributes:
        answer: "recorded", "assumed", "played" by another implementation of its tool, "open", or "refused": nobody would be asked about it, and the graph
            is told so.
        level, people: what policy asks for it; `then` the level it had in the run, "" where the run did not ask it.
        today: why nobody would be asked about it today, its recorded answer notwithstanding: what it is about has changed.
        action: the run's own action for the same call; "" where it asked none.
    """

    node: str
    tool: str
    args: Any
    summary: str
    answer: str
    level: str
    people: int
    denied: str
    then: str
    today: str = ""
    action: str = ""


@dataclass(frozen=True)
class Tried:
    """What came of it. `steps`: the nodes that come next after each step. `state`: the last one. `models_named`: those that gave new answers."""

    run: str
    checkpoint: str
    version: str
    steps: tuple[tuple[int, tuple[str, ...]], ...]
    asks: tuple[Would, ...]
    end: str
    error: str
    state: dict[str, Any]
    models_recorded: int
    models_asked: int
    models_named: tuple[str, ...]
    unknown: str


def fork_run(run_id: Any, wanted: Wanted) -> Tried:
    """Take it on.

    Raises:
        UnknownRun. WrongState: its record is not whole, or its graph calls tools itself. BadInput: no such checkpoint, or a value it does not take.
    """
    run = found_run(run_id)
    loaded = load_agent(*run.agent.code)
    check_record(run, loaded)
    at = wanted.checkpoint or history.first(run.thread).id
    playing = played(run, loaded, wanted.tools)
    record = record_of(run, loaded, wanted.instead, playing, since=history.checkpoint(run.thread, at).at)
    if wanted.models == "anew":
        record = replaying.Record(record.first_input, record.answers)
    looking = _Looking(run, loaded, wanted, read_by(run, loaded.tools), _asked_then(run), playing)
    try:
        done = replaying.fork(
            loaded, checkpoints.saver(), of=replaying.At(run.thread, at), values=wanted.values, record=record,
            assume=looking.assumed, models=wanted.models != "recorded",
        )  # fmt: skip
    except changing.CannotChange as error:
        raise BadInput(say("The graph cannot go on from there: %(why)s", why=str(error)), fields={"values": str(error)}) from error
    asks = tuple(looking.would(one) for one in done.asked)
    state = {name: value for name, value in done.steps[-1].values.items() if history.is_state(name)} if done.steps else {}
    return Tried(
        str(run.pk), at, other_code.driven_by(run, loaded), tuple((one.step, one.next) for one in done.steps), asks, done.stop.name.lower(), done.error,
        state, done.models_recorded, done.models_asked, done.models_named, done.unknown,
    )  # fmt: skip


def _asked_then(run: Run) -> dict[str, tuple[str, str]]:
    """By proposal digest, the action when the run asked it, and its level."""
    pauses = [pause for pause in Pause.objects.filter(run=run) if pause.actions]
    levels = approvals_queries.levels([pause.actions[0] for pause in pauses])
    return {pause.proposal_digest: (pause.actions[0], levels.get(pause.actions[0], "")) for pause in pauses}


@dataclass
class _Looking:
    """What a fork asks, looked at as the run's own questions are: validated, previewed, assessed."""

    run: Run
    loaded: Loaded
    wanted: Wanted
    outside: Outside
    then: Mapping[str, tuple[str, str]]
    playing: Played
    seen: dict[str, preparing.Prepared] = field(default_factory=dict)

    def assumed(self, question: Question) -> Any:
        """What the record knows no answer to: refused as the run's would be, or as the caller assumes. Of a question to people nothing is assumed."""
        prepared = self._prepared(question)
        if prepared.refusal is not None:
            return {**prepared.refusal, "action": "", "digest": prepared.digest}
        value = question.value
        if not self.wanted.assume or not isinstance(value, Mapping) or value.get("kind") == "question":
            return None
        given = {**_ASSUMED[self.wanted.assume], "action": "", "digest": value.get("digest")}
        return self.playing.answer(value, given, prepared.digest)

    def would(self, one: replaying.Asked) -> Would:
        prepared, node = self._prepared(one.question), one.question.node
        action, before = self.then.get(prepared.digest, ("", ""))
        proposal = next((p for p in prepared.proposals if p), None)
        if proposal is None:
            asked = one.question.value if isinstance(one.question.value, Mapping) else {}
            why, answer = str((prepared.refusal or {}).get("reason", "")), "refused" if one.answer != "recorded" else one.answer
            return Would(node, str(asked.get("tool") or ""), asked.get("args"), "", answer, "", 0, "", before, why, action)
        found = would_ask(proposal, policy=self.wanted.policy)
        people = 0 if found.denied else found.requirement.people
        answer = "played" if prepared.digest in self.playing.digests and one.answer != "open" else one.answer
        return Would(
            node, proposal.tool, proposal.args, proposal.summary, answer, str(found.level), people, str(found.denied), before, action=action
        )  # fmt: skip

    def _prepared(self, question: Question) -> preparing.Prepared:
        if question.interrupt_id not in self.seen:
            self.seen[question.interrupt_id] = preparing.prepare(self.run, self.loaded, question, outside=self.outside)
        return self.seen[question.interrupt_id]
