"""What a back-test compares and which change it names, held against brute force: every change undone by itself."""

from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from approvals.policy import differing
from approvals.policy.asking import asked, differences
from approvals.policy.conditions import Condition
from approvals.policy.replay import Case, Frozen, Replay, Tally, frozen_of, scored
from approvals.policy.rules import Policy, load, parse
from approvals.policy.undoing import OUTSIDE, TOGETHER, UNEXPLAINED
from tests.fakes import policy_text, with_rules
from tests.unit.test_policy import put
from tests.unit.test_policy_rules import CALL

BASE = load(settings.POLICY_FILE)
# Its grammar raises the recursion limit when it is first made; inside a test Hypothesis takes that for the test's own doing and fails it.
Condition("true")


def case_of(policy: Policy, **more: Any) -> Case:
    facts = replace(CALL, **more)
    unknown = Case("id", facts.agent, facts.tool, "Pay", facts, False, Frozen("", ()), policy.sha256)
    return replace(unknown, was=frozen_of(scored(policy.data, unknown)))


def replayed(draft: Policy, *cases: Case, before: Policy = BASE) -> Tally:
    trial, tally = Replay(draft.data, before.data, before.sha256), Tally()
    for case in cases:
        trial.add(tally, case)
    return tally


def ruled(rules: str) -> Policy:
    return parse(with_rules(rules)) if rules else BASE


@pytest.mark.parametrize(
    ("rule", "field", "way", "said"),
    [
        ("{name: a, require: {hold_s: 60}}", "hold_s", "more", "Hold: 1 minute instead of none"),
        ("{name: a, instead: {deadline_s: 3600}}", "deadline_s", "less", "Time to decide: 1 hour instead of 30 minutes"),
        ("{name: a, require: {execute_within_s: 60}}", "execute_within_s", "more", "Time to use an approval: 1 minute instead of 15 minutes"),
        ("{name: a, instead: {exclude: [owner]}}", "exclude", "less", "Who may not decide: the agent's owner instead of"),
        ("{name: a, instead: {exclude: []}}", "exclude", "less", "Who may not decide: nobody instead of"),
        ("{name: a, require: {verdicts: [approve, reject]}}", "verdicts", "more", "Verdicts: approve, reject instead of"),
        ("{name: a, require: {reason_for: [approve]}}", "reason_for", "more", "Reason needed: reject, approve instead of reject"),
        ("{name: a, instead: {rejections: 2}}", "rejections", "less", "Rejections that end it: 2 instead of 1"),
        ("{name: a, instead: {remind: []}}", "remind", "other", "Reminders: none instead of after 50% and 80% of the time"),
        ("{name: a, instead: {escalate: [{after: 60%, to: admins}]}}", "escalate", "less", "Escalation: admins after 60% of the time instead of none"),
        ("{name: a, instead: {extend: {by: [ops], at_most_s: 60}}}", "extend", "other", "Putting it off: ops by 1 minute instead of reviewers or operators by 30 minutes"),
        ("{name: a, instead: {delegates: [ops]}}", "delegates", "less", "Stand-ins: ops instead of nobody"),
        ("{name: a, instead: {need: [{group: reviewers, count: 1}, {group: ops, count: 1, stage: 2}]}}", "need", "more", "Who decides: 1 of reviewers, then 1 of ops instead of 1 of reviewers"),
        ("{name: a, require: {may_edit: false}}", "may_edit", "more", "Editing: not allowed instead of allowed"),
        ("{name: a, instead: {tell: [push, email]}}", "tell", "more", "Told by: e-mail, notifications on devices instead of e-mail, notifications on devices, Slack"),
        ("{name: a, require: {at_deadline: stop_run}}", "at_deadline", "more", "When nobody decides in time: its run is halted instead of the agent is told that it ran out"),
        ("{name: a, deny: x}", "refused", "more", "Refused by policy: yes instead of no"),
    ],
)  # fmt: skip
def test_every_field_of_what_is_asked_is_compared_and_said(rule, field, way, said):
    found = replayed(ruled(f"- {rule}\n"), case_of(BASE))
    assert (found.changed, found.fields, found.rules["a"].changed) == (1, {field: {way: 1}}, 1)
    ((name, was, now, _),) = found.shown[0]["fields"]
    assert said in differing.sentence(name, was, now) and found.shown[0]["by"] == ["a"]


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        (lambda d: d.update(quiet={"zone": "UTC", "begins": "22:00", "ends": "06:00", "levels": ["medium"]}), "quiet", "Quiet hours: 22:00-06:00 UTC instead of none"),
        (lambda d: d.update(slack={"channels": [{"channel": "C0123ABCD"}]}), "channels", "Slack channels: C0123ABCD instead of none"),
        (lambda d: d.update(slack={"decide": "off"}), "buttons", "Buttons in Slack: no instead of yes"),
        (put(7200, "requirements", "medium", "deadline_s"), "deadline_s", "2 hours instead of 30 minutes"),
        (put(80, "tool_class", "write"), "level", "Level: high instead of medium"),
    ],
)  # fmt: skip
def test_what_stands_outside_of_rules_is_compared_as_well(change, field, said):
    found = replayed(parse(policy_text(change)), case_of(BASE))
    assert field in found.fields and found.others[OUTSIDE].changed == 1 and not found.rules
    sentences = [differing.sentence(name, was, now) for name, was, now, _ in found.shown[0]["fields"]]
    assert any(said in sentence for sentence in sentences)


def test_a_calendar_with_other_hours_is_another_time_to_decide():
    def with_hours(opens: str) -> Policy:
        def change(data: dict[str, Any]) -> None:
            data["calendars"] = {"office": {"zone": "UTC", "opens": opens, "closes": "17:00"}}
            data["requirements"]["medium"]["calendar"] = "office"

        return parse(policy_text(change))

    before = with_hours("08:00")
    found = replayed(with_hours("09:00"), case_of(before), before=before)
    assert found.fields == {"calendar": {"other": 1}}
    assert "office, with other hours instead of office" in differing.sentence(*found.shown[0]["fields"][0][:3])


@pytest.mark.parametrize(
    ("before", "after", "blamed"),
    [
        ("", "- {name: a, require: {hold_s: 60}}\n- {name: b, score: 1}\n", {"a": 0}),  # b applies and changes nothing
        ("- {name: a, require: {hold_s: 60}}\n", "", {"a": 0}),  # gone, so it applies to nothing any more
        ("- {name: a, require: {hold_s: 60}}\n", "- {name: a, require: {hold_s: 90}}\n", {"a": 0}),
        ("", "- {name: a, require: {need: [{group: reviewers, count: 2}]}}\n- {name: b, require: {need: [{group: ops, count: 1}]}}\n", {"a": 1, "b": 1}),
        # Either is enough, so that undoing one changes nothing.
        ("", "- {name: a, at_least: high}\n- {name: b, at_least: high}\n", {TOGETHER: 0}),
        ("", "- {name: a, priority: 2, instead: {deadline_s: 60}}\n- {name: b, instead: {deadline_s: 90}}\n", {"a": 0}),
        ("- {name: a, about: x, score: 1}\n", "- {name: a, about: y, score: 1}\n- {name: b, deny: x}\n", {"b": -1}),
        # The order within one priority is no rule's change.
        ("- {name: a, instead: {deadline_s: 60}}\n- {name: b, instead: {deadline_s: 90}}\n",
         "- {name: b, instead: {deadline_s: 90}}\n- {name: a, instead: {deadline_s: 60}}\n", {TOGETHER: 0}),
    ],
)  # fmt: skip
def test_a_difference_is_put_down_to_the_changes_that_make_it_by_themselves(before, after, blamed):
    one, other = ruled(before), ruled(after)
    found = replayed(other, case_of(one), before=one)
    assert found.changed == 1
    assert {n: t.people for n, t in {**found.rules, **found.others}.items() if t.changed} == blamed


def test_what_was_scored_otherwise_then_is_put_down_to_nobody():
    odd = replace(case_of(BASE), was=Frozen("high", ()))
    assert replayed(BASE, odd).others[UNEXPLAINED].changed == 1
    gone = replace(case_of(BASE), policy_sha256="gone", was=Frozen("high", ()))
    assert replayed(BASE, gone).others[UNEXPLAINED].changed == 1


def test_what_takes_no_effect_is_no_difference():
    draft = parse(policy_text(put(9, "requirements", "low", "deadline_s")))
    assert replayed(draft, case_of(BASE, tool_class="read")).changed == 0
    refused = ruled("- {name: a, deny: x}\n")
    assert replayed(ruled("- {name: a, deny: x}\n- {name: b, require: {hold_s: 60}}\n"), case_of(refused), before=refused).changed == 0


def test_what_a_tally_keeps_is_read_again_also_that_of_an_earlier_release():
    found = replayed(ruled("- {name: a, require: {hold_s: 60}}\n"), case_of(BASE))
    assert Tally.from_json(found.as_json()) == found
    old = {"looked_at": 1, "changed": 1, "rules": {"a": {"matched": 1, "changed": 1, "people": 2}}, "shown": []}
    assert Tally.from_json(old).rules["a"].people == 2


thens = st.sampled_from(
    ["at_least: high", "at_most: low", "score: 40", "score: -9", "require: {hold_s: 60}", "deny: x", "instead: {deadline_s: 60}",
     "require: {need: [{group: ops, count: 1}]}", "instead: {need: [{group: ops, count: 2}], hold_s: 9}"]
)  # fmt: skip
matches = st.sampled_from(["{}", "{tools: [pay]}", "{tools: [other]}", "{when: args.amount > 50}", "{when: args.missing > 1}"])
rows = st.dictionaries(st.sampled_from("abc"), st.tuples(matches, thens, st.integers(0, 1)), max_size=3)


def written(rules: dict[str, tuple[str, str, int]]) -> Policy:
    return ruled("".join(f"- {{name: {n}, match: {m}, {t}, priority: {p}}}\n" for n, (m, t, p) in sorted(rules.items())))


@hypothesis_settings(deadline=None, max_examples=60)
@given(rows, rows)
def test_a_rule_is_named_exactly_when_undoing_its_change_alone_asks_something_else(before, after):
    one, other = written(before), written(after)
    case = case_of(one)
    now = asked(other.data, scored(other.data, case), case.facts)
    expected = set()
    for name in {*before, *after}:
        undone = {**after, name: before[name]} if name in before else {n: r for n, r in after.items() if n != name}
        policy = written(undone)
        if asked(policy.data, scored(policy.data, case), case.facts) != now:
            expected.add(name)
    found = replayed(other, case, before=one)
    was = asked(one.data, scored(one.data, case), case.facts)
    assert found.changed == (was != now)
    if found.changed:
        assert {n for n, t in found.rules.items() if t.changed} == expected
        assert list(differences(was, now))
