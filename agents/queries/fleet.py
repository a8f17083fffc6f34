"""Agents with their tools, and the servers some of them run on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count

from agents.errors import UnknownAgent
from agents.models import Agent, AgentVersion, Run, Server
from agents.states import UNFINISHED
from approvals.policy.checking import Known, KnownAgent
from approvals.queries.past import met
from approvals.queries.policies import rosters
from audit.sentences import say


@dataclass(frozen=True)
class ServerRow:
    """An Agent Server as lists show it; `error` is why it cannot be reached, "" while it can."""

    id: int
    url: str
    version: str
    reached_at: datetime | None
    error: str
    tries: int
    agents: tuple[str, ...] = ()
    note: str = ""  # what is wrong there although it answers, a sentence a line


@dataclass(frozen=True)
class AgentRow:
    """An agent as lists show it; `running` counts unfinished runs."""

    slug: str
    title: str
    description: str
    environment: str
    enabled: bool
    owner: str
    version: int
    model: str
    tools: list[dict[str, Any]]
    running: int
    input_schema: dict[str, Any]
    sample_inputs: list[Any]
    drawing: dict[str, Any]
    outside: bool = False  # it runs elsewhere: on an Agent Server, or it proposes over the API
    server: "ServerRow | None" = None
    hazards: list[dict[str, str]] = field(default_factory=list)  # of its project's code, when last imported
    other_code: bool = False  # a worker has driven it with code that was not imported


def agents() -> list[AgentRow]:
    """Every registered agent."""
    running = dict(Run.objects.filter(state__in=UNFINISHED).values_list("agent").annotate(n=Count("pk")).values_list("agent", "n"))
    rows = Agent.objects.select_related("current", "owner", "server").order_by("slug")
    return [_agent(a, running.get(a.pk, 0)) for a in rows if a.current]


def known_to_policies(*, calls: bool = True) -> Known:
    """What a policy's rules can speak of: the agents with their tools and owners, and the people of each group.

    Args:
        calls: also the customers and figures of the newest calls, which takes a moment to look up.
    """
    rows = Agent.objects.select_related("current", "owner").order_by("slug")
    there = rosters()
    customers, figures = met() if calls else ((), ())
    return Known(tuple(_known(a) for a in rows if a.current), there.groups, there.names, customers, figures)


def _known(row: Any) -> KnownAgent:
    tools = row.current.tools
    figures = {t["name"]: t["figures"] for t in tools if isinstance(t.get("figures"), dict) and not row.project}
    return KnownAgent(
        row.pk,
        row.environment,
        tools={t["name"]: str(t.get("risk", "")) for t in tools},
        schemas={t["name"]: t["schema"] for t in tools if isinstance(t.get("schema"), dict)},
        owner=row.owner.person if row.owner else "",
        figures={tool: frozenset(said) for tool, said in figures.items()},
        counted={tool: frozenset(map(str, said.values())) for tool, said in figures.items()},
    )


def agent(slug: str) -> AgentRow:
    """One agent. Raises UnknownAgent."""
    found = Agent.objects.select_related("current", "owner", "server").filter(slug=slug).first()
    if found is None or found.current is None:
        raise UnknownAgent(say("There is no such agent; see the list of agents"))
    return _agent(found, Run.objects.filter(agent=found, state__in=UNFINISHED).count())


def tool_of(agent_slug: str, name: str) -> dict[str, Any] | None:
    """A tool's declaration (schema, summary, risk ...) in the version in force."""
    version = AgentVersion.objects.filter(pk=Agent.objects.filter(slug=agent_slug).values("current")[:1]).first()
    return next((t for t in version.tools if t["name"] == name), None) if version else None


def gone_nodes(slug: str, nodes: Sequence[str]) -> tuple[str, ...]:
    """Those of these nodes that the graph of the version in force, as it was imported, does not have any more."""
    drawing = Agent.objects.filter(pk=slug, current__isnull=False).values_list("current__drawing", flat=True).first() or {}
    known = {str(node["id"]).split(":")[0] for node in drawing.get("nodes", ())}
    return tuple(node for node in nodes if known and node not in known and not node.startswith("__"))


def project_of(slug: str) -> str:
    """The langgraph.json an agent came from."""
    return str(Agent.objects.values_list("project", flat=True).get(pk=slug))


def _agent(a: Agent, running: int) -> AgentRow:
    version = a.current
    if version is None:
        raise UnknownAgent(say("The agent has no version; register its project again"))
    return AgentRow(
        a.slug,
        a.title,
        a.description,
        a.environment,
        a.enabled,
        a.owner.get_username() if a.owner else "",
        version.number,
        version.model,
        version.tools,
        running,
        version.input_schema,
        version.sample_inputs,
        version.drawing,
        not a.project,
        _server(a.server) if a.server else None,
        a.hazards,
        bool(a.code_driven),
    )


def _server(s: Server, agents: tuple[str, ...] = ()) -> ServerRow:
    return ServerRow(s.pk, s.url, s.version, s.reached_at, s.error, s.tries, agents, s.note)


def servers() -> list[ServerRow]:
    """Every registered Agent Server."""
    rows = Server.objects.prefetch_related("agents").order_by("url")
    return [_server(s, tuple(sorted(a.slug for a in s.agents.all()))) for s in rows]


def in_force_sql(agent: str) -> str:
    """The version in force of the agent that this SQL expression names, as orders name it: new code drives old runs, and runs their calls."""
    return f"(SELECT v.agent_id || '@' || v.number FROM agents_agent g JOIN agents_agentversion v ON v.id = g.current_id WHERE g.slug = {agent})"  # noqa: S608
