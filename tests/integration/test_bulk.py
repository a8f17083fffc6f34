"""Several together: each decided by itself by the very same guards; what is not like the others, risky or changed is left out by name."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from approvals import operations
from approvals.errors import BadRequest
from approvals.models import Action, Decision
from approvals.operations import groups
from approvals.operations.bulk import Result, decide_together
from approvals.queries import bulk
from approvals.queries.quorums import approvals
from audit import queries
from tests import factories, fakes
from tests.factories import decide

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]


def frozen(*actions: Action) -> list[tuple[str, str]]:
    return [(str(a.pk), a.digest) for a in actions]


def together(seen: list[tuple[str, str]], by: Any, verdict: str = "approve", **more: Any) -> list[Result]:
    return decide_together(seen, by=by, verdict=verdict, door="web", **{"reason": "all alike", **more})


def test_each_is_a_decision_and_an_event_of_its_own_with_the_one_reason(cast):
    actions = [factories.action(args={"what": str(n)}) for n in range(3)]
    results = together(frozen(*actions), cast.reviewer)
    assert [r.said for r in results] == ["decided"] * 3
    assert list(Decision.objects.order_by("pk").values_list("action_id", "digest", "reason", "person")) == [
        (a.pk, a.digest, "all alike", cast.reviewer.person) for a in actions
    ]
    for action in actions:
        assert [e.kind for e in queries.timeline(action=str(action.pk))].count("decision.recorded") == 1


def test_what_changed_ended_or_is_not_for_this_person_is_named_and_the_rest_is_decided(cast):
    good, taken, stale, gone = (factories.action() for _ in range(4))
    seen = [*frozen(good, taken), (str(stale.pk), "0" * 64), *frozen(gone), ("no-id", "0" * 64)]
    decide(taken, cast.second, "reject")
    with fakes.clock_moved(minutes=31):
        late = together(frozen(gone), cast.reviewer)
    results = together(seen, cast.reviewer)
    assert [r.said for r in results] == ["decided", "left out", "left out", "decided", "left out"]
    assert "Already rejected by sam" in results[1].why
    assert "changed since you opened it" in results[2].why
    assert "no such action" in results[4].why
    assert late[0].said == "left out" and "time to decide" in late[0].why
    assert [Action.objects.get(pk=a.pk).state for a in (good, taken, stale)] == ["APPROVED", "REJECTED", "PENDING"]


def test_the_page_says_beforehand_of_whom_a_decision_would_be_refused_and_lets_in_who_stands_in(cast, policy):
    need = [{"group": "reviewers", "count": 2}]
    policy.write_text(fakes.policy_text(lambda data: data["requirements"]["medium"].update(delegates=["operators"], need=need)))
    action = factories.action()

    def why_not(person: Any) -> str:
        return bulk.not_for(bulk.members([str(action.pk)])[str(action.pk)], person)

    assert why_not(cast.reviewer) == "" and "you are not in that group" in why_not(cast.operator)
    operations.go_away(by=cast.reviewer, delegate="olga", door="web")
    assert why_not(cast.operator) == ""
    together(frozen(action), cast.operator)
    assert "olga has decided this version in your stead" in why_not(cast.reviewer)
    assert "You have decided this version already" in why_not(cast.operator)
    assert why_not(cast.second) == ""


@pytest.mark.parametrize("level", ["high", "critical"])
def test_high_and_critical_are_never_decided_together_whatever_the_form_says(cast, level):
    risky, good = factories.action(level), factories.action()
    results = together(frozen(risky, good), cast.reviewer)
    assert [r.said for r in results] == ["left out", "decided"]
    assert "one by one" in results[0].why
    assert not Decision.objects.filter(action=risky).exists()


@pytest.mark.parametrize("args", [{"what": "x" * 2_001}, {"rows": [{"n": n} for n in range(41)]}, {f"k{n}": n for n in range(61)}])
def test_what_has_parts_to_be_opened_is_left_out_whatever_the_form_says(cast, args):
    long, good = factories.action(args=args), factories.action()
    results = together(frozen(long, good), cast.reviewer)
    assert [r.said for r in results] == ["left out", "decided"] and "open it by itself" in results[0].why
    assert not Decision.objects.filter(action=long).exists()


def test_a_preview_with_parts_to_be_opened_is_left_out_too(cast):
    """The page of one of these keeps Approve shut until they were opened; beside others nobody opens them."""
    rows = {"columns": ["n"], "before": [[n] for n in range(21)], "after": []}
    long, good = factories.action(preview={"summary": "s", "details": rows}), factories.action()
    results = together(frozen(long, good), cast.reviewer)
    assert [r.said for r in results] == ["left out", "decided"] and "open it by itself" in results[0].why
    assert not Decision.objects.filter(action=long).exists()


@pytest.mark.parametrize("odd", [{"what": "this", "force": True}, {}, {"that": "this"}, {"what": 1}, {"what": None}, {"what": ["this"]}])
def test_other_arguments_or_kinds_of_them_are_left_out_and_named(cast, odd):
    first, other, last = (factories.action(args=args) for args in ({"what": "this"}, odd, {"what": "that"}))
    results = together(frozen(first, other, last), cast.reviewer)
    assert [r.said for r in results] == ["decided", "left out", "decided"] and "other arguments" in results[1].why
    assert list(bulk.members([str(other.pk)])) == [str(other.pk)] and not Decision.objects.filter(action=other).exists()


def test_what_is_inside_of_an_argument_counts_as_well(cast):
    whole, more, fewer = (factories.action(args={"to": to}) for to in ({"a": 1, "b": 2}, {"a": 1, "b": 2, "all": True}, {"a": 1}))
    assert [r.said for r in together(frozen(whole, more, fewer), cast.reviewer)] == ["decided", "left out", "left out"]


@pytest.mark.parametrize(
    "other",
    [
        {"preview": {"summary": "s", "details": {"warnings": ["the last copy"]}}},
        {"preview": {"summary": "s", "facts": {"recipients": 9}}},
        {"untrusted_text": ("what",)},
        {"declared_sha256": "d" * 64},
    ],
)
def test_what_the_tool_found_out_and_where_it_came_from_are_alike_too(cast, other):
    alike: dict[str, Any] = {"preview": {"summary": "s"}}
    first, odd, last = factories.action(**alike), factories.action(**{**alike, **other}), factories.action(**alike)
    assert [r.said for r in together(frozen(first, odd, last), cast.reviewer)] == ["decided", "left out", "decided"]


def test_numbers_are_of_one_kind_and_yes_is_none_of_them(cast):
    whole, part, yes = (factories.action(args={"n": value}) for value in (1, 1.5, True))
    assert [r.said for r in together(frozen(whole, part, yes), cast.reviewer)] == ["decided", "decided", "left out"]


@pytest.mark.parametrize(
    "other",
    [{"agent": "another"}, {"tool": "another"}, {"environment": "staging"}, {"tool_schema_sha256": "e" * 64}, {"kind": "question"}],
)
def test_only_near_identical_ones_go_together(cast, other):
    results = together(frozen(factories.action(), factories.action(**other), factories.action()), cast.reviewer)
    assert [r.said for r in results] == ["decided", "left out", "decided"]


def test_another_policy_is_another_question(cast, policy):
    before = factories.action()
    policy.write_text(fakes.with_rules("- name: some\n  match: {tools: [other]}\n  at_least: high"))
    assert [r.said for r in together(frozen(before, factories.action()), cast.reviewer)] == ["decided", "left out"]


def test_hidden_characters_are_looked_at_by_themselves(cast):
    odd = factories.action(args={"what": "a\u200bb"})
    assert together(frozen(odd), cast.reviewer)[0].said == "left out"


def test_what_somebody_changed_in_the_database_is_not_decided(cast):
    action = factories.action()
    seen = frozen(action)
    with fakes.as_intruder("approvals_action") as cursor:
        cursor.execute("UPDATE approvals_action SET level = 'low' WHERE id = %s", [action.pk])
    assert together(seen, cast.reviewer)[0].said == "left out"


def test_a_repeated_request_repeats_nothing(cast):
    seen = frozen(factories.action(), factories.action())
    first, second = (together(seen, cast.reviewer, key="one-press") for _ in range(2))
    assert first == second
    assert Decision.objects.count() == 2


@pytest.mark.parametrize("who", ["operator", "auditor", "outsider", "locked"])
def test_the_same_guards_hold_for_each(cast, who):
    results = together(frozen(factories.action()), getattr(cast, who))
    assert results[0].said == "left out" and results[0].why
    assert not Decision.objects.exists()


def test_a_set_that_cannot_be_is_refused_as_a_whole(cast):
    action = factories.action()
    for seen, verdict in (([], "approve"), (frozen(action) * 2, "approve"), ([(str(n), "") for n in range(41)], "approve"),
                          (frozen(action), "respond"), (frozen(action), "please")):  # fmt: skip
        with pytest.raises(BadRequest):
            together(seen, cast.reviewer, verdict)
    assert connection.in_atomic_block and not Decision.objects.exists()


def test_those_like_it_come_before_those_that_only_share_the_tool(cast):
    unlike = [factories.action(args={"other": n}) for n in range(7)]
    alike = [factories.action(args={"what": str(n)}) for n in range(bulk.MOST + 2)]
    found = bulk.like(bulk.members([str(alike[5].pk)])[str(alike[5].pk)])
    assert found[0] == str(alike[5].pk) and set(found[: len(alike)]) == {str(a.pk) for a in alike}
    assert found[len(alike) :] == [str(a.pk) for a in unlike]


def test_what_is_held_is_said_and_taken_back_together_or_one_by_one(cast, policy, client):
    policy.write_text(fakes.policy_text(lambda data: data["requirements"]["medium"].update(hold_s=60)))
    actions = [factories.action(args={"what": str(n)}) for n in range(3)]
    client.force_login(cast.reviewer)
    said = {"verdict": "approve", "reason": "", "frozen": "", **{f"m-{a.pk}": a.digest for a in actions}}
    page = client.post(reverse("bulk-decide"), said).content.decode()
    assert "Undo the 3 that are held" in page and page.count("/undo") == 4
    operations.undo(actions[0].pk, by=cast.reviewer, door="web")
    page = client.post(reverse("bulk-undo"), {f"m-{a.pk}": "1" for a in actions}).content.decode()
    assert "2 actions taken back" in page and page.count("Taken back: it waits again") == 2 and "no approval to undo" in page
    assert set(Action.objects.values_list("state", "version")) == {("PENDING", 2)}


def test_how_many_have_approved_leaves_out_who_has_left(cast, policy):
    policy.write_text(fakes.policy_text(lambda data: data["requirements"]["medium"].update(need=[{"group": "reviewers", "count": 2}])))
    action = factories.action()
    decide(action, cast.reviewer)
    assert approvals([action.pk]) == {action.pk: (1, 2)}
    groups.remove(group="reviewers", username="rita", by=cast.admin, door="web")
    assert approvals([action.pk]) == {action.pk: (0, 2)}
    call_command("actions", "show", str(action.pk), stdout=(told := StringIO()))
    assert "rita: approve (version 1, counts no more" in told.getvalue()
