"""A policy's text says all that is wrong with it in one go, and conditions that can never be answered are among it."""

import pytest

from approvals.policy.layers import examine
from approvals.policy.rules import BadPolicy, parse
from tests.fakes import policy_text, with_rules

BEFORE = parse(policy_text(lambda data: None))


def rule(when: str) -> str:
    return with_rules(f"- name: one\n  deny: x\n  match:\n    when: {when!r}\n")


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("args.name.matches('[')", "cannot be read"),
        ("has(args.x) && tool.matches('(')", "cannot be read"),
        ("tool", "it is a text"),
        ("size(args.x)", "it is a number"),
        ("args.a + 1", "it is a number"),
        ("!customer", "it is a text"),
        ("tool && args.a == 1", "it is a text"),
        ("has(args.x) ? tool : true", "it is a text"),
        ("args.list.map(x, x)", "it is a list"),
        ("figures", "it is fields"),
        ("args.a > 1 / 0", "always fails"),
    ],
)
def test_what_can_never_be_answered_is_refused_with_its_place(when, said):
    text = rule(when)
    with pytest.raises(BadPolicy, match=said) as refused:
        parse(text)
    (problem,) = refused.value.problems
    assert problem.where == "rules.0.match.when" and "when:" in text.splitlines()[problem.line - 1]


@pytest.mark.parametrize(
    "when",
    [
        "args.ok", "args['ok']", "!args.ok", "reversible", "args.list.exists(x, x == 'a')", "tool.matches('^a[bc]$')", "args.a + 1 > 2",
        "has(args.ok) ? args.ok : false", "(args.a == 1)", "size(args.x) > 3 || args.ok", "args.a > 6 / 2", "tool in ['a', 'b']",
        "args.name.matches(args.pattern)", "true",
    ],
)  # fmt: skip
def test_what_may_be_answered_is_taken(when):
    assert parse(rule(when)).data.rules[0].match.condition


def test_mistakes_of_every_layer_are_said_together():
    rules = "\n".join(
        [
            "- {name: Wrong Name, deny: x}",
            "- {name: two, deny: x, match: {when: 'tool'}}",
            "- {name: three, deny: x, match: {when: 'args.a =='}}",
            "- {name: three, deny: x}",
            "- {name: five, says: x}",
        ]
    )
    text = with_rules(rules + "\n").replace("untrusted_text: ", "untrusted_text: no", 1)
    first = text.splitlines().index("rules:") + 2
    found = examine(text, number=2, before=BEFORE)
    said = {(p.line - first, p.where) for p in found.problems}
    assert said >= {(0, "rules.0.name"), (1, "rules.1.match.when"), (2, "rules.2.match.when"), (3, "rules.3.name"), (4, "rules.4.says")}
    assert "untrusted_text" in {p.where for p in found.problems}
    assert found.policy is not None and len(found.policy.data.rules) == 5


def test_what_is_no_policy_at_all_is_one_problem():
    assert examine("a: [", number=2, before=BEFORE).policy is None
    assert examine("- a", number=2, before=BEFORE).policy is None
