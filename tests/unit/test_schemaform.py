"""Forms out of schemas, and arguments out of forms: nothing is lost or changed on the way."""

from typing import Any

import pytest

from approvals.web import inputs
from approvals.web.inputs import PREFIX
from approvals.web.schemaform import completed, fields_of, guessed, read

SCHEMA: dict[str, Any] = {
    "type": "object",
    "$defs": {"Team": {"enum": ["legal", "fraud"], "type": "string"}},
    "properties": {
        "order": {"type": "string", "description": "Which one"},
        "cents": {"type": "integer", "minimum": 1, "maximum": 99999},
        "rate": {"type": "number"},
        "team": {"$ref": "#/$defs/Team"},
        "notify": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "nested": {"type": "object"},
    },
    "required": ["order", "cents", "team"],
}
NOW: dict[str, Any] = {
    "order": "A-1", "cents": 100, "rate": 0.5, "team": "legal", "notify": True, "tags": ["a", "b"], "note": None, "nested": {"k": [1]},
}  # fmt: skip


def as_posted(values: dict[str, Any] = NOW, **changed: str) -> dict[str, str]:
    """What a browser would send for the form of these values."""
    sent: dict[str, str] = {}
    for field in fields_of(SCHEMA, values):
        if field.kind == "boolean":
            sent |= {field.name: "true"} if field.value else {}
        else:
            sent[field.name] = str(field.value).replace("\n", "\r\n")
    return {**sent, **{PREFIX + key: value for key, value in changed.items()}}


@pytest.mark.parametrize(
    "schema", [{"type": "object", "required": ["to", "cents"]}, {"type": "object", "properties": {"to": {"type": "string"}}}, {}]
)
def test_what_a_schema_does_not_declare_can_be_edited_too(schema):
    now = {"to": "ACME", "cents": 100, "notify": True, "gone": None}
    whole = completed(schema, now)
    assert [(field.key, field.kind) for field in fields_of(whole, now)] == [("to", "line"), ("cents", "integer"), ("notify", "boolean")]
    sent = {f"{PREFIX}to": "ACME", f"{PREFIX}cents": "250", f"{PREFIX}notify": "true"}
    assert read(whole, now, sent) == ({**now, "cents": 250}, {})
    assert read(whole, now, {**sent, f"{PREFIX}cents": "much"})[1]


def test_each_type_has_its_control():
    kinds = {field.key: field.kind for field in fields_of(SCHEMA, NOW)}
    assert kinds == {
        "order": "line", "cents": "integer", "rate": "number", "team": "enum", "notify": "boolean", "tags": "list",
        "note": "line", "nested": "json",
    }  # fmt: skip


def test_an_untouched_form_means_the_same_arguments():
    assert read(SCHEMA, NOW, as_posted()) == (NOW, {})


@pytest.mark.parametrize("text", ["two\nlines", "x" * 500, "  spaces  ", "\ttab", "carriage\r\nreturn", "null", "true", "\nleading"])
def test_text_survives_the_form(text):
    values = {**NOW, "order": text}
    assert read(SCHEMA, values, as_posted(values))[0]["order"] == text


def test_changes_are_typed():
    args, errors = read(SCHEMA, NOW, as_posted(cents="250", rate="0.25", team="fraud", tags="c\nd", nested='{"k": []}', note="hello"))
    assert not errors
    assert (args["cents"], args["rate"], args["team"], args["tags"], args["nested"], args["note"]) == (
        250, 0.25, "fraud", ["c", "d"], {"k": []}, "hello",
    )  # fmt: skip


def test_an_unchecked_box_means_no():
    sent = as_posted()
    del sent[PREFIX + "notify"]
    assert read(SCHEMA, NOW, sent)[0]["notify"] is False


@pytest.mark.parametrize(
    ("changed", "field", "word"),
    [
        ({"cents": "12O40"}, "cents", "whole number"),
        ({"cents": "1.5"}, "cents", "without a point"),
        ({"cents": ""}, "cents", "needs a value"),
        ({"cents": "0"}, "cents", "At least"),
        ({"rate": "much"}, "rate", "A number"),
        ({"team": "sales"}, "team", "one of"),
        ({"nested": "{"}, "nested", "not valid JSON"),
        ({"nested": "[1]"}, "nested", "an object"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(changed, field, word):
    args, errors = read(SCHEMA, NOW, as_posted(**changed))
    assert word in errors[field]
    shown = {f.key: f.error for f in fields_of(SCHEMA, args, posted=as_posted(**changed), errors=errors)}
    assert shown[field] == errors[field]


def test_an_error_deep_inside_is_shown_at_its_property():
    fields = {f.key: f.error for f in fields_of(SCHEMA, NOW, errors={"nested.k[0]": "too small"})}
    assert fields["nested"] == "too small"


def test_values_without_a_control_are_kept():
    values = {**NOW, "unknown": {"keep": 1}}
    assert read(SCHEMA, values, as_posted(values))[0]["unknown"] == {"keep": 1}


def test_a_value_with_hidden_characters_is_shown_beside_its_control():
    (order,) = [f for f in fields_of(SCHEMA, {**NOW, "order": "a\u200bb"}) if f.key == "order"]
    assert order.unseen is not None and order.unseen.chips == 1
    assert all(f.unseen is None for f in fields_of(SCHEMA, NOW))


def test_optional_and_empty_is_left_out_of_a_new_run():
    args, errors = read(SCHEMA, {}, {PREFIX + "order": "A-1", PREFIX + "cents": "5", PREFIX + "team": "legal", PREFIX + "rate": ""})
    assert not errors and args == {"order": "A-1", "cents": 5, "team": "legal"}


def test_a_guessed_schema_keeps_the_types_that_are_there():
    values = {"a": 1, "b": "x", "c": True, "d": ["x"], "e": {"k": 1}, "f": 1.5, "g": None}
    kinds = {f.key: f.kind for f in fields_of(guessed(values), values)}
    assert kinds == {"a": "integer", "b": "line", "c": "boolean", "d": "list", "e": "json", "f": "number", "g": "json"}


@pytest.mark.parametrize("odd", ["a\rb", "a\nb", ""])
def test_a_list_that_one_a_line_would_change_is_not_offered_so(odd: str) -> None:
    texts = {"type": "array", "items": {"type": "string"}}
    assert inputs.kind_of(texts, ["plain", "words"]) == "list"
    assert inputs.kind_of(texts, ["plain", odd]) == "json"
