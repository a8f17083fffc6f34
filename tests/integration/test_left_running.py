"""A node that runs two agents in one `asyncio.gather` and stops as one of them asks: the other goes on, and what it did is not asked about again."""

import pytest

from tests import factories
from tests.factories import asked, decide, lines, work
from tests.integration.test_dialects_healing import fresh
from tests.integration.test_dialects_hidden import HEAD, deployed

pytestmark = [pytest.mark.usefixtures("leave_asked_of_this_database"), pytest.mark.usefixtures("newly_loaded")]
BOTH = """
import asyncio, json
from langchain.agents.middleware import HumanInTheLoopMiddleware
one = create_agent(Planned(), [send], middleware=[LINE], name="one")
two = create_agent(Planned(), [send], middleware=[LINE], name="two")

async def both(state):
    plan = json.loads(state["messages"][0].content)
    def of(agent, turns):
        return agent.ainvoke({"messages": [HumanMessage(json.dumps({"world": plan["world"], "turns": turns}))]})
    await asyncio.gather(of(one, plan["turns"][:2]), of(two, plan["turns"][2:]))
    return {}

graph = StateGraph(MessagesState).add_node("both", both).add_edge(START, "both").add_edge("both", END)
"""


@pytest.mark.parametrize("line", ["Countersigned()", 'HumanInTheLoopMiddleware(interrupt_on={"send": True})'])
def test_two_agents_at_once_in_one_node_are_each_answered_and_each_call_made_once(others, world, tmp_path, line):
    """The second answer failed the run: the loop was closed before the first agent's call was in a checkpoint."""
    deployed(tmp_path, HEAD + BOTH.replace("LINE", line))
    turns = [[["send", {"to": whom}]] for whom in ("a1", "a2", "b1", "b2")]
    run = factories.planned(others.reviewer, world, *turns, agent="hidden")
    for _ in range(5):
        work()
        for action in asked(run)[:1]:
            decide(action, others.second)
    assert fresh(run).state == "SUCCEEDED", fresh(run).error
    assert sorted(lines(world)) == [f'send {{"copies": 1, "to": "{whom}"}}' for whom in ("a1", "a2", "b1", "b2")]
