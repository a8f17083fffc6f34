"""A Run is created, cancelled or tried again. Its input is checked against the schema kept with the agent's version."""

import re
import uuid
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from agents import kept
from agents.dialects import calls
from agents.errors import BadInput, KeyUsed, UnknownAgent, WrongState
from agents.models import Agent, AgentVersion, Effect, Pause, Run, Thread
from agents.operations import events, hinting, outcomes, owing, stopping, timing, waking
from agents.operations.found import locked_run
from agents.operations.receiving import close_open_pauses
from agents.states import UNFINISHED, EffectState, PauseState, RunState, word
from approvals import permissions
from approvals.models.people import User
from approvals.operations.halts import check_reason
from audit import canonical, log, rows, schemas
from audit.actors import SYSTEM
from audit.sentences import cause, say

MAX_ERRORS = 20
MAX_KEY = 200
_AGENT = f"""
SELECT {rows.columns(Agent, "a")}, {rows.columns(AgentVersion, "v")}
FROM agents_agent a LEFT JOIN agents_agentversion v ON v.id = a.current_id WHERE a.slug = %s
"""  # noqa: S608  names of ours only
SLUG = re.compile(r"[-\w]{1,60}", re.ASCII)


@transaction.atomic
def start_run(*, agent: str, input: Any, by: User, door: str, idempotency_key: str | None = None) -> Run:
    """Create a run and wake a worker. One person's same idempotency key for the same agent and input is the same run; another's is theirs.

    Raises:
        KeyUsed: the key started a run with another input before.
        NotAllowed: the person may not start runs. UnknownAgent: no such agent, or it is switched off.
        BadInput: the input does not fit the agent's schema; `details["fields"]` says where.
    """
    who = permissions.standing(by)
    permissions.check_start_runs(who)
    found, version = found_agent(agent)
    if found.server_id is not None:
        raise UnknownAgent(say("The agent %(slug)s runs on an Agent Server: start it there, and what it asks is found here", slug=agent))
    if not found.project:
        raise UnknownAgent(
            say("The agent %(slug)s runs elsewhere: it proposes over the API, and there is no graph to start here", slug=agent)
        )
    check_input(version.input_schema, input)
    key = checked_key(idempotency_key)
    if key:
        lock_key(found, who.user, key)
        if existing := Run.objects.filter(agent=found, started_by=who.user, idempotency_key=key).first():
            return _same(existing, input)
    run_id = uuid.uuid4()
    run = Run(
        id=run_id,
        agent=found,
        version=version,
        thread=str(run_id),
        trace=uuid.uuid4().hex,
        input=input,
        door=door,
        started_by=who.user,
        idempotency_key=key,
        **budget_of(found, version),
    )
    rows.insert(run)
    log.append(events.entry(run, "run.created", by=who.user.actor, door=door, input=input, version=version.number, trace=run.trace))
    events.tell_run(run, "run.created")
    waking.wake(waking.RUN, run.pk)
    return run


def found_agent(slug: str) -> tuple[Agent, AgentVersion]:
    """The agent and its version in force. Raises UnknownAgent when there is none, or it is switched off."""
    found = rows.pair(Agent, AgentVersion, _AGENT, [slug]) if SLUG.fullmatch(slug) else None
    if found is None or found[1] is None:
        raise UnknownAgent(say("There is no agent %(slug)s; see: .venv/bin/python manage.py agents list", slug=repr(slug[:60])))
    if not found[0].enabled:
        raise UnknownAgent(say("The agent %(slug)s is switched off", slug=slug))
    return found[0], found[1]


def budget_of(agent: Agent, version: AgentVersion) -> dict[str, int | None]:
    """What a new run of this agent may spend: as operators say, else as its developer does."""
    if agent.run_budget_by:
        return {"budget_tokens": agent.run_tokens, "budget_micros": agent.run_micros, "limit_s": timing.limit_of(agent, version)}
    said = version.budget
    return {"budget_tokens": said.get("tokens"), "budget_micros": said.get("micros"), "limit_s": timing.limit_of(agent, version)}


def tighter(found: dict[str, int | None], than: Run) -> dict[str, int | None]:
    """Of each limit the smaller: a fork may not spend what an operator does not let its parent spend."""
    both = {name: [n for n in (most, getattr(than, name)) if n is not None] for name, most in found.items()}
    seconds = [n for n in both["limit_s"] if n]  # here 0 is no limit
    return {name: min(limits, default=None) for name, limits in both.items()} | {"limit_s": min(seconds, default=0)}


def check_input(schema: dict[str, Any], value: Any) -> None:
    """Raises BadInput, naming fields, when a run cannot be started with this value."""
    try:
        canonical.dumps(value)
    except canonical.NotCanonical as error:
        raise BadInput(say("The input cannot be used: %(why)s", why=cause(error)), fields={"": cause(error)}) from error
    if not isinstance(value, dict):
        raise BadInput(say("The input must be a JSON object"), fields={"": say("must be a JSON object")})
    errors = sorted(schemas.errors(schema, value), key=lambda e: e.json_path)[:MAX_ERRORS]
    if errors:
        fields = {error.json_path.removeprefix("$").lstrip("."): error.message[:300] for error in errors}
        first = next(iter(fields.items()))
        raise BadInput(say("The input does not fit: %(path)s: %(why)s", path=first[0] or "input", why=first[1]), fields=fields)


def cancel_run(run_id: Any, *, reason: str, by: User, door: str, compensate: bool | None = None) -> Run:
    """End a run: what it asked for is cancelled. A call already being executed ends with its own outcome.

    Args:
        compensate: whether what it did is reversed; None: as its agent declares. An operator's power where the agent does not declare it.

    Two transactions, the run first: whatever its worker was about to write is then refused by the fence, or is
    there to be closed. A death between them leaves pauses that no claim honours and `close_cancelled` ends.

    Raises:
        NotAllowed, UnknownRun. WrongState: it has ended already.
    """
    reason = check_reason(reason or kept.RUN_CANCELLED())
    run = cancel(run_id, reason=reason, by=by, door=door, compensate=compensate)
    with transaction.atomic():
        close_open_pauses(run.pk, reason=reason, by=by.actor, door=door)
    hinting.look_soon()
    return run


def close_cancelled(*, limit: int = 100) -> None:
    """End what cancelled runs still ask, should their canceller have died half-way."""
    left = Pause.objects.filter(state=PauseState.OPEN, run__state=RunState.CANCELLED).values_list("run", flat=True)
    for run_id in set(left[:limit]):
        with transaction.atomic():
            close_open_pauses(run_id, reason=kept.RUN_CANCELLED(), by=SYSTEM, door="beat")


@transaction.atomic
def cancel(run_id: Any, *, reason: str, by: User, door: str, compensate: bool | None) -> Run:
    """The first half of `cancel_run`: what the run asks is still to be closed, in a transaction of its own."""
    who = permissions.standing(by)
    run = locked_run(run_id)
    permissions.check_cancel(who, own=run.started_by_id == by.pk)
    if run.state not in {*UNFINISHED, RunState.FAILED}:
        raise WrongState(say("The run has ended already: %(state)s", state=word(run.state)))
    stopping.write_cancelled(run, error=reason, by=who.user.actor, door=door)
    log.append(events.entry(run, "run.cancelled", by=who.user.actor, door=door, reason=reason))
    declared = owing.CANCELLED in owing.declared(run)
    if compensate and not declared:
        permissions.check_operate(who)
    if compensate or (declared and compensate is None):
        owing.order(run, owing.CANCELLED, by=who.user.actor, door=door, reason=reason)
    events.tell_run(run, "run.cancelled")
    return run


@transaction.atomic
def retry_run(run_id: Any, *, by: User, door: str) -> Run:
    """Take a failed run up again at the step that failed; answers already given stay given.

    Raises:
        NotAllowed, UnknownRun. WrongState: it has not failed, or a question of it has lost its node.
    """
    who = permissions.standing(by)
    permissions.check_start_runs(who)
    run = locked_run(run_id)
    if run.state == RunState.PARTIAL:
        raise WrongState(say("This run has ended with a part of what it was for: fork it from one of its checkpoints, or start a new one"))
    if run.state != RunState.FAILED:
        raise WrongState(say("Only a failed run can be tried again; this one is %(state)s", state=word(run.state)))
    check_not_orphaned(run)
    owing.check_not_ordered(run)
    _check_not_twice(run)
    Pause.objects.filter(run=run, state=PauseState.OPEN, again=True).update(again=False)  # with the answers as they are, this time
    Run.objects.filter(pk=run.pk).update(state=RunState.READY, error="", attempts=0, driven_ms=0, finished_at=None, changed_at=Now())
    run.state = RunState.READY
    log.append(events.entry(run, "run.retried", by=who.user.actor, door=door))
    events.tell_run(run, "run.ready")
    waking.wake(waking.RUN, run.pk)
    return run


def check_not_orphaned(run: Run) -> None:
    """Raises WrongState where nothing can be driven on from where it stands."""
    orphaned = Pause.objects.filter(run=run, state=PauseState.ORPHANED).exists()
    if orphaned and Thread.objects.filter(run=run).exists():
        raise WrongState(
            say("Its thread was not on the Agent Server. If it waits there again, people are asked in a run of its own, by itself")
        )
    if orphaned:
        raise WrongState(say("A question of this run has lost its node: go back to a checkpoint before it, or start a new run"))


def _check_not_twice(run: Run) -> None:
    """An agent that acts in its own node would act again with the answer it was given: whether it has, a person must know first."""
    told = Pause.objects.filter(run=run, state=PauseState.OPEN, answer__isnull=False).exclude(dialect=calls.NAME)  # those ask the ledger
    acts_itself = {action: outcomes.acts_itself(pause) or outcomes.by_hand(pause) for pause in told for action in pause.actions}
    for acted in Effect.objects.filter(pk__in=acts_itself, by_agent=True):
        if acted.state == EffectState.UNKNOWN:
            raise WrongState(
                say(
                    "The agent was told to do %(tool)s and then fell over: trying again could do it twice. Look whether it was done, and "
                    "say so here first",
                    tool=acted.tool,
                )
            )
        if acts_itself[str(acted.pk)] and acted.state == EffectState.DONE:
            raise WrongState(
                say("The agent has done %(tool)s and would do it once more: start a new run, or cancel this one", tool=acted.tool)
            )
        if acts_itself[str(acted.pk)] and acted.state == EffectState.FAILED and (acted.begun_at or acted.told_at):
            raise WrongState(
                say(
                    "%(tool)s was not done, and its approval is used up: have the agent ask again, so that people decide anew",
                    tool=acted.tool,
                )
            )


def checked_key(key: str | None) -> str | None:
    if key and (len(key) > MAX_KEY or not key.isprintable()):
        raise BadInput(
            say("The idempotency key cannot be used: at most %(max_key)d printable characters", max_key=MAX_KEY),
            fields={"": say("idempotency key")},
        )
    return key or None


def _same(run: Run, value: Any) -> Run:
    if canonical.dumps(run.input) != canonical.dumps(value):
        raise KeyUsed(say("This key started a run with another input before; use a new key for a new run"), run=str(run.pk))
    return run


def lock_key(agent: Agent, by: User, key: str) -> None:
    """Two requests with one key at one moment: the second waits and finds the first one's run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 13))", [f"{agent.pk} {by.pk} {key}"])
