"""The only reader of the agents room.

fleet     agents with their tools, and the servers some of them run on
effects   what calls came to, or that nobody knows
orders    what operators ordered of a run
trials    dry runs of a run
stopping  what a stop order would stop
run_rows  runs as lists show them, and one run with its pauses, effects and picture
"""

from agents.queries.effects import (
    EffectRow,
    done_since,
    effect,
    effect_row,
    effect_rows,
    made_by_agent,
    outcome_unknown,
    reversals,
    under_way,
    unknown_effects,
    unknown_ids,
)
from agents.queries.fleet import AgentRow, ServerRow, agent, agents, gone_nodes, known_to_policies, project_of, servers, tool_of
from agents.queries.orders import AnswerRow, OverrideRow, answers_asked, overrides, stands
from agents.queries.run_rows import (
    MOST_SEARCHED,
    PAGE,
    PauseRow,
    RunDetail,
    RunRow,
    Runs,
    live_counts,
    not_asked,
    overdue,
    run_detail,
    run_id,
    run_row,
    runs,
    saying,
    stoppable_tools,
    stopped_runs,
    version_digests,
)
from agents.queries.stopping import OF_CALLS, WouldStop, would_stop
from agents.queries.trials import TrialRow, asked_of, trial, trials

__all__ = [
    "MOST_SEARCHED",
    "OF_CALLS",
    "PAGE",
    "AgentRow",
    "AnswerRow",
    "EffectRow",
    "OverrideRow",
    "PauseRow",
    "RunDetail",
    "RunRow",
    "Runs",
    "ServerRow",
    "TrialRow",
    "WouldStop",
    "agent",
    "agents",
    "answers_asked",
    "asked_of",
    "done_since",
    "effect",
    "effect_row",
    "effect_rows",
    "gone_nodes",
    "known_to_policies",
    "live_counts",
    "made_by_agent",
    "not_asked",
    "outcome_unknown",
    "overdue",
    "overrides",
    "project_of",
    "reversals",
    "run_detail",
    "run_id",
    "run_row",
    "runs",
    "saying",
    "servers",
    "stands",
    "stoppable_tools",
    "stopped_runs",
    "tool_of",
    "trial",
    "trials",
    "under_way",
    "unknown_effects",
    "unknown_ids",
    "version_digests",
    "would_stop",
]
