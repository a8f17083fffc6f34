"""What comes back from an open view, and what goes back to it: fields as text, errors beside them, another view. Pure."""

from collections.abc import Mapping
from typing import Any

from approvals.slack import blocks as b

Json = Mapping[str, Any]
Values = dict[str, str]


def values_of(view: Json) -> Values:
    """What stands in each field of a view, as text, by block."""
    blocks = (view.get("state") or {}).get("values") or {}
    return {str(name): _text(next(iter(found.values()), {})) for name, found in blocks.items() if isinstance(found, Mapping)}


def _text(element: Any) -> str:
    if not isinstance(element, Mapping):
        return ""
    if element.get("type") in {"checkboxes", "multi_static_select"}:
        chosen = element.get("selected_options")
        return ",".join(str(o.get("value", "")) for o in chosen if isinstance(o, Mapping)) if isinstance(chosen, list) else ""
    option = element.get("selected_option")
    return str((option.get("value") if isinstance(option, Mapping) else element.get("value")) or "")


def shows(view: b.Block) -> Json:
    return {"response_action": "update", "view": view}


def beside(block: str, why: str) -> Json:
    return {"response_action": "errors", "errors": {block: why[:500]}}
