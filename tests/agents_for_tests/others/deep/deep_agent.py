"""deepagents with a helper, as its documentation writes it. By itself: importing deepagents takes seconds."""

from deepagents import create_deep_agent
from parts_of_others import GATED, TOOLS, Planned

agent = create_deep_agent(
    model=Planned(),
    tools=[],
    subagents=[{"name": "clerk", "description": "writes letters", "system_prompt": "Write.", "tools": TOOLS, "interrupt_on": GATED}],
)
