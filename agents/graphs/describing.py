"""What a graph may be started with, as JSON Schema. Looks at its schema, runs nothing of it.

Below Python 3.12 pydantic describes no class of `typing.TypedDict`, which is what most states are: such a class is described as one of
`typing_extensions` with the same fields, those inside it too.
"""

from types import UnionType
from typing import Annotated, Any, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import typing_extensions
from pydantic import PydanticUserError, TypeAdapter

_STEPS_DRAWN = 250


def input_schema(graph: Any) -> dict[str, Any]:
    """Raises whatever LangGraph or pydantic has against it: an input that nobody can describe."""
    try:
        found: dict[str, Any] = graph.get_input_jsonschema()
    except PydanticUserError as error:
        if error.code != "typed-dict-version":
            raise
        found = TypeAdapter(_described(_input_of(graph))).json_schema()
    of = _input_of(graph)
    return _wanted(found, of) if getattr(graph, "builder", None) is not None and typing_extensions.is_typeddict(of) else found


ONLY = "input"  # the field of an input that is no object


def undrawn(drawing: dict[str, Any]) -> list[str]:
    """Nodes that no edge of a large graph's drawing leads to or from: LangGraph follows 250 steps (langgraph/pregel/_draw.py), and leads the last one to
    the end. In a small one they are those that are only ever gone to by a `Command`."""
    if len(drawing["nodes"]) <= _STEPS_DRAWN:
        return []
    with_edge = {edge[side] for edge in drawing["edges"] for side in ("source", "target")}
    return [str(node["name"]) for node in drawing["nodes"] if node["id"] not in with_edge]


def takes_objects(schema: dict[str, Any]) -> bool:
    """Whether a JSON object may be what it describes."""
    where = schema
    while ref := where.get("$ref"):
        where = schema.get("$defs", {}).get(str(ref).rpartition("/")[2], {})
    if options := where.get("anyOf") or where.get("oneOf"):
        return any(takes_objects({"$defs": schema.get("$defs", {}), **one}) for one in options)
    said = where.get("type", "object")
    return "object" in said if isinstance(said, list) else said == "object"


def as_field(schema: dict[str, Any]) -> dict[str, Any]:
    """An input that is no object (a text, a list: the functional API takes any) as the one field of an object, which is what a run starts with."""
    of_it = {key: value for key, value in schema.items() if key != "$defs"}
    inside = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {"type": "object", "properties": {ONLY: of_it}, "required": [ONLY], "additionalProperties": False, **inside}


def _wanted(schema: dict[str, Any], state: Any) -> dict[str, Any]:
    """LangGraph starts a graph with any part of its state: only what a class says of a single field, `Required[...]`, is asked for."""
    hints = get_type_hints(state, include_extras=True)
    named = [name for name in schema.get("required", ()) if get_origin(hints.get(name)) is Required]
    return {**{key: value for key, value in schema.items() if key != "required"}, **({"required": named} if named else {})}


def _input_of(graph: Any) -> Any:
    """The type of its input: the functional API names it at its one channel only."""
    name = graph.input_channels
    builder = getattr(graph, "builder", None)
    return builder.input_schema if builder is not None else graph.channels[name].UpdateType


def _described(hint: Any, around: tuple[Any, ...] = ()) -> Any:
    """The same type, with the classes in it that pydantic cannot describe replaced."""
    if typing_extensions.is_typeddict(hint):
        return dict[str, Any] if hint in around else _again(hint, (*around, hint))
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return Annotated[_described(inside[0], around), *hint.__metadata__]
    if origin in {Union, UnionType}:
        return Union[tuple(_described(one, around) for one in inside)]  # noqa: UP007  of a tuple
    if isinstance(origin, type) and inside:
        replaced = tuple(_described(one, around) for one in inside)
        return hint if replaced == inside else origin[replaced]  # type: ignore[index]
    return hint


def _again(schema: Any, around: tuple[Any, ...]) -> Any:
    """This class as one of `typing_extensions`: what a field says of itself counts before what the class says of all."""
    fields = {}
    for name, hint in get_type_hints(schema, include_extras=True).items():
        said = get_origin(hint)
        needed = said is Required if said in {Required, NotRequired} else name in schema.__required_keys__
        bare = get_args(hint)[0] if said in {Required, NotRequired} else hint
        fields[name] = (Required if needed else NotRequired)[_described(bare, around)]
    made = typing_extensions.TypedDict(schema.__name__, fields)  # type: ignore[misc]  # of a class found while it runs
    made.__doc__, made.__module__ = schema.__doc__, schema.__module__
    return made
