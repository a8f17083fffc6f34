"""Stop orders as pages and workers see them: what is halted, by which order, how far it is lifted, and what one would freeze."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from approvals import covering, switched
from approvals.models import Action, Halt, Release, User
from approvals.permissions import MAY_HALT
from approvals.states import ActionState
from audit.sentences import Sentence, say

SECOND_WITHIN = timedelta(hours=1)  # a step of a release that nobody confirmed by then has to be asked for again
COLUMN = {
    "agent": "agent",
    "run": "run",
    "tool": "tool",
    "customer": "customer",
    "version": "agent_version",
}  # what a scope names in an action


@dataclass(frozen=True)
class Wanted:
    """A step of a release that waits for a second person. `person` is the human whose account `by` is, `id` the number of their asking."""

    scope: str
    target: str
    by: str
    at: datetime
    reason: str
    person: str
    id: int


@dataclass(frozen=True)
class Stop:
    """A stop order as pages and workers see it; `released_at` is None while it is active.

    Attributes:
        scope: one of `Halt.Scope`; target: whom it names, "" for everything.
        runs_on, agents_on: what a release has let go on already. waits: steps that a second person has to confirm.
        rule: which rule gave it by itself; "" for people's orders.
    """

    id: int
    scope: str
    target: str
    reason: str
    by: str
    at: datetime
    door: str
    released_at: datetime | None = None
    released_by: str = ""
    release_reason: str = ""
    runs_on: tuple[str, ...] = ()
    agents_on: tuple[str, ...] = ()
    waits: tuple[Wanted, ...] = ()
    rule: str = ""

    def covers(self, *, agent: str, run: str, tool: str = "", customer: str = "", version: str = "") -> bool:
        """Whether it stops this now: what a release has let go on it does not."""
        named = {"agent": agent, "run": run, "tool": tool, "customer": customer, "version": version}
        return (self.scope == "everything" or named[self.scope] == self.target) and run not in self.runs_on and agent not in self.agents_on


def stop_of(action: Any, halts: Sequence[Stop]) -> Stop | None:
    """The first of these orders that covers an action, or a row of one, whatever its scope."""
    whole = {"agent": action.agent, "run": action.run, "tool": action.tool, "customer": action.customer, "version": action.agent_version}
    return next((stop for stop in halts if stop.covers(**whole)), None)


def undecidable(scope: str, target: str, *, who: str, why: str) -> Sentence:
    """Why nothing of what an order covers can be decided."""
    said = {"name": target, "who": who, "why": why}
    return {
        "everything": say("Everything is halted by %(who)s (%(why)s): nothing can be decided until it is released", **said),
        "agent": say("The agent %(name)s is halted by %(who)s (%(why)s): nothing can be decided until it is released", **said),
        "version": say("%(name)s is halted by %(who)s (%(why)s): what it asked cannot be decided until it is released", **said),
        "tool": say("The tool %(name)s is halted by %(who)s (%(why)s): its calls cannot be decided until it is released", **said),
        "customer": say(
            "What is for the customer %(name)s is halted by %(who)s (%(why)s): it cannot be decided until it is released", **said
        ),
        "run": say("This run is halted by %(who)s (%(why)s): nothing can be decided until it is released", **said),
    }[scope]


def halted_sql(agent: str, run: str, *, version: str = covering.NOBODY) -> str:
    """The condition, in SQL, that a stop order covers now the run these expressions name (never values from outside)."""
    return covering.stopped_sql(agent, run, versions=version)


def action_halted_sql(action: str, *, version: str = covering.NOBODY, since: str = "") -> str:
    """The condition, in SQL, that a stop order covers now what this expression names, or did since a moment: leave given before does not survive.
    Or that a switch denies its agent or tool now: nothing of it begins.

    Args:
        version: an expression for the version of the agent that would act, beside the one that asked.
    """
    more = {**covering.ACTION, "versions": f"a.agent_version, {version}"}
    stopped = covering.stopped_since_sql(**more, moment=since) if since else covering.stopped_sql(**more)
    denied = switched.switched_sql("deny", "a.agent", "a.tool")
    return f"EXISTS (SELECT 1 FROM approvals_action a WHERE a.id = {action} AND ({stopped} OR {denied}))"  # noqa: S608


_HALTED = f"SELECT {halted_sql('%(agent)s', '%(run)s', version='%(version)s')}"


def halted(*, agent: str, run: str, version: str = "") -> bool:
    """Whether a stop order covers this agent, this version of it or this run now."""
    with connection.cursor() as cursor:
        cursor.execute(_HALTED, {"agent": agent, "run": run, "version": version})
        found: bool = cursor.fetchone()[0]
    return found


_COUNTED_FROM = f"""
SELECT {covering.stopped_sql("%(agent)s", "%(run)s")}, greatest(
    (SELECT max(h.released_at) FROM approvals_halt h WHERE {covering.covers_sql("%(agent)s", "%(run)s")}),
    (SELECT max(x.confirmed_at) FROM approvals_release x
        WHERE x.scope = 'run' AND x.target = %(run)s OR x.scope = 'agent' AND x.target = %(agent)s))
"""  # noqa: S608  names of ours only


def counted_from(*, agent: str, run: str = "") -> tuple[bool, datetime | None]:
    """Whether an order stops it now, and when a person last let it go on: what was before does not count against it again."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED_FROM, {"agent": agent, "run": run})
        halted_now, since = cursor.fetchone()
    return halted_now, since


def halted_actions(action_ids: Sequence[Any]) -> set[str]:
    """Those of these actions that a stop order covers now, whatever its scope."""
    with connection.cursor() as cursor:
        cursor.execute(_HALTED_ACTIONS, [[str(a) for a in action_ids]])
        return {action_id for (action_id,) in cursor.fetchall()}


_HALTED_ACTIONS = f"SELECT x.id::text FROM unnest(%s::uuid[]) AS x(id) WHERE {action_halted_sql('x.id')}"  # noqa: S608


def active_halts() -> list[Stop]:
    """Every active stop order, oldest first."""
    return _stops(Halt.objects.filter(released_at=None).order_by("pk"))


def touches(stop: Stop, agent: str, *, tools: Collection[str]) -> bool:
    """Whether it stops this agent, or something of it: a version, one of these tools, a customer or a run of what it has under way."""
    if agent in stop.agents_on:
        return False
    if stop.scope in {"customer", "run"}:
        under_way = Action.objects.filter(agent=agent, settled_at=None, **{COLUMN[stop.scope]: stop.target})
        return stop.target not in stop.runs_on and under_way.exists()
    named = {
        "everything": True,
        "agent": stop.target == agent,
        "version": covering.is_version_of(stop.target, agent),
        "tool": stop.target in tools,
    }
    return named[stop.scope]


def concerns(scope: str, target: str, agent: str) -> bool:
    """Whether an order of this scope is about this agent, a version of it, or anything that it ever asked for (a tool, a customer, a run)."""
    if scope in {"customer", "run", "tool"}:
        return Action.objects.filter(agent=agent, **{COLUMN[scope]: target}).exists()
    return scope == "everything" or (scope == "version" and covering.is_version_of(target, agent)) or (scope == "agent" and target == agent)


def recent_halts(*, limit: int = 20) -> list[Stop]:
    """The latest stop orders, active and released."""
    return _stops(Halt.objects.order_by("-pk")[:limit])


def halt(halt_id: int) -> Stop:
    """One stop order that is known to exist."""
    return _stops(Halt.objects.filter(pk=halt_id))[0]


def unsettled_counts(*, agent: str = "", run: str = "", scope: str = "", target: str = "", over: Collection[UUID] = ()) -> dict[str, int]:
    """What a halt of this scope would freeze, or has. `over`: calls that have begun and do not run any more, whatever came of them.

    Returns:
        {"pending": waiting for people, "approved": not yet executed, "in_flight": begun: what runs in a process of its own is stopped, "runs": how many
        runs ask for them}.
    """
    rows = Action.objects.filter(settled_at=None)
    if agent:
        rows = rows.filter(agent=agent)
    if run:
        rows = rows.filter(run=run)
    if scope:
        rows = rows.filter(_of_scope(scope, target))
    found: dict[str, int] = rows.aggregate(
        pending=Count("pk", filter=Q(state=ActionState.PENDING)),
        approved=Count("pk", filter=Q(state=ActionState.APPROVED, claimed_at=None)),
        in_flight=Count("pk", filter=Q(state=ActionState.APPROVED, claimed_at__isnull=False) & ~Q(pk__in=list(over))),
        runs=Count("run", filter=~Q(run=""), distinct=True),
    )
    return found


def covered(scope: str, target: str) -> QuerySet[Action, Any]:
    """Ids of all actions that an order of this scope is about, whatever became of them; for the statement of somebody else."""
    return Action.objects.filter(_of_scope(scope, target)).values("pk")


def _of_scope(scope: str, target: str) -> Q:
    return Q() if scope == "everything" else Q(**{COLUMN[scope]: target})


def runs_asking(column: str, name: str, *, most: int = 200) -> list[str]:
    """Runs with an action without an outcome for this "tool" or "customer"."""
    rows = Action.objects.filter(settled_at=None, **{column: name}).exclude(run="")
    return list(rows.order_by("run").values_list("run", flat=True).distinct()[:most])


def unsettled_by(column: str, *, most: int = 50) -> dict[str, int]:
    """How many actions without an outcome there are by "tool", "customer" or "agent_version", the most of them first."""
    rows = Action.objects.filter(settled_at=None).exclude(**{column: ""}).values_list(column).annotate(n=Count("pk"))
    return dict(rows.order_by("-n", column)[:most])


def asked_for() -> QuerySet[Release]:
    """Steps that wait for a second person: asked for lately, by somebody who still could, as votes count."""
    waits = Release.objects.filter(confirmed_at=None, asked_at__gt=Now() - SECOND_WITHIN)
    return waits.filter(by__is_active=True, by__in=User.objects.filter(groups__name__in=MAY_HALT))


def _stops(halts: QuerySet[Halt]) -> list[Stop]:
    """With what was let go on meanwhile, and what waits for a second person; one statement more for all of them."""
    found = list(halts)
    steps: dict[int, list[Release]] = {}
    if found:
        for step in _steps_of(found):
            steps.setdefault(step.halt_id, []).append(step)
    return [_stop(h, steps.get(h.pk, [])) for h in found]


def _steps_of(halts: Sequence[Halt]) -> QuerySet[Release]:
    counts = Q(confirmed_at__isnull=False) | Q(pk__in=asked_for())
    return Release.objects.filter(counts, halt__in=halts).select_related("by").order_by("pk")


def _stop(halt: Halt, steps: Sequence[Release]) -> Stop:
    confirmed = [step for step in steps if step.confirmed_at]
    return Stop(
        halt.pk, halt.scope, halt.target, halt.reason, halt.by_name, halt.created_at, halt.door, halt.released_at, halt.released_by_name,
        halt.release_reason, runs_on=tuple(s.target for s in confirmed if s.scope == "run"),
        agents_on=tuple(s.target for s in confirmed if s.scope == "agent"),
        waits=tuple(Wanted(s.scope, s.target, s.by_name, s.asked_at, s.reason, s.by.person, s.pk) for s in steps if not s.confirmed_at),
        rule=halt.rule,
    )  # fmt: skip
