"""Runs of the agents that run here: start, list, look, cancel, resume, and their progress."""

from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from ninja import Router
from ninja.params.functions import Query
from ninja.responses import Status

from agents import compensated, history, operations, queries
from agents.api import pages
from agents.api.action_shapes import Rated, RatingIn
from agents.api.actions import KEY
from agents.api.auth import Caller, caller, reader
from agents.api.records import event_of
from agents.api.run_shapes import (
    AnsweredFor,
    Cancelling,
    Checkpoint,
    ForkIn,
    Overridden,
    OverrideIn,
    Progress,
    ResultIn,
    Run,
    RunIn,
    RunRow,
)
from agents.api.shapes import PROBLEMS, RUN_STATES, Page, Reason
from agents.errors import BadInput, UnknownRun
from agents.operations.branching import Branch
from agents.operations.overriding import Wanted
from agents.queries import RunDetail
from agents.states import UNFINISHED
from agents.stepped import as_json, made
from approvals import queries as approvals_queries
from approvals.errors import NotFound
from approvals.operations.api_keys import OPERATE
from approvals.queries import drills
from approvals.queries.results import lacking
from audit.queries import story
from audit.sentences import say
from audit.spans import totals

router = Router(tags=["runs"])
NAMES = ("id", "agent", "thread", "state", "nodes", "door", "created_at", "changed_at", "finished_at", "error", "hold")
STORY = 500


@router.post("", response={201: Run, **PROBLEMS}, summary="Start a run")
def start(request: HttpRequest, body: RunIn, key: str = KEY) -> Any:
    """Start a graph of this installation. The same Idempotency-Key for the same agent and input is the same run; with another input it is a conflict."""
    who = caller(request, OPERATE)
    run = operations.start_run(agent=body.agent, input=body.input, by=who.user, door="api", idempotency_key=key or None)
    return Status(201, shown(queries.run_detail(run.pk)))


@router.get("", response={200: Page[RunRow], **PROBLEMS}, summary="List runs")
def list_(
    request: HttpRequest,
    agent: str = Query("", max_length=60),
    state: RUN_STATES | Literal["live", ""] = Query("", description='A state, or "live" for everything unfinished'),
    q: str = Query(
        "",
        max_length=200,
        description="Words: of its agent, thread, nodes or input, or how its id or trace begins; 10,000 runs at a time are looked through",
    ),
    cursor: str = Query("", max_length=200),
    limit: int = Query(50, ge=1, le=pages.LIMIT),
) -> Any:
    """Runs, newest first. Agents see their own. With `q` a page may be short, or empty, while there is a `next`."""
    who = reader(request)
    if who.agent and agent not in {"", who.agent}:  # an agent sees its own: of another there is nothing
        return {"items": [], "next": None}
    found = queries.runs(agent=who.agent or agent, state=state, q=q.strip(), cursor=pages.moment_and_id(cursor, of="runs"), limit=limit)
    return {"items": [row_of(r) for r in found.rows], "next": pages.opaque(found.next, of="runs")}


@router.get("/{run_id}", response={200: Run, **PROBLEMS}, summary="One run")
def one(request: HttpRequest, run_id: UUID) -> Any:
    """One run, with what it came to and the actions it asked for."""
    return shown(visible(run_id, reader(request)))


@router.post("/{run_id}/cancel", response={200: Run, **PROBLEMS}, summary="Cancel a run")
def cancel(request: HttpRequest, run_id: UUID, body: Cancelling) -> Any:
    """What it asked for is cancelled; a call that has begun ends with its own outcome. What was done may be reversed."""
    operations.cancel_run(run_id, reason=body.reason, by=caller(request, OPERATE).user, door="api", compensate=body.reverse)
    return shown(queries.run_detail(run_id))


@router.post("/{run_id}/reverse", response={200: Run, **PROBLEMS}, summary="Reverse what an ended run did")
def reverse_(request: HttpRequest, run_id: UUID, body: Reason) -> Any:
    """One call after the other, the last first; what cannot be reversed is listed in `reversal` with whom to call."""
    operations.order_compensation(run_id, reason=body.reason, by=caller(request, OPERATE).user, door="api")
    return shown(queries.run_detail(run_id))


@router.post("/{run_id}/pause", response={200: Run, **PROBLEMS}, summary="Pause a run before its next step")
def pause(request: HttpRequest, run_id: UUID, body: Reason) -> Any:
    """Operators only. It takes no further step; people still decide, and what they approve is carried out. `hold` says that it is asked for, the
    state PAUSED that it has come true."""
    operations.pause_run(run_id, reason=body.reason, by=caller(request, OPERATE).user, door="api")
    return shown(queries.run_detail(run_id))


@router.post("/{run_id}/step", response={200: Run, **PROBLEMS}, summary="Let a paused run take one step")
def step(request: HttpRequest, run_id: UUID, body: Reason) -> Any:
    """Operators only. It is paused again after it."""
    operations.step_run(run_id, reason=body.reason, by=caller(request, OPERATE).user, door="api")
    return shown(queries.run_detail(run_id))


@router.post("/{run_id}/go-on", response={200: Run, **PROBLEMS}, summary="Let a paused run go on")
def go_on(request: HttpRequest, run_id: UUID, body: Reason) -> Any:
    """Operators only."""
    operations.go_on(run_id, reason=body.reason, by=caller(request, OPERATE).user, door="api")
    return shown(queries.run_detail(run_id))


@router.get("/{run_id}/checkpoints", response={200: Page[Checkpoint], **PROBLEMS}, summary="What the graph wrote after each step")
def checkpoints(
    request: HttpRequest, run_id: UUID, cursor: str = Query("", max_length=200), limit: int = Query(50, ge=1, le=pages.LIMIT)
) -> Any:
    """The newest first; none of them ever changes. Agents see their own."""
    run, list_of = visible(run_id, reader(request)), f"runs/{run_id}/checkpoints"
    found = history.checkpoints(run.thread, before=pages.checkpoint(cursor, of=list_of), limit=limit)
    how = made(run.row.id, found.rows)
    items = [{**vars(one), "after": list(one.after), "next": list(one.next), "made": as_json(how[one.id])} for one in found.rows]
    return {"items": items, "next": pages.opaque(found.next, of=list_of)}


@router.get("/{run_id}/overrides", response={200: Page[Overridden], **PROBLEMS}, summary="What operators ordered of a run")
def overrides(request: HttpRequest, run_id: UUID) -> Any:
    """The newest first, with what each puts into the state. Agents see those of their own runs."""
    head = history.head(visible(run_id, reader(request)).thread)
    return {"items": [{**vars(one), "state": queries.stands(one, head)} for one in queries.overrides(run_id)], "next": None}


@router.post("/{run_id}/override", response={200: Overridden, **PROBLEMS}, summary="Change what a run does next")
def override(request: HttpRequest, run_id: UUID, body: OverrideIn) -> Any:
    """Operators only. What the run asks is superseded with the order; what is done stays done. A skip waits until another operator orders the
    same. 409 `moved`: the run has gone on since `head`."""
    by, wanted = caller(request, OPERATE).user, Wanted(body.kind, body.head, body.checkpoint, body.node, body.values, body.stay)
    if body.kind == "restart":
        wanted = replace(wanted, kind="rewind", node="", checkpoint=history.before_node(queries.run_detail(run_id).thread, body.node))
    order = operations.override(run_id, wanted, reason=body.reason, by=by, door="api")
    return next(vars(one) for one in queries.overrides(run_id) if one.id == order.pk)


@router.post("/{run_id}/fork", response={201: Run, **PROBLEMS}, summary="Fork a run, for real")
def fork(request: HttpRequest, run_id: UUID, body: ForkIn, key: str = KEY) -> Any:
    """Operators only. A run of its own goes on from a checkpoint of this one; every call it wants to make is asked anew. The same Idempotency-Key for
    the same fork is the same run. 409 where the state may hold leave that people gave this run, or the run is halted."""
    wanted, by = Branch(body.checkpoint, body.values), caller(request, OPERATE).user
    made = operations.branch_run(run_id, wanted, reason=body.reason, by=by, door="api", idempotency_key=key or None)
    return Status(201, shown(queries.run_detail(made.pk)))


@router.post("/{run_id}/answer-for", response={200: AnsweredFor, **PROBLEMS}, summary="Give the result of a call that waits")
def answer_for(request: HttpRequest, run_id: UUID, body: ResultIn) -> Any:
    """Operators only. The call is superseded and never made; the agent gets the result as its tool's. ASKED where the policy asks two people for
    the call: another operator has to give the same within an hour. 409: the call has begun, is over, or has changed."""
    who = caller(request, OPERATE).user
    row = next((one for one in approvals_queries.run_actions(str(run_id)) if one.id == str(body.action)), None)
    if row is None:
        raise NotFound(say("This run has no such action"))
    lacks = list(lacking(agent=row.agent, tool=row.tool, result=body.result))
    if lacks and body.complete:
        raise BadInput(
            say("Every result of this tool had %(names)s until now", names=", ".join(lacks)), fields=dict.fromkeys(lacks, say("missing"))
        )
    order = operations.answer_for(body.action, body.result, seen_digest=body.digest, reason=body.reason, by=who, door="api")
    return next({**vars(one), "lacks": lacks} for one in queries.overrides(run_id) if one.id == order.pk)


@router.post("/{run_id}/resume", response={200: Run, **PROBLEMS}, summary="Take a failed run up again")
def resume(request: HttpRequest, run_id: UUID) -> Any:
    """At the step that failed; answers already given stay given. (A waiting run goes on by itself when people have decided.)"""
    operations.retry_run(run_id, by=caller(request, OPERATE).user, door="api")
    return shown(queries.run_detail(run_id))


@router.post("/{run_id}/ask-again", response={200: Run, **PROBLEMS}, summary="Ask once more what could not be used")
def ask_again(request: HttpRequest, run_id: UUID) -> Any:
    """For a failed run whose node raised on a plain answer of a person: the question is put again, with that answer and the error beside it. 409
    when no such answer is to blame, or a call could be repeated. (To restart a node: `/override` with the kind `restart`.)"""
    operations.ask_again(run_id, by=caller(request, OPERATE).user, door="api")
    return shown(queries.run_detail(run_id))


@router.post("/{run_id}/rating", response={200: Rated, **PROBLEMS}, summary="Say whether the outcome of a run was useful")
def rate(request: HttpRequest, run_id: UUID, body: RatingIn) -> Any:
    """People say it for themselves; a program says it with its agent's key for the user named in `said_by`. The last word of each counts."""
    who = reader(request)
    visible(run_id, who)
    said = operations.rate_run(run_id, useful=body.useful, words=body.words, said_by=body.said_by, by=who.user, door="api")
    return {"run": run_id, "useful": said.useful, "words": said.words, "said_by": said.said_by}


@router.get("/{run_id}/events", response={200: Progress, **PROBLEMS}, summary="The progress of a run; a stream with text/event-stream")
def progress(request: HttpRequest, run_id: UUID, after: int = Query(0, ge=0, lt=2**63)) -> Any:
    """What happened after the event with this id, in order. Ask with `Accept: text/event-stream` to be told as it happens."""
    row = visible(run_id, reader(request)).row
    events = [event_of(e) for e in story(row.id, after=after, limit=STORY)]
    return {"events": events, "state": row.state, "finished": row.state not in UNFINISHED and len(events) < STORY}


def visible(run_id: UUID, who: Caller) -> RunDetail:
    found = queries.run_detail(run_id)
    if who.agent and found.row.agent != who.agent:
        raise UnknownRun(say("There is no such run"))
    return found


def row_of(row: queries.RunRow) -> dict[str, Any]:
    url = settings.PUBLIC_URL.rstrip("/") + reverse("run", args=[row.id])
    return {**{name: getattr(row, name) for name in NAMES}, "started_by": row.started_by or None, "url": url}


def shown(found: RunDetail) -> dict[str, Any]:
    more = {"version": found.version, "input": found.row.input, "output": found.output}
    more |= {"parent": found.parent or None, "parent_checkpoint": found.parent_checkpoint}
    more["reversal"] = _reversal(found.row.id)
    more["tool_calls"] = totals(found.row.id).tools + queries.made_by_agent(found.row.id)
    more |= {"trace": found.trace, "driven_s": round(found.driven_s, 3), "limit_s": found.limit_s}
    asked = dict.fromkeys(action for pause in found.pauses for action in pause.actions)  # of one that is asked about again two pauses tell
    return {**row_of(found.row), **more, "actions": [*asked, *drills.tests_in(found.row.id)]}


def _reversal(run_id: str) -> dict[str, Any] | None:
    found = compensated.reversal(run_id)
    if found is None:
        return None
    names = ("tool", "state", "attempts", "error", "contact")
    calls = [{"action": row.action_id, **{name: getattr(row, name) for name in names}} for row in found.rows]
    return {**{name: getattr(found, name) for name in ("why", "by", "reason", "ordered_at", "ended_at")}, "calls": calls}
