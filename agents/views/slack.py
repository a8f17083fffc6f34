"""What this room plugs into the Slack door of the other: a tool's schema, what can be halted and let go on, and waking whoever checks an edit or answers."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from agents import operations, queries
from agents.errors import UnknownAgent, UnknownRun
from agents.operations import halting, waking
from agents.views import halt_scopes as choices
from agents.views import release_steps as releases
from approvals.errors import NotFound
from approvals.models.people import User
from approvals.queries import ActionDetail, Stop
from approvals.slack.rooms import HaltScope, ReleaseStep, agents
from approvals.web.schemaform import completed, guessed
from audit.sentences import say


def plug_in() -> None:
    agents.schema_of = schema_of
    agents.wake_edit = partial(waking.wake, waking.EDIT)
    agents.wake_ask = partial(waking.wake, waking.ASK)
    agents.halt_scopes, agents.order_halt = halt_scopes, order_halt
    agents.release_steps, agents.release_means, agents.order_release = release_steps, releases.consequence, order_release


def schema_of(detail: ActionDetail) -> Mapping[str, Any]:
    """The tool's own schema, with what it leaves undeclared; one guessed from the values where there is none."""
    tool = queries.tool_of(detail.row.agent, detail.row.tool)
    args = detail.args if isinstance(detail.args, dict) else {}
    return completed(tool["schema"], args) if tool else guessed(args)


def halt_scopes(asked: Mapping[str, str]) -> Sequence[HaltScope]:
    """As the page's dialog offers them. Raises NotFound for what is asked about and is not there."""
    asked = {name: asked.get(name, "") for name in ("run", "agent", "version", "tool", "customer")}
    if asked["run"] and not choices.is_run(asked["run"]):
        raise NotFound(say("There is no such run; copy its id whole from its page"))
    if asked["agent"] and asked["agent"] not in {row.slug for row in queries.agents()}:
        raise NotFound(say("There is no agent of that name; write /halt alone to see which there are"))
    if asked["version"]:
        try:
            asked["version"] = halting.CHECKS["version"](asked["version"])
        except UnknownAgent as error:
            raise NotFound(error.message) from error
    return [HaltScope(s.value, s.label, s.counts) for s in choices.scopes(asked, "")]


def order_halt(*, scope: str, target: str, reason: str, by: User, door: str) -> Any:
    """The page's own operation. Raises NotFound for what is not there, and what `approvals.operations.halt` raises."""
    try:
        return operations.order_halt(scope=scope, target=target, reason=reason, by=by, door=door)
    except (UnknownAgent, UnknownRun) as error:
        raise NotFound(error.message) from error


def release_steps(stop: Stop) -> Sequence[ReleaseStep]:
    """As the page's dialog offers them."""
    return [ReleaseStep(s.value, s.label, s.note, s.url) for s in releases.steps(stop)]


def order_release(halt_id: Any, *, scope: str, target: str, reason: str, by: User, door: str, seen: int | None) -> Any:
    """The page's own operation. Raises NotFound for what is not there, and what `approvals.operations.release` raises."""
    try:
        return operations.order_release(halt_id, scope=scope, target=target, reason=reason, by=by, door=door, seen=seen)
    except (UnknownAgent, UnknownRun) as error:
        raise NotFound(error.message) from error
