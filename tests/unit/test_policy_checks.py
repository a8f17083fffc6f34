"""What is found in conditions, shadows and rosters before a policy is saved."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.policy.basics import NeedRule
from approvals.policy.checking import Known, KnownAgent, check, unmanned
from approvals.policy.conditions import NAMES, Condition, Said
from approvals.policy.interpreting import MOST_STEPS_IN_ALL
from approvals.policy.reading import BadPolicy
from approvals.policy.rosters import fillable, groups_named
from approvals.policy.rules import parse
from tests.fakes import policy_text, with_rules

REFUND = {"type": "object", "properties": {"amount": {"type": "integer", "minimum": 1}, "order": {"type": "string"}}}
SQL = {"type": "object", "properties": {"sql": {"type": "string"}, "mode": {"enum": ["read", "write"]}}}
PEOPLE = {"reviewers": frozenset({"rita", "sam", "sue", "max"}), "finance": frozenset({"rita"}), "law": frozenset({"rita"}), "ops": frozenset({"otto", "olga"}), "operators": frozenset({"otto"})}  # fmt: skip
KNOWN = Known(
    (
        KnownAgent("refunds", "production", {"refund": "money", "reply": "message"}, {"refund": REFUND}, "otto"),
        KnownAgent("dba", "demo", {"run_sql": "admin"}, {"run_sql": SQL}, "sam"),
    ),
    PEOPLE,
    {name: name.title() for names in PEOPLE.values() for name in names},
    ("acme", "globex"),
)  # fmt: skip


def found(rules: str, known: Known = KNOWN):
    source = with_rules(rules)
    first = source.splitlines().index("rules:") + 2
    return [(f.line - first, f.why, f.refused) for f in check(parse(source), known) if f.line >= first]


def of_when(when: str, match: str = "", then: str = "deny: x") -> list[tuple[int, str, bool]]:
    return found(f"- name: a\n  {then}\n  match:\n    when: {when}\n" + (f"    {match}\n" if match else ""))


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("tool == 'refnd'", "no registered tool is called refnd; did you mean refund?"),
        ("tool != 'refnd'", "did you mean refund?"),
        ("'refnd' == tool", "did you mean refund?"),
        ("tool in ['refund', 'runsql']", "did you mean run_sql?"),
        ("tool == 'give_customers_refnds'", "no registered tool is called give_customers_refnds; did you mean refund?"),
        ("tool == 'post_a_credit'", "no registered tool is called post_a_credit; there are refund, reply, run_sql"),
        ("tool.startsWith('refnd')", "no registered tool is called refnd"),
        ("args.amount > 3 || (has(args.x) ? tool == 'refnd' : false)", "did you mean refund?"),
        ("args.order.matches('x') && tool == 'refnd'", "did you mean refund?"),
        ("agent == 'refund'", "no registered agent is called refund; did you mean refunds?"),
        ("environment == 'prod'", "no registered environment is called prod"),
        ("tool_class == 'monye'", "did you mean money?"),
        (r"tool == '\x72efnd'", "did you mean refund?"),
    ],
)
def test_a_name_nobody_has_is_refused_in_a_condition_as_well(when, said):
    assert [(line, refused) for line, why, refused in of_when(f'"{when}"' if "'" in when else when) if said in why] == [(3, True)]


@pytest.mark.parametrize(
    "when", ["tool == 'refund'", "tool.startsWith('re')", "agent in ['dba']", "args.order == 'refnd'", "tool.endsWith('l')"]
)
def test_a_name_somebody_has_is_let_be(when):
    assert of_when(f'"{when}"', "tools: [refund, run_sql]") == [] or "refnd" in when or "order" in when


@pytest.mark.parametrize(
    ("when", "match", "said"),
    [
        ("args.amuont > 3", "tools: [refund]", "args.amuont is no argument of refund; did you mean amount?"),
        ("has(args.amuont)", "tools: [refund]", "did you mean amount?"),
        ("args.total > 3", "agents: [dba]", "args.total is no argument of run_sql; there are mode, sql"),
        ("args.amount > 3", "tools: [run_sql]", "args.amount is no argument of run_sql"),
        ("tool == 'run_sql' && args.amount > 3", "", "args.amount is no argument of run_sql"),
        ("size(args['amuont']) + 1 > 3", "tools: [refund]", "did you mean amount?"),
        ("args.amuont[0].x == 1", "tools: [refund]", "did you mean amount?"),
    ],
)
def test_an_argument_no_tool_of_the_rule_has_is_refused(when, match, said):
    assert [(line, refused) for line, why, refused in of_when(f'"{when}"', match) if said in why] == [(3, True)]


def test_an_argument_only_some_of_its_tools_have_is_warned_about_where_that_counts_as_matching():
    (one,) = of_when("args.amount > 3", "tools: [refund, run_sql]")
    assert "args.amount is no argument of run_sql: there the condition cannot be answered" in one[1] and not one[2]
    assert of_when("has(args.amount) && args.amount > 3", "tools: [refund, run_sql]") == []
    assert of_when("args.amount > 3", "tools: [refund, run_sql]", "at_most: low") == []
    assert of_when("\"tool == 'refund' && args.amount > 3 || tool == 'run_sql' && args.sql == 'x'\"", "tools: [refund, run_sql]") == []


@pytest.mark.parametrize(
    ("when", "match", "said"),
    [
        ("args.amount > 100 && args.amount < 50", "", "args.amount > 100 and args.amount < 50 are never true together"),
        ("args.amount == 1 && args.amount == 2", "", "never true together"),
        ("args.amount < 1", "tools: [refund]", "args.amount < 1 is never true here"),
        ("args.amount > 1 && args.amount < 2", "tools: [refund]", "never true together"),
        ("args.amount == 'x'", "tools: [refund]", "is never true here"),
        ("args.mode == 'delete'", "tools: [run_sql]", "is never true here"),
        ("tool == 'run_sql'", "tools: [refund]", 'tool == "run_sql" is never true here'),
        ("agent == 'dba'", "agents: [refunds]", "is never true here"),
        ("environment == 'production'", "agents: [dba]", "is never true here"),
        ("tool_class == 'money' && tool == 'run_sql'", "", "is never true here"),
        ("customer == 'globex'", "customers: [ac*]", 'customer == "globex" is never true here'),
        ("figures.rows > 3 && figures.rows < 4", "", "never true together"),
        ("approvals_before < 0", "", "is never true here"),
    ],
)
def test_a_condition_that_can_never_hold_is_refused_with_the_reason(when, match, said):
    assert [(line, refused) for line, why, refused in of_when(f'"{when}"', match) if "can never match" in why and said in why] == [
        (3, True)
    ]


def test_ranges_are_held_against_each_other_without_any_agent():
    assert found("- {name: a, deny: x, match: {when: args.n > 5 && args.n < 3}}\n", Known())[0][2]
    assert found("- {name: a, deny: x, match: {tools: [b], when: tool == 'c'}}\n", Known())[0][2]
    assert found("- {name: a, deny: x, match: {tools: ['b*'], when: tool == 'bc'}}\n", Known()) == []


def test_an_alternative_that_never_holds_is_warned_about():
    ((line, why, refused),) = of_when("args.amount > 9 || (args.amount > 5 && args.amount < 3)", "tools: [refund]")
    assert (line, refused) == (3, False) and "one of the alternatives" in why and "args.amount > 5 and args.amount < 3" in why


def test_customers_nobody_asked_for_are_warned_about():
    ((_, why, refused),) = found("- {name: a, deny: x, match: {customers: [acmee]}}\n")
    assert ("did you mean acme?" in why, refused) == (True, False)
    assert "globex" in of_when("\"customer == 'other'\"")[0][1]
    assert found("- {name: a, deny: x, match: {customers: [acmee]}}\n", Known(KNOWN.agents)) == []


def test_a_figure_that_looks_like_a_slip_is_warned_about():
    assert "did you mean amount_cents?" in of_when("figures.amount_cent > 3")[0][1]


def test_a_figure_that_no_tool_declares_is_warned_about_with_its_line():
    """It was saved without a word: the rule then applied to every call, or to none."""
    seats = "figures.seats > 3"
    ((line, why, refused),) = of_when(seats)
    assert (line, refused) == (3, False) and "no tool declares a figure seats" in why and "amount_cents" in why
    assert [len(of_when(w)) for w in ("has(figures.seats) && figures.seats > 3", "figures['seats'] + 1 > 3")] == [1, 1]
    met = replace(KNOWN, figures=("seats",))  # a call came with it
    rule = f"- name: a\n  deny: x\n  match:\n    when: {seats}\n"
    assert found(rule, met) == []
    outside = replace(
        KNOWN, agents=(replace(KNOWN.agents[0], figures={"refund": frozenset({"seats"}), "reply": frozenset()}), KNOWN.agents[1])
    )
    assert found(rule, outside) == []
    assert (
        "none of its tools declares a figure rows; refund declares seats"
        in found("- name: a\n  deny: x\n  match:\n    tools: [refund]\n    when: figures.rows > 3\n", outside)[0][1]
    )
    assert found("- name: a\n  deny: x\n  match:\n    when: figures.rows > 3\n", outside) == []  # another tool's preview may count rows


def test_an_argument_that_only_tools_without_a_schema_may_have_is_warned_about():
    """One tool that says nothing of its arguments (`reply`) kept every misspelled argument from being told."""
    ((_, why, refused),) = of_when("args.amuont > 3")
    assert not refused and "no tool declares an argument args.amuont; reply leaves open what it is given" in why
    assert [f for f in of_when("has(args.amount) && args.amount > 3") if "declares" in f[1]] == []


def test_an_argument_only_a_figure_is_read_from_is_declared_by_that():
    """It was said that no tool declares it, and refused where the schema names others."""
    figures, counted = {"pay": frozenset({"amount_cents"})}, {"pay": frozenset({"total.cents"})}
    for schema in ({}, {"pay": {"type": "object", "properties": {"order": {"type": "string"}}}}):
        known = replace(KNOWN, agents=(*KNOWN.agents, KnownAgent("payer", "demo", {"pay": "money"}, schema, "", figures, counted)))
        for when in ("args.total.cents > 3", "has(args.total)"):
            assert found(f'- {{name: a, deny: x, match: {{tools: [pay], when: "{when}"}}}}', known) == []
        ((_, why, _),) = found('- {name: a, deny: x, match: {tools: [pay], when: "args.total.cts > 3"}}', known)
        assert "args.total.cts" in why


def test_points_for_a_figure_that_nothing_has_are_warned_about():
    source = with_rules("[]").replace("- of: files\n", "- of: seats\n")
    (finding,) = [f for f in check(parse(source), KNOWN) if "amounts" in f.why]
    assert source.splitlines()[finding.line - 1] == "  - of: seats" and not finding.refused


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("- {name: a, deny: x, match: {when: args.amount > 5}}\n- {name: b, match: {tools: [refund], when: args.amount > 9}, at_least: high}", "b changes nothing: a denies"),
        ("- {name: a, priority: 5, instead: {deadline_s: 60, hold_s: 5}}\n- {name: b, match: {tools: [refund]}, instead: {deadline_s: 90}}", "b changes nothing: a replaces"),
        ("- {name: a, require: {hold_s: 60, need: [{group: reviewers, count: 2}]}}\n- {name: b, match: {agents: [dba]}, require: {hold_s: 5}}", "b changes nothing: a requires"),
        ("- {name: a, priority: 1, at_most: low}\n- {name: b, at_most: medium}", "b changes nothing: a holds"),
        ("- {name: a, at_least: high, match: {customers: ['ac*']}}\n- {name: b, at_least: medium, match: {customers: [acme]}}", "b changes nothing: a raises"),
        ("- {name: a, at_least: high, match: {when: args.amount > 5}}\n- {name: b, at_least: medium, match: {tools: [refund], when: args.amount > 7 && args.order == 'x'}}", "b changes nothing: a raises"),
        ("- {name: a, priority: 1, at_least: high, require: {hold_s: 9}}\n- {name: b, at_least: high, require: {hold_s: 9}}", "b changes nothing: a raises"),
    ],
)  # fmt: skip
def test_a_rule_others_leave_nothing_to_say_is_warned_about(rules, said):
    assert [refused for _, why, refused in found(rules) if said in why] == [False]


@pytest.mark.parametrize(
    "rules",
    [
        "- {name: a, deny: x, match: {when: args.amount > 9}}\n- {name: b, match: {tools: [refund], when: args.amount > 5}, at_least: high}",
        "- {name: a, priority: 5, instead: {hold_s: 5}}\n- {name: b, match: {tools: [refund]}, instead: {deadline_s: 90}}",
        "- {name: a, instead: {deadline_s: 60}}\n- {name: b, priority: 1, match: {tools: [refund]}, instead: {deadline_s: 90}}",
        "- {name: a, at_least: high}\n- {name: b, at_least: medium, require: {hold_s: 5}}",
        "- {name: a, at_least: high}\n- {name: b, score: 5}",
        "- {name: a, at_least: high, match: {when: has(args.amount)}}\n- {name: b, at_least: medium, match: {tools: [refund], when: args.order == 'x'}}",
        "- {name: a, priority: 1, at_least: high}\n- {name: b, priority: 2, at_least: medium}\n",
        "- {name: a, at_least: high, match: {customers: ['ac?e']}}\n- {name: b, at_least: medium, match: {customers: ['ac*']}}",
    ],
)
def test_a_rule_that_still_says_something_is_let_be(rules):
    assert [why for _, why, _ in found(rules) if "changes nothing" in why] == []


@pytest.mark.parametrize(
    ("rules", "said", "refused"),
    [
        ("- {name: a, require: {need: [{group: finance, count: 1}, {group: law, count: 1}]}}", "Rita would have to count twice", True),
        ("- {name: a, instead: {need: [{group: finance, count: 1}, {group: law, count: 1, stage: 2}]}}", "Rita would have to count twice", True),
        ("- {name: a, instead: {need: [{group: finance, count: 2}]}}", "asks 2 of finance, and there is 1", True),
        ("- {name: a, match: {agents: [refunds]}, instead: {need: [{group: ops, count: 2}], exclude: [owner]}}", "of what refunds asks, which Otto owns, nobody", True),
        ("- {name: a, instead: {need: [{group: ops, count: 2}], exclude: [owner]}}", "of what refunds asks, which Otto owns, nobody", False),
        ("- {name: a, instead: {need: [{group: ops, count: 2}], exclude: [requester]}}", "when Olga or Otto started the run, nobody", False),
        ("- {name: a, instead: {need: [{group: finance, count: 1}], exclude: [editor]}}", "when Rita edited it, nobody", False),
        ("- {name: a, instead: {need: [{group: ops, count: 1}], rejections: 3}}", "needs 3 rejections, and 2 people are asked", True),
        ("- {name: a, match: {tools: [refund]}, instead: {rejections: 9}}", "needs 9 rejections, and", True),
    ],
)  # fmt: skip
def test_places_nobody_could_fill(rules, said, refused):
    assert [f for _, why, f in found(rules) if said in why] == [refused]


@pytest.mark.parametrize("name", ["tools", "classes", "agents", "customers", "environments"])
def test_a_list_whose_last_name_was_taken_out_is_refused_where_it_stands(name):
    """It meant everything, without a word."""
    (line, why, refused) = next(one for one in found(f"- name: a\n  deny: x\n  match:\n    {name}: []\n") if "means all of them" in one[1])
    first = next(line for line, _, _ in found("- {name: a, require: {need: [{group: nobody, count: 1}]}}\n", KNOWN))
    assert (line, why.split(":")[0], refused) == (first + 3, "rule a", True)


def test_a_rule_that_only_some_levels_leave_without_people_warns():
    few = Known(KNOWN.agents, {"reviewers": frozenset({"rita", "sam"}), "finance": frozenset({"rita"})}, KNOWN.names)
    said = found("- {name: a, require: {need: [{group: finance, count: 1}]}}\n", few)
    assert [refused for _, why, refused in said if "would have to count twice" in why] == [False]
    assert "rule a at critical" in next(why for _, why, _ in said if "count twice" in why)


def test_a_group_that_nobody_is_in_is_named_where_it_stands_with_what_was_meant():
    text = "- name: a\n  require:\n    need:\n    - {group: reviewers, count: 1}\n    - {group: reviewres, count: 1}\n"
    line, why, refused = next(one for one in found(text, KNOWN) if "did you mean" in one[1])
    first = next(line for line, _, _ in found("- {name: a, require: {need: [{group: nobody, count: 1}]}}\n", KNOWN))
    assert (line, refused) == (first + 4, True)
    assert why == "rule a asks 1 of reviewres, where there is nobody: nobody could approve; did you mean reviewers?"


def test_enough_people_are_let_be():
    assert found("- {name: a, require: {need: [{group: ops, count: 1}], exclude: [owner]}}\n", KNOWN) == []


def test_what_the_policy_in_force_lacks_when_people_go():
    policy = parse(policy_text())
    assert unmanned(policy, KNOWN) == ()
    gone = Known(KNOWN.agents, {"reviewers": frozenset({"rita"}), "operators": frozenset("o")})
    assert [f.why for f in unmanned(policy, gone)] == ["critical asks 2 of reviewers, and there is 1: nobody could approve"]


groups = st.dictionaries(st.sampled_from("xyz"), st.frozensets(st.sampled_from("abcd"), max_size=4), min_size=3)


@given(groups, st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 2)), min_size=1, max_size=3, unique_by=lambda p: p[0]))
def test_places_can_be_filled_exactly_when_some_seating_fills_them(rosters, wanted):
    need = [NeedRule(group=group, count=count) for group, count in wanted]
    places = [n.group for n in need for _ in range(n.count)]
    seatings = permutations("abcd", len(places)) if len(places) <= 4 else ()
    assert fillable(need, rosters) is any(all(p in rosters[g] for p, g in zip(s, places, strict=True)) for s in seatings)


def test_every_group_a_policy_names_is_found():
    text = with_rules("- {name: a, require: {need: [{group: finance, count: 1}]}}\n- {name: b, instead: {escalate: [{after: 50%, to: law}], delegates: [ops], extend: {by: [more], at_most_s: 60}}}\n")  # fmt: skip
    found = groups_named(parse(text).data)
    assert set(found) == {"reviewers", "operators", "finance", "law", "ops", "more"}
    assert found["law"] == ("rules", 1, "instead")


def doubled(count: int, match: str) -> str:
    """Rules that only the interpreter of conditions answers, each in some 26 steps."""
    return "".join(
        f"- {{name: r{n}, score: 1, match: {{{match.format(n=n)}, when: double(args.amount) > {n + 1}.0}}}}\n" for n in range(count)
    )


def over(rules: str) -> list[str]:
    return [why for _, why, refused in found(rules) if refused and "steps together" in why]


def test_rules_of_one_tool_that_the_interpreter_could_not_answer_together_are_refused():
    fit = MOST_STEPS_IN_ALL // Condition("double(args.amount) > 1.0").least_steps
    assert not over(doubled(fit, "tools: [refund]"))
    (why,) = over(doubled(fit + 1, "tools: [refund]"))
    assert f"{fit + 1} conditions that are asked of every call of refund" in why
    # Rules for other tools, or for one customer each, never meet in one call.
    assert not over(doubled(fit, "tools: [refund]") + doubled(fit, "tools: [run_sql]").replace("name: r", "name: s"))
    assert not over(doubled(fit + 1, "tools: [refund], customers: [c{n}]"))


def test_what_the_check_counts_of_the_interpreter_is_what_a_call_takes_at_least():
    for text in ("double(args.a) > 1.0", "args.l.map(i, i + 1) == [1]", "has(args.a) && string(args.a) == '1' && tool == 'x'"):
        condition, said = Condition(text), Said({**dict.fromkeys(NAMES, ""), "args": {"a": 1, "l": [1, 2]}})
        condition.interpreted(said)
        assert 10 < condition.least_steps <= said.work.steps_taken


def test_what_the_check_counts_does_not_hang_on_how_busy_the_machine_is(monkeypatch):
    """The processor stands still for a second at every look: the collector of rubbish does that in a large process."""
    told = iter(range(10**6))
    calm = Condition("double(args.amount) > 1.0").least_steps
    monkeypatch.setattr("approvals.policy.interpreting.time.thread_time", lambda: next(told) / 10)
    assert Condition("double(args.amount) > 1.0").least_steps == calm


def test_a_policy_nested_beyond_reading_is_refused_with_a_sentence():
    with pytest.raises(BadPolicy, match="nested"):
        parse("rules: " + "[" * 3_000 + "]" * 3_000)
