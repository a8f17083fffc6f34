"""Rules: what they match, what they add up to, and that what cannot be answered asks people."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.policy import conditions as cel
from approvals.policy import interpreting
from approvals.policy.conditions import NAMES, Condition, Said, Unanswerable
from approvals.policy.interpreting import MOST_STEPS, TOO_LONG, TOO_MANY, TOO_SLOW
from approvals.policy.lowering import what_would_lower
from approvals.policy.matching import said_of
from approvals.policy.plainly import MOST_LOOKED_AT
from approvals.policy.risk import Facts, assess, at_least_medium
from approvals.policy.rules import BadPolicy, Level, PolicyData, parse, parse_stored
from approvals.policy.words import asked, sentence
from tests.fakes import with_rules

CALL = Facts(
    tool="pay", tool_class="write", environment="demo", approvals_before=50, reversible=True, agent="refunds", customer="acme",
    args={"amount": 70, "to": "ada", "items": [{"qty": 1}, {"qty": 4}]}, figures={"rows": 3},
)  # fmt: skip


def rules(text: str) -> PolicyData:
    return parse(with_rules(text)).data


def rule(match: str = "{}", then: str = "at_least: high", name: str = "one") -> str:
    return f"- name: {name}\n  match: {match}\n  {then}\n"


def hit(match: str) -> bool:
    return assess(rules(rule(match)), CALL).level is Level.HIGH


@pytest.mark.parametrize(
    ("match", "applies"),
    [
        ("{}", True),
        ("{tools: [pay]}", True),
        ("{tools: [p*]}", True),
        ("{tools: [x, '?ay']}", True),
        ("{tools: [Pay]}", False),
        ("{tools: [pay], agents: [refunds]}", True),
        ("{tools: [pay], agents: [other]}", False),
        ("{customers: [ac*]}", True),
        ("{customers: [other]}", False),
        ("{environments: [demo, staging]}", True),
        ("{environments: [production]}", False),
        ("{classes: [write]}", True),
        ("{classes: [money]}", False),
        ("{when: args.amount > 50}", True),
        ("{when: args.amount > 70}", False),
        ("{when: 'args.items.exists(i, i.qty > 3)'}", True),
        ("{when: 'args.items.all(i, i.qty > 3)'}", False),
        ("{when: args.to == 'ada' && figures.rows == 3}", True),
        ("{when: args.to.startsWith('a') || agent == 'x'}", True),
        ("{when: customer == 'acme' && environment == 'demo' && tool_class == 'write' && approvals_before == 50}", True),
        ("{when: size(untrusted_text) > 0}", False),
        ("{when: estimated_cost == null}", True),
        ("{when: 'has(args.missing) && args.missing > 3'}", False),
    ],
)
def test_a_rule_applies_to(match, applies):
    assert hit(match) is applies


UNANSWERABLE = [
    "args.missing > 3",
    "args.amount > 'x'",
    "1 / (run_calls - run_calls) > 1",
    "args.amount",
    "args.to.missing",
    "args.items > 3",
    "figures.files > 1",
]


@pytest.mark.parametrize("when", UNANSWERABLE)
@pytest.mark.parametrize("then", ["at_least: critical", "score: 40", "deny: never", "require: {need: [{group: reviewers, count: 3}]}"])
def test_a_condition_that_fails_counts_as_matching_for_a_rule_that_asks(when, then):
    plain = assess(rules(rule("{tools: [none]}")), CALL)
    found = assess(rules(rule(f'{{when: "{when}"}}', then)), CALL)
    assert found.denied or found.score > plain.score or found.requirement.people > plain.requirement.people
    assert "could not be answered" in found.factors[-1].why


@pytest.mark.parametrize("when", UNANSWERABLE)
@pytest.mark.parametrize("then", ["at_most: low", "score: -40", "instead: {exclude: [], deadline_s: 3000}"])
def test_a_condition_that_fails_counts_as_not_matching_for_a_rule_that_loosens(when, then):
    text = when
    found = assess(rules(rule(f'{{when: "{text}"}}', then)), CALL)
    assert not [f for f in found.factors if f.rule]
    assert found.level is Level.MEDIUM


def test_more_arguments_than_anybody_looks_at_fail_closed():
    much = replace(CALL, args={"amount": 1, "items": list(range(6_000))})
    assert assess(rules(rule("{when: 'args.items.exists(i, i == -1)'}")), much).level is Level.HIGH
    assert assess(rules(rule("{when: 'args.items.exists(i, i == 1)'}", "at_most: low")), much).level is Level.MEDIUM


ROWS = [{"amount": n % 50} for n in range(40)]


@pytest.mark.parametrize(
    ("when", "seconds", "why"),
    [
        ("args.rows.all(r, args.rows.exists(s, double(s.amount) == -1.0) || r.amount < 100)", 60, TOO_LONG(n=MOST_STEPS)),
        ("args.rows.reduce(r, i, 'x', r + r) == 'x'", 60, TOO_SLOW()),
        ("args.rows.all(r, args.rows == args.rows)", 0, TOO_SLOW()),
    ],
)
def test_a_condition_that_takes_too_long_with_what_an_agent_wrote_asks_people(when, seconds, why, monkeypatch):
    monkeypatch.setattr(interpreting, "MOST_S", seconds)
    monkeypatch.setattr(interpreting, "MOST_S_IN_ALL", 60)
    call = replace(CALL, args={"rows": ROWS})
    found = assess(rules(rule(f'{{when: "{when}"}}')), call)
    assert found.level is Level.HIGH and str(why) in found.factors[-1].why
    assert assess(rules(rule(f'{{when: "{when}"}}', "at_most: low")), call).level is Level.MEDIUM


DEAR = "args.rows.all(r, args.rows.exists(s, double(s.amount) == -{}.0) || r.amount < 100)"
CHEAP = "double(args.rows[0].amount) == {}.0"


def test_the_conditions_of_one_call_share_what_they_may_cost():
    said = cel.Said({**dict.fromkeys(cel.NAMES, ""), "args": {"rows": ROWS}})
    for n in (1, 2):
        with pytest.raises(Unanswerable):
            Condition(DEAR.format(n)).holds(said)
    with pytest.raises(Unanswerable) as refused:
        Condition(CHEAP.format(0)).holds(said)
    assert str(refused.value) == TOO_MANY()
    assert Condition("size(args.rows) == 40").holds(said)  # what needs no interpreter is answered still


def test_one_condition_that_takes_all_it_may_leaves_the_others_something():
    """An agent that writes long lists makes one rule unanswerable, not each that comes after it."""
    call = replace(CALL, args={"rows": ROWS})
    text = rule(f"{{when: '{DEAR.format(1)}'}}", "at_least: high", "dear")
    text += "".join(rule(f"{{when: '{CHEAP.format(n)}'}}", "at_least: critical", f"cheap-{n}") for n in range(60, 120))
    assert {f.rule for f in assess(rules(text), call).factors if f.rule} == {"dear"}


def test_a_list_too_long_for_loops_is_left_to_the_bounds_of_the_interpreter():
    """Each loop of 500 conditions over a long list, and loops in each other: looked at so often, and no more."""
    said = said_of(replace(CALL, args={"rows": list(range(400))}))
    for n in range(MOST_LOOKED_AT // 400):
        assert not Condition(f"args.rows.exists(r, r == -{n + 1})").holds(said)
    with pytest.raises(Unanswerable):
        for n in range(10):
            Condition(f"args.rows.exists(r, r == -{n + 1})").holds(said)


@pytest.mark.parametrize("when", ["args.amount > 5", "args.amount + 1 > 5", "double(args.amount) > 5.0", "args.amount in [1]"])
def test_a_number_the_language_does_not_have_asks_people(when):
    big = replace(CALL, args={"amount": 2**70})
    assert assess(rules(rule(f"{{when: '{when}'}}")), big).level is Level.HIGH
    assert assess(rules(rule(f"{{when: '{when}'}}", "at_most: low")), big).level is Level.MEDIUM


def test_loops_in_each_other_may_speak_of_both_their_variables():
    said = cel.Said({**dict.fromkeys(cel.NAMES, ""), "args": {"rows": ROWS[:5]}})
    assert cel.Condition("args.rows.all(r, args.rows.exists(s, s.amount == r.amount))").holds(said)
    assert cel.Condition("args.rows.reduce(sum, r, 0, sum + r.amount) == 10").holds(said)


@pytest.mark.parametrize("priority", [-5, 0, 5])
def test_denying_wins_whatever_the_priority(priority):
    data = rules(rule("{}", "at_most: low", "mild") + f"- name: nope\n  priority: {priority}\n  deny: not today\n")
    assert assess(data, CALL).denied == "not today (rule nope)"


@pytest.mark.parametrize(("floor", "ceiling", "level"), [(0, 0, "high"), (1, 0, "high"), (0, 1, "low"), (-1, 0, "low")])
def test_of_floor_and_ceiling_the_higher_priority_has_the_last_word_and_the_floor_when_they_are_equal(floor, ceiling, level):
    data = rules(f"- {{name: up, at_least: high, priority: {floor}}}\n- {{name: down, at_most: low, priority: {ceiling}}}\n")
    found = assess(data, CALL)
    assert found.level == level
    assert {f.rule for f in found.factors if f.rule} == {"up", "down"}


def test_no_rule_goes_below_what_is_never_below():
    data = rules("- {name: down, at_most: low, priority: 1000}\n- {name: minus, score: -100}\n")
    found = assess(data, replace(CALL, tool="send_email"))
    assert (found.level, bool(found.requirement.need)) == (Level.HIGH, True)


def test_nothing_is_loosened_where_characters_are_hidden():
    data = rules("- {name: down, at_most: low}\n- {name: minus, score: -50}\n")
    assert assess(data, CALL).level is Level.LOW
    assert assess(data, replace(CALL, hidden_characters=("to",))).level is not Level.LOW


def test_points_of_rules_are_signed_named_factors_and_the_score_stays_within_its_level():
    found = assess(rules("- {name: less, score: -3, about: It is known}\n- {name: more, score: 20}\n"), CALL)
    assert [(f.points, f.rule) for f in found.factors if f.rule] == [(-3, "less"), (20, "more")]
    assert found.score == sum(f.points for f in found.factors)
    held = assess(rules("- {name: down, at_most: low}\n"), CALL)
    assert 0 <= held.score < 25


def test_requirements_are_joined_and_the_strictest_counts():
    data = rules("""
        - name: finance
          require: {need: [{group: finance, count: 1}, {group: reviewers, count: 2}], exclude: [owner], reason_for: [approve]}
        - name: quick
          require: {need: [{group: reviewers, count: 1}], verdicts: [approve, reject], deadline_s: 60, execute_within_s: 30}
    """)
    asked = assess(data, CALL).requirement
    assert {n.group: n.count for n in asked.need} == {"reviewers": 2, "finance": 1}
    assert (asked.exclude, asked.verdicts, asked.deadline_s, asked.execute_within_s) == (
        ("requester", "owner", "editor"),
        ("approve", "reject"),
        60,
        30,
    )
    assert set(asked.reason_for) == {"approve", "reject"}


def test_of_two_replacements_the_higher_priority_counts_and_what_is_asked_on_top_is_still_asked():
    data = rules("""
        - {name: night, priority: 1, instead: {deadline_s: 86400}}
        - {name: day, instead: {deadline_s: 100, need: [{group: ops, count: 1}]}}
        - {name: two, require: {need: [{group: reviewers, count: 2}]}}
    """)
    asked = assess(data, CALL).requirement
    assert (asked.deadline_s, {n.group: n.count for n in asked.need}) == (86_400, {"ops": 1, "reviewers": 2})


def test_a_low_call_a_rule_wants_people_for_asks_them():
    data = rules("- {name: look, match: {classes: [read]}, require: {need: [{group: reviewers, count: 1}]}}\n")
    assert assess(data, replace(CALL, tool_class="read")).requirement.people == 1


def test_what_a_person_edited_never_passes_by_a_rule():
    data = rules("- {name: down, at_most: low}\n")
    found = at_least_medium(data, assess(data, CALL))
    assert (found.level, found.requirement.people) == (Level.MEDIUM, 1)


def test_rules_do_not_change_questions():
    assert assess(rules("- {name: nope, deny: never}\n"), replace(CALL, question=True)).denied == ""


@settings(deadline=None)  # conditions and YAML are compiled anew each time
@given(st.lists(st.sampled_from(["at_least: high", "score: 30", "require: {need: [{group: ops, count: 1}]}", "deny: never"]), max_size=6))
def test_rules_that_ask_only_ever_ask_for_more(then):
    text = "".join(rule("{}", t, f"r{i}") for i, t in enumerate(then)) or rule("{tools: [none]}")
    before, after = assess(rules(rule("{tools: [none]}")), CALL), assess(rules(text), CALL)
    assert (after.score, after.level.rank, after.requirement.people) >= (before.score, before.level.rank, before.requirement.people)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("- name: one\n  at_least: hihg\n", 1, "write one of: low, medium, high, critical"),
        ("- name: one\n", 0, "says nothing"),
        ("- name: one\n  at_least: high\n  at_most: low\n", 0, "not both"),
        ("- name: One\n  at_least: high\n", 0, "small letters"),
        ("- name: one\n  deny: x\n- name: one\n  deny: y\n", 2, "another rule is named"),
        ("- name: one\n  deny: x\n  match:\n    when: args.x >\n", 3, "cannot be read"),
        ("- name: one\n  deny: x\n  match:\n    when: amount > 3\n", 3, "'amount' is nothing a condition can ask"),
        ("- name: one\n  deny: x\n  match:\n    when: siez(args) > 3\n", 3, "no function 'siez'"),
        ("- name: one\n  deny: x\n  match:\n    when: '1 > 2'\n", 3, "never holds"),
        ("- name: one\n  deny: x\n  match:\n    when: '1 / 0 > 2'\n", 3, "never be answered"),
        ("- name: one\n  deny: x\n  match:\n    when: args.x > 9223372036854775808\n", 3, "more than the 64 bits"),
        ("- name: one\n  deny: x\n  match:\n    when: args.x in [1, -99999999999999999999999]\n", 3, "more than the 64 bits"),
        (f"- name: one\n  deny: x\n  match:\n    when: args.x > {'9' * 3_900}\n", 3, "more than the 64 bits"),
        ("- name: one\n  deny: x\n  match:\n    when: args.x > int('99999999999999999999999')\n", 3, "always fails"),
        ("- name: one\n  deny: x\n  match:\n    when: args.x > int('much') + 1\n", 3, "always fails"),
        ("- name: one\n  deny: x\n  match:\n    when: args.x == '' || duration('soon') > duration('1s')\n", 3, "always fails"),
        ("- name: one\n  deny: x\n  match:\n    clases: [a]\n", 3, "no such field"),
        ("- name: one\n  deny: x\n  name: two\n", 2, "stands twice"),
        ("- name: one\n  require: {verdicts: [approve]}\n", 1, "verdict reject"),
        ("- name: one\n  instead: {need: []}\n", 1, "at least 1"),
        ("- name: one\n  deny: x\n  match: &x {tools: [a]}\n- name: two\n  deny: x\n  match: *x\n", 2, "no references"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_with_its_line(text, line, why):
    source = with_rules(text)
    first = source.splitlines().index("rules:") + 2
    with pytest.raises(BadPolicy, match="line") as refused:
        parse(source)
    problem = refused.value.problems[0]
    assert why in problem.why
    assert problem.line == first + line


def test_every_problem_is_said_at_once():
    with pytest.raises(BadPolicy) as refused:
        parse(with_rules("- {name: A, deny: x}\n- {name: b, score: 1000}\n"))
    assert len(refused.value.problems) == 2


def test_what_would_have_lowered_it_is_true_and_cheapest_first():
    data = rules("- {name: up, at_least: critical, match: {when: args.amount > 50}}\n")
    facts = replace(CALL, figures={"amount_cents": 30_000}, tool_class="money")
    found = what_would_lower(data, facts)
    assert "if the rule up did not apply" in {lower.change for lower in found}
    plain = rules("- {name: other, deny: x, match: {tools: [none]}}\n")
    assert assess(plain, facts).level is Level.MEDIUM
    high = what_would_lower(plain, replace(facts, reversible=False))
    assert [lower.score for lower in high] == sorted((lower.score for lower in high), reverse=True)
    assert any("below 20,000" in lower.change for lower in high) and all(lower.level == "medium" for lower in high)


def test_a_rule_reads_as_a_sentence():
    one = rules("- {name: one, match: {tools: [pay], agents: [refunds], when: args.amount > 5}, at_least: high}\n").rules[0]
    assert sentence(one) == "Pay by the agent refunds, when args.amount > 5: is at least high."


def test_what_a_level_asks_names_the_verdicts_people_have():
    assert "one of the verdicts approve, reject;" in asked(
        rules(rule()).requirements[Level.HIGH].model_copy(update={"verdicts": ("approve", "reject")})
    )


def test_the_class_of_a_tool_reads_well_whatever_it_is_called():
    assert assess(rules(rule()), replace(CALL, tool_class="admin")).factors[0].why == "pay is a tool of class admin"


DEEP = ["!" * 3_000 + "true", "(" * 500 + "args.amount > 1" + ")" * 500, "+".join(["1"] * 1_900) + " > 0"]


@pytest.mark.parametrize("when", DEEP, ids=["not", "parentheses", "sum"])
def test_a_condition_deeper_than_any_stack_is_refused_and_one_in_force_asks_people(when):
    """It was taken by the door that had the room, and every proposal it covered was an error from then on."""
    with pytest.raises(BadPolicy, match="nested too deeply"):
        rules(rule(f'{{when: "{when}"}}'))
    condition = Condition(when)
    with pytest.raises(Unanswerable, match="nested deeper"):
        condition.holds(Said({**dict.fromkeys(NAMES, ""), "args": {"amount": 2}}))


def test_a_condition_within_the_limit_is_answered_wherever_it_is_asked():
    condition = Condition("(" * 22 + "double(args.amount) > 1.0" + ")" * 22)

    def under(frames: int) -> bool:
        return condition.holds(Said({**dict.fromkeys(NAMES, ""), "args": {"amount": 2}})) if frames == 0 else under(frames - 1)

    assert not condition.too_deep and under(400)


@pytest.mark.parametrize(
    ("rule", "line", "where", "said"),
    [
        ("- {name: a,\n   instead: {deadline_s: 1:30}}", 2, "rules.0.instead.deadline_s", "YAML reads 1:30 as a number to the base of 60"),
        ("- {name: a,\n   deny: no}", 2, "rules.0.deny", "YAML reads no as true or false"),
        ("- {name: on, deny: x}", 1, "rules.0.name", "YAML reads on as true or false"),
        ("- {name: a, deny: x, match: {customers: [012]}}", 1, "rules.0.match.customers.0", "YAML reads 012 as a number to the base of 8"),
        ("- {name: a, deny: 3}", 1, "rules.0.deny", "write text here"),
        ("- {name: a, deny: x, priority: 1.5}", 1, "rules.0.priority", "write a whole number"),
        ("- {name: a, deny: x, match: {tools: x}}", 1, "rules.0.match.tools", "write a list"),
        ("- {name: a, instead: {deadline_s: 1}}", 1, "rules.0.instead.deadline_s", "write 5 or more"),
        ("- {name: a, instead: {remind: [5x]}}", 1, "rules.0.instead.remind.0", "write a part of the time, from 1% to 99%"),
        ("- {name: a, deny: !!bool x}", 1, "rules.0.deny", "x reads as a number or a date and is none"),
        ("- {name: a, deny: 2026-13-45}", 1, "rules.0.deny", "2026-13-45 reads as a number or a date and is none"),
        ("- {name: a, deny: !x y}", 1, "rules.0.deny", "a policy has no tags"),
        ("- {name: a, deny: \x00}", 1, "", "a character that no text has"),
        ("- {name: a,\n   deny: [x}", 2, "", "a bracket is opened and not closed"),
    ],
)
def test_whatever_is_wrong_has_its_line_its_field_and_our_words(rule, line, where, said):
    """`!!bool x` was an error of ours; others had Python's words, or no line."""
    source = with_rules(rule)
    first = source.splitlines().index("rules:") + 1
    with pytest.raises(BadPolicy) as bad:
        parse(source)
    problem = bad.value.problems[0]
    assert (problem.line - first, problem.where) == (line, where) and said in problem.why


def test_quoted_words_and_times_of_day_are_what_they_look_like_and_what_is_stored_stays_readable():
    source = with_rules('- {name: "on", deny: "1:30", match: {customers: ["012", "no"]}}')
    assert parse(source).data.rules[0].match.customers == ("012", "no")
    assert parse(with_rules("[]") + "\nquiet: {zone: UTC, begins: 22:00, ends: 7:00, levels: [low]}\n").data.quiet
    assert parse_stored(with_rules("- {name: a, instead: {deadline_s: 1:30}}")).data.rules[0].instead.deadline_s == 90
