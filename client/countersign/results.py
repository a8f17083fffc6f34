"""What a function returned, as it is reported for people, and as it is given back to a later start that does not run it again. Pure.

A JSON object is reported as it is, other JSON as `{"value": …}`; of anything else only its words are kept, as `{"words": …}`: those are for people
and are no result to go on with.
"""

import json
from collections.abc import Mapping
from typing import Any

MARKS = ({"value"}, {"words"})
# What the server keeps as it is; beyond that it cuts, and a cut result is none to go on with.
LONGEST, GREATEST, DEEPEST = 20_000, 2**53 - 1, 20
MOST = 512 * 1024  # of a whole result, as it is sent: the server takes no body of more than 768 kB


def told(result: Any) -> dict[str, Any]:
    """As it is reported."""
    if _is_json(result) and not _too_large(result):
        return result if isinstance(result, dict) and set(result) not in MARKS else {"value": result}
    if isinstance(result, Mapping):
        parts = {words(key): value if _is_json(value) else words(value) for key, value in result.items()}
        if not _too_large(parts):
            return {"words": parts}
    return {"words": words(result)}


def words(value: Any) -> str:
    """What it says of itself, as far as the server keeps it; what no request holds is written visibly. Raises nothing."""
    try:
        text = str(value)
    except Exception as error:  # somebody else's code
        text = f"({type(value).__name__}, which could not say what it is: {type(error).__name__})"
    clean = "".join(f"⟨U+{ord(c):04X}⟩" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text[:LONGEST])
    return clean if len(text) <= LONGEST and len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def _too_large(value: Any) -> bool:
    return len(json.dumps(value)) > MOST


def given_back(reported: Mapping[str, Any]) -> Any:
    """What the function had returned. Raises ValueError when only its words are known."""
    if set(reported) == {"words"}:
        raise ValueError("only its words were kept")
    return reported["value"] if set(reported) == {"value"} else dict(reported)


def exact(value: Any) -> bool:
    """Whether the server takes it, and gives the very same back."""
    return _is_json(value)


def _is_json(value: Any, depth: int = 0) -> bool:
    """Whether the very same comes back; a tuple, a date, or a number that is none would be something else by then."""
    if depth > DEEPEST:
        return False
    if type(value) is dict:
        return all(_is_json(key, depth) and type(key) is str and _is_json(part, depth + 1) for key, part in value.items())
    if type(value) is list:
        return all(_is_json(part, depth + 1) for part in value)
    if type(value) is str:
        return len(value) <= LONGEST and not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value)
    return value is None or type(value) is bool or (type(value) in {int, float} and abs(value) <= GREATEST)
