"""What is compared when newer code meets an older question: its shape, kept with each pause, and the arguments its tool takes."""

from collections.abc import Mapping
from typing import Any

from agents.graphs.found import Found
from agents.models import AgentVersion
from agents.tools.registry import Tool
from audit import canonical


def shape_of(value: Any, depth: int = 0) -> str:
    """A fingerprint that is the same for two questions of the same form. `depth`: how deep in a question this value lies."""
    shape = _shape(value, depth)
    try:
        return canonical.fingerprint(shape)
    except canonical.NotCanonical:  # of many thousand names: what people see of it is cut, how it is compared is not
        return canonical.text_fingerprint(shape)


def still_takes(agent: str, tool: Found, asked: str) -> bool:
    """Whether a tool takes what it took when it was asked about: at most, it has more parameters that may be left out.

    Args:
        asked: the fingerprint of the schema it had then, "" where that was not known.
    """
    if asked in {"", tool.schema_sha256}:
        return True
    was = _schema_of(agent, tool.name, asked)
    return was is not None and _only_more(_without_words(was), _without_words(canonical.storable(dict(tool.schema))))


def takes_the_same(agent: str, tool: Tool, asked: str) -> bool:
    """The same for a declared tool, whose call we make: a parameter it has more would have a value that nobody saw, so it may have none.

    Args:
        asked: the fingerprint of the schema it had then.
    """
    if asked == tool.schema_sha256:
        return True
    was = _schema_of(agent, tool.name, asked)
    return was is not None and _without_words(was) == _without_words(tool.schema)


def _schema_of(agent: str, tool: str, asked: str) -> dict[str, Any] | None:
    """The schema of that fingerprint, which a version of the agent has kept."""
    kept = AgentVersion.objects.filter(agent=agent).order_by("-pk").values_list("tools", flat=True)
    return next((one["schema"] for tools in kept for one in tools if one["name"] == tool and one["schema_sha256"] == asked), None)


def _without_words(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What the tool says of itself (a function's docstring) is no argument. What it says of a parameter counts: that may be its unit."""
    return {key: value for key, value in schema.items() if key not in {"title", "description"}}


def _only_more(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether nothing was changed but that properties were added which nobody has to give."""
    opened = {"properties", "$defs"}
    rest = [{key: value for key, value in one.items() if key not in opened} for one in (was, now)]
    return rest[0] == rest[1] and all(was.get(key, {}).items() <= now.get(key, {}).items() for key in opened)


def _shape(value: Any, depth: int) -> Any:
    if depth > 6:
        return "deep"
    if isinstance(value, dict):
        return {
            str(canonical.storable(str(key))): _shape(item, depth + 1) for key, item in sorted(value.items(), key=lambda kv: str(kv[0]))
        }
    if isinstance(value, list | tuple):
        return sorted({shape_of(item, depth + 1) for item in value[:50]})
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
