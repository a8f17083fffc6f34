"""What a stop order covers, said once: as SQL for the statements that must not run under one, and as a condition of rows.

An order for everything, an agent, a version of an agent or a run stops runs and their actions; one for a tool or a customer stops
only the actions. What a release lets go on (`models.halts.Release`) is not covered any more; approvals given before the order stay
void there, too. Imports models only.
"""

from typing import Any

from django.db.models import Exists, OuterRef, Q

from approvals.models import Release

NOBODY = "''"  # in the place of a tool, a customer or a version that is not known, or does not matter


def version_name(agent: str, number: int | str) -> str:
    """What an order names a version of an agent by."""
    return f"{agent}@{number}"


def covers_sql(agent: str, run: str, *, tool: str = NOBODY, customer: str = NOBODY, versions: str = NOBODY) -> str:
    """The condition that order `h` covers what these SQL expressions name (never values from outside).

    Args:
        versions: one expression or several, with commas between them.
    """
    return (
        f"(h.scope = 'everything' OR h.scope = 'agent' AND h.target = {agent} OR h.scope = 'run' AND h.target = {run}"
        f" OR h.scope = 'tool' AND h.target = {tool} OR h.scope = 'customer' AND h.target = {customer}"
        f" OR h.scope = 'version' AND h.target IN ({versions}))"
    )


def let_go_sql(agent: str, run: str) -> str:
    """The condition that a release lets this agent or run go on though order `h` is in force."""
    return (
        "EXISTS (SELECT 1 FROM approvals_release x WHERE x.halt_id = h.id AND x.confirmed_at IS NOT NULL"  # noqa: S608  names of ours
        f" AND (x.scope = 'run' AND x.target = {run} OR x.scope = 'agent' AND x.target = {agent}))"
    )


def stopped_sql(agent: str, run: str, **more: str) -> str:
    """The condition that an order stops it now. `more` as in `covers_sql`."""
    covered = covers_sql(agent, run, **more)
    return f"EXISTS (SELECT 1 FROM approvals_halt h WHERE h.released_at IS NULL AND {covered} AND NOT {let_go_sql(agent, run)})"  # noqa: S608


def stopped_since_sql(agent: str, run: str, moment: str, **more: str) -> str:
    """The condition that an order stops it now, or was given since a moment: leave given before does not survive it."""
    covered, let_go = covers_sql(agent, run, **more), let_go_sql(agent, run)
    return f"""EXISTS (SELECT 1 FROM approvals_halt h WHERE {covered}
        AND (h.released_at IS NULL AND NOT {let_go} OR h.created_at > {moment}))"""  # noqa: S608


ACTION = {"agent": "a.agent", "run": "a.run", "tool": "a.tool", "customer": "a.customer"}  # of row `a` of the actions


def covers(agent: Any, run: Any, *, tool: Any = "", customer: Any = "", version: Any = "") -> Q:
    """The orders, in force or not, that cover it; values, or `OuterRef`s to them."""
    return (
        Q(scope="everything") | Q(scope="agent", target=agent) | Q(scope="run", target=run)
        | Q(scope="tool", target=tool) | Q(scope="customer", target=customer) | Q(scope="version", target=version)
    )  # fmt: skip


def let_go(agent: Any, run: Any) -> Exists:
    """Whether a release lets it go on though the order of the row is in force."""
    found = Release.objects.filter(halt=OuterRef("pk"), confirmed_at__isnull=False)
    return Exists(found.filter(Q(scope="run", target=run) | Q(scope="agent", target=agent)))


def stops(agent: Any, run: Any, *, tool: Any = "", customer: Any = "", version: Any = "") -> Q:
    """The orders that stop it now."""
    inner = [OuterRef(value) if isinstance(value, OuterRef) else value for value in (agent, run)]
    return Q(released_at=None) & covers(agent, run, tool=tool, customer=customer, version=version) & ~Q(let_go(*inner))


def stops_row() -> Q:
    """The orders that stop the action of the row outside."""
    return stops(
        OuterRef("agent"), OuterRef("run"), tool=OuterRef("tool"), customer=OuterRef("customer"), version=OuterRef("agent_version")
    )
