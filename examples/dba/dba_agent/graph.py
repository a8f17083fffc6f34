"""The dba agent: `graph` is what the framework runs, `AGENT` is how it is presented and started."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agents.graphs.spec import AgentSpec
from agents.graphs.supervised import supervised
from agents.planner import chat_model, explain_with
from dba_agent.script import TASK_INTRO, script
from dba_agent.tools import TOOLS

SYSTEM_PROMPT = """You maintain the tables of a web shop (schema shop). Turn the request into exactly one UPDATE or DELETE.
1. list_tables. 2. plan_statement: it runs the statement and rolls it back, and returns rows and rows_sha256.
3. run_statement with statement, expected_rows and rows_sha256 exactly as planned. Set allow_whole_table only if the request
expressly means every row. If the run is refused because rows changed, plan again once. If it is rejected, stop."""


class DbaInput(BaseModel):
    """What a run of the dba is started with."""

    model_config = ConfigDict(extra="forbid", title="Maintenance request")

    request: str = Field(min_length=3, max_length=4_000, title="Request", description="What should be changed, in your own words.")


def task(run_input: dict[str, Any]) -> str:
    """The run's input as the first message to the planner."""
    return f"{TASK_INTRO}{run_input['request']}"


planner = chat_model(script=script)
graph = supervised(name="dba", planner=planner, tools=TOOLS, system_prompt=SYSTEM_PROMPT, task=task, max_steps=8)

AGENT = AgentSpec(
    slug="dba",
    title="Database maintenance",
    description="Turns a maintenance request into one UPDATE or DELETE, rehearses it, and runs exactly what was approved.",
    tools=TOOLS,
    explain=explain_with(planner, SYSTEM_PROMPT),
    input_model=DbaInput,
    environment="demo",
    sample_inputs=[
        {"request": "Please delete carts that nobody has touched for 90 days."},
        {"request": "Raise the prices of the LIN- series by 5 %."},
        {"request": "Delete all carts, we start over."},
    ],
)
