"""The control that fits a schema, a value as it stands there, and the value that was typed. Pure.

Belongs here: what is of one control; `schemaform` puts them into a form.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from approvals.web.choosing import Choice, choices, chosen, of_items, word_of, words_of
from approvals.web.subschemas import said
from audit import canonical, formats
from audit.sentences import cause, say

PREFIX = "arg-"
LONG_LINE = 60
LONG_TEXT = 1000
_NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$")
_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}
# What a form sends: a QueryDict, or a plain dict in a test.
Posted = Mapping[str, Any]


def kind_of(sub: Mapping[str, Any], value: Any) -> str:
    """Which control fits a schema (and the value that is there now)."""
    if choices(sub):
        return "enum"
    if several := of_items(sub):
        return "many" if words_of(several, value) is not None else "json"
    if _decimal(sub) and (value is None or (isinstance(value, str) and _NUMBER.match(value))):
        return "line"
    if _decimal(sub) and type(value) in {int, float}:
        return "number"
    kind = sub.get("type")
    if isinstance(kind, str) and kind in _TYPES:
        return _TYPES[kind]
    if kind == "string":
        if isinstance(value, str) and "\r" in value:
            return "json"  # a browser would turn it into a line feed without saying so
        long = isinstance(value, str) and (len(value) > LONG_LINE or "\n" in value)
        return "text" if long or sub.get("maxLength", 0) > LONG_TEXT else "line"
    if kind == "array" and said(sub.get("items")).get("type") == "string" and _one_a_line(value):
        return "list"
    return "json"


def _decimal(sub: Mapping[str, Any]) -> bool:
    """A number, or a text that writes one: how Pydantic declares a Decimal. What stands there keeps the form it has."""
    ways = sub.get("anyOf")
    kinds = [said(one).get("type") for one in ways] if isinstance(ways, list) else []
    return [kind for kind in kinds if kind != "null"] == ["number", "string"]


def _one_a_line(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(v, str) and v and not {"\n", "\r"} & set(v) for v in value))


def in_control(kind: str, value: Any, sub: Mapping[str, Any]) -> str:
    """How a value stands in its control."""
    if value is None:
        return "null" if kind == "json" else ""
    if kind == "list":
        return "\n".join(value)
    if kind in {"line", "text"} and isinstance(value, str):
        return value
    if kind == "enum":
        return word_of(offered(sub, value), value) or ""
    return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, (dict, list)) else None)


def offered(sub: Mapping[str, Any], value: Any) -> tuple[Choice, ...]:
    """What can be chosen, and what stands there though it cannot: it would be lost otherwise without a word."""
    found = choices(sub)
    if value is None or word_of(found, value) is not None:
        return found
    word = json.dumps(value, ensure_ascii=True)
    return (*found, Choice(value, word, word))


def box(number: int, key: str) -> str:
    """The name of one of several boxes: a form that says one name twice is refused before anybody reads it."""
    return f"pick-{number}-{key}"


def sent_as(posted: Posted, key: str, sub: Mapping[str, Any]) -> list[str]:
    """What came for a property: of boxes, those that are ticked; of anything else one text."""
    boxes = [str(posted.get(box(number, key), "")) for number in range(len(of_items(sub)))]
    return [word for word in boxes if word] or [str(posted.get(PREFIX + key, ""))]


def parsed(sub: Mapping[str, Any], sent: Sequence[str], before: Any, empty: bool) -> Any:
    """The value a text means in its control. Raises ValueError with a sentence."""
    kind = kind_of(sub, sub.get("default") if before is None else before)
    text = sent[-1].replace("\r\n", "\n")
    if kind == "boolean":
        return text == "true"
    if kind in {"line", "text"}:
        kept = before is not None and not (empty and before != "") and not formats.words(sub.get("format"))
        return text if text or kept else None
    if kind == "many":
        return _several(sub, [word for word in sent if word], before, empty)
    if not text.strip():
        return [] if kind == "list" else None
    if kind == "list":
        return [line for line in text.split("\n") if line]
    if kind == "enum":
        known = offered(sub, sub.get("default") if before is None else before)
        return next((one.value for one in known if one.word == text), text)
    return _number(kind, text.strip()) if kind in {"integer", "number"} else _json(text)


def _several(sub: Mapping[str, Any], words: Sequence[str], before: Any, empty: bool) -> Any:
    options = of_items(sub)
    if strange := [word for word in words if word not in {one.word for one in options}]:
        raise ValueError(say("%(what)s is none of the choices", what=strange[0][:80]))
    if not words and empty and (before is None or sub.get("minItems")):
        return None
    return chosen(options, words, before)


def _number(kind: str, text: str) -> int | float:
    if not _NUMBER.match(text):
        raise ValueError(say("A whole number, such as 12040") if kind == "integer" else say("A number, such as 120.40"))
    if kind == "integer" and not re.fullmatch(r"-?\d+", text):
        raise ValueError(say("A whole number, without a point"))
    if re.fullmatch(r"-?\d+", text):
        if len(text) > 21 or abs(int(text)) > canonical.ANSWERED_INT:
            raise ValueError(say("At most 2^63-1: a larger number is passed on by nobody"))
        return int(text)
    if not math.isfinite(number := float(text)):
        raise ValueError(say("A number, such as 120.40"))
    return number


def _json(text: str) -> Any:
    try:
        return canonical.parse(text, greatest=canonical.ANSWERED_INT)
    except canonical.NotCanonical as error:
        raise ValueError(say("Not usable: %(why)s", why=cause(error))) from None
