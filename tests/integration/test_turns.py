"""Stages, deny counts and who is kept apart: whose turn it is, and why somebody else may not."""

import pytest
from django.contrib.auth.models import Group

from approvals import operations, queries
from approvals.errors import AlreadyDecided, NotAllowed, Tampered
from approvals.models import Action, Notification
from approvals.operations import groups, people
from approvals.operations.claiming import Reopened
from approvals.queries import policies, reaching
from approvals.queries.inbox import Filters
from approvals.web.story import quorum_of
from audit.queries import events
from tests import factories
from tests.factories import decide
from tests.fakes import as_intruder, clock_moved, policy_text

STAGED = [{"group": "reviewers", "count": 1}, {"group": "operators", "count": 1, "stage": 2}]


def asking(policy, **medium):
    """The policy that ships, with these fields at medium."""
    policy.write_text(policy_text(lambda data: data["requirements"]["medium"].update(medium)))


def stored(action):
    return Action.objects.get(pk=action.pk)


def kinds(action):
    return [e.kind for e in reversed(events(stream=f"action:{action.pk}").rows)]


def test_the_second_stage_opens_when_the_first_is_met(cast, policy):
    asking(policy, need=STAGED)
    action = factories.action()
    with pytest.raises(NotAllowed, match="turn of reviewers, stage 1 of 2: your turn comes after that"):
        decide(action, cast.operator)
    assert not decide(action, cast.reviewer).resolved
    assert (stored(action).stage, stored(action).turn) == (2, "|operators|")
    assert list(Notification.objects.filter(channel="desk").values_list("recipient", "kind")) == [
        (str(cast.operator.pk), "action.your_turn")
    ]
    with pytest.raises(NotAllowed, match="stage 2 of 2: your group has had its turn"):
        decide(action, cast.second)
    assert decide(action, cast.operator).resolved
    assert "action.stage_opened" in kinds(action)
    assert operations.claim(action.pk, digest=stored(action).digest)


def test_one_person_of_both_groups_gives_one_of_the_two(cast, policy):
    both = people.ensure_person(username="bo", roles=["reviewers", "operators"])
    asking(policy, need=STAGED)
    action = factories.action()
    assert not decide(action, both).resolved
    assert decide(action, both).replayed
    assert stored(action).state == "PENDING"


def test_one_person_of_two_groups_that_are_asked_together_stands_for_one(cast, policy):
    both = people.ensure_person(username="bo", roles=["reviewers", "operators"])
    asking(policy, need=[{"group": "reviewers", "count": 1}, {"group": "operators", "count": 1}])
    action = factories.action()
    assert not decide(action, both).resolved
    shown = quorum_of(queries.action_detail(action.pk, reader=cast.reviewer))
    assert (shown.short, shown.open) == ("1 of 2 approved", ("one of the operators",))
    assert decide(action, cast.reviewer).resolved  # bo's counts for the operators then
    both.groups.remove(Group.objects.get(name="operators"))
    with pytest.raises(Reopened):
        operations.claim(action.pk, digest=stored(action).digest)


def test_a_vote_that_counts_no_more_opens_its_stage_again(cast, policy):
    asking(policy, need=STAGED)
    action = factories.action()
    decide(action, cast.reviewer)
    people.deactivate(username="rita", by=cast.admin.actor)
    with pytest.raises(NotAllowed, match="stage 1 of 2"):
        decide(action, cast.operator)
    decide(action, cast.second)
    assert decide(action, cast.operator).resolved


@pytest.mark.parametrize("how", ["locked", "left"])
def test_whoever_completed_a_stage_and_counts_no_more_has_its_people_asked_again(cast, policy, django_capture_on_commit_callbacks, how):
    asking(policy, need=STAGED)
    action = factories.action()
    decide(action, cast.reviewer)
    with django_capture_on_commit_callbacks(execute=True):
        if how == "locked":
            people.deactivate(username="rita", by=cast.admin.actor)
        else:
            groups.remove(group="reviewers", username="rita", by=cast.admin, door="web")
    assert (stored(action).stage, stored(action).turn, kinds(action)[-1]) == (1, "|reviewers|", "action.stage_opened")
    mine = [[row.id for row in queries.inbox(filters=Filters(mine=person)).rows] for person in (cast.second, cast.operator)]
    assert mine == [[str(action.pk)], []]
    assert (str(cast.second.pk), "action.your_turn") in Notification.objects.filter(channel="desk").values_list("recipient", "kind")
    shown = quorum_of(queries.action_detail(action.pk, reader=cast.second))
    assert (shown.short, shown.given[0].words) == (
        "0 of 2 approved, stage 1 of 2",
        "approved, which counts no more: locked, no longer in the group, or said anew since",
    )
    decide(action, cast.second)
    assert stored(action).turn == "|operators|" and decide(action, cast.operator).resolved


def test_an_edit_begins_at_the_first_stage(cast, policy, world, agents):
    asking(policy, need=STAGED)
    _, action = factories.waiting(cast.admin, factories.call("pay", amount_cents=100, to="ada"), world=world)
    decide(action, cast.reviewer)
    operations.request_edit(
        action.pk, by=cast.operator, seen_digest=stored(action).digest, args={"amount_cents": 90, "to": "ada"}, door="web"
    )
    factories.work()
    assert (stored(action).version, stored(action).stage, stored(action).turn) == (2, 1, "|reviewers|")


def test_so_many_rejections_end_it(cast, policy):
    asking(policy, need=[{"group": "reviewers", "count": 2}], rejections=2)
    action = factories.action()
    third = factories.another_reviewer()
    assert not decide(action, cast.reviewer, "reject").resolved
    assert not decide(action, cast.second).resolved
    assert decide(action, third, "reject").resolved
    assert stored(action).state == "REJECTED"


def test_one_rejection_of_two_does_not_keep_it_from_running(cast, policy):
    asking(policy, rejections=2)
    action = factories.action()
    decide(action, cast.reviewer, "reject")
    decide(action, cast.second)
    assert operations.claim(action.pk, digest=stored(action).digest)


@pytest.mark.parametrize(("field", "rule"), [("requested_by", "requester"), ("owner", "owner")])
def test_a_refusal_names_the_rule(cast, field, rule):
    action = factories.action("high", **{field: cast.reviewer})
    with pytest.raises(NotAllowed, match=rf"\(rule exclude: {rule}\)"):
        decide(action, cast.reviewer)
    assert (cast.reviewer.username, rule) in queries.action_detail(action.pk, reader=cast.second).excluded


def test_a_policy_that_says_nothing_excludes_everybody_involved(cast, policy):
    policy.write_text(policy_text(lambda data: data["requirements"]["medium"].pop("exclude")))
    for field in ("requested_by", "owner"):
        with pytest.raises(NotAllowed, match="exclude"):
            decide(factories.action(**{field: cast.reviewer}), cast.reviewer)


def test_another_account_of_the_requester_is_the_requester(cast):
    twin = factories.another_reviewer(person=cast.reviewer.person)
    with pytest.raises(NotAllowed, match="requester"):
        decide(factories.action("high", requested_by=cast.reviewer), twin)


def test_whoever_is_escalated_to_may_fill_one_place(cast, policy):
    asking(
        policy, need=[{"group": "reviewers", "count": 1}, {"group": "operators", "count": 1}], escalate=[{"after": "50%", "to": "admins"}]
    )
    action = factories.action()
    with pytest.raises(NotAllowed):
        decide(action, cast.admin)
    with clock_moved(minutes=16):
        operations.pass_due()
        assert not decide(action, cast.admin).resolved
        assert decide(action, cast.operator).resolved
    assert stored(action).state == "APPROVED"


def test_a_row_that_says_time_has_passed_lets_nobody_in(cast, policy):
    asking(policy, escalate=[{"after": "50%", "to": "admins"}])
    action = factories.action()
    with as_intruder("approvals_action") as cursor:
        cursor.execute("UPDATE approvals_action SET passed = 2 WHERE id = %s", [action.pk])
    with pytest.raises(Tampered):
        decide(action, cast.admin)


def test_who_decided_one_version_does_not_decide_it_twice(cast):
    action = factories.action("critical")
    decide(action, cast.reviewer)
    with pytest.raises(AlreadyDecided):
        decide(action, cast.reviewer, "reject")


def test_a_first_approver_takes_their_word_back_and_it_is_asked_anew(cast):
    """One they no longer stand behind must not be the one that the next person completes."""
    action = factories.action("critical")
    decide(action, cast.reviewer)
    with pytest.raises(AlreadyDecided, match="pending"):
        operations.undo(action.pk, by=cast.second, door="web")  # there is no approval yet, and the vote is not theirs
    again = operations.undo(action.pk, by=cast.reviewer, reason="wrong table", door="web")
    assert (again.state, again.version, again.expires_at) == ("PENDING", 2, action.expires_at)
    assert not decide(again, cast.second).resolved
    assert decide(again, cast.reviewer).resolved


def test_one_of_two_rejections_is_taken_back(cast, policy):
    asking(policy, rejections=2)
    action = factories.action()
    decide(action, cast.reviewer, "reject")
    assert operations.undo(action.pk, by=cast.reviewer, door="web").version == 2
    assert [e.data["why"] for e in events(stream=f"action:{action.pk}").rows if e.kind == "action.undone"] == [
        "rita took their own verdict back"
    ]


def test_whoever_decided_by_escalation_may_take_it_back(cast, policy):
    asking(policy, escalate=[{"after": "50%", "to": "admins"}], hold_s=60)
    action = factories.action()
    with clock_moved(minutes=16):
        operations.pass_due()
        decide(action, cast.admin)
        assert operations.undo(action.pk, by=cast.admin, door="web").state == "PENDING"


def test_mine_and_the_digest_are_for_whoever_is_asked(cast, policy):
    asking(policy, need=[{"group": "operators", "count": 1}])
    action = factories.action()
    for person, mine in ((cast.operator, [str(action.pk)]), (cast.reviewer, []), (cast.admin, [])):
        assert [row.id for row in queries.inbox(filters=Filters(mine=person)).rows] == mine
    assert cast.operator.pk in {reader.id for reader in reaching.readers(None)}
    assert not {cast.auditor.pk, cast.outsider.pk} & {reader.id for reader in reaching.readers(None)}


@pytest.mark.parametrize("how", ["locked", "left"])
def test_rejections_that_count_again_end_it(cast, policy, django_capture_on_commit_callbacks, how):
    asking(policy, need=[{"group": "reviewers", "count": 2}], rejections=2)
    action = factories.action()
    decide(action, cast.reviewer, "reject")
    if how == "locked":
        people.deactivate(username="rita", by=cast.admin.actor)
    else:
        groups.remove(group="reviewers", username="rita", by=cast.admin, door="web")
    assert not decide(action, cast.second, "reject").resolved
    shown = quorum_of(queries.action_detail(action.pk, reader=cast.reviewer))
    assert "2 rejections end it; 1 so far." in shown.notes and shown.given[0].words.endswith(
        "counts no more: locked, no longer in the group, or said anew since"
    )
    with django_capture_on_commit_callbacks(execute=True):
        if how == "locked":
            people.unlock(username="rita", by=cast.admin.actor)
        else:
            groups.add(group="reviewers", username="rita", by=cast.admin, door="web")
    assert (stored(action).state, stored(action).resolution["reason"]) == ("REJECTED", "because")


def test_a_median_is_of_the_version_that_was_decided(cast):
    """One's own verdict was measured against the moment at which it was asked anew."""
    action = factories.action("critical")
    for _ in range(3):
        decide(action, cast.reviewer)
        action = operations.undo(action.pk, by=cast.reviewer, reason="wrong", door="web")
    found = policies.rule_figures().levels["critical"]
    assert found.calls == 4 and found.median_s is not None and found.median_s >= 0
