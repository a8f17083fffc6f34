"""The policy that ships, and what files are refused."""

from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from approvals.policy.risk import Facts, assess
from approvals.policy.rules import BadPolicy, Level, load, parse, parse_stored
from tests.fakes import policy_text

POLICY = load(settings.POLICY_FILE).data
USED = Facts(tool="t", tool_class="write", environment="demo", approvals_before=50)


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        (replace(USED, tool_class="read"), Level.LOW),
        (replace(USED, tool_class="read", environment="production", untrusted_text=("a",)), Level.LOW),
        (replace(USED, tool_class="write", reversible=True), Level.MEDIUM),
        (replace(USED, tool_class="message"), Level.MEDIUM),
        (replace(USED, tool_class="money", figures={"amount_cents": 4_999}), Level.MEDIUM),
        (replace(USED, tool_class="money", figures={"amount_cents": 20_000}), Level.HIGH),
        (replace(USED, tool_class="money", figures={"amount_cents": -20_000}), Level.HIGH),  # the other way is no less money
        (replace(USED, tool_class="money", figures={"amount_cents": 100_000}, approvals_before=0), Level.CRITICAL),
        (replace(USED, tool_class="delete", figures={"rows": 1_000}), Level.CRITICAL),
        (replace(USED, tool_class="delete", environment="production"), Level.HIGH),
        (replace(USED, tool_class="delete", environment="somewhere new"), Level.HIGH),
        (replace(USED, question=True), Level.MEDIUM),
    ],
)
def test_the_level_of(facts, level):
    assert assess(POLICY, facts).level is level


def test_a_class_nobody_has_heard_of_counts_as_the_worst_one():
    assert assess(POLICY, replace(USED, tool_class="teleport")).score == assess(POLICY, replace(USED, tool_class="admin")).score


@pytest.mark.parametrize("tool", ["delete", "send_email", "make_purchase", "modify_production"])
def test_named_tools_are_never_below_high_whatever_they_declare(tool):
    found = assess(POLICY, Facts(tool=tool, tool_class="read", reversible=True, environment="demo", approvals_before=99))
    assert (found.level, found.score) == (Level.HIGH, POLICY.levels[Level.HIGH])
    assert found.factors[-1].name == "at_least"


@pytest.mark.parametrize(("cost", "level"), [(10.0, Level.LOW), (10.01, Level.HIGH), (None, Level.LOW)])
def test_a_call_that_costs_much_itself_is_never_below_high(cost, level):
    assert assess(POLICY, Facts(tool="ask", tool_class="read", estimated_cost=cost)).level is level


@pytest.mark.parametrize(
    ("more", "factor"),
    [
        ({"reversible": False}, "irreversible"),
        ({"approvals_before": 2}, "novelty"),
        ({"untrusted_text": ("args.text",)}, "untrusted_text"),
        ({"hidden_characters": ("args.text",)}, "hidden_characters"),
        ({"environment": "staging"}, "environment"),
        ({"figures": {"recipients": 10}}, "recipients"),
    ],
)
def test_each_fact_has_its_named_factor_and_raises_the_score(more, factor):
    plain = replace(USED, reversible=True)
    found = assess(POLICY, replace(plain, **more))
    assert factor in {f.name for f in found.factors if f.points > 0 and f.why}
    assert found.score > assess(POLICY, plain).score


amounts = st.integers(0, 10_000_000)


@given(amounts, amounts)
def test_a_larger_amount_never_scores_less(one, other):
    less, more = (assess(POLICY, replace(USED, tool_class="money", figures={"amount_cents": n})) for n in sorted((one, other)))
    assert less.score <= more.score


@given(st.builds(Facts, tool=st.text(), tool_class=st.text(), figures=st.dictionaries(st.text(), st.integers()), environment=st.text()))
def test_nothing_unknown_passes_by_policy(facts):
    found = assess(POLICY, facts)
    assert found.level is not Level.LOW or facts.tool_class == "read"
    assert 0 <= found.score <= 100


def test_a_tool_that_can_be_undone_scores_less():
    assert assess(POLICY, replace(USED, reversible=True)).score < assess(POLICY, USED).score


def test_the_version_names_number_and_content():
    one, other = parse(policy_text()), parse(policy_text() + "\n# a comment\n")
    assert one.version.startswith("v1-")
    assert one.version != other.version


def drop(key: str) -> Any:
    return lambda data: data.pop(key)


def put(value: Any, *path: Any) -> Any:
    def change(data: dict[str, Any]) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (drop("levels"), "levels"),
        (drop("requirements"), "requirements"),
        (put(1, "surprise"), "surprise"),
        (put("many", "irreversible"), "irreversible"),
        (put(101, "untrusted_text"), "untrusted_text"),
        (put({"low": 0, "medium": 25, "high": 60}, "levels"), "critical"),
        (put({"low": 0, "medium": 70, "high": 60, "critical": 85}, "levels"), "rise"),
        (put({"low": 5, "medium": 25, "high": 60, "critical": 85}, "levels"), "begin at 0"),
        (put([], "requirements", "medium", "need"), "medium asks nobody"),
        (put([], "requirements", "critical", "need"), "critical asks nobody"),
        (put(0, "requirements", "high", "need", 0, "count"), "count"),
        (put("", "requirements", "high", "need", 0, "group"), "group"),
        (put(1, "requirements", "high", "deadline_s"), "deadline_s"),
        (put(["somebody"], "requirements", "high", "exclude"), "exclude"),
        (put({"level": "none"}, "questions"), "questions"),
        (put({}, "tool_class"), "tool_class"),
        (put({"zone": "Europe/Berlin", "begins": "22:00", "ends": "22:00"}, "quiet"), "quiet hours that end when they begin"),
        (
            put(["approve"], "requirements", "medium", "verdicts"),
            "requirements.medium.verdicts: verdicts must leave people the verdict reject",
        ),
        (put([{"name": "a", "instead": {"verdicts": ["approve", "respond"]}}], "rules"), "rules.0.instead.verdicts: verdicts must leave"),
        (put([{"name": "a", "require": {"verdicts": ["approve"]}}], "rules"), "verdicts must leave people the verdict reject"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_and_says_where(change, where):
    with pytest.raises(BadPolicy, match=where):
        parse(policy_text(change))


@pytest.mark.parametrize("text", ["", "just text", "- a list", "{", "a: [", "\x00", "!!python/object/apply:os.system [ls]", "a: &x [*x]"])
def test_what_is_not_a_policy_at_all_is_refused(text):
    with pytest.raises(BadPolicy):
        parse(text)


def test_what_was_published_before_stays_readable_though_nobody_could_reject():
    text = policy_text(put(["approve"], "requirements", "medium", "verdicts"))
    assert parse_stored(text).data.requirements[Level.MEDIUM].verdicts == ("approve",)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "latin").write_bytes(b"version: \xff")
    for path in (tmp_path / "none", tmp_path, tmp_path / "latin"):
        with pytest.raises(BadPolicy):
            load(path)
