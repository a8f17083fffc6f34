"""Stop orders and policies: people only, by the operations the pages use."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from ninja import Router
from ninja.params.functions import Path, Query
from ninja.responses import Status

from agents import operations, queries
from agents.api import pages
from agents.api.auth import caller, reader
from agents.api.governing_shapes import Halt, HaltIn, HaltPreview, Note, Policy, PolicyIn, PolicyRow, ReleaseIn, Scope, Switch, SwitchIn
from agents.api.shapes import PROBLEMS, Page, Reason
from approvals import queries as approvals_queries
from approvals.errors import NotAllowed
from approvals.operations import policies as in_force
from approvals.operations import publishing
from approvals.operations.api_keys import GOVERN, OPERATE, READ
from approvals.queries import policies as versions
from approvals.queries import switches as switch_rows
from audit.sentences import say

halts = Router(tags=["halts"])
switches = Router(tags=["switches"])
policies = Router(tags=["policies"])
ID = Path(..., ge=1, lt=2**63)
ASKED = ("scope", "target", "by", "at", "reason")
HALT = ("id", "scope", "target", "reason", "by", "at", "door", "released_at", "released_by", "release_reason",
        "agents_on", "runs_on", "rule")  # fmt: skip
ROW = ("id", "number", "state", "sha256", "justification", "proposed_by", "created_at", "closed_by", "closed_at", "note")


@halts.get("", response={200: Page[Halt], **PROBLEMS}, summary="List stop orders")
def list_halts(request: HttpRequest, active: bool = True) -> Any:
    """Those in force; with `active=false` also those lifted lately. An agent sees those that stop it, or something of it: a version, a tool it
    has, a run, or a customer of what it has under way."""
    who = reader(request)
    found = approvals_queries.active_halts() if active or who.agent else approvals_queries.recent_halts(limit=pages.LIMIT)
    if who.agent:
        tools = {str(tool["name"]) for tool in queries.agent(who.agent).tools}
        found = [stop for stop in found if approvals_queries.touches(stop, who.agent, tools=tools) or _its_run(stop, who.agent)]
    return {"items": [_stop(stop) for stop in found], "next": None}


def _its_run(stop: approvals_queries.Stop, agent: str) -> bool:
    """A run may have asked nothing yet."""
    run = queries.run_row(stop.target) if stop.scope == "run" and not stop.runs_on else None
    return run is not None and run.agent == agent and agent not in stop.agents_on


@halts.get("/preview", response={200: HaltPreview, **PROBLEMS}, summary="Count what a stop order would stop")
def preview_halt(
    request: HttpRequest,
    scope: Scope = Query(..., description="As of the order.", example="agent"),
    target: str = Query("", max_length=200, description="As of the order; nothing for everything.", example="refunds"),
) -> Any:
    """What the page shows before it is confirmed. Nothing is ordered; for whoever may order it."""
    by = caller(request, READ).user
    named, found = operations.count_halt(scope=scope, target=target, by=by)
    return {"scope": scope, "target": named, **vars(found)}


@halts.post("", response={201: Halt, **PROBLEMS}, summary="Halt")
def halt(request: HttpRequest, body: HaltIn) -> Any:
    """Stop everything, an agent, a version of one, a tool, a customer's actions or a run. When this answers, nothing of it starts any more."""
    who = caller(request, OPERATE)
    order = operations.order_halt(scope=body.scope, target=body.target, reason=body.reason, by=who.user, door="api")
    return Status(201, _halt(order.pk))


@halts.post("/{halt_id}/release", response={200: Halt, 202: Halt, **PROBLEMS}, summary="Lift a stop order, or let a part of it go on")
def release(request: HttpRequest, body: ReleaseIn, halt_id: int = ID) -> Any:
    """Approvals given before it and not yet used go back to the people. 202: another person has to ask for the same within an hour."""
    by = caller(request, OPERATE).user
    done = operations.order_release(halt_id, scope=body.scope, target=body.target, reason=body.reason, by=by, door="api")
    return Status(202 if done.waits else 200, _halt(done.order.pk))


@switches.get("", response={200: Page[Switch], **PROBLEMS}, summary="List operators' switches")
def list_switches(request: HttpRequest, active: bool = True) -> Any:
    """Those in force; with `active=false` the latest, over or not. An agent sees its own and those of tools."""
    who = reader(request)
    found = switch_rows.in_force() if active or who.agent else switch_rows.recent(limit=pages.LIMIT)
    mine = [vars(s) for s in found if not who.agent or s.scope == "tool" or s.target == who.agent]
    return {"items": mine, "next": None}


@switches.post("", response={200: Page[Switch], **PROBLEMS}, summary="Switch an agent or a tool")
def switch(request: HttpRequest, body: SwitchIn) -> Any:
    """Stricter than policy for a while: "deny" refuses proposals and claims, "ask" has people asked. Answers with all that is in force."""
    operations.order_switch(
        scope=body.scope, target=body.target, setting=body.setting, reason=body.reason, by=caller(request, OPERATE).user, door="api",
        lasts=timedelta(seconds=body.for_seconds) if body.for_seconds else None,
    )  # fmt: skip
    return {"items": [vars(s) for s in switch_rows.in_force()], "next": None}


@policies.get("", response={200: Page[PolicyRow], **PROBLEMS}, summary="List versions of the policy")
def list_policies(request: HttpRequest, cursor: str = Query("", max_length=200), limit: int = Query(50, ge=1, le=pages.LIMIT)) -> Any:
    """Published versions and what became of proposals, newest first."""
    _person(request)
    found = versions.versions(before=int(pages.number(cursor, of="policies") or 0), limit=limit + 1)
    more = str(found[limit - 1].id) if len(found) > limit else ""
    return {"items": [_row(v) for v in found[:limit]], "next": pages.opaque(more, of="policies")}


@policies.get("/in-force", response={200: Policy, **PROBLEMS}, summary="The policy in force")
def current(request: HttpRequest) -> Any:
    """Its text, by which every new proposal is scored."""
    _person(request)
    return _policy(versions.published(in_force.in_force().number))


@policies.get("/{policy_id}", response={200: Policy, **PROBLEMS}, summary="One version or proposal")
def one_policy(request: HttpRequest, policy_id: int = ID) -> Any:
    """With its text and what it changed."""
    _person(request)
    return _policy(versions.version(policy_id))


@policies.post("", response={201: Policy, **PROBLEMS}, summary="Propose a policy")
def propose(request: HttpRequest, body: PolicyIn) -> Any:
    """It is not in force before it is published. A text that cannot be used is refused with the lines that are wrong."""
    by, known = caller(request, GOVERN).user, queries.known_to_policies()
    made = publishing.propose(body.source, justification=body.justification, known=known, by=by, door="api")
    return Status(201, _policy(versions.version(made.pk)))


@policies.post("/{policy_id}/publish", response={200: Policy, **PROBLEMS}, summary="Publish a proposed policy")
def publish(request: HttpRequest, body: Note, policy_id: int = ID) -> Any:
    """What asks for less needs another administrator than its author."""
    by, known = caller(request, GOVERN).user, queries.known_to_policies()
    publishing.publish(policy_id, known=known, by=by, door="api", note=body.note)
    return _policy(versions.version(policy_id))


@policies.post("/{policy_id}/withdraw", response={200: Policy, **PROBLEMS}, summary="Withdraw a proposed policy")
def withdraw(request: HttpRequest, body: Reason, policy_id: int = ID) -> Any:
    """It is kept, and can never be published."""
    publishing.withdraw(policy_id, by=caller(request, GOVERN).user, door="api", reason=body.reason)
    return _policy(versions.version(policy_id))


def _person(request: HttpRequest) -> None:
    if reader(request).agent:
        raise NotAllowed(say("Policies are for people to read; an agent is told what they ask of its own actions"))


def _halt(halt_id: int) -> dict[str, Any]:
    return _stop(approvals_queries.halt(halt_id))


def _stop(stop: approvals_queries.Stop) -> dict[str, Any]:
    return {**_named(stop, HALT), "waits": [_named(one, ASKED) for one in stop.waits]}


def _row(version: versions.Version) -> dict[str, Any]:
    return {**_named(version, ROW), "loosens": list(version.loosens), "warnings": list(version.warnings)}


def _policy(version: versions.Version) -> dict[str, Any]:
    return {**_row(version), "source": version.source, "diff": version.diff}


def _named(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}
