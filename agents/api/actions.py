"""Actions: proposed by agents, seen by whoever may, claimed and reported by whoever proposed them."""

from dataclasses import asdict
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Router
from ninja.params.functions import Header, Query
from ninja.responses import Status

from agents import operations
from agents.api import pages
from agents.api.action_shapes import Action, ActionIn, ActionRow, Claimed, KeysIn, Known, OutcomeIn
from agents.api.auth import Caller, caller, reader
from agents.api.shapes import LEVELS, PROBLEMS, STATES, Page, Reason
from agents.operations.outside import Wanted
from agents.queries import outcome_unknown
from approvals import queries
from approvals.errors import BadRequest
from approvals.live.waiting import LONGEST_S, LOOK_AGAIN
from approvals.operations import outside
from approvals.operations.api_keys import PROPOSE
from approvals.queries.inbox import Filters, InboxRow
from approvals.queries.outside import Asked, asked
from audit.sentences import say

router = Router(tags=["actions"])
KEY = Header("", alias="Idempotency-Key", max_length=200, description="The caller's own id: the same again is the same action")
# How long a look may wait: in the waiting room in front, which reads the header.
MAX_WAIT_S = int(LONGEST_S)
KNOWN = 100  # keys of a page


@router.post("", response={201: Action, 200: Action, **PROBLEMS}, summary="Propose an action")
def propose(request: HttpRequest, response: HttpResponse, body: ActionIn, key: str = KEY) -> Any:
    """Put a tool call, or a question, before policy and people. 201: opened now. 200: this key had opened it before."""
    who = caller(request, PROPOSE)
    if key and body.client_id not in {None, "", key}:
        raise BadRequest(
            say("client_id and the header Idempotency-Key are two names for one thing, and say different ones: send one of them")
        )
    wanted = Wanted(
        **body.dict(exclude={"client_id", "evidence", "among"}),
        among=outside.Among(body.among.begin, body.among.known) if body.among else None,
        evidence=[e.dict() for e in body.evidence],
        key=key or body.client_id or str(uuid4()),
    )
    done = operations.propose(agent=who.agent, wanted=wanted, door="api")
    return Status(201 if done.created else 200, headed(response, asked(done.action.pk)))


@router.get("", response={200: Page[ActionRow], **PROBLEMS}, summary="List actions")
def list_(
    request: HttpRequest,
    state: STATES | None = Query(None, description="PENDING when not said"),
    agent: str = Query("", max_length=60),
    tool: str = Query("", max_length=100),
    level: LEVELS | None = Query(None),
    run: UUID | None = Query(None, description="Only what this run asked"),
    mine: bool = Query(False, description="Only what is this person's turn; of what waits"),
    cursor: str = Query("", max_length=200),
    limit: int = Query(50, ge=1, le=pages.LIMIT),
) -> Any:
    """What waits for people, newest first; with another `state`, what was decided or has ended. Agents see their own."""
    who = reader(request)
    position = pages.moment_and_id(cursor, of="actions")
    if who.agent and agent not in {"", who.agent}:  # an agent sees its own: of another there is nothing
        return {"items": [], "next": None}
    agent = who.agent or agent
    if state in {None, "PENDING"}:
        only = Filters(
            (str(level),) if level else (),
            agent,
            tool,
            mine=who.user if mine and not who.agent else None,
            proposed=bool(who.agent),
            run=str(run or ""),
        )
        found = queries.inbox(filters=only, sort="newest", cursor=position, limit=limit)
    else:
        if mine:
            raise BadRequest(say("What has been decided is nobody's turn: leave out mine, or ask for what is PENDING"))
        found = queries.decided(
            agent=agent, tool=tool, state=str(state), level=str(level or ""), run=str(run or ""), passed=True, cursor=position, limit=limit
        )
    return {"items": [row_of(r) for r in found.rows], "next": pages.opaque(found.next, of="actions")}


@router.post("/known", response={200: Known, **PROBLEMS}, summary="Which keys are known")
def known(request: HttpRequest, body: KeysIn) -> Any:
    """The keys that this agent has proposed something under, of those that begin so, and the action of each. Nothing is proposed: a program that is
    started again learns what it has asked for before."""
    found = operations.known_keys(agent=caller(request, PROPOSE).agent, begin=body.begin, after=body.after, limit=KNOWN + 1)
    known = [{"key": key, "action": action, "args_sha256": sha256} for key, action, sha256 in found[:KNOWN]]
    return {"known": known, "next": found[KNOWN - 1][0] if len(found) > KNOWN else None}


@router.get("/{action_id}", response={200: Action, **PROBLEMS}, summary="One action; waits for news with ?wait=")
def one(
    request: HttpRequest,
    response: HttpResponse,
    action_id: UUID,
    wait: int = Query(0, ge=0, le=MAX_WAIT_S, description="Seconds to wait while `next` is `wait`; answers at once when it changes"),
) -> Any:
    """One action. With `wait`, the answer comes when its proposer has something to do, or after so many seconds."""
    found = asked(action_id, agent=reader(request).agent)
    if found.next == "wait" and wait:
        response[LOOK_AGAIN.decode()] = str(found.again_s or MAX_WAIT_S)
    return headed(response, found)


@router.post("/{action_id}/withdraw", response={200: Action, **PROBLEMS}, summary="Withdraw an action")
def withdraw(request: HttpRequest, response: HttpResponse, action_id: UUID, body: Reason) -> Any:
    """The agent no longer wants it. What was claimed cannot be withdrawn any more."""
    who = caller(request, PROPOSE)
    outside.withdraw(action_id, agent=who.agent, reason=body.reason, by=who.user.actor)
    return headed(response, asked(action_id))


@router.post("/{action_id}/claim", response={200: Claimed, **PROBLEMS}, summary="Take leave to act, once")
def claim(request: HttpRequest, action_id: UUID, key: str = KEY) -> Any:
    """The last question before acting: approved, in time, not halted, still enough for the policy in force. Never twice, except with the
    same Idempotency-Key, for whoever did not get the answer."""
    who = caller(request, PROPOSE)
    taken = outside.claim(action_id, agent=who.agent, key_id=who.key_id, claim_key=key, by=who.user.actor)
    return {
        "action": taken.action_id, "tool": taken.tool, "args": taken.args, "digest": taken.digest, "idempotency_key": str(taken.action_id),
    }  # fmt: skip


@router.post("/{action_id}/outcome", response={200: Action, **PROBLEMS}, summary="Report what came of it")
def report(request: HttpRequest, response: HttpResponse, action_id: UUID, body: OutcomeIn) -> Any:
    """Done, failed (nothing was done) or unknown. It becomes the settled fact, and never changes afterwards."""
    who = caller(request, PROPOSE)
    by = who.user.actor
    outside.report(action_id, agent=who.agent, status=body.status, result=body.result, reason=body.reason, by=by)
    return headed(response, asked(action_id))


def headed(response: HttpResponse, found: Asked) -> dict[str, Any]:
    """An action, with what a program without a JSON reader needs of it as headers: in the body an argument may be called `id` or `next` as well."""
    action = found.action
    response["Countersign-Action"], response["Countersign-State"], response["Countersign-Next"] = str(action.pk), action.state, found.next
    return shown(found)


def shown(found: Asked) -> dict[str, Any]:
    """An action as its shape has it."""
    action, said = found.action, found.action.resolution or {}
    names = (
        "id", "kind", "agent", "tool", "summary", "state", "level", "score", "version", "digest", "created_at", "expires_at", "resolved_at",
        "hold_until", "claim_by", "claimed_at", "settled_at", "outcome", "unheard",
    )  # fmt: skip
    resolution = {name: str(said.get(name) or "") for name in ("verdict", "by", "door", "reason", "response")}
    return {
        **{name: getattr(action, name) for name in names},
        "run": action.run or None,
        "args": found.args,
        "next": found.next,
        "needs": [{"group": group, "count": count, "stage": stage} for group, count, stage in found.needs],
        "verdicts": list(found.verdicts),
        "editable": found.editable,
        "answer_schema": found.answer_schema,
        "hears_reason": found.hears_reason,
        "unknown": _unknown(found),
        "unanswerable": found.unanswerable,
        "rejecting_ends_run": found.no_ends_run,
        "requested_by": action.requested_by.get_username() if action.requested_by else None,
        "resolution": resolution if said and not action.drill else None,  # whose verdict ended a test is shown to nobody
        "tampered": found.tampered,
        "marks": list(found.marks),
        "edit": asdict(found.edit) if found.edit else None,
        "url": page_of(action.pk),
    }


def _unknown(found: Asked) -> str:
    action = found.action
    if action.settled_at or not action.run or not outcome_unknown(action.pk):
        return ""
    return str(
        say("Its call was begun and nobody knows what came of it: an operator looks, and says so on the run's page or with: runs resolve")
    )


def row_of(row: InboxRow) -> dict[str, Any]:
    names = (
        "id", "kind", "agent", "tool", "summary", "state", "level", "score", "version", "digest", "created_at", "expires_at", "resolved_at",
        "settled_at",
    )  # fmt: skip
    plain = {name: getattr(row, name) for name in names}
    return {**plain, "run": row.run or None, "requested_by": row.requested_by or None, "url": page_of(row.id)}


def page_of(action_id: Any) -> str:
    return settings.PUBLIC_URL.rstrip("/") + reverse("action", args=[action_id])


def visible(action_id: UUID, who: Caller) -> Asked:
    """The action, if this caller may see it. Raises NotFound."""
    return asked(action_id, agent=who.agent)
