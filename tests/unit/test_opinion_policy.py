"""What a second model doubts can only add: to the score, to what is asked, and to what counts as loosening."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from agents.planner.opinion import NoOpinion, read
from approvals.policy.basics import Level
from approvals.policy.comparing import loosenings
from approvals.policy.lowering import what_would_lower
from approvals.policy.matching import Facts
from approvals.policy.risk import assess, no_less
from approvals.policy.rules import BadPolicy, parse

TEXT = (Path(__file__).parents[2] / "approvals" / "policy" / "policy.yaml").read_text()
POLICY = parse(TEXT)
CALLS = [
    Facts("do_it", tool_class, reversible=undo, environment=where, approvals_before=50, figures={"amount_cents": amount})
    for tool_class, undo, where, amount in itertools.product(
        ("read", "write", "money", "admin"), (True, False), ("demo", "production"), (0, 20_000)
    )
]


def changed(**fields: object) -> str:
    line = next(line for line in TEXT.splitlines() if line.startswith("opinion:"))
    values = {"doubtful": 15, "dangerous": 40, "ask_for": "[medium, high]", "wait_s": 20, **fields}
    return TEXT.replace(line, "opinion: {" + ", ".join(f"{k}: {v}" for k, v in values.items()) + "}")


@pytest.mark.parametrize("facts", CALLS)
def test_no_doubt_ever_asks_for_less(facts):
    before = assess(POLICY.data, facts)
    for concern in ("", "none", "doubtful", "dangerous", "nonsense"):
        after = assess(POLICY.data, replace(facts, opinion=concern))
        assert after.score >= before.score and after.level.rank >= before.level.rank
        assert all(f.points >= 0 for f in after.factors if f.name == "opinion")
        joined = no_less(POLICY.data, after, level=before.level, asked=before.requirement)
        assert set(before.requirement.exclude) <= set(joined.requirement.exclude)
        assert {n.group: n.count for n in before.requirement.need}.items() <= {
            n.group: max(n.count, 1) for n in joined.requirement.need
        }.items() or (sum(n.count for n in joined.requirement.need) >= sum(n.count for n in before.requirement.need))
        assert joined.requirement.hold_s >= before.requirement.hold_s


def test_what_a_looser_policy_asks_is_joined_with_what_was_asked():
    strict = assess(POLICY.data, CALLS[-1])
    loose = replace(strict, level=Level.MEDIUM, requirement=POLICY.data.requirements[Level.MEDIUM])
    joined = no_less(POLICY.data, loose, level=strict.level, asked=strict.requirement)
    assert joined.level == strict.level and sum(n.count for n in joined.requirement.need) == sum(n.count for n in strict.requirement.need)
    assert set(joined.requirement.reason_for) >= set(strict.requirement.reason_for)


def test_a_policy_of_before_has_the_usual_points():
    old = "\n".join(line for line in TEXT.splitlines() if not line.startswith("opinion:"))
    assert parse(old).data.opinion == POLICY.data.opinion


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"doubtful": 14}, "doubtful adds 14 points instead of 15"),
        ({"dangerous": 39}, "dangerous adds 39 points instead of 40"),
        ({"ask_for": "[medium]"}, "no second model is asked about high any more"),
    ],
)
def test_less_of_it_loosens(fields, said):
    assert any(said in found for found in loosenings(POLICY.data, parse(changed(**fields)).data))


@pytest.mark.parametrize("fields", [{"doubtful": 20}, {"ask_for": "[low, medium, high]"}, {"wait_s": 5}])
def test_more_of_it_does_not(fields):
    assert loosenings(POLICY.data, parse(changed(**fields)).data) == ()


@pytest.mark.parametrize("fields", [{"doubtful": -1}, {"dangerous": 101}, {"wait_s": 1}, {"ask_for": "[never]"}])
def test_it_is_never_negative_and_never_for_ever(fields):
    with pytest.raises(BadPolicy):
        parse(changed(**fields))


def test_the_doubts_are_named_among_what_would_have_lowered_it():
    facts = Facts("do_it", "write", reversible=True, environment="demo", approvals_before=50, opinion="dangerous")
    assert any("second model" in lower.change for lower in what_would_lower(POLICY.data, facts))


@pytest.mark.parametrize("text", ["{}", "none", '{"concern": "none"}', '{"concern": "none", "why": "x", "more": 1}', "[" * 3_000])
def test_an_answer_of_another_shape_is_none(text):
    with pytest.raises(NoOpinion):
        read(text)
