"""What a stop order covers, said once, in SQL: for the statements that must not run under one, and as a condition of rows.

An order for everything, an agent, a version of an agent or a run stops runs and their actions; one for a tool or a customer stops
only the actions. What a release lets go on (`models.halts.Release`) is not covered any more; approvals given before the order stay
void there, too. Imports nothing of ours. (`queries.Stop.covers` says the same of an order in hand.)
"""

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

NOBODY = "''"  # in the place of a tool, a customer or a version that is not known, or does not matter


def version_name(agent: str, number: int | str) -> str:
    """What an order names a version of an agent by."""
    return f"{agent}@{number}"


def is_version_of(name: str, agent: str) -> bool:
    return name.rpartition("@")[0] == agent


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


def columns(table: str) -> dict[str, str]:
    """The expressions for a row of the actions, by the name or alias of their table."""
    return {name: f"{table}.{name}" for name in ("agent", "run", "tool", "customer")}


ACTION = columns("a")


def stopped(table: str = "approvals_action") -> RawSQL:
    """The same condition for Django's queries: that an order stops the action of the row now."""
    return condition(stopped_sql(**columns(table), versions=f"{table}.agent_version"))


def condition(sql: str, *values: str) -> RawSQL:
    """A condition of ours as an expression that `filter` and `exclude` take. `values`: of its places, which alone may come from outside."""
    return RawSQL(sql, values, output_field=BooleanField())  # noqa: S611  never a value from outside in the text
