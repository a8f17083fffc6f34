"""Whether claims can hold at once: random ones against brute force, and the ones a person would write."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.policy.claims import Claim, formula, ways
from approvals.policy.conditions import Condition, Unanswerable
from approvals.policy.matching import said_of
from approvals.policy.possible import contradiction, implies, never
from approvals.policy.shapes import ANYTHING, Missing, Shape, shape_of
from tests.unit.test_policy_rules import CALL

WHOLE = list(range(-5, 6))
paths = st.sampled_from(["args.a", "args.b"])
signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
comparisons = st.builds("{} {} {}".format, paths, signs, st.integers(-4, 4)) | st.builds(
    "{} {} {}".format, st.integers(-4, 4), signs, paths
)
lists = st.builds("{} in {}".format, paths, st.lists(st.integers(-4, 4), max_size=3).map(str))
atoms = comparisons | lists
conditions = st.recursive(
    atoms,
    lambda c: st.builds("({} && {})".format, c, c) | st.builds("({} || {})".format, c, c) | st.builds("!({})".format, c),
    max_leaves=5,
)
rows = st.lists(comparisons, min_size=2, max_size=4).map(" && ".join)


def parsed(text):
    return formula(Condition(text).tree)


def holds(condition: Condition, **args) -> bool:
    try:
        return condition.holds(said_of(replace(CALL, args=args)))
    except Unanswerable:
        return False


def whole(steps):
    return Shape(frozenset({"number"}), whole=True, least=-5, most=5)


@settings(deadline=None, max_examples=60)
@given(conditions)
def test_never_is_only_said_of_what_no_number_makes_true(text):
    condition = Condition(text)
    if never(parsed(text)):
        assert not any(holds(condition, a=a, b=b) for a, b in product(WHOLE, repeat=2))


@settings(deadline=None, max_examples=60)
@given(rows)
def test_of_whole_numbers_between_bounds_it_is_said_exactly_when_none_is_left(text):
    condition = Condition(text)
    assert bool(never(parsed(text), whole)) is not any(holds(condition, a=a, b=b) for a, b in product(WHOLE, repeat=2))


@settings(deadline=None, max_examples=60)
@given(conditions, conditions)
def test_what_is_implied_is_never_false_where_the_other_holds(one, other):
    if implies(parsed(one), parsed(other)):
        first, second = Condition(one), Condition(other)
        assert not [(a, b) for a, b in product(WHOLE, repeat=2) if holds(first, a=a, b=b) and not holds(second, a=a, b=b)]


TEXTS = ["", "a", "ab", "abc", "b", "ba", "c", "cab"]
words = st.sampled_from(TEXTS).map('"{}"'.format)
about_texts = (
    st.builds("args.a {} {}".format, signs, words)
    | st.builds("args.a.{}({})".format, st.sampled_from(["startsWith", "endsWith", "contains"]), words)
    | st.builds("size(args.a) {} {}".format, signs, st.integers(-1, 4))
    | st.builds("!(args.a.{}({}))".format, st.sampled_from(["startsWith", "endsWith", "contains"]), words)
    | st.sampled_from(["has(args.a)", "!has(args.a)", "args.a == 1", "args.a == null", "args.a > 0"])
)


@settings(deadline=None, max_examples=60)
@given(st.lists(about_texts, min_size=1, max_size=4))
def test_of_texts_and_other_kinds_too(claims):
    text = " && ".join(claims)
    condition = Condition(text)
    if never(parsed(text)):
        values: list[Any] = [*TEXTS, 1, 0, 2.5, None, True, [], {}]
        everything = [{"a": value} for value in values]
        assert not [args for args in [{}, *everything] if holds(condition, **args)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("args.a > 100 && args.a < 50", "args.a > 100 and args.a < 50 are never true together"),
        ("50 > args.a && 100 < args.a", "args.a < 50 and args.a > 100 are never true together"),
        ("args.a == 1 && tool == 'x' && args.a == 2", "args.a == 1 and args.a == 2 are never true together"),
        ("args.a == 'x' && args.a > 3", 'args.a == "x" and args.a > 3 are never true together'),
        ("!(args.a <= 5 || args.b) && args.a < 5", "args.a > 5 and args.a < 5 are never true together"),
        ("args.a in [1, 2] && args.a > 50 * 1000", "args.a in [1, 2] is never true"),
        ("args.a.startsWith('x') && args.a.startsWith('y')", 'args.a.startsWith("x") and args.a.startsWith("y")'),
        ("!has(args.a) && args.a.b > 1", "!(has(args.a)) and args.a.b > 1"),
        ("size(args.a) < 0", "size(args.a) < 0 is never true"),
        ("args['a'] > 5 && args.a < 5", "args.a > 5 and args.a < 5"),
        ("reversible && !reversible", "reversible == true and reversible != true"),
        ("args.a > 1 && args.a > 2 && args.a in [1, 2, 3] && args.a != 3", "args.a"),
    ],
)
def test_what_contradicts_itself_is_named(text, why):
    assert why in never(parsed(text)) or why.split(" is never")[0] in never(parsed(text))


@pytest.mark.parametrize(
    "text",
    [
        "args.a > 50 && args.a < 51",
        "args.a > 100 || args.a < 50",
        "args.a > 100 && args.b < 50",
        "args.a >= 5 && args.a <= 5",
        "args.a == 1 && args.a == 1.0",
        "args.items.exists(i, i > 5) && args.items.exists(i, i < 5)",
        "args.a + 1 > 5 && args.a + 1 < 3",
        "(args.a > 5 ? true : false) && args.a < 3",
        "has(args.a) && args.a.b == 'x'",
        "args.a == b'x' && args.a == b'y'",
    ],
)
def test_what_may_hold_or_is_beyond_reading_is_let_be(text):
    assert never(parsed(text)) == ""


def test_a_condition_with_too_many_ways_is_let_be():
    assert never(parsed(" && ".join(f"(args.a == {n} || args.b == {n})" for n in range(12)) + " && args.a > 1 && args.a < 1")) == ""


SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer", "minimum": 1, "maximum": 100},
        "rate": {"type": "number"},
        "currency": {"$ref": "#/$defs/Currency"},
        "to": {"$ref": "#/$defs/Address"},
        "maybe": {"anyOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}]},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "open": {"type": "object"},
        "mixed": {"allOf": [{"type": "object", "properties": {"x": {}}}]},
        "broken": {"$ref": "#/nowhere"},
    },
    "$defs": {
        "Currency": {"enum": ["EUR", "USD"]},
        "Address": {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False},
    },
}


@pytest.mark.parametrize(
    ("steps", "shape"),
    [
        ("amount", Shape(frozenset({"number"}), whole=True, least=1, most=100)),
        ("rate", Shape(frozenset({"number"}))),
        ("currency", Shape(frozenset({"text"}), whole=True, values=("EUR", "USD"))),
        ("to.city", Shape(frozenset({"text"}), whole=True)),
        ("maybe.city", Shape(frozenset({"text"}), whole=True)),
        ("labels.anything", Shape(frozenset({"text"}), whole=True)),
        ("open.anything.at.all", ANYTHING),
        ("mixed.y", ANYTHING),
        ("broken.y", ANYTHING),
    ],
)
def test_what_a_schema_says_of_an_argument(steps, shape):
    assert shape_of(SCHEMA, steps.split(".")) == shape


@pytest.mark.parametrize(("steps", "step"), [("amuont", "amuont"), ("to.town", "town"), ("maybe.town", "town"), ("amount.x", "x")])
def test_what_is_no_argument_is_missing(steps, step):
    with pytest.raises(Missing) as missing:
        shape_of(SCHEMA, steps.split("."))
    assert missing.value.step == step


def test_a_schema_that_is_none_says_nothing():
    schemas: list[dict[str, Any]] = [{}, {"properties": []}, {"type": "object"}, {"$ref": "#"}, {"anyOf": "x"}]
    for schema in schemas:
        assert shape_of(schema, ["a", "b"]) == ANYTHING


def test_negation_is_exact():
    assert ways(formula(Condition("!(args.a > 1 && tool == 'x')").tree)) == [
        (Claim(("args", "a"), "<=", 1),), (Claim(("tool",), "!=", "x"),),
    ]  # fmt: skip
    assert contradiction(()) == ""
