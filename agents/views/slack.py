"""What this room plugs into the Slack door of the other: a tool's schema, and waking whoever checks an edit or answers a question."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from agents import queries
from agents.operations import waking
from approvals.queries import ActionDetail
from approvals.slack.rooms import agents
from approvals.web.schemaform import guessed


def plug_in() -> None:
    agents.schema_of = schema_of
    agents.wake_edit = partial(waking.wake, waking.EDIT)
    agents.wake_ask = partial(waking.wake, waking.ASK)


def schema_of(detail: ActionDetail) -> Mapping[str, Any]:
    """The tool's own schema; an action of an agent we do not run gets one guessed from its values."""
    tool = queries.tool_of(detail.row.agent, detail.row.tool)
    return tool["schema"] if tool else guessed(detail.args if isinstance(detail.args, dict) else {})
