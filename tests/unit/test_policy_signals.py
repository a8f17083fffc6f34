"""Signs of trouble: how unsure the agent says it is, and what its run did so far. They only ever add."""

from dataclasses import replace

import pytest
from django.conf import settings

from approvals.policy.checking import MANY_SLOW, check
from approvals.policy.comparing import loosenings
from approvals.policy.known import Known
from approvals.policy.lowering import what_would_lower
from approvals.policy.risk import Facts, assess
from approvals.policy.rules import BadPolicy, Level, load, parse
from tests.fakes import policy_text
from tests.unit.test_policy import put

BASE = load(settings.POLICY_FILE).data
# 26 for a write: medium, and 34 below high.
USED = Facts(tool="t", tool_class="write", environment="demo", approvals_before=50, reversible=True)


def points(**more) -> dict[str, int]:
    return {f.name: f.points for f in assess(BASE, replace(USED, **more)).factors if f.name not in {"tool_class", "irreversible"}}


@pytest.mark.parametrize(
    ("more", "adds"),
    [
        ({}, {}),
        ({"confidence": 1.0}, {}),
        ({"confidence": 0.8}, {}),
        ({"confidence": 0.79}, {"confidence": 8}),
        ({"confidence": 0.0}, {"confidence": 20}),
        ({"run_calls": 49, "run_failures": 1}, {}),
        ({"run_calls": 50, "run_failures": 2}, {"run_calls": 8, "run_failures": 12}),
        ({"run_calls": 9_999, "run_failures": 5}, {"run_calls": 20, "run_failures": 30}),
        ({"tool_class": "read", "confidence": 0.0, "run_failures": 9}, {}),
    ],
)
def test_what_each_adds(more, adds):
    assert points(**more) == adds


def test_a_run_that_fails_again_and_again_is_handed_to_more_people():
    found = assess(BASE, replace(USED, run_failures=5, confidence=0.4))
    assert found.level is Level.HIGH
    whys = {f.name: str(f.why) for f in found.factors}
    assert whys["run_failures"] == "Calls of its run that failed before this one: 5, from 5 on"
    assert whys["confidence"] == "The agent itself says how sure it is of it: 0.4 of 1, below 0.5"
    lower = {w.change for w in what_would_lower(BASE, replace(USED, run_failures=5, confidence=0.4))}
    assert {"if the agent had been sure of it", "if no call of its run had failed before"} <= {str(c) for c in lower}


def test_rules_may_ask_of_them():
    unsure = {"name": "unsure", "match": {"when": "confidence != null && confidence < 0.9"}, "at_least": "critical"}
    policy = parse(policy_text(put([unsure], "rules")))
    assert assess(policy.data, replace(USED, confidence=0.85)).level is Level.CRITICAL
    assert assess(policy.data, replace(USED, confidence=None)).level is Level.MEDIUM


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put([], "confidence"), "sure of it only to 0 adds 0 points instead of 20"),
        (put([[0.4, 20], [0.8, 8]], "confidence"), "sure of it only to 0.4 adds 8 points instead of 20"),
        (put([], "signals"), "run calls from 50 on adds 0 points instead of 8"),
        (put([[5, 30], [3, 12]], "signals", 1, "steps"), "run failures from 2 on adds 0 points instead of 12"),
    ],
)
def test_asking_less_of_them_loosens(change, said):
    assert any(said in str(line) for line in loosenings(BASE, parse(policy_text(change)).data))


def test_asking_more_of_them_does_not():
    assert not loosenings(BASE, parse(policy_text(put([[0.9, 20], [0.95, 8]], "confidence"))).data)


@pytest.mark.parametrize(
    "change", [put([[0.5, -5]], "confidence"), put([[1.5, 5]], "confidence"), put([{"of": "moon", "steps": [[1, 1]]}], "signals"), put([{"of": "run_calls", "steps": [[0, 5]]}], "signals")]
)  # fmt: skip
def test_they_never_take_points_away_and_are_of_known_things(change):
    with pytest.raises(BadPolicy):
        parse(policy_text(change))


def test_many_conditions_for_the_interpreter_are_warned_about():
    slow = [{"name": f"r{i}", "match": {"when": f"double(args.a) > {i}.0"}, "score": 1} for i in range(MANY_SLOW)]
    plain = [{"name": f"p{i}", "match": {"when": f"args.a > {i}"}, "score": 1} for i in range(20)]

    def said(*rules: dict) -> str:
        return " ".join(str(f.why) for f in check(parse(policy_text(put(list(rules), "rules"))), Known(())))

    assert f"{MANY_SLOW} conditions that are asked of one call need the language's interpreter" in said(*slow, *plain)
    assert "interpreter" not in said(*slow[1:], *plain)


@pytest.mark.parametrize("asked", list(Level))
def test_the_level_an_agent_asks_for_raises_and_never_lowers(asked):
    """Whatever it asks for, nobody is asked less than without."""
    for facts in (USED, replace(USED, tool_class="read"), replace(USED, tool_class="delete"), replace(USED, question=True)):
        without, found = assess(BASE, facts), assess(BASE, replace(facts, at_least=asked))
        assert found.level is max(without.level, asked, key=lambda level: level.rank)
        apart = {"exclude": BASE.questions.exclude} if facts.question and found.level is BASE.questions.level else {}
        if facts.question:  # there is nothing in it to approve
            apart["verdicts"] = tuple(v for v in BASE.requirements[found.level].verdicts if v in {"reject", "respond"})
        assert found.score >= without.score and found.requirement == BASE.requirements[found.level].model_copy(
            update={"hold_s": found.requirement.hold_s, **apart}
        )
        assert [str(f.why) for f in found.factors if f.name == "at_least"] == (
            [f"The agent itself asks for {asked} at least"] if found.level is not without.level else []
        )


def test_a_rule_does_not_lower_what_the_agent_asked_for():
    policy = parse(policy_text(put([{"name": "easy", "at_most": "low"}], "rules")))
    facts = replace(USED, at_least="high")
    assert assess(policy.data, facts).level is Level.HIGH
    assert "if the agent had not asked for high" in {w.change for w in what_would_lower(policy.data, facts)}
