"""Replaying a run from its record, and saying whether it came out the same, or where it did not. Writes nothing and calls no tool.

Runs the project's code: workers and commands only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from agents import history, kept
from agents.errors import WrongState
from agents.graphs import replaying
from agents.graphs.driver import Stop
from agents.graphs.loader import Loaded, load_agent
from agents.graphs.unpacked import neutral
from agents.models import Pause, Run
from agents.operations import other_code
from agents.operations.answering import answers
from agents.operations.found import found_run
from agents.operations.played import Played, played
from agents.operations.preparing import NATIVE
from agents.states import RunState
from approvals import queries as approvals_queries
from audit.queries import events, spans, timeline
from audit.sentences import say

_NOTHING = kept.NOTHING_THERE()
_CLOSED = {"cancelled", "superseded"}  # what an action came to that ended without a decision
_STOOD = {"run.started", "run.resumed", "run.waiting", "run.ready", "run.halted", "run.paused", "run.retried", "run.failed"}
MOST = 10_000  # spans and checkpoints of one run


@dataclass(frozen=True)
class Difference:
    """The first place where a replay is not the run: after these nodes, this part of the state, as it was and as it came out now."""

    step: int
    nodes: tuple[str, ...]
    path: str
    recorded: Any
    replayed: Any
    why: str = ""


@dataclass(frozen=True)
class Replayed:
    """How a replay compares with its run; `difference` None: equal, step by step."""

    run: str
    steps: int
    version: str
    version_then: str
    difference: Difference | None


def replay_run(run_id: Any, *, instead: Mapping[str, Any] | None = None, tools: Mapping[str, str] | None = None) -> Replayed:
    """Drive a run's graph again with the recorded answers of models, tools and people.

    Args:
        instead: by action id, what its tool gives back in place of what it gave.
        tools: by tool, which of the implementations that it declares for this is called in its place (see `played`).

    Raises:
        UnknownRun. WrongState: its record is not whole, or its graph calls tools itself, which a replay would call again.
        BadInput: a tool has no such implementation.
    """
    run = found_run(run_id)
    loaded = load_agent(*run.agent.code)
    check_record(run, loaded)
    if run.parent_id is not None:
        raise WrongState(say("This run was forked from another: its record begins in the middle. Replay that one, or fork this one dry"))
    if any(event.data.get("timed_out") for event in events(run=str(run.pk), kind="run.partial", limit=1).rows):
        raise WrongState(say("This run ended between two steps, when its time was up: driven again it would go further"))
    chain = _chain(run)
    done = replaying.replay(loaded, record_of(run, loaded, instead or {}, played(run, loaded, tools or {})))
    if done.unknown and any(event.kind == "run.recovered" for event in timeline(run=str(run.pk), limit=MOST)):
        # What a model answered is written with its stretch; what a killed worker had heard is in the state, and in no record.
        raise WrongState(say("A worker died while it drove this run: what the model answered it then is not recorded"))
    found = _first_difference(run, chain, done) or _other_end(run, chain, done)
    return Replayed(str(run.pk), len(done.steps), other_code.driven_by(run, loaded), chain[-1].version, found)


def check_record(run: Run, loaded: Loaded) -> None:
    """Raises WrongState where a record cannot be whole, or driving the graph would act."""
    if run.agent.server_id is not None:
        raise WrongState(say("This run went on an Agent Server: what its graph did there is not recorded here"))
    if loaded.spec is None or Pause.objects.filter(run=run).exclude(dialect=NATIVE).exists():
        raise WrongState(say("The graph of %(agent)s calls its tools itself: a replay would call them again", agent=run.agent_id))


def _chain(run: Run) -> list[history.Checkpoint]:
    """The checkpoints that led to where the run stands, oldest first; what was left by going back is not part of it."""
    rows = {one.id: one for one in history.checkpoints(run.thread, limit=MOST).rows}
    if not rows:
        raise WrongState(say("This run has no checkpoint yet"))
    at, chain = max(rows), []
    while at in rows:
        chain.append(rows[at])
        at = rows[at].parent
    chain.reverse()
    if changed := next((one for one in chain if one.source not in {"input", "loop"}), None):
        raise WrongState(say("An operator changed this run at step %(n)d: its record alone does not lead on from there", n=changed.step))
    return chain


def record_of(run: Run, loaded: Loaded, instead: Mapping[str, Any], playing: Played, *, since: datetime | None = None) -> replaying.Record:
    """What models, tools and people answered.

    Args:
        instead: by action id, what its tool gives back in place of what it gave. playing: tools of which another implementation answers.
        since: only what was asked later.
    """
    asked = [p for p in Pause.objects.filter(run=run).order_by("pk") if since is None or p.created_at > since]
    settled = approvals_queries.settled([a for pause in asked for a in pause.actions])
    # Whether a stretch that failed had taken its answers is known of none of them, so they were closed with the run, as what nobody had decided.
    heard = {a for a, one in settled.items() if one.outcome.get("status") not in _CLOSED}
    failed = _has_failed(run)
    asked = [p for p in asked if p.state in {"OPEN", "ANSWERED"} or (failed and p.state == "SUPERSEDED" and heard.issuperset(p.actions))]
    given: list[tuple[str, Any]] = []
    for pause in asked:
        answer = answers([pause], settled).get(pause.interrupt_id)
        if action := next((one for one in pause.actions if one in instead), ""):  # also where nobody has decided yet
            told = {"reason": "", "action": action, "digest": pause.proposal_digest, **(answer or {})}
            answer = {**told, "result": instead[action], "status": "done"}
        elif answer is not None and pause.refusal is None:
            answer = playing.answer(pause.raw, answer, pause.proposal_digest)
        if answer is not None:
            given.append((pause.proposal_digest, answer))
    calls = [span for span in spans(str(run.pk), limit=MOST) if span.kind == "model" and span.status == "done"]
    models = [((span.input or {}).get("messages", []), span.output) for span in calls]
    return replaying.Record(loaded.prepare(run.input), given, models)


def _has_failed(run: Run) -> bool:
    """Whether it stopped because its graph failed, also where it was cancelled afterwards."""
    if run.state != RunState.CANCELLED:
        return run.state == RunState.FAILED
    stood = [event.kind for event in timeline(run=str(run.pk), limit=MOST) if event.kind in _STOOD]
    return stood[-1:] == ["run.failed"]


def _first_difference(run: Run, chain: list[history.Checkpoint], done: replaying.Replay) -> Difference | None:
    for number, (then, now) in enumerate(zip(chain, done.steps, strict=False)):
        nodes = then.after or (chain[number - 1].next if number else ())
        values = neutral(history.values(run.thread, then.id))
        again = neutral({name: value for name, value in now.values.items() if history.is_state(name)})
        if values != again:
            return Difference(then.step, nodes, *_where(values, again))
        if sorted(set(then.next)) != sorted(set(now.next)):
            return Difference(then.step, nodes, "", sorted(set(then.next)), sorted(set(now.next)), say("it goes on to other nodes"))
    return None


def _where(then: Any, now: Any, path: str = "") -> tuple[str, Any, Any]:
    """The first place, by its path, where two values differ."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in (*then, *(key for key in now if key not in then)):
            if then.get(key, _NOTHING) != now.get(key, _NOTHING):
                return _where(then.get(key, _NOTHING), now.get(key, _NOTHING), f"{path}.{key}" if path else str(key))
    if isinstance(then, list) and isinstance(now, list):
        for index, (one, other) in enumerate(zip_longest(then, now, fillvalue=_NOTHING)):
            if one != other:
                return _where(one, other, f"{path}[{index}]")
    return path, then, now


def _other_end(run: Run, chain: list[history.Checkpoint], done: replaying.Replay) -> Difference | None:
    """Where both went the same way as far as they went: whether they went equally far."""
    last = chain[-1]
    if done.unknown:
        why = say("the model is asked something the recorded run did not ask")
        return Difference(done.steps[-1].step, done.nodes, "", None, done.unknown, why)
    if len(chain) != len(done.steps):
        return Difference(min(last.step, done.steps[-1].step), done.nodes or last.next, "", len(chain), len(done.steps), say("other steps"))
    ended = {RunState.SUCCEEDED, RunState.PARTIAL}
    if (run.state in ended) != (done.stop is Stop.FINISHED) or _has_failed(run) != (done.stop is Stop.FAILED):
        return Difference(last.step, done.nodes, "", str(run.state), done.stop.name, done.error[-500:])
    return None
