"""Another implementation of a tool, tried in a dry run: its author declares it (`what_if=`), and promises that it changes nothing, as a preview does.

A dry run calls no tool. What stands in for one is the project's own code, named by a person, so that nothing can be tried that was not written to be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agents.errors import BadInput
from agents.graphs.loader import Loaded
from agents.models import Run
from agents.operations.preparing import context
from agents.tools import runner
from agents.tools.registry import BadArgs, Tool
from audit.sentences import say

_MADE = frozenset({"done", "failed"})  # what a call comes to that was made


@dataclass
class Played:
    """The tools that are played, with their other implementation in place. `digests`: of the proposals that it answered."""

    run: Run
    tools: Mapping[str, Tool] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)

    def answer(self, asked: Any, given: dict[str, Any], digest: str) -> dict[str, Any]:
        """What a gate is given where its call was made, or is assumed to be: what the other implementation gives back for the same arguments."""
        tool = self.tools.get(str(asked.get("tool", ""))) if isinstance(asked, Mapping) else None
        by_a_person = given.get("answered_for") or given.get("taken_over")  # its tool was never called
        if tool is None or by_a_person or given.get("status") not in _MADE:
            return given
        self.digests.add(digest)
        ran = runner.run(
            tool, _normal(tool, asked.get("args")) if given.get("args") is None else given["args"], context(self.run, action_id="")
        )
        told = {key: value for key, value in given.items() if key != "code"} | ({"code": ran.code} if ran.code else {})
        return {
            **told,
            "status": "done" if ran.status == "done" else "failed",
            "result": ran.result if ran.status == "done" else None,
            "reason": ran.error,
        }


def _normal(tool: Tool, args: Any) -> Any:
    """As the tool's own model has them, which is what people would have been shown."""
    try:
        return tool.validate(args)[1]
    except BadArgs:
        return args  # the call says what is wrong with them


def played(run: Run, loaded: Loaded, wanted: Mapping[str, str]) -> Played:
    """Raises BadInput: no such tool, or it declares no such implementation."""
    return Played(run, {name: replace(_tool(loaded, name), call=_other(loaded.tools[name], other)) for name, other in wanted.items()})


def check_declared(tools: list[dict[str, Any]], wanted: Mapping[str, str]) -> None:
    """The same, of tools as they are kept with an agent's version. Raises BadInput."""
    known = {str(tool["name"]): [str(name) for name in tool.get("what_if", ())] for tool in tools}
    for name, other in wanted.items():
        if name not in known:
            raise _no_tool(name)
        if other not in known[name]:
            raise _no_other(name, other, known[name])


def _tool(loaded: Loaded, name: str) -> Tool:
    if name not in loaded.tools:
        raise _no_tool(name)
    return loaded.tools[name]


def _other(tool: Tool, name: str) -> Any:
    if name not in tool.what_if:
        raise _no_other(tool.name, name, sorted(tool.what_if))
    return tool.what_if[name]


def _no_tool(name: str) -> BadInput:
    return BadInput(say("The agent has no tool %(name)s", name=repr(name[:60])), fields={"tools": say("no such tool")})


def _no_other(tool: str, name: str, known: list[str]) -> BadInput:
    why = say(
        "%(tool)s declares no implementation %(name)s to be tried; its author declares: %(known)s",
        tool=tool, name=repr(name[:60]), known=", ".join(known) or say("none"),
    )  # fmt: skip
    return BadInput(why, fields={"tools": say("not declared")})
