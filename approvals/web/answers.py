"""The answer to a question as a person gives it: controls of the schema the agent asks with, or words, yes, no, or JSON.

Pure, but for the sentences: between a schema, what is posted, and the two things an answer is kept as: its text, and whether that is JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from approvals.web.inputs import PREFIX, Posted
from approvals.web.schemaform import Field, fields_of, read
from approvals.web.subschemas import nullable, resolved
from audit import canonical, schemas
from audit.sentences import say

WHOLE = "answer"  # the one control of a schema that is no object
GIVEN = {"words": "", "yes": "true", "no": "false", "json": ""}


@dataclass(frozen=True)
class Answer:
    """What the sheet shows. `fields` are of the schema; without one the person chooses how their answer is `given`."""

    fields: tuple[Field, ...] = ()
    given: str = ""


def answer_form(
    schema: Any, *, response: str = "", given: str = "", posted: Posted | None = None, errors: Mapping[str, str] | None = None
) -> Answer:
    """The sheet of a question, with what was posted or kept from before. Of a schema that cannot be used there are no controls."""
    if schema is None:
        given = str((posted or {}).get("given") or given or "words")
        return Answer(given=given if given in GIVEN else "words")
    if unusable(schema):
        return Answer()
    form, whole = _form(schema)
    values = _kept(response, whole) if posted is None else {}
    fields = fields_of(form, values, posted=posted, errors=errors)
    return Answer(tuple(replace(one, called="") for one in fields) if whole else fields)


def read_answer(schema: Any, posted: Posted) -> tuple[str, bool, Mapping[str, str]]:
    """The answer's text, whether that is JSON, and what is wrong with which field ("" is the whole)."""
    given = str(posted.get("given") or "words")
    if schema is None or unusable(schema):
        as_json = schema is None and given in GIVEN and given != "words"
        words, fixed = str(posted.get("response", "")), GIVEN.get(given, "")
        both: dict[str, str] = (
            {"": say("You chose yes or no, and wrote words: choose words, or clear them")} if as_json and fixed and words.strip() else {}
        )
        return fixed or words, as_json, both
    form, whole = _form(schema)
    found, errors = read(form, {}, posted)
    value = found.get(WHOLE) if whole else found
    if isinstance(value, str):
        return value, False, errors
    return json.dumps(value, ensure_ascii=False), True, errors


def is_form(posted: Posted) -> bool:
    """Whether this came from the controls of a schema, or from a choice of how it is given."""
    return "given" in posted or any(str(name).startswith(PREFIX) for name in posted)


def unusable(schema: Any) -> bool:
    """Whether no control can be made of it: the operation says why."""
    return not isinstance(schema, Mapping) or bool(schemas.broken(schema))


def _form(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """A schema with properties, and whether it is one around the question's own: then the whole answer is its one control."""
    found, parts = resolved(schema, schema), schema.get("$defs", {})
    if found.get("type") == "object" and found.get("properties"):
        return {**found, "$defs": parts}, False
    inside = {name: part for name, part in schema.items() if name != "$defs"}
    if found.get("type") == "boolean":
        nothing = [None] if nullable(schema, schema) else []
        inside = {**inside, "enum": [False, True, *nothing]}  # not a box, which nobody can see was left as it was
    return {"type": "object", "properties": {WHOLE: inside}, "required": [WHOLE], "$defs": parts}, True


def _kept(response: str, whole: bool) -> dict[str, Any]:
    """The values in words that were kept while the person showed that it is they."""
    if not response:
        return {}
    try:
        value = canonical.parse(response, greatest=canonical.ANSWERED_INT)
    except canonical.NotCanonical:
        value = response
    if whole:
        return {WHOLE: value}
    return value if isinstance(value, dict) else {}
