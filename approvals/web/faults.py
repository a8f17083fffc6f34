"""What is wrong with one value, in a sentence of ours. The library's begin with the whole value, which stands in its field already: of a long
one the reason would be cut off. Pure.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

from approvals.web.choosing import how_many
from audit.sentences import chain, say

MOST = 200  # characters of a limit
_SORTS: Mapping[str, Callable[[], str]] = {
    "string": lambda: say("a text"),
    "integer": lambda: say("a whole number"),
    "number": lambda: say("a number"),
    "boolean": lambda: say("yes or no"),
    "array": lambda: say("a list"),
    "object": lambda: say("an object"),
    "null": lambda: say("nothing"),
}
_RULES: Mapping[str, Callable[[Any], str]] = {
    "type": lambda limit: say("This has to be %(what)s.", what=_kinds(limit)),
    "enum": lambda limit: say("Only one of these fits: %(values)s", values=_cut(", ".join(map(_written, limit)))),
    "const": lambda limit: say("Only %(value)s fits here.", value=_cut(_written(limit))),
    "pattern": lambda limit: say("This does not fit the pattern %(pattern)s", pattern=_cut(str(limit))),
    "minLength": lambda limit: say("At least %(n)d character.", "At least %(n)d characters.", n=limit),
    "maxLength": lambda limit: say("At most %(n)d character.", "At most %(n)d characters.", n=limit),
    "minimum": lambda limit: say("At least %(low)s.", low=_written(limit)),
    "maximum": lambda limit: say("At most %(high)s.", high=_written(limit)),
    "exclusiveMinimum": lambda limit: say("More than %(low)s.", low=_written(limit)),
    "exclusiveMaximum": lambda limit: say("Less than %(high)s.", high=_written(limit)),
    "multipleOf": lambda limit: say("This has to be a multiple of %(step)s.", step=_written(limit)),
    "uniqueItems": lambda _limit: say("Each only once."),
}
_HOW_MANY = frozenset({"minItems", "maxItems"})
# Of these the library says only that the value is not valid, after all of the value.
_WHOLE = frozenset({"anyOf", "oneOf", "allOf", "not", "contains", "if", "dependentSchemas", "None"})


def sentence(error: ValidationError) -> str:
    """For the field it stands beside; what the limit is comes from the schema, and is cut where that is long."""
    rule = str(error.validator)
    if rule in _RULES:
        return _RULES[rule](error.validator_value)
    if rule in _HOW_MANY and isinstance(error.schema, Mapping):
        return how_many(error.schema)
    if rule in _WHOLE:
        return say("This fits nothing that the schema allows here.")
    return error.message[:1].upper() + error.message[1 : MOST + 100]


def _kinds(limit: Any) -> str:
    names = limit if isinstance(limit, list) else [limit]
    return chain("%(a)s or %(b)s", [_SORTS[name]() if name in _SORTS else str(name) for name in names])


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"
