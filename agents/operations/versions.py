"""Versions of agents by the names that stop orders call them, and whether an order stops a run."""

from functools import lru_cache

from agents.models import Agent, AgentVersion, Effect, Run
from agents.queries.fleet import in_force_sql
from agents.states import EffectState
from approvals import queries as approvals_queries
from approvals.covering import version_name

OF_RUN = in_force_sql("r.agent_id")  # of run `r`


def version_of(run: Run) -> str:
    """The version that drives a run in this process's hand."""
    return named(run.agent)


def marks(run: Run) -> dict[str, str | int]:
    """What every checkpoint of this stretch is marked with: the version (its graph, prompts, tools and model never change) and the fence."""
    return {"version": version_of(run), "fence": run.fence}


def named(agent: Agent) -> str:
    """An agent's version in force; "" when it has none."""
    return _named(agent.current_id) if agent.current_id else ""


@lru_cache(maxsize=256)
def _named(version_id: int) -> str:  # versions never change
    agent, number = AgentVersion.objects.values_list("agent_id", "number").get(pk=version_id)
    return version_name(agent, number)


def halted(run: Run) -> bool:
    """Whether a stop order keeps this run from going on: it covers the run, or a call whose leave the run has in its hand and did not use."""
    if approvals_queries.halted(agent=run.agent_id, run=str(run.pk), version=version_of(run)):
        return True
    in_hand = Effect.objects.filter(run=run, state=EffectState.CLAIMED, by_agent=True, begun_at=None).values_list("pk", flat=True)
    return bool(approvals_queries.halted_actions(list(in_hand)))
