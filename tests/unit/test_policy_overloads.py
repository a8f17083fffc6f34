"""Operators and functions of the language for the kinds of values it has them for: Python's own generosity answers nothing here."""

from typing import Any

import pytest

from approvals.policy.conditions import Condition, Said
from approvals.policy.interpreting import Unanswerable

UNANSWERABLE: list[tuple[str, dict[str, Any]]] = [
    # truths are no numbers, wherever they stand
    ("args.v == 1", {"v": True}),
    ("args.v in [true]", {"v": 1}),
    ("args.v in [false]", {"v": 0}),
    ("args.v in [true]", {"v": 1.0}),
    ("args.v == [1]", {"v": [True]}),
    ("args.v != [1]", {"v": [True]}),
    ("args.v == [[1]]", {"v": [[True]]}),
    ("args.v == {'k': 1}", {"v": {"k": True}}),
    ("args.v != {'k': 1}", {"v": {"k": True}}),
    ("args.v == args.w", {"v": [True], "w": [1]}),
    ("args.w in args.v", {"v": [True], "w": 1}),
    ("args.v.exists(x, x in [true])", {"v": [1]}),
    ("args.v + 1 == 2", {"v": True}),
    ("args.v < 2", {"v": False}),
    ("args.l[args.v] == 'b'", {"l": ["a", "b"], "v": True}),
    ("int(args.v) == 1", {"v": True}),
    ("double(args.v) == 1.0", {"v": True}),
    ("bool(args.v)", {"v": 1}),
    ("[args.v, 3].min() == 1", {"v": True}),
    # nothing is not empty, and not 0
    ("args.v.size() == 0", {"v": None}),
    ("size(args.v) < 3", {"v": None}),
    ("args.v.size() == 0 || args.v == 'z'", {"v": None}),
    ("int(args.v) == 0", {"v": None}),
    ("!bool(args.v)", {"v": None}),
    ("string(args.v) == ''", {"v": None}),
    ("args.v.size() == 3", {"v": 123}),
    # texts are no lists, and lists no texts
    ("args.v.contains('admin')", {"v": ["admin"]}),
    ("args.v.contains('admin')", {"v": {"admin": 1}}),
    ("'x' in args.v", {"v": "axb"}),
    ("args.w in args.v", {"v": "abc", "w": "b"}),
    ("args.v.exists(c, c == 'x')", {"v": "axb"}),
    ("args.v.all(c, c == 'x')", {"v": ""}),
    ("args.v[0] == 'a'", {"v": "abc"}),
    ("args.v.startsWith('a')", {"v": ["a"]}),
    ("args.v.matches('a')", {"v": ["a"]}),
    ("'abc'.startsWith(args.v)", {"v": ["a"]}),
    ("args.v * 3 == 'xxx'", {"v": "x"}),
    ("3 * args.v == [1, 1, 1]", {"v": [1]}),
    ("args.v % args.w == 'x'", {"v": "%s", "w": "x"}),
    ("args.v + [2] == [1, 2]", {"v": "1"}),
    ("int(args.v) == 1000", {"v": "1_000"}),
    ("int(args.v) == 1", {"v": " 1 "}),
    ("int(args.v) == 1", {"v": "\u0661"}),
    ("double(args.v) < 5.0", {"v": "nan"}),
    ("bool(args.v)", {"v": "yes"}),
    # items are counted from the front
    ("args.v[-1] == 3", {"v": [1, 2, 3]}),
    ("args.v[0.0] == 1", {"v": [1, 2, 3]}),
    ("args.v['a'] == 1", {"v": [1]}),
    # what has no fields is not asked for them
    ("!has(args.v.k)", {"v": "text"}),
    ("!has(args.v.k)", {"v": None}),
    ("!has(args.v.k)", {"v": ["k"]}),
    ("!has(args.v.k.l)", {"v": 3}),
    ("!has(args.v[0].k)", {"v": ["k"]}),
    # yes and no are no numbers and texts
    ("!args.v", {"v": 0}),
    ("args.v && true", {"v": 1}),
    ("args.v || false", {"v": "x"}),
    ("args.v ? true : false", {"v": 1}),
    ("args.v.filter(x, x).size() == 1", {"v": [1, 0]}),
    ("args.v.exists_one(x, x)", {"v": [1, 0]}),
    ("args.v.exists(x, x)", {"v": [1]}),
    ("args.v.all(x, x)", {"v": [1]}),
    ("args.v.filter(x, x.ok == true).size() == 1", {"v": [{"ok": 1}]}),
    ("args.v.map(x, x.cents) == [1]", {"v": [{"other": 1}]}),
    ("{'a': args.w}.size() == 1", {"v": 1}),
    ("'a' in {'a': args.w}", {"v": 1}),
    ("[args.w].size() == 1", {"v": 1}),
]
ANSWERED: list[tuple[str, dict[str, Any], bool]] = [
    ("args.v == true", {"v": True}, True),
    ("args.v in [true, false]", {"v": False}, True),
    ("args.v in [1, true]", {"v": True}, True),
    ("args.v == [true, 'a']", {"v": [True, "a"]}, True),
    ("args.v == [2, true]", {"v": [1, 1]}, False),  # what differs anyhow decides
    ("args.v != [2, true]", {"v": [1, 1]}, True),
    ("args.v == {'k': {'l': [1]}}", {"v": {"k": {"l": [1]}}}, True),
    ("args.v == {'k': 1}", {"v": {"other": 1}}, False),
    ("args.v == null", {"v": None}, True),
    ("args.v > 500.0", {"v": 100}, False),
    ("args.v > 500.0", {"v": 501}, True),
    ("args.v < 5.5", {"v": 5}, True),
    ("args.v == 5.0", {"v": 5}, True),
    ("args.v == 5", {"v": 5.0}, True),
    ("args.v != 5", {"v": 5.5}, True),
    ("args.v in [1, 2]", {"v": 2.0}, True),
    ("args.v in [1.5, 2.0]", {"v": 2}, True),
    ("args.v == args.w", {"v": 2.0, "w": 2}, True),
    ("args.v > args.w", {"v": 9007199254740993, "w": 9007199254740992.0}, True),
    ("args.v * 1.1 > 109.0", {"v": 100}, True),
    ("args.v * 1.1 > 109.0", {"v": 100.0}, True),
    ("args.v / 2 == 2", {"v": 5.0}, True),  # as 5, which is what is frozen
    ("args.l[args.v] == 'b'", {"l": ["a", "b"], "v": 1.0}, True),
    ("string(args.v) == '100'", {"v": 1e2}, True),
    ("{'a': args.v}.size() == 1", {"v": 1}, True),
    ("'k' in args.v", {"v": {"k": 1}}, True),
    ("'x' in args.v", {"v": ["a", "x"]}, True),
    ("args.v.size() == 2", {"v": {"a": 1, "b": 2}}, True),
    ("size(args.v) == 0", {"v": []}, True),
    ("args.v.contains('dmi')", {"v": "admin"}, True),
    ("string(args.v) == 'true'", {"v": True}, True),
    ("string(args.v) == '1'", {"v": 1}, True),
    ("int(args.v) == -12", {"v": "-12"}, True),
    ("double(args.v) == 1500.0", {"v": "1.5e3"}, True),
    ("bool(args.v)", {"v": "true"}, True),
    ("args.v[1] == 'b'", {"v": ["a", "b"]}, True),
    ("args.v['k'] == 1", {"v": {"k": 1}}, True),
    ("has(args.v.k)", {"v": {"k": None}}, True),
    ("has(args.v.k)", {"v": {}}, False),
    ("has(args.v.k.l)", {"v": {}}, False),
    ("has(args.v[0].k)", {"v": [{"k": 1}]}, True),
    ("has(args.v[1].k)", {"v": [{"k": 1}]}, False),
    ("args.v + 'b' == 'ab'", {"v": "a"}, True),
    ("args.v + [2] == [1, 2]", {"v": [1]}, True),
    ("args.v * 2 - 1 == 5 && args.v % 2 == 1", {"v": 3}, True),
    ("args.v.filter(x, x > 1).size() == 2", {"v": [1, 2, 3]}, True),
    ("args.v.exists_one(x, x == 1)", {"v": [1, 2]}, True),
    ("args.v.exists(k, k == 'a')", {"v": {"a": 1}}, True),
    ("args.v.min() == 1", {"v": [3, 1]}, True),
    ("timestamp(args.v) < timestamp('2027-01-01T00:00:00Z') - duration('1h')", {"v": "2026-01-01T00:00:00Z"}, True),
    ("args.v in [1] || true", {"v": "x"}, True),  # what fails beside what decides does not count
]


@pytest.mark.parametrize(("text", "args"), UNANSWERABLE)
def test_what_the_language_has_no_answer_for_is_not_answered(text: str, args: dict[str, Any]) -> None:
    condition = Condition(text)
    with pytest.raises(Unanswerable):
        condition.holds(Said({"args": args}))
    with pytest.raises(Unanswerable):
        condition.interpreted(Said({"args": args}))


@pytest.mark.parametrize(("text", "args", "holds"), ANSWERED)
def test_what_it_answers_it_answers(text: str, args: dict[str, Any], holds: bool) -> None:
    condition = Condition(text)
    assert condition.holds(Said({"args": args})) is condition.interpreted(Said({"args": args})) is holds


def test_no_argument_makes_a_text_of_a_gigabyte() -> None:
    for text in ("args.a * args.b == ''", "args.a % 1 == ''"):
        with pytest.raises(Unanswerable):
            Condition(text).holds(Said({"args": {"a": "%999999999d", "b": 1_000_000_000}}))
