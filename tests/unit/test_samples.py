"""What is made up from a schema fits it, whatever it says, and comes to an end."""

import json
import re
from pathlib import Path

import pytest

from agents.graphs.loader import load_project
from agents.views.patterns import matching
from agents.views.samples import made_up
from agents.views.snippets import snippets, subject
from audit import schemas

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*/langgraph.json"))


@pytest.mark.parametrize(
    "pattern",
    ["^[A-Z]{3}$", r"^ORD-\d{4,}$", r"^(a|b)+x?$", r"[^/\s]+", r"^\w+@\w+\.(com|org)$", "^[^A-Za-z0-9]+$", r"(\d)-\1", "[a-f0-9]{64}", "", ".*", "^(cat){2,3}$", r"\S"],
)  # fmt: skip
def test_a_text_that_a_pattern_takes(pattern):
    assert re.search(pattern, matching(pattern))


@pytest.mark.parametrize("pattern", ["(?=x)y", "a{5000}", "(((a{99}){99}){99}){99}", "(", r"[^\w\W]"])
def test_what_it_cannot_make_up_it_says_so_of(pattern):
    with pytest.raises(ValueError):
        matching(pattern)


def test_a_pattern_that_repeats_nothing_comes_to_an_end():
    assert matching("(?:" * 20 + "$" + "){150}" * 20) == ""


ITEM = {"type": "object", "properties": {"sku": {"type": "string", "pattern": r"^S\d+$"}}, "required": ["sku"]}


@pytest.mark.parametrize(
    "sub",
    [
        {"type": "string", "minLength": 20},
        {"type": "string", "maxLength": 3},
        {"type": "string", "format": "date-time"},
        {"type": "integer", "minimum": 7},
        {"type": "integer", "exclusiveMinimum": 7},
        {"type": "integer", "maximum": -3},
        {"type": "number", "exclusiveMaximum": 0, "multipleOf": 0.25},
        {"type": "integer", "minimum": 11, "multipleOf": 5},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": 1},
        {"$ref": "#/$defs/item"},
        {"enum": ["red", "blue"]},
        {"const": 5},
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {"allOf": [{"type": "string"}, {"minLength": 9}]},
        {"type": ["string", "null"], "pattern": "^x{3}$"},
        {"type": "boolean"},
        {},
    ],
)
def test_what_is_made_fits(sub):
    schema = {"type": "object", "properties": {"it": sub}, "required": ["it"], "$defs": {"item": ITEM}}
    assert schemas.why_not(schema, made_up(schema)[0]) == ""


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/properties/a"}}},
        {"$defs": {"n": {"type": "array", "minItems": 10**9, "items": {"$ref": "#/$defs/n"}}}, "required": ["a"], "properties": {"a": {"$ref": "#/$defs/n"}}},
        {"required": ["a"], "properties": {"a": {"$ref": "#/nowhere/at/all"}}},
        {"required": ["a"], "properties": {"a": {"type": "number", "multipleOf": 5e-324}}},
    ],
)  # fmt: skip
def test_a_schema_without_an_end_comes_to_one(schema):
    assert len(json.dumps(made_up(schema)[0])) < 20_000


@pytest.mark.parametrize("project", EXAMPLES, ids=lambda path: path.parent.name)
def test_what_is_made_for_the_tools_of_the_examples_fits_them(project):
    for loaded in load_project(project):
        for tool in loaded.tools.values():
            assert schemas.why_not(tool.schema, made_up(tool.schema)[0]) == "", tool.name


@pytest.mark.parametrize(
    ("schema", "unfit"),
    [
        ({"required": ["a"], "properties": {"a": True}}, ""),
        ({"required": ["a"], "properties": {"a": False}}, "a"),
        ({"required": ["a", "from"]}, ""),
        ({"required": [f"p{n}" for n in range(3_000)], "properties": {f"p{n}": {"type": "string"} for n in range(3_000)}}, "more values"),
        ({"type": "nonsense", "required": 5}, "nonsense"),
    ],
)
def test_whatever_a_tool_declares_there_is_something_to_paste_or_a_sentence(schema, unfit):
    tools = [{"name": "pay", "risk": "money", "schema": schema}]
    of = subject(slug="a", url="http://x", key="", by="ada", tools=tools, runs_here=False, samples=[], input_schema={})
    assert snippets(of) and (unfit in of.unfit if unfit else of.unfit == "")
