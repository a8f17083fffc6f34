"""The short way of conditions: whatever it answers, the language's interpreter answers the same."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from approvals.policy.conditions import NAMES, Condition, Said, Unanswerable
from approvals.policy.literals import Unsure
from approvals.policy.matching import Facts
from approvals.policy.risk import assess
from approvals.policy.rules import Level, PolicyData, parse
from tests.fakes import with_rules

FACTS = {
    **dict.fromkeys(NAMES, "pay"),
    "figures": {"rows": 3},
    "reversible": True,
    "untrusted_text": ("to",),
    "hidden_characters": (),
    "estimated_cost": None,
    "confidence": 0.5,
    "run_calls": 2,
}
BIG = 2**62

whole = st.one_of(st.integers(-5, 5), st.sampled_from([BIG, -BIG, 2**63 - 1, -(2**63)]))
scalars = st.one_of(
    whole,
    st.booleans(),
    st.none(),
    st.text(max_size=3),
    st.sampled_from(["x", "xy", "\\", "a\nb", "ä", "\ud800"]),
    st.floats(-5, 5).map(lambda f: round(f, 1)),
    st.sampled_from([1e308, float("inf")]),
)
lists = st.lists(st.one_of(scalars, st.fixed_dictionaries({"b": scalars}), st.lists(scalars, max_size=3)), max_size=4)
likely = st.lists(st.integers(-3, 3), max_size=4)  # such as schemas leave: of one kind
arguments = st.dictionaries(
    st.sampled_from("abl"), st.one_of(scalars, lists, likely, st.fixed_dictionaries({"b": st.one_of(scalars, likely)}))
)

PATHS = ["args.a", "args.b", "args.a.b", "args['a']", "args.a['b']", "args.l", "args.l[0]", "args.l[1].b", "tool", "figures.rows", "reversible",
         "estimated_cost", "confidence", "args", "untrusted_text"]  # fmt: skip
CONSTANTS = ["1", "-2", "0x10", "9223372036854775808", "1.5", "1e308", "true", "false", "'x'", '"y"', "r'x'", "'\\\\'", "'\\n'", "'\\u0078'", "null",
             "1u", "''", "b'x'", "'''x'''"]  # fmt: skip
LISTED = ["[]", "['x', 'y']", "['x', 1]", "[1, 2]", "[1.5, 2.0]", "[true]", "[null]", "[-2, 9223372036854775808]", "[1, 'x', 1.5]", "args.l",
          "args.a", "args", "untrusted_text", "'xy'", "[args.a]", "[1 + 1]"]  # fmt: skip
PATTERNS = ["'^x'", "r'^x.*\\n?$'", "'x+y?'", "'['", "'(?i)X'", "''", "'\\\\\\\\'", "'(x|y)*$'", "r'\\bx'", "args.b"]
ORDER = ["==", "!=", "<", "<=", ">", ">="]


def conditions_over(paths: list[str]) -> st.SearchStrategy[str]:
    """Conditions about these paths, half of them about numbers that are reckoned with."""
    path, constant = st.sampled_from(paths), st.sampled_from(CONSTANTS)
    sized = st.one_of(path.map("size({})".format), path.map("{}.size()".format))
    value = st.recursive(
        st.one_of(path, path, constant, sized),
        lambda v: st.one_of(
            st.builds("({} {} {})".format, v, st.sampled_from(["+", "-", "*", "/", "%"]), v),
            st.builds("(-{})".format, v),
            v.map("-{}".format),
        ),
        max_leaves=3,
    )
    return st.one_of(
        st.builds("{} {} {}".format, value, st.sampled_from(ORDER), value),
        st.builds("{} {} {}".format, path, st.sampled_from(ORDER), constant),
        st.builds("{} in {}".format, value, st.sampled_from(LISTED)),
        st.builds("{}.{}({})".format, path, st.sampled_from(["startsWith", "endsWith", "contains"]), constant),
        st.builds("{}.matches({})".format, path, st.sampled_from(PATTERNS)),
        path.map("has({})".format),
        path,
        st.sampled_from(
            ["has(args.z)", "has(args.a.z.y)", "has(args['a'])", "true", "false", "1", "args.z", "args.z > 1", "args.l[7] == 1"]
        ),
    )


def joined(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} && {})".format, part, part),
        st.builds("({} || {})".format, part, part),
        st.builds("!({})".format, part),
    )


def loops(names: tuple[str, ...] = ("i", "j"), paths: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """Loops over lists, also in each other; names that mean something else outside among the variables."""
    if not names:
        return conditions_over([*PATHS, *paths])
    name = names[0]
    inner_paths = (*paths, name, f"{name}.b", f"{name}[0]")
    inner = st.one_of(conditions_over([*inner_paths, "args.a"]), loops(names[1:], inner_paths))
    inner = st.recursive(inner, joined, max_leaves=2)
    over = st.sampled_from(["args.l", "args.l", "args.a", "args.a.b", "untrusted_text", "args", *paths])
    return st.builds("{}.{}({}, {})".format, over, st.sampled_from(["exists", "all"]), st.just(name), inner)


conditions = st.recursive(st.one_of(conditions_over(PATHS), loops(), loops(("tool",)), loops(("int",))), joined, max_leaves=4)


def answer(ask, said):
    try:
        return ask(said)
    except Unanswerable:
        return None


@settings(deadline=None, max_examples=400)
@given(conditions, arguments)
@example("args.a == 1 && args.l.exists(i, i == 1)", {"a": 2, "l": None})
@example("args.a.exists(i, i.b.exists(j, j == 1))", {"a": [{"b": [1]}, {"b": None}]})
@example("args.l.exists(i, args.l.exists(i, i == 1) && i == 2)", {"l": [2, 1]})
@example("args.a * args.b > 1", {"a": BIG, "b": 4})
@example("-args.a > 1", {"a": -(2**63)})
@example("args.a in ['x', 'y']", {"a": None})
@example("args.a > 1", {"a": 2**63})
@example("args.a in [1]", {"a": -(2**70)})
@example("args.l.exists(i, i == 1)", {"l": [2, 2**64]})
@example("args.l.all(tool, tool == 1) && tool == 'pay'", {"l": [1]})
def test_the_short_way_never_says_anything_else_than_the_language(text, args):
    condition = Condition(text)
    if condition._plain is None:
        return
    said = {**FACTS, "args": args}
    assert answer(condition.holds, Said(said)) == answer(condition.interpreted, Said(said)), text


SHORT = [
    "args.amount > 5",
    "5 < args.amount",
    "has(args.a) && args.a == 'x' || !(tool == 'y')",
    "args.to.startsWith('x')",
    "args.to in ['a']",
    "args.n in [1000, 5000]",
    "args.f in [1.5, 2.5]",
    "'a' in args.names",
    "args.n * 2 + args.m - 1 == 10",
    "args.n % 100 == 0",
    "args.text.matches('^foo.*bar$')",
    "args.text.matches(r'^\\d+$')",
    "args.rows.exists(r, r.qty > 3 && r.price * r.qty > 100)",
    "args.rows.all(r, r.to.endsWith('@example.com'))",
    "args['n'] > 5 && args.rows[0].qty == 1",
    "size(untrusted_text) == 0",
    "args.names.size() > 3",
    "estimated_cost == null",
    "reversible",
]
VALUES = {
    "amount": 7,
    "a": "x",
    "to": "xa",
    "n": 200,
    "m": 1,
    "f": 1.5,
    "names": ["a"],
    "text": "foo bar",
    "rows": [{"qty": 1, "price": 2, "to": "a"}],
}


@pytest.mark.parametrize("text", SHORT)
def test_plain_conditions_go_the_short_way(text, monkeypatch):
    monkeypatch.setattr(Condition, "interpreted", lambda *_: pytest.fail("the interpreter was asked"))
    assert Condition(text).holds(Said({**FACTS, "args": VALUES})) in {True, False}


@pytest.mark.parametrize(
    "text", ["double(args.n) > 1.0", "args.a + 'x' == 'y'", "args.rows.map(r, r.qty) == [1]", "args.to.matches(args.a)"]
)
def test_what_is_not_plain_is_left_to_the_interpreter(text):
    assert Condition(text).interpreted_always


def test_an_expression_that_would_never_end_elsewhere_is_linear_here_and_of_long_texts_left_to_the_bounds():
    condition = Condition("args.text.matches('^(a+)+$')")
    assert not condition.holds(Said({**FACTS, "args": {"text": "a" * 9_000 + "!"}}))
    with pytest.raises(Unsure):
        condition._plain(Said({**FACTS, "args": {"text": "a" * 10_001}}).plain)


MANY = {
    "list": "args.n in [{n}, 1{n}]",
    "times": "args.n * 2 == {n}",
    "matches": 'args.text.matches("^foo{n}.*bar$")',
    "exists": "args.l.exists(x, x == {n})",
    "has": "has(args.cents) && args.cents in [{n}, 1{n}]",
    "missing": "args.z == {n}",
}


def five_hundred(condition: str) -> PolicyData:
    text = "".join(
        f"- {{name: r{n}, match: {{tools: [note], when: '{condition.format(n=n + 1000)}'}}, at_least: critical}}\n" for n in range(500)
    )
    return parse(with_rules(text)).data


CALL = Facts("note", "write", args={"n": 3, "text": "hello", "l": [1, 2, 3]}, agent="books")


@pytest.mark.parametrize("kind", ["list", "times", "matches", "exists", "has"])
def test_of_500_rules_that_do_not_match_none_counts(kind, monkeypatch):
    """Each answered without the interpreter, whose bounds they would use up: then every later one would count as matching."""
    monkeypatch.setattr(Condition, "interpreted", lambda *_: pytest.fail("the interpreter was asked"))
    found = assess(five_hundred(MANY[kind]), CALL)
    assert found.level is not Level.CRITICAL and not [f for f in found.factors if f.rule]


def test_what_is_missing_is_known_to_fail_without_asking_the_interpreter_500_times(monkeypatch):
    monkeypatch.setattr(Condition, "interpreted", lambda *_: pytest.fail("the interpreter was asked"))
    found = assess(five_hundred(MANY["missing"]), CALL)
    assert found.level is Level.CRITICAL and "no such member in mapping: 'z'" in found.factors[-1].why


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "args.x > 5",
        "5 < args.x",
        "args.x >= 1.0",
        "args.x == 1",
        "args.x != 1",
        "args.x + 1 > 1",
        "args.x * 2 == 2",
        "args.xs.exists(a, a > 5)",
    ],
)
def test_a_truth_is_no_number(text, value):
    """It is one for Python, and so was for the library: a call with `true` in the place of an amount passed."""
    condition, said = Condition(text), Said({"args": {"x": value, "xs": [value]}})
    for ask in (condition.holds, condition.interpreted):
        with pytest.raises(Unanswerable):
            ask(said)


def test_truths_are_compared_with_truths():
    assert Condition("args.x == true && args.x != false && args.x > false").interpreted(Said({"args": {"x": True}}))
