"""Agents: what there is, and declaring one that runs elsewhere."""

from typing import Any

from django.http import HttpRequest
from ninja import Router
from ninja.params.functions import Path
from ninja.responses import Status

from agents import operations, queries, spent
from agents.api.agent_shapes import AcceptIn, Agent, AgentIn
from agents.api.auth import caller, reader
from agents.api.cost_shapes import Costs
from agents.api.shapes import PROBLEMS, Page
from agents.errors import UnknownAgent
from agents.queries import AgentRow
from agents.tools.guessing import why_guessed
from approvals import queries as approvals_queries
from approvals.operations.api_keys import GOVERN
from audit.sentences import say

router = Router(tags=["agents"])
SLUG = Path(..., max_length=60)


@router.get("", response={200: Page[Agent], **PROBLEMS}, summary="List agents")
def list_(request: HttpRequest) -> Any:
    """Every registered agent; an agent sees itself."""
    who = reader(request)
    return {"items": [shown(row) for row in queries.agents() if who.agent in {"", row.slug}], "next": None}


@router.get("/{slug}", response={200: Agent, **PROBLEMS}, summary="One agent")
def one(request: HttpRequest, slug: str = SLUG) -> Any:
    """One agent with its tools and the schema of its input."""
    who = reader(request)
    if who.agent not in {"", slug}:
        raise UnknownAgent(say("There is no such agent; see the list of agents"))
    return shown(queries.agent(slug))


@router.get("/{slug}/costs", response={200: Costs, **PROBLEMS}, summary="What an agent spent")
def costs(request: HttpRequest, slug: str = SLUG) -> Any:
    """By model over today, 7 and 30 days, what the day may come to, and what its runs cost each. An agent sees its own."""
    who = reader(request)
    if who.agent not in {"", slug}:
        raise UnknownAgent(say("There is no such agent; see the list of agents"))
    return spent.plain(spent.costs_of(queries.agent(slug).slug))


@router.put("/{slug}", response={200: Agent, 201: Agent, **PROBLEMS}, summary="Declare an agent that runs elsewhere")
def declare(request: HttpRequest, body: AgentIn, slug: str = SLUG) -> Any:
    """By an administrator, afterwards also by its owner. What its tools are is said here and never by a proposal."""
    who = caller(request, GOVERN)
    tools = [{**tool.dict(exclude={"args_schema"}), "schema": tool.args_schema} for tool in body.tools]
    _, created = operations.declare(
        slug=slug, title=body.title, description=body.description, environment=body.environment, tools=tools, by=who.user, door="api"
    )
    return Status(201 if created else 200, shown(queries.agent(slug)))


@router.post("/{slug}/accept", response={200: Agent, **PROBLEMS}, summary="Accept what a tool is declared to be now")
def accept(request: HttpRequest, body: AcceptIn, slug: str = SLUG) -> Any:
    """Let a tool count as it is declared now, though that may ask less of people (`waits` of the tool says how). By an administrator who did not
    declare it, with a reason, of the version they looked at."""
    who = caller(request, GOVERN)
    operations.accept_declaration(slug=slug, tool=body.tool, version=body.version, reason=body.reason, by=who.user, door="api")
    return shown(queries.agent(slug))


def shown(row: AgentRow) -> dict[str, Any]:
    names = ("slug", "title", "description", "environment", "enabled", "version", "running", "input_schema")
    tools = [{k: t.get(k, "") for k in ("name", "description", "risk", "summary")} | {"suggested": why_guessed(t["name"]) if t.get("suggested") else None, "reversible": bool(t.get("reversible")), "args_schema": t["schema"], "waits": (t.get("kept") or {}).get("why", [])} for t in row.tools]  # fmt: skip
    return {
        **{name: getattr(row, name) for name in names},
        "owner": row.owner or None,
        "outside": row.outside,
        "halted": approvals_queries.halted(agent=row.slug, run=""),
        "tools": tools,
    }
