"""The arguments of a Python call as one JSON object by name, and back: what people see, may edit, and what is then called. Pure.

`*rest` is a list under its name; what `**more` takes stands beside the others under its own names. Defaults are written out: people see all of it.
"""

import inspect
from collections.abc import Mapping
from typing import Any

EMPTY, ONE, NAMED, REST, MORE = (
    inspect.Parameter.empty,
    {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD},
    inspect.Parameter.KEYWORD_ONLY,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
)


def named(signature: inspect.Signature, args: Any, kwargs: Any) -> dict[str, Any]:
    """A call's arguments by name. Raises TypeError: they do not fit the function, or two of them have one name (`def f(a, /, **more)`, `f(1, a=2)`)."""
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    found: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        for key, part in value.items() if kind is MORE else [(name, list(value) if kind is REST else value)]:
            if key in found:
                raise TypeError(f"Two arguments are called {key!r}: people could not tell them apart")
            found[key] = part
    return found


def call_of(signature: inspect.Signature, found: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The other way: what to call with. Raises TypeError: what people agreed to does not fit the function."""
    left = dict(found)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind is REST:
            rest = left.pop(name, [])
            if not isinstance(rest, list):
                raise TypeError(f"{name!r} has to be a list: it stands for *{name}")
            args += rest
        elif parameter.kind is MORE:
            return args, {**kwargs, **left}
        elif name not in left and parameter.default is EMPTY:
            raise TypeError(f"{name!r} is missing")
        elif parameter.kind in ONE:
            args.append(left.pop(name, parameter.default))
        else:
            kwargs[name] = left.pop(name, parameter.default)
    if left:
        raise TypeError(f"There is no argument {', '.join(map(repr, left))}")
    return args, kwargs
