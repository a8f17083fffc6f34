"""The answer to a question in a view, as the page takes it: words, yes, no or JSON; or the fields of the schema that the agent asks with.

A text is a text to whoever asked: "no" in words is not no. So here, too, a person says what their answer is.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from django.utils.translation import gettext as _

from approvals.queries import ActionDetail
from approvals.slack import blocks as b
from approvals.slack.controls import control, labelled, posted
from approvals.slack.text import cut, spelled
from approvals.slack.views import Values
from approvals.web.answers import answer_form, read_answer, unusable
from approvals.web.schemaform import Field
from audit.languages import told

WORDS, GIVEN, ANSWERED = "words", "given", "answer:"
MOST_FIELDS, MOST_IN_KEY, MOST_OF_SCHEMA = 40, 200, 1_200


class Said(NamedTuple):
    """An answer as the operation takes it; `errors` stand beside the inputs of these names, "" is the whole."""

    text: str
    as_json: bool = False
    errors: Mapping[str, str] = MappingProxyType({})


def inputs(detail: ActionDetail) -> list[b.Block]:
    """What an answer is typed into."""
    if detail.row.kind != "question" or (detail.answer_schema is not None and unusable(detail.answer_schema)):
        return [b.entry(_("Your answer"), b.text_input(WORDS, multiline=True), block_id=WORDS)]
    if detail.answer_schema is None:
        ways = {"words": _("In words"), "yes": _("Yes (true)"), "no": _("No (false)"), "json": _("A number, or other JSON")}
        how = b.radio(GIVEN, [b.option(label, way) for way, label in ways.items()], chosen="words")
        text = b.text_input(WORDS, multiline=True)
        hint = _("Only for the first and the last. The word no is a text to the agent: choose No instead.")
        typed = b.entry(_("Your words, or the JSON"), text, block_id=WORDS, optional=True, hint=hint)
        return [b.entry(_("Your answer is"), how, block_id=GIVEN), typed]
    return _typed(detail) or [_as_json(detail)]


def read(detail: ActionDetail, values: Values) -> Said:
    """What was answered, and what of it cannot be."""
    if detail.row.kind != "question":
        return Said(values.get(WORDS, ""))
    if detail.answer_schema is None or unusable(detail.answer_schema):
        sent = {"given": values.get(GIVEN, ""), "response": values.get(WORDS, "")}
    elif _typed(detail):
        sent = posted(answer_form(detail.answer_schema).fields, values, ANSWERED)
    else:
        return Said(values.get(WORDS, ""), as_json=True)  # what does not fit is said by the operation
    text, as_json, wrong = read_answer(detail.answer_schema, sent)
    return Said(text, as_json, _placed(wrong, values))


def place(values: Values) -> str:
    """Beside which input a refusal of the whole stands, "" where none is of the whole."""
    return WORDS if WORDS in values else ""


def _placed(wrong: Mapping[str, str], values: Values) -> dict[str, str]:
    """Errors by input instead of by path."""
    found: dict[str, str] = {}
    for path, why in wrong.items():
        name = ANSWERED + re.split(r"[.\[]", path, maxsplit=1)[0]
        at, said = (name, told(why)) if path and name in values else (place(values), f"{path}: {told(why)}" if path else told(why))
        found[at] = f"{found[at]}; {said}" if at in found else said
    return found


def _typed(detail: ActionDetail) -> list[b.Block]:
    """An input for each field of the schema; none when one of them has no input here."""
    fields = answer_form(detail.answer_schema).fields
    elements = [control(one) for one in fields]
    if None in elements or len(fields) > MOST_FIELDS or any(len(one.key) > MOST_IN_KEY for one in fields):
        return []
    return [_entry(one, element) for one, element in zip(fields, elements, strict=True) if element]


def _entry(one: Field, element: b.Block) -> b.Block:
    hint = cut(" ".join(filter(None, [spelled(one.help) if one.help else "", told(one.limits)])), 300)
    free = one.free or one.kind in {"boolean", "many"}  # a box that is not ticked is an answer, too
    return b.entry(labelled(one), element, block_id=ANSWERED + one.key, optional=free, hint=hint)


def _as_json(detail: ActionDetail) -> b.Block:
    schema = spelled(json.dumps(detail.answer_schema, ensure_ascii=False))
    hint = _("JSON that fits this schema: %(schema)s") % {"schema": cut(schema, MOST_OF_SCHEMA)}
    return b.entry(_("Your answer, as JSON"), b.text_input(WORDS, multiline=True), block_id=WORDS, hint=hint)
