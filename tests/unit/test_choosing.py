"""What can be chosen in a schema: titles are read, constants are sent, and no untouched form changes anything."""

from typing import Any

import pytest

from approvals.web.answers import answer_form, read_answer
from approvals.web.inputs import PREFIX
from approvals.web.schemaform import Field, fields_of, read
from audit import schemas

TIERS = [{"const": "p1", "title": "First"}, {"const": "p2", "title": "Second"}]
WAYS: list[dict[str, Any]] = [
    {"oneOf": TIERS},
    {"type": "string", "anyOf": TIERS},
    {"enum": ["p1", "p2"], "enumNames": ["First", "Second"]},
    {"$ref": "#/$defs/Tier"},
]
NUMBERS = {"oneOf": [{"const": 1, "title": "One"}, {"const": "1", "title": "The text"}, {"const": True, "title": "Yes"}]}


def form(**parts: Any) -> dict[str, Any]:
    return {"type": "object", "properties": parts, "$defs": {"Tier": {"oneOf": TIERS}}}


def only(schema: dict[str, Any], values: dict[str, Any] | None = None) -> Field:
    (field,) = fields_of(schema, values or {})
    return field


def words(field: Field) -> list[str]:
    return [option.value for option in field.options if option.chosen]


def ticked(key: str, sent: list[str]) -> dict[str, str]:
    """What a browser sends of boxes."""
    return {PREFIX + key: "", **{f"pick-{number}-{key}": word for number, word in enumerate(sent)}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("required", [True, False])
def test_titles_are_shown_and_constants_are_sent(way, required):
    schema = {**form(tier=way), "required": ["tier"] if required else []}
    field = only(schema)
    assert (field.kind, [(o.label, o.note) for o in field.options]) == ("enum", [("First", "p1"), ("Second", "p2")])
    assert words(field) == [] and field.free is not required
    assert read(schema, {}, {PREFIX + "tier": "p2"}) == ({"tier": "p2"}, {})
    empty = read(schema, {}, {PREFIX + "tier": ""})
    assert empty == (({}, {"tier": "Choose one"}) if required else ({}, {}))
    assert read(schema, {}, {}) == empty, "of radio buttons none is sent"


def test_what_reads_alike_is_told_apart():
    schema = form(n=NUMBERS)
    sent = {option.label: option.value for option in only(schema).options}
    for label, value in [("One", 1), ("The text", "1"), ("Yes", True)]:
        found = read(schema, {}, {PREFIX + "n": sent[label]})[0]["n"]
        assert found == value and type(found) is type(value)


def test_a_default_is_chosen_beforehand_and_can_be_taken_back():
    schema = form(tier={"oneOf": TIERS, "default": "p2"})
    assert words(only(schema)) == ["p2"] and read(schema, {}, {PREFIX + "tier": ""}) == ({}, {})


@pytest.mark.parametrize("items", WAYS)
def test_several_are_ticked_and_their_number_is_said(items):
    schema = form(tiers={"type": "array", "items": items, "minItems": 1, "maxItems": 1, "uniqueItems": True, "default": ["p1"]})
    field = only(schema)
    assert (field.kind, words(field), str(field.limits)) == ("many", ["p1"], "Exactly 1.")
    assert read(schema, {}, ticked("tiers", ["p2"])) == ({"tiers": ["p2"]}, {})
    assert read(schema, {}, ticked("tiers", ["p1", "p2"]))[1] == {"tiers": "Exactly 1."}
    assert read(schema, {"tiers": ["p1"]}, ticked("tiers", []))[1] == {"tiers": "Exactly 1."}
    assert "none of the choices" in read(schema, {}, ticked("tiers", ["p9"]))[1]["tiers"]


def test_ticked_boxes_keep_the_order_that_was_there():
    schema = form(tiers={"type": "array", "items": {"enum": ["a", "b", "c"]}})
    assert read(schema, {"tiers": ["c", "a"]}, ticked("tiers", ["a", "c"]))[0] == {"tiers": ["c", "a"]}
    assert read(schema, {"tiers": ["c", "a"]}, ticked("tiers", ["a", "b"]))[0] == {"tiers": ["a", "b"]}
    assert [only(schema, {"tiers": value}).kind for value in (["a", "a"], ["z"])] == ["json", "json"]


def test_a_value_that_is_no_choice_stands_there_and_is_refused_by_the_schema_only():
    schema = form(tier={"oneOf": TIERS})
    field = only(schema, {"tier": "p9"})
    assert words(field) == ['"p9"'] and len(field.options) == 3
    args, errors = read(schema, {"tier": "p9"}, {PREFIX + "tier": '"p9"'})
    assert args == {"tier": "p9"} and list(errors) == ["tier"]


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"anyOf": [{"oneOf": TIERS}, {"type": "null"}]}, "enum"),
        ({"enum": ["p1", None]}, "enum"),
        ({"type": ["boolean", "null"]}, "enum"),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, "integer"),
        ({"type": ["string", "null"]}, "line"),
    ],
)
def test_what_may_be_nothing_is_asked_for_as_what_it_is(part, kind):
    schema = {**form(x=part), "required": ["x"]}
    field = only(schema, {"x": None})
    assert (field.kind, field.free, field.value) == (kind, True, "")
    assert read(schema, {"x": None}, {PREFIX + "x": ""}) == ({"x": None}, {})
    assert only({"type": "object", "properties": {"x": {**part, "default": None}}}, {}).value == ""


def test_a_title_is_the_label_and_the_key_stands_beside_it():
    (named, plain) = fields_of(form(order_id={"type": "string", "title": "Order"}, note={"type": "string"}), {})
    assert (named.label, named.called, plain.label, plain.called) == ("Order", "order_id", "note", "")


def test_a_whole_answer_can_be_a_choice_or_several():
    several = {"type": "array", "items": {"anyOf": TIERS}, "title": "Which?"}
    (field,) = answer_form(several).fields
    assert (field.kind, field.label, field.called) == ("many", "Which?", "")
    text, as_json, errors = read_answer(several, ticked("answer", ["p1", "p2"]))
    assert schemas.meant(text, several, as_json=as_json) == ["p1", "p2"] and not errors
    assert read_answer({"oneOf": TIERS}, {"arg-answer": "p1"}) == ("p1", False, {})
    assert read_answer({"type": ["boolean", "null"]}, {"arg-answer": ""}) == ("null", True, {})


def test_few_stand_beside_each_other_and_many_in_a_menu():
    few, more = only(form(x={"enum": ["a", "b"]})), only(form(x={"enum": list("abcdefgh")}))
    hidden = only(form(x={"enum": [*"abcdefgh", "a\u200b"]}))
    assert (few.grouped, more.grouped, hidden.grouped) == (True, False, True)


@pytest.mark.parametrize(
    ("part", "word", "meant"),
    [
        ({"type": ["boolean", "null"]}, "false", False),
        ({"oneOf": [{"const": True, "title": "Insure it"}, {"const": False, "title": "Do not insure it"}]}, "false", False),
        ({"enum": [0, False]}, "false", False),
        ({"enum": [0, 1]}, "0", 0),
    ],
)
def test_a_no_that_was_chosen_is_sent_though_it_is_not_required(part, word, meant):
    """It was taken for a box that nobody ticked, and left out."""
    schema = form(key=part)
    sent = next(option.value for option in only(schema).options if option.value == word or option.label in {word, "No", "Do not insure it"})
    assert read(schema, {}, {PREFIX + "key": sent}) == ({"key": meant}, {})


def test_an_unticked_box_that_was_left_out_stays_left_out():
    assert read(form(key={"type": "boolean"}), {}, {PREFIX + "key": ""}) == ({}, {})


def test_a_choice_behind_an_all_of_one_is_a_choice():
    assert only(form(key={"allOf": [{"$ref": "#/$defs/Tier"}], "default": "p1"})).kind == "enum"


def test_a_number_without_end_is_no_number():
    _, wrong = read(form(key={"type": "number"}), {}, {PREFIX + "key": "1e400"})
    assert "120.40" in str(wrong["key"])
