"""What an operator's switch says of an agent's call of a tool, said once, in SQL. Imports nothing of ours; the halts' twin is `covering`."""

_OF = "w.ended_at IS NULL AND (w.until IS NULL OR w.until > clock_timestamp())"


def switched_sql(setting: str, agent: str, tool: str) -> str:
    """The condition that a switch with this setting is in force for what these SQL expressions name (never values from outside)."""
    return f"EXISTS (SELECT 1 FROM approvals_switch w WHERE {_OF} AND w.setting = '{setting}' AND {_names(agent, tool)})"  # noqa: S608


def strictest_sql(agent: str, tool: str) -> str:
    """The switch that counts, as JSON: denying before asking, the oldest of them; NULL when there is none."""
    said = "json_build_object('setting', w.setting, 'scope', w.scope, 'target', w.target, 'who', w.by_name, 'why', w.reason)"
    return (
        f"(SELECT {said}::text FROM approvals_switch w WHERE {_OF} AND {_names(agent, tool)}"  # noqa: S608  names of ours
        " ORDER BY w.setting DESC, w.id LIMIT 1)"
    )


def by_people_sql(action: str) -> str:
    """The condition that a person, looking at this very version, approved the row of the actions; not policy, and no grant."""
    return (
        f"EXISTS (SELECT 1 FROM approvals_decision d WHERE d.action_id = {action}.id AND d.version = {action}.version"  # noqa: S608
        " AND d.verdict = 'approve' AND d.by_id IS NOT NULL AND d.grant_id IS NULL)"
    )


def _names(agent: str, tool: str) -> str:
    return f"(w.scope = 'agent' AND w.target = {agent} OR w.scope = 'tool' AND w.target = {tool})"
