"""The only reader of the agents room: agents, runs, and one run with its steps, pauses, effects and picture."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.functions import Now

from agents.errors import UnknownAgent, UnknownRun
from agents.models import Agent, AgentVersion, Effect, Override, Pause, Run, Server
from agents.states import SECOND_WITHIN, UNFINISHED, EffectState, OverrideKind, OverrideState, RunState
from approvals.policy.checking import Known, KnownAgent
from approvals.queries.past import met
from approvals.queries.policies import rosters
from approvals.queries.stops import runs_asking
from audit.queries import events
from audit.sentences import say

MOST_NOT_ASKED = 200

PAGE = 50


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


@dataclass(frozen=True)
class RunRow:
    """A run as lists show it."""

    id: str
    agent: str
    state: str
    nodes: list[str]
    started_by: str
    door: str
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    error: str
    input: Any
    hold: str = ""  # "pause" or "step": an operator's
    held_by: str = ""
    held_why: str = ""


@dataclass(frozen=True)
class EffectRow:
    """An effect as the run's page shows it."""

    action_id: str
    run: str
    tool: str
    state: str
    attempts: int
    result: Any
    error: str
    created_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class PauseRow:
    """A pause as the run's page shows it."""

    interrupt_id: str
    node: str
    dialect: str
    state: str
    refusal: dict[str, Any] | None
    actions: list[str]
    created_at: datetime
    task: str = ""  # of the outermost graph, that asked


@dataclass(frozen=True)
class RunDetail:
    """One run with everything of this room; spans and events come from `audit.queries`."""

    row: RunRow
    agent_title: str
    version: int
    model: str
    trace: str
    thread: str
    fence: int
    output: Any
    pauses: list[PauseRow]
    effects: list[EffectRow]
    drawing: dict[str, Any]
    here: bool = True  # its graph is driven by our workers
    compensate_on: tuple[str, ...] = ()
    parent: str = ""  # the run it was forked from, at this checkpoint of that one
    parent_checkpoint: str = ""
    forks: tuple[str, ...] = ()  # the newest of those forked from it


@dataclass(frozen=True)
class Runs:
    """One page of runs; `next` is the following page's cursor, empty on the last."""

    rows: list[RunRow]
    next: str = ""


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


def runs(*, agent: str = "", state: str = "", cursor: str = "", limit: int = PAGE) -> Runs:
    """Runs, newest first. `state` is a run state, or "live" for everything unfinished."""
    rows = Run.objects.select_related("started_by")
    if agent:
        rows = rows.filter(agent=agent)
    if state == "live":
        rows = rows.filter(state__in=UNFINISHED)
    elif state in set(RunState):
        rows = rows.filter(state=state)
    if position := _position(cursor):
        at, pk = position
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk))
    found = list(rows.order_by("-created_at", "-pk")[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return Runs([_run(r) for r in found[:limit]], f"{last.created_at.isoformat()}~{last.pk}" if last else "")


def stopped_runs(*, scope: str, target: str, most: int) -> list[RunRow]:
    """Unfinished runs that a halt of this scope stops, or that ask for what it freezes, the newest first."""
    rows = Run.objects.select_related("started_by").filter(state__in=UNFINISHED)
    if scope in {"agent", "version"}:
        rows = rows.filter(agent=target.rpartition("@")[0] if scope == "version" else target)
    elif scope in {"tool", "customer", "run"}:
        rows = rows.filter(pk__in=[target] if scope == "run" else runs_asking(scope, target))
    return [_run(r) for r in rows.order_by("-created_at", "-pk")[:most]]


def run_row(run_id: Any) -> RunRow | None:
    """One run as lists show it."""
    found = Run.objects.select_related("started_by").filter(pk=run_id).first()
    return _run(found) if found else None


def run_detail(run_id: Any) -> RunDetail:
    """One run for its page. Raises UnknownRun."""
    try:
        found = Run.objects.select_related("agent", "version", "started_by").get(pk=UUID(str(run_id)))
    except (Run.DoesNotExist, ValueError):
        raise UnknownRun(say("There is no such run; it may have been cleared, or the link is not complete")) from None
    return RunDetail(
        row=_run(found),
        agent_title=found.agent.title,
        version=found.version.number,
        model=found.version.model,
        trace=found.trace,
        thread=found.thread,
        fence=found.fence,
        output=found.output,
        drawing=found.version.drawing,
        here=bool(found.agent.project),
        compensate_on=tuple(found.version.compensate_on),
        parent=str(found.parent_id or ""),
        parent_checkpoint=found.parent_checkpoint,
        forks=tuple(map(str, Run.objects.filter(parent=found).order_by("-created_at").values_list("pk", flat=True)[:10])),
        pauses=[_pause(p) for p in Pause.objects.filter(run=found).order_by("pk")],
        effects=[effect_row(e) for e in Effect.objects.filter(run=found).order_by("created_at")],
    )


def not_asked(run_id: str) -> list[PauseRow]:
    """Calls that an agent was about to make and that nobody could be asked about, as the refused pauses they never became."""
    found: dict[str, PauseRow] = {}
    for event in reversed(events(run=run_id, kind="run.not_asked", limit=MOST_NOT_ASKED).rows):  # a node that runs again says it again
        refusal = {"status": "invalid", "reason": f"{event.data.get('tool')}: {event.data.get('why')}"}
        found.setdefault(str(event.data), PauseRow(f"n{event.id}", "", "countersign_call", "ANSWERED", refusal, [], event.at))
    return list(found.values())


def effect(action_id: Any) -> EffectRow | None:
    """The effect of an action, if there is one."""
    found = Effect.objects.filter(pk=action_id).first()
    return effect_row(found) if found else None


def unknown_effects() -> list[EffectRow]:
    """Calls whose outcome nobody knows: questions for an operator."""
    return [effect_row(e) for e in Effect.objects.filter(state=EffectState.UNKNOWN).order_by("claimed_at")]


def tool_of(agent_slug: str, name: str) -> dict[str, Any] | None:
    """A tool's declaration (schema, summary, risk ...) in the version in force."""
    version = AgentVersion.objects.filter(pk=Agent.objects.filter(slug=agent_slug).values("current")[:1]).first()
    return next((t for t in version.tools if t["name"] == name), None) if version else None


def stoppable_tools(run_id: str) -> frozenset[str]:
    """The tools of a run's version that run in a process of their own, which a halt ends."""
    tools = Run.objects.filter(pk=run_id).values_list("version__tools", flat=True).first()
    return frozenset(t["name"] for t in tools or () if t.get("own_process"))


def live_counts(*, agent: str = "", run: str = "", version: str = "") -> dict[str, int]:
    """What a halt of this scope would stop: {"running": runs moving now, "live": unfinished runs}."""
    rows = Run.objects.filter(state__in=UNFINISHED)
    if agent:
        rows = rows.filter(agent=agent)
    if run:
        rows = rows.filter(pk=run)
    if version:  # new code drives old runs, too: those of the agent while this is the one in force
        slug, _at, number = version.rpartition("@")
        rows = (
            rows.filter(agent=slug, agent__current__number=int(number))
            if number.isascii() and number.isdecimal() and len(number) < 10
            else rows.none()
        )
    return {"running": rows.filter(state=RunState.RUNNING).count(), "live": rows.count()}


def overdue(*, seconds: int = 30) -> dict[str, int]:
    """Rows nobody has taken for so long: what `doctor` and the health strip warn of."""
    long_ago = Now() - timedelta(seconds=seconds)
    return {
        "runs": Run.objects.filter(state__in=[RunState.READY, RunState.CREATED], changed_at__lte=long_ago).count(),
        "effects": Effect.objects.filter(state=EffectState.READY, created_at__lte=long_ago).exclude(hold_until__gt=long_ago).count(),
        "leases": Run.objects.filter(state=RunState.RUNNING, lease_until__lte=long_ago).count(),
        "unknown": Effect.objects.filter(state=EffectState.UNKNOWN).count(),
    }


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
    return ServerRow(s.pk, s.url, s.version, s.reached_at, s.error, s.tries, agents)


def servers() -> list[ServerRow]:
    """Every registered Agent Server."""
    rows = Server.objects.prefetch_related("agents").order_by("url")
    return [_server(s, tuple(sorted(a.slug for a in s.agents.all()))) for s in rows]


def _run(r: Run) -> RunRow:
    by = r.started_by.get_username() if r.started_by else ""
    return RunRow(
        str(r.pk), r.agent_id, r.state, r.nodes, by, r.door, r.created_at, r.changed_at, r.finished_at, r.error, r.input,
        r.hold, r.held_by, r.held_why,
    )  # fmt: skip


def effect_row(e: Effect) -> EffectRow:
    """An effect as pages show it."""
    return EffectRow(str(e.pk), str(e.run_id), e.tool, e.state, e.attempts, e.result, e.error, e.created_at, e.claimed_at, e.finished_at)


def _pause(p: Pause) -> PauseRow:
    calls, whys = (p.record or {}).get("calls") or (), (p.record or {}).get("refusals") or ()
    refused = "\n".join(f"{call.get('tool')}: {why}" for call, why in zip(calls, whys, strict=False) if why)
    refusal = p.refusal or ({"status": "invalid", "reason": refused} if refused else None)
    return PauseRow(p.interrupt_id, p.node, p.dialect, p.state, refusal, p.actions, p.created_at, str(p.place.get("task", "")))


def _position(cursor: str) -> tuple[datetime, str] | None:
    at, _, pk = cursor.partition("~")
    try:
        return datetime.fromisoformat(at), str(UUID(pk))
    except ValueError:
        return None


def run_id(text: str) -> str:
    """A run's or action's id as typed by a person. Raises UnknownRun when it is none."""
    try:
        return str(UUID(text))
    except ValueError:
        raise UnknownRun(
            say("%(text)s is not an id; copy it whole from: .venv/bin/python manage.py runs list", text=repr(text[:60]))
        ) from None


def project_of(slug: str) -> str:
    """The langgraph.json an agent came from."""
    return str(Agent.objects.values_list("project", flat=True).get(pk=slug))


@dataclass(frozen=True)
class OverrideRow:
    """An operator's order to change what a run does next."""

    id: int
    kind: str
    state: str
    checkpoint: str
    node: str
    reason: str
    error: str
    made: str
    by: str
    confirmed_by: str
    created_at: datetime


def overrides(run_id: Any, *, state: str = "") -> list[OverrideRow]:
    """What operators ordered of a run, the newest first."""
    rows = Override.objects.filter(run=run_id, **({"state": state} if state else {})).order_by("-pk")
    if state == OverrideState.ASKED:  # the others were not confirmed in time
        rows = rows.filter(created_at__gt=Now() - SECOND_WITHIN)
    return [
        OverrideRow(o.pk, o.kind, o.state, o.checkpoint, o.node, o.reason, o.error, o.made, o.by_name, o.confirmed_by_name, o.created_at)
        for o in rows
    ]


@dataclass(frozen=True)
class AnswerRow:
    """A call's result that an operator gave and a second one has to give as well."""

    by: str
    reason: str
    result: Any
    created_at: datetime


def answers_asked(run_id: Any, action_id: str) -> list[AnswerRow]:
    """Those of one call that may still be confirmed."""
    rows = Override.objects.filter(
        run=run_id, kind=OverrideKind.ANSWER, state=OverrideState.ASKED, values__action=action_id, created_at__gt=Now() - SECOND_WITHIN
    ).order_by("pk")  # fmt: skip
    return [AnswerRow(o.by_name, o.reason, o.values.get("result"), o.created_at) for o in rows]


def done_since(run_id: Any, at: datetime) -> list[EffectRow]:
    """Calls of a run that were done after this moment: they stay done, whatever its graph does next."""
    done = Effect.objects.filter(run=run_id, state__in=[EffectState.DONE, EffectState.COMPENSATED], finished_at__gte=at)
    return [effect_row(e) for e in done.order_by("finished_at")]
