"""What counts as loosening, what is found before a policy is saved, and what a replay says."""

import json
import textwrap
from dataclasses import replace
from typing import Any

import pytest
import yaml
from django.conf import settings

from approvals.policy.checking import Known, KnownAgent, check
from approvals.policy.comparing import LOOKED_AT, loosenings
from approvals.policy.inserting import with_rule
from approvals.policy.replay import Case, Frozen, Replay, Tally, frozen_of, scored
from approvals.policy.rules import PolicyData, load, parse
from approvals.policy.suggesting import Habit, suggestions
from tests.fakes import policy_text, with_rules
from tests.unit.test_policy import drop, put
from tests.unit.test_policy_rules import CALL

BASE = load(settings.POLICY_FILE)
KNOWN = Known(
    (KnownAgent("refunds", "production", {"refund_payment": "money", "send_reply": "message"}), KnownAgent("dba", "demo", {"run_sql": "admin"})),
    {"reviewers": frozenset({"rita", "sam", "sue"}), "operators": frozenset({"otto"})},
)  # fmt: skip


def changed(change):
    return parse(policy_text(change)).data


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put(25, "tool_class", "write"), "tool_class write adds 25 points instead of 26"),
        (
            drop("tool_class") and put({"read": 0, "write": 26, "message": 26, "money": 30, "delete": 40}, "tool_class"),
            "unknown tool_class",
        ),
        (put(3, "tool_class", "brand_new"), "tool_class brand_new"),
        (put(0, "irreversible"), "irreversible"),
        (put(0, "hidden_characters"), "hidden_characters"),
        (put(14, "environment", "production"), "environment production"),
        (put([[100001, 40], [20000, 25], [5000, 12], [0, 0]], "amounts", 0, "steps"), "amount cents from 100,000"),
        (put([[3, 8]], "novelty"), "novelty at 19"),
        (put([], "at_least"), "send_email is no longer always high"),
        (
            put([{"tools": ["delete", "send_email", "make_purchase", "modify_production"], "level": "high"}], "at_least"),
            "costs more than 10",
        ),
        (put(26, "levels", "medium"), "medium begins at 26"),
        (put([{"group": "reviewers", "count": 1}], "requirements", "critical", "need"), "critical asks fewer people"),
        (put([{"group": "others", "count": 1}], "requirements", "medium", "need"), "medium asks fewer people"),
        (put(["requester"], "requirements", "high", "exclude"), "no longer excludes the editor and the owner"),
        (put(["reject"], "requirements", "critical", "reason_for"), "no longer asks a reason"),
        (put(7200, "requirements", "high", "deadline_s"), "waits 7,200 seconds"),
        (put(901, "requirements", "low", "execute_within_s"), "901 seconds to be used"),
        (put([{"group": "reviewers", "count": 3}], "requirements", "high", "need"), "critical asks less than high"),
        (put("low", "questions", "level"), "questions are low"),
        (put(["customer"], "customer"), "customer changed"),
    ],
)
def test_this_loosens(change, said):
    assert any(said in less for less in loosenings(BASE.data, changed(change)))


@pytest.mark.parametrize(
    "change",
    [
        put(27, "tool_class", "write"),
        put(50, "tool_class", "brand_new"),
        put(24, "levels", "medium"),
        put([{"group": "reviewers", "count": 3}], "requirements", "critical", "need"),
        put([{"group": "reviewers", "count": 1}, {"group": "finance", "count": 1}], "requirements", "critical", "need") and put(60, "requirements", "low", "deadline_s"),
        put(["approve", "reject"], "requirements", "medium", "verdicts"),
        put([{"tools": ["delete", "send_email", "make_purchase", "modify_production"], "level": "critical"}, {"estimated_cost_over": 5, "level": "high"}], "at_least"),
        put(7, "version"),
    ],
)  # fmt: skip
def test_this_does_not_loosen(change):
    assert loosenings(BASE.data, changed(change)) == ()


ASKS = "- {name: one, priority: 1, match: {tools: [a, b]}, at_least: high}\n"
TWICE = "- {name: two, priority: 9, match: {tools: [a]}, instead: {need: [{group: reviewers, count: 2}], hold_s: 120}}\n"
ONCE = "- {name: once, instead: {need: [{group: reviewers, count: 1}]}}\n"
LONGER = "- {name: longer, instead: {deadline_s: 80000}}\n"
LESS = "- {name: mild, at_most: medium}\n"


@pytest.mark.parametrize(
    ("before", "after", "loosens"),
    [
        ("", ASKS, False),
        (ASKS, "", True),
        ("", LESS, True),
        (LESS, "", False),
        (ASKS, ASKS.replace("high", "critical"), False),
        (ASKS, ASKS.replace("high", "medium"), True),
        (ASKS, ASKS.replace("[a, b]", "[a]"), True),
        (ASKS, ASKS.replace("[a, b]", "[a, b, c]"), True),  # it asks more, but nobody has proved it: a second person looks
        (ASKS, ASKS.replace("priority: 1", "priority: 2"), True),
        (ASKS, ASKS.replace("at_least", "about: words, at_least"), False),
        (ASKS, ASKS.replace("at_least: high", "deny: never"), True),
        (ASKS, ASKS.replace("at_least: high", "at_least: high, deny: never"), False),
        (ASKS, ASKS.replace("high}", "high, require: {need: [{group: x, count: 1}]}}"), False),
        (ASKS.replace("high}", "high, require: {exclude: [owner]}}"), ASKS, True),
        (ASKS, "- {name: one, priority: 1, match: {tools: [a, b]}, at_most: high}\n", True),
        (LESS, LESS.replace("medium", "high"), True),
        (LESS + "- {name: b, score: -1}\n", "- {name: b, score: -1}\n" + LESS, True),
        (TWICE, "", True),
        ("", TWICE, False),  # no level asks more people, or holds longer
        (LONGER, "", False),
        ("", LONGER, True),
        (TWICE, TWICE.replace("120", "150"), False),
        (TWICE, TWICE.replace("120", "110"), True),
        (TWICE, TWICE.replace("count: 2", "count: 3"), False),
        (TWICE, TWICE.replace("count: 2", "count: 1"), True),
        (TWICE + ONCE, ONCE, True),
        (TWICE + ONCE, TWICE, True),
    ],
)
def test_a_change_of_rules_loosens(before, after, loosens):
    one, other = (parse(with_rules(text)).data if text else BASE.data for text in (before, after))
    assert bool(loosenings(one, other)) is loosens


def test_every_field_is_compared_or_counts_as_loosening_when_it_changes():
    assert set(PolicyData.model_fields) - LOOKED_AT == {"customer", "calendars", "quiet", "slack"}


def test_what_a_rule_that_is_gone_asked_more_than_is_named():
    found = loosenings(parse(with_rules(TWICE)).data, BASE.data)
    assert "the rule two is gone, and low asks fewer people" in found


def test_two_tables_for_one_figure_are_added_up():
    twice, once = (changed(lambda d, n=n: d.update(amounts=[{"of": "rows", "steps": [[0, 10]]} for _ in range(n)])) for n in (2, 1))
    assert any("rows from 0 on adds 10 points instead of 20" in less for less in loosenings(twice, once))
    assert loosenings(once, twice) == ()


@pytest.mark.parametrize(
    ("rule", "said", "refused"),
    [
        ("{name: a, match: {tools: [refund_paymnt]}, deny: x}", "no registered tool is called refund_paymnt; did you mean refund_payment?", True),
        ("{name: a, match: {tools: [zzz*]}, deny: x}", "there are refund_payment, run_sql, send_reply", True),
        ("{name: a, match: {agents: [refund]}, deny: x}", "did you mean refunds?", True),
        ("{name: a, match: {environments: [prod]}, deny: x}", "no registered environment is called prod", True),
        ("{name: a, match: {classes: [monye]}, deny: x}", "did you mean money?", True),
        ("{name: a, match: {tools: [run_sql], agents: [refunds]}, deny: x}", "can never match", True),
        ("{name: a, match: {tools: [run_sql], environments: [production]}, deny: x}", "can never match", True),
        ("{name: a, require: {need: [{group: reviewers, count: 4}]}}", "asks 4 of reviewers, and there are 3", True),
        ("{name: a, instead: {need: [{group: finance, count: 1}]}}", "asks 1 of finance, and there are 0", True),
        ("{name: a, deny: x}\n- {name: b, match: {tools: [run_sql]}, at_least: high}", "rule b changes nothing: a denies", False),
        ("{name: a, at_least: high}\n- {name: b, match: {agents: [dba]}, at_most: low}", "b changes nothing: a holds", False),
        ("{name: a, at_least: high}\n- {name: b, match: {agents: [dba]}, at_least: medium}", "b changes nothing: a raises", False),
        ("{name: a, at_least: high}\n- {name: b, at_least: high}", "b changes nothing: a raises", False),
    ],
)  # fmt: skip
def test_what_is_found_before_a_policy_is_saved(rule, said, refused):
    source = with_rules(f"- {rule}\n")
    found = [f for f in check(parse(source), KNOWN) if said in f.why]
    assert [f.refused for f in found] == [refused]
    assert found[0].line >= source.splitlines().index("rules:") + 2


@pytest.mark.parametrize(
    "rule",
    [
        "{name: a, match: {tools: ['refund_*', run_sql]}, deny: x}",
        "{name: a, at_least: high, match: {when: environment == 'production'}}\n- {name: b, at_most: low}",
        "{name: a, at_least: high, match: {customers: [acme]}}\n- {name: b, at_least: medium}",
        "{name: a, at_least: high}\n- {name: b, priority: 1, at_most: low, match: {agents: [dba]}}",
    ],
)
def test_what_does_something_is_let_be(rule):
    assert check(parse(with_rules(f"- {rule}\n")), KNOWN) == ()


def test_what_the_policy_in_force_has_wrong_as_well_only_warns():
    bad = parse(with_rules("- {name: a, require: {need: [{group: nobody, count: 1}]}}\n"))
    assert [f.refused for f in check(bad, KNOWN)] == [True]
    assert [f.refused for f in check(bad, KNOWN, before=bad)] == [False]


def case(**more):
    facts = replace(CALL, **more)
    unknown = Case("id", "refunds", "pay", "Pay", facts, False, Frozen("", ()), BASE.sha256)
    return replace(unknown, was=frozen_of(scored(BASE.data, unknown)))


CASES = [case(), case(tool_class="read"), case(figures={"rows": 5_000}), case(reversible=False, tool_class="money"), case(tool_class="odd")]


def replayed(text: str) -> Tally:
    tally = Tally()
    for one in CASES:
        Replay(parse(with_rules(text)).data if text else BASE.data, BASE.data, BASE.sha256).add(tally, one)
    return tally


def test_an_unchanged_policy_changes_nothing():
    found = replayed("")
    assert (found.looked_at, found.changed, found.shown) == (5, 0, [])


def test_a_replay_counts_people_and_rules():
    found = replayed(
        "- {name: two, match: {classes: [write]}, require: {need: [{group: reviewers, count: 2}]}}\n- {name: nope, match: {classes: [money]}, deny: x}\n"
    )
    assert (found.changed, found.more_people, found.fewer_people, found.newly_denied) == (3, 2, 1, 1)
    assert (found.rules["two"].matched, found.rules["two"].people) == (2, 2)
    assert (found.rules["nope"].matched, found.rules["nope"].people) == (1, -1)
    assert Tally.from_json(found.as_json()) == found


def test_what_is_newly_asked_about_and_what_no_longer():
    found = replayed(
        "- {name: look, match: {classes: [read]}, at_least: medium}\n- {name: mild, match: {classes: [write]}, at_most: low}\n"
    )
    assert (found.newly_asked, found.no_longer_asked, found.levels["low > medium"]) == (1, 2, 1)


def test_a_habit_suggests_a_rule_within_the_bounds_seen_that_can_be_put_in_and_published():
    habit = Habit("refunds", "pay", 412, replace(CALL, figures={"amount_cents": 4_200}))
    (found,) = suggestions(BASE.data, [habit])
    assert found.evidence == "412 of 412 approved unchanged in 30 days"
    data = parse(with_rule(BASE.source, found.rule)).data
    assert scored(data, case(figures={"amount_cents": 4_200})).requirement.people == 0
    beyond: list[dict[str, Any]] = [
        {"figures": {"amount_cents": 4_201}}, {"figures": {}}, {"untrusted_text": ("x",)}, {"agent": "other"}, {"environment": "production"},
    ]  # fmt: skip
    for more in beyond:
        assert scored(data, case(**{"figures": {"amount_cents": 4_200}, **more})).requirement.people > 0


LAYOUTS = [
    "rules:\n- name: x\n  deny: y\n",
    "rules:\n\n    # ours\n    - name: x\n      deny: y\n\n# the end",
    "rules: [{name: x, deny: y}]  # one\n",
    "rules:\n  - name: x\n    deny: \u4e8c\u00e9\n",
    "rules: [ {name: x, deny: y},\n  ]",
    "rules: []  # none yet\n",
    "rules:\n  []\n",
    "# none\n",
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
def test_a_suggested_rule_fits_into_a_policy_of_any_layout(layout: str, last: bool):
    (found,) = suggestions(BASE.data, [Habit("refunds", "pay", 412, CALL)])
    before, after = BASE.source.split("rules: []\n")
    whole = f"{before}{after}\n{layout}" if last else f"{layout}\n{before}{after}"
    had = [rule.name for rule in parse(whole).data.rules]
    text = with_rule(whole, found.rule)
    assert [rule.name for rule in parse(text).data.rules] == ["pass-refunds-pay", *had]
    assert all(line in text for line in whole.splitlines() if line.lstrip().startswith("#"))


def test_a_suggested_rule_fits_where_there_are_no_rules_yet_however_the_text_stands():
    (found,) = suggestions(BASE.data, [Habit("refunds", "pay", 412, CALL)])
    bare = BASE.source.replace("rules: []\n", "")
    for text in (bare, f"---\n{bare}...\n", textwrap.indent(bare, "  ")):
        assert [rule.name for rule in parse(with_rule(text, found.rule)).data.rules] == ["pass-refunds-pay"]


def test_a_suggested_rule_fits_into_a_policy_written_as_json():
    (found,) = suggestions(BASE.data, [Habit("refunds", "pay", 412, CALL)])
    for rules in ([], [{"name": "x", "deny": "y"}]):
        text = json.dumps({**yaml.safe_load(BASE.source), "rules": rules})
        assert len(parse(with_rule(text, found.rule)).data.rules) == len(rules) + 1
    text = json.dumps({k: v for k, v in yaml.safe_load(BASE.source).items() if k != "rules"})
    assert len(parse(with_rule(text, found.rule)).data.rules) == 1


def test_what_is_not_harmless_is_never_suggested():
    high = replace(CALL, figures={"amount_cents": 500_000}, tool_class="money")
    assert suggestions(BASE.data, [Habit("a", "b", 100, None), Habit("a", "b", 100, high)]) == ()
