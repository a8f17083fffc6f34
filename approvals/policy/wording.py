"""What the libraries that read a policy's text find wrong with it, in our words. Pure; where it stands is `reading`'s to say."""

import re
from typing import Any

from audit.sentences import cause, say

# A kind of error of pydantic's. Those with a bound or a choice are below.
WORDS = {
    "extra_forbidden": say("there is no such field; look at its spelling"),
    "missing": say("this is needed"),
    "string_type": say("write text here; put it in quotes where it would read as a number, a date or true and false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), say("write a whole number")),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), say("write a number")),
    **dict.fromkeys(("bool_type", "bool_parsing"), say("write true or false")),
    **dict.fromkeys(("tuple_type", "list_type", "set_type", "frozen_set_type"), say("write a list: [one, another], or a line for each")),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "dataclass_type"), say("write fields here, as name: value")),
    **dict.fromkeys(("time_type", "time_parsing"), say('write a time of day such as "09:00"')),
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), say("write a date such as 2026-12-25")
    ),
}
# What YAML's reader says, by a piece of it.
YAML = {
    "another document": say("there is a second document after ---: a policy is one"),
    "expected ',' or": say("a bracket is opened and not closed, or a comma is missing"),
    "undefined alias": say("write it out: a policy has no references (& and *)"),
    "mapping values are not allowed": say("there is a colon where no field can begin: look at the indent, or put the text in quotes"),
    "cannot start any token": say("a value cannot begin with this character: put it in quotes, and indent with spaces, not tabs"),
    "block mapping": say("the indent does not fit the lines above"),
    "block collection": say("the indent does not fit the lines above"),
    "escape": say('after a \\ in "double quotes" stands something that is no escape: use single quotes'),
    "end of stream": say("a quote is opened and not closed"),
    "expected ':'": say("a field's name stands here without a colon after it"),
    "unhashable": say("a field's name is one word, no list and no fields"),
    "constructor": say("a policy has no tags (!): write the plain value"),
    "merg": say("write it out: a policy has no merging (<<)"),
    "base64": say("a policy has no tags (!): write the plain value"),
}


def words_of(error: dict[str, Any]) -> str:
    """What a validation says: our own sentence when it was one of ours."""
    known: dict[str, Any] = error.get("ctx") or {}
    ours = known.get("error")
    if isinstance(ours, ValueError):
        return cause(ours)
    kind = error["type"]
    return WORDS.get(kind) or _bound(kind, known) or say("this cannot be used here")


def _bound(kind: str, known: dict[str, Any]) -> str:
    """A bound or a choice that was missed; "" for what is neither."""
    match kind:
        case "greater_than_equal":
            return say("write %(n)s or more", n=known["ge"])
        case "greater_than":
            return say("write more than %(n)s", n=known["gt"])
        case "less_than_equal":
            return say("write %(n)s or less", n=known["le"])
        case "less_than":
            return say("write less than %(n)s", n=known["lt"])
        case "literal_error" | "enum":
            return say("write one of: %(names)s", names=", ".join(re.findall(r"'([^']*)'", known["expected"])) or known["expected"])
        case "string_too_short" | "too_short":
            return say("this is empty or too short: at least %(n)s", n=known["min_length"])
        case "string_too_long" | "too_long":
            return say("this is too long: at most %(n)s", n=known["max_length"])
        case "string_pattern_mismatch" if "%" in known["pattern"]:
            return say("write a part of the time, from 1%% to 99%%")
        case "string_pattern_mismatch" if "[CG]" in known["pattern"] or "(T" in known["pattern"]:
            return say("write an id as Slack shows it, such as C0123ABCD for a channel or T0123ABCD for a workspace")
        case "string_pattern_mismatch":
            return say("write a name of small letters, digits and hyphens")
    return ""


def yaml_words(problem: str) -> str:
    """What YAML's reader stumbled over."""
    return next((said for piece, said in YAML.items() if piece in problem), say("look at the indent, the quotes and the brackets here"))
