"""Time and people: reserving, passing on, snoozing, extending, reminding, being away. All by the database's clock."""

from datetime import timedelta

import pytest
from django.urls import reverse

from approvals import envelopes, operations, queries
from approvals.errors import AlreadyDecided, BadRequest, Conflict, NotAllowed
from approvals.models import Action, Decision, Halt, Notification, Snooze
from approvals.operations import absences, groups, reserving, snoozing
from approvals.operations.claiming import Reopened
from approvals.operations.telling import people_asked
from approvals.queries import Filters, desks
from approvals.queries.quorums import approvals
from approvals.web.story import quorum_of
from audit.queries import events
from tests import factories
from tests.factories import decide
from tests.fakes import as_intruder, clock_moved, policy_text
from tests.integration.test_turns import asking, kinds, stored


def inbox(person, **more):
    return [r.id for r in queries.inbox(filters=Filters(reader=person, **more)).rows]


def told(person):
    return [n.kind for n in desks.notices(person)]


def test_who_has_it_is_seen_and_keeps_nobody_from_deciding(cast):
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    with pytest.raises(Conflict, match="rita has reserved this"):
        operations.reserve(action.pk, by=cast.second, door="web")
    with pytest.raises(NotAllowed):
        operations.reserve(action.pk, by=cast.operator, door="web")
    assert queries.inbox_row(action.pk).reserved_by == "rita"
    assert decide(action, cast.second).resolved


def test_what_is_not_decided_in_time_is_free_again(cast):
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    assert reserving.let_go() == 0
    with clock_moved(minutes=16):
        assert (reserving.let_go(), reserving.let_go()) == (1, 0)
        operations.reserve(action.pk, by=cast.second, door="web")
    operations.put_back(action.pk, by=cast.second, door="web")
    assert stored(action).reserved_by is None
    assert kinds(action)[1:] == ["action.reserved", "action.put_back", "action.reserved", "action.put_back"]


def test_snoozed_is_out_of_one_sight_and_comes_back(cast):
    action = factories.action()
    operations.snooze(action.pk, by=cast.reviewer, seconds=600, door="web")
    assert (inbox(cast.reviewer), inbox(cast.second)) == ([], [str(action.pk)])
    assert inbox(cast.reviewer, snoozed=True) == [str(action.pk)]
    with clock_moved(minutes=11):
        assert inbox(cast.reviewer) == [str(action.pk)]
        assert (snoozing.wake_due(), snoozing.wake_due()) == (1, 0)
    assert (told(cast.reviewer), told(cast.second), Snooze.objects.count()) == (["action.back"], [], 0)


@pytest.mark.parametrize("who", ["auditor", "operator", "admin"])
def test_only_whoever_is_asked_puts_it_aside_and_others_are_not_offered_to(cast, client, who):
    action, person = factories.action(), getattr(cast, who)
    with pytest.raises(NotAllowed):
        operations.snooze(action.pk, by=person, seconds=600, door="web")
    client.force_login(person)
    assert client.post(reverse("action-snooze", args=[action.pk]), {"seconds": "600"}).status_code == 403
    assert reverse("action-snooze", args=[action.pk]) not in client.get(reverse("action", args=[action.pk])).content.decode()
    assert not Snooze.objects.exists() and "action.snoozed" not in kinds(action)
    client.force_login(cast.reviewer)
    assert reverse("action-snooze", args=[action.pk]) in client.get(reverse("action", args=[action.pk])).content.decode()


def test_who_is_asked_in_a_later_stage_may_put_it_aside_already(cast, policy):
    asking(policy, need=[{"group": "operators", "count": 1}, {"group": "reviewers", "count": 1, "stage": 2}])
    operations.snooze(factories.action().pk, by=cast.reviewer, seconds=600, door="web")
    assert Snooze.objects.filter(user=cast.reviewer).exists()


@pytest.mark.parametrize("how", ["edited", "reopened"])
def test_what_was_put_aside_and_is_another_version_now_is_back(cast, how):
    action = factories.action("critical")
    operations.snooze(action.pk, by=cast.reviewer, seconds=600, door="web")
    if how == "edited":
        args = {"what": "that"}
        edit = operations.request_edit(action.pk, by=cast.second, seen_digest=action.digest, args=args, reason="this", door="web")
        operations.apply_edit(edit.pk, args=args, summary="Do that", preview={}, figures={})
    else:
        decide(action, cast.second)
        operations.undo(action.pk, by=cast.second, reason="wrong table", door="web")
    assert inbox(cast.reviewer) == [str(action.pk)] and not Snooze.objects.exists()
    assert kinds(action)[-1] == "action.unsnoozed" and told(cast.reviewer) == ["action.back"]


def test_nothing_is_snoozed_past_its_deadline(cast):
    with pytest.raises(BadRequest, match="runs out before that"):
        operations.snooze(factories.action().pk, by=cast.reviewer, seconds=3_600, door="web")


def test_each_reminder_comes_once_to_whoever_can_still_decide(cast, policy):
    asking(policy, need=[{"group": "reviewers", "count": 2}])
    action = factories.action()
    decide(action, cast.reviewer)
    assert operations.pass_due() == 0
    with clock_moved(minutes=16):
        assert (operations.pass_due(), operations.pass_due()) == (1, 0)
    with clock_moved(minutes=25):
        assert (operations.pass_due(), operations.pass_due()) == (1, 0)
    rows = Notification.objects.filter(channel="desk").values_list("recipient", "kind")
    assert list(rows) == [(str(cast.second.pk), "action.reminded:50%"), (str(cast.second.pk), "action.reminded:80%")]
    assert told(cast.second) == ["action.reminded:80%"]
    assert kinds(action).count("action.reminded") == 2


def test_after_it_was_put_off_warnings_count_from_the_new_deadline(cast, policy):
    asking(policy, need=[{"group": "reviewers", "count": 1}])
    action = factories.action()  # 30 minutes
    with clock_moved(minutes=16):
        assert operations.pass_due() == 1
        operations.extend(action.pk, by=cast.operator, seconds=1_800, reason="The bank answers at noon", door="web")
    with clock_moved(minutes=25):  # 80 % of the time there was, 42 % of the time there is
        assert operations.pass_due() == 0
    with clock_moved(minutes=31):
        assert (operations.pass_due(), operations.pass_due()) == (1, 0)
        assert told(cast.reviewer)[-1] == "action.reminded:50%"
    with clock_moved(minutes=49):
        assert (operations.pass_due(), operations.pass_due()) == (1, 0)
    assert told(cast.reviewer)[-1] == "action.reminded:80%" and kinds(action).count("action.reminded") == 3


@pytest.mark.parametrize(("seconds", "why"), [(40, "by a minute at least"), (86_400, "minutes more, not by")])
def test_it_is_put_off_by_a_minute_at_least_and_by_what_is_left_at_most(cast, policy, seconds, why):
    asking(policy, need=[{"group": "reviewers", "count": 1}])
    with pytest.raises(BadRequest, match=why):
        operations.extend(factories.action().pk, by=cast.operator, seconds=seconds, reason="The bank answers at noon", door="web")


def test_whoever_was_escalated_to_is_asked_once_however_far_it_is_put_off(cast, policy):
    asking(policy, need=[{"group": "reviewers", "count": 1}], escalate=[{"after": "50%", "to": "operators"}], remind=[])
    action = factories.action()
    with clock_moved(minutes=16):
        assert operations.pass_due() == 1
        operations.extend(action.pk, by=cast.operator, seconds=1_800, reason="The bank answers at noon", door="web")
    with clock_moved(minutes=40):
        assert operations.pass_due() == 0
        assert decide(action, cast.operator).resolved
    assert kinds(action).count("action.escalated") == 1


def test_what_is_halted_reminds_nobody(cast):
    factories.action()
    Halt.objects.create(scope="everything", reason="x", by_name="x", door="cli")
    with clock_moved(minutes=16):
        assert operations.pass_due() == 0


def test_extending_is_bounded_and_says_why(cast):
    action = factories.action()
    for seconds, reason, error in ((1_200, "", BadRequest), (9_000, "more", BadRequest)):
        with pytest.raises(error):
            operations.extend(action.pk, by=cast.reviewer, seconds=seconds, reason=reason, door="web")
    with pytest.raises(NotAllowed, match="rule extend"):
        operations.extend(action.pk, by=cast.auditor, seconds=600, reason="mine", door="web")
    operations.extend(action.pk, by=cast.operator, seconds=1_200, reason="The bank answers at noon", door="web")
    with pytest.raises(BadRequest, match="10 minutes"):
        operations.extend(action.pk, by=cast.reviewer, seconds=1_200, reason="more", door="web")
    with clock_moved(minutes=45):
        assert operations.expire_due() == 0
        assert decide(action, cast.reviewer).resolved
    assert stored(action).digest == action.digest


def test_whoever_is_excluded_wins_no_time(cast):
    action = factories.action("high", requested_by=cast.reviewer)
    with pytest.raises(NotAllowed, match="requester"):
        operations.extend(action.pk, by=cast.reviewer, seconds=600, reason="please", door="web")


def test_no_row_puts_a_deadline_off_further_than_the_policy_allows(cast):
    action = factories.action()
    with as_intruder("approvals_action") as cursor:
        cursor.execute(
            "UPDATE approvals_action SET extended_s = 86400, expires_at = expires_at + interval '1 day' WHERE id = %s", [action.pk]
        )
    assert queries.action_detail(action.pk, reader=cast.reviewer).tampered


def test_passed_on_to_somebody_not_asked_it_is_decided_in_the_stead_of_who_passed_it(cast, policy):
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 2}])
    action = factories.action()
    Snooze.objects.create(user=cast.operator, action=action, until=action.expires_at)
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", reason="Yours", door="web")
    assert not Snooze.objects.exists()
    assert (told(cast.operator), queries.inbox_row(action.pk).reserved_for) == (["action.passed_on"], "rita")
    decide(action, cast.operator)
    assert Decision.objects.get().instead_of == cast.reviewer
    with pytest.raises(AlreadyDecided, match="olga has decided this version in your stead"):
        decide(action, cast.reviewer)
    recorded = events(stream=f"action:{action.pk}").rows[0]
    assert (recorded.kind, recorded.data["instead_of"]) == ("decision.recorded", "rita")
    assert decide(action, cast.second).resolved


@pytest.mark.parametrize("needed", [1, 2])
def test_who_may_stand_in_for_nobody_any_more_counts_no_more(cast, policy, needed):
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": needed}])
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", reason="Yours", door="web")
    decide(action, cast.operator)
    groups.remove(group="operators", username="olga", by=cast.admin, door="web")
    if needed == 2:
        assert approvals([action.pk]) == {action.pk: (0, 2)}
        given = quorum_of(queries.action_detail(action.pk, reader=cast.second)).given[0]
        assert given.words == "approved for rita, which counts no more: locked, no longer in the group, or said anew since"
        assert not decide(action, cast.second).resolved
    else:
        with pytest.raises(Reopened):
            operations.claim(action.pk, digest=stored(action).digest)


@pytest.mark.parametrize("more", [[], ["auditors"]])
def test_whose_place_it_is_decides_when_who_stood_in_counts_no_more_and_both_fill_one(cast, policy, more):
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 2}])
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", reason="Yours", door="web")
    for group in more:
        groups.add(group=group, username="olga", by=cast.admin, door="web")
    decide(action, cast.operator)
    groups.remove(group="operators", username="olga", by=cast.admin, door="web")
    assert not queries.action_detail(action.pk, reader=cast.reviewer).cannot
    assert cast.reviewer.pk in people_asked(stored(action), envelopes.parse(action.requirements.get()))
    assert not decide(action, cast.reviewer).resolved
    groups.add(group="operators", username="olga", by=cast.admin, door="web")
    assert queries.inbox_row(action.pk).given == 1
    assert decide(action, cast.second).resolved


def test_a_no_that_counts_again_ends_it_whatever_is_said_next(cast, policy):
    asking(policy, need=[{"group": "reviewers", "count": 1}], rejections=2)
    action = factories.action()
    assert not decide(action, cast.reviewer, "reject").resolved
    groups.remove(group="reviewers", username="rita", by=cast.admin, door="web")
    third = factories.another_reviewer()
    assert not decide(action, third, "reject").resolved
    groups.add(group="reviewers", username="rita", by=cast.admin, door="web")
    done = decide(action, cast.second)  # before anybody has looked: what is due after a commit is not done in a test's transaction
    assert (done.resolved, stored(action).state, stored(action).resolution["by"]) == (True, "REJECTED", third.username)
    said = [e.actor for e in events(stream=f"action:{action.pk}").rows if e.kind == "decision.recorded"]
    assert sorted(said) == sorted(["rita", "sam", third.username])


def test_passed_on_to_somebody_asked_themselves_each_fills_a_place_of_their_own(cast):
    factories.another_reviewer()
    action = factories.action("critical")
    operations.pass_on(action.pk, by=cast.reviewer, to="sam", door="web")
    assert not decide(action, cast.second).resolved
    operations.reserve(action.pk, by=cast.reviewer, door="web")  # sam is on it no more
    assert decide(action, cast.reviewer).resolved
    assert [d.instead_of for d in Decision.objects.order_by("pk")] == [None, None]


def test_who_passed_something_on_can_say_no_whatever_the_other_said(cast):
    factories.another_reviewer()
    action = factories.action("critical")
    operations.pass_on(action.pk, by=cast.reviewer, to="sam", door="web")
    decide(action, cast.second)
    assert decide(action, cast.reviewer, "reject").resolved
    assert stored(action).state == "REJECTED"


def test_a_no_stands_above_the_yes_that_was_given_for_it(cast, policy):
    """Of two rejections the first ends nothing: it takes back what was approved in one's stead, and counts once."""
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 2}], rejections=2)
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    decide(action, cast.operator)
    assert queries.inbox_row(action.pk).given == 1
    assert not decide(action, cast.reviewer, "reject").resolved
    assert queries.inbox_row(action.pk).given == 0
    assert not decide(action, cast.second).resolved
    with pytest.raises(AlreadyDecided):
        decide(action, cast.reviewer)
    with pytest.raises(AlreadyDecided):
        decide(action, cast.operator, "reject")


def test_a_no_in_ones_stead_is_not_given_a_second_time(cast, policy):
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 2}], rejections=2)
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    decide(action, cast.operator, "reject")
    with pytest.raises(AlreadyDecided, match="in your stead"):
        decide(action, cast.reviewer, "reject")
    assert stored(action).state == "PENDING"


def test_what_needs_both_of_two_is_not_passed_from_one_to_the_other(cast):
    action = factories.action("critical")
    with pytest.raises(NotAllowed, match="without rita there are not enough people"):
        operations.pass_on(action.pk, by=cast.reviewer, to="sam", door="web")
    assert stored(action).reserved_by is None
    decide(action, cast.second)
    with pytest.raises(NotAllowed, match="sam has decided this version already"):
        operations.pass_on(action.pk, by=cast.reviewer, to="sam", door="web")
    with pytest.raises(AlreadyDecided, match="You have decided"):
        operations.pass_on(action.pk, by=cast.second, to="rita", door="web")


def test_who_is_needed_for_a_later_stage_stands_in_for_nobody_before(cast, policy):
    staged = [{"group": "reviewers", "count": 1}, {"group": "operators", "count": 1, "stage": 2}]
    asking(policy, delegates=["operators", "admins"], need=staged)
    action = factories.action()
    with pytest.raises(NotAllowed, match="olga is asked about this too"):
        operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    operations.pass_on(action.pk, by=cast.reviewer, to="ada", door="web")
    assert not decide(action, cast.admin).resolved
    assert stored(action).stage == 2
    assert decide(action, cast.reviewer, "reject").resolved  # their place, though its stage is met


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_page_desk_and_list_offer_what_the_decision_takes(cast, policy, client, verdict):
    """Whoever was stood in for: after a yes they may say no and nothing else; after a no of two nothing at all."""
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 2}], rejections=2)
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    decide(action, cast.operator, verdict)
    shown, desk = queries.action_detail(action.pk, reader=cast.reviewer), desks.desk(action.pk, reader=cast.reviewer)
    assert inbox(cast.reviewer, mine=cast.reviewer) == inbox(cast.operator, mine=cast.operator) == []
    assert inbox(cast.second, mine=cast.second) == [str(action.pk)]
    client.force_login(cast.reviewer)
    page = client.get(reverse("action", args=[action.pk])).content.decode()
    offered = 'data-verb="approve"' in page or 'value="approve"' in page
    assert not offered and not desk.people
    if verdict == "approve":
        assert (shown.cannot, shown.stood_for) == ("", "olga")
        assert "olga approved this in your stead. You may still reject it." in page
        assert reverse("action-reject", args=[action.pk]) in page
    else:
        assert "olga has decided this version in your stead" in shown.cannot and not desk.may_reserve
        assert "olga has decided this version in your stead" in page
        assert reverse("action-reject", args=[action.pk]) not in page


def test_who_stands_in_for_somebody_that_has_decided_is_told_so_beforehand(cast, policy):
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 2}])
    action = factories.action()
    operations.go_away(by=cast.reviewer, delegate="olga", door="web")
    assert inbox(cast.operator, mine=cast.operator) == [str(action.pk)]
    decide(action, cast.reviewer)
    assert inbox(cast.operator, mine=cast.operator) == []
    assert "rita, in whose stead you act" in queries.action_detail(action.pk, reader=cast.operator).cannot


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize("first", ["rita", "sam"])
@pytest.mark.parametrize("passed", [False, True])
def test_who_stands_in_for_two_decides_for_the_one_whose_place_is_open(cast, policy, client, first, passed, verdict):
    """Whoever came first among the absent was held against them, whether or not that one had decided."""
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 2}])
    done, left = (cast.reviewer, cast.second) if first == "rita" else (cast.second, cast.reviewer)
    action = factories.action()
    if passed:
        operations.pass_on(action.pk, by=done, to="olga", door="web")
    decide(action, done)
    for person in (cast.reviewer, cast.second):
        operations.go_away(by=person, delegate="olga", door="web")
    envelope = envelopes.parse(stored(action).requirements.get())
    desk = desks.desk(action.pk, reader=cast.operator)
    assert inbox(cast.operator, mine=cast.operator) == [str(action.pk)] and people_asked(stored(action), envelope) == [cast.operator.pk]
    assert (desk.may_reserve, desk.instead_of) == (True, left.username)
    assert queries.action_detail(action.pk, reader=cast.operator).cannot == ""
    client.force_login(cast.operator)
    assert f"{done.username}, in whose stead you act" not in client.get(reverse("action", args=[action.pk])).content.decode()
    assert decide(action, cast.operator, verdict).resolved
    assert Decision.objects.get(by=cast.operator).instead_of == left


def test_who_stands_in_for_two_fills_one_place(cast, policy):
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 2}])
    action = factories.action()
    for person in (cast.reviewer, cast.second):
        operations.go_away(by=person, delegate="olga", door="web")
    assert not decide(action, cast.operator).resolved
    with pytest.raises(AlreadyDecided, match="You have decided"):
        decide(action, cast.operator, "reject")
    assert approvals([action.pk])[action.pk][0] == 1 and inbox(cast.operator, mine=cast.operator) == []


def test_of_two_stood_in_for_the_excluded_one_is_no_way_around_a_filled_place(cast, policy):
    asking(policy, delegates=["operators"], exclude=["requester"], need=[{"group": "reviewers", "count": 2}])
    action = factories.action(requested_by=cast.reviewer)
    decide(action, cast.second)
    for person in (cast.reviewer, cast.second):
        operations.go_away(by=person, delegate="olga", door="web")
    assert inbox(cast.operator, mine=cast.operator) == []
    for verdict in ("approve", "reject"):
        with pytest.raises(AlreadyDecided, match="sam, in whose stead you act"):
            decide(action, cast.operator, verdict)


def test_what_its_holder_has_decided_goes_to_nobody_who_stands_in_for_somebody_else_too(cast, policy):
    """They would hold it in the stead of one and decide it in that of another."""
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 3}])
    factories.another_reviewer()
    action = factories.action()
    operations.go_away(by=cast.second, delegate="olga", door="web")
    decide(action, cast.reviewer)
    as_it_was = {"reserved_by": cast.reviewer, "reserved_until": action.expires_at}
    Action.objects.filter(pk=action.pk).update(**as_it_was)
    done = operations.go_away(by=cast.reviewer, delegate="olga", door="web")
    assert (done.moved, stored(action).reserved_by) == (0, None)
    assert "rita, in whose stead you act, has decided this version already" in done.left[0][1]


def test_who_stands_in_for_two_of_different_groups_fills_the_place_that_is_open(cast, policy):
    """They were taken for the one whose group had its voice already: theirs counted nowhere, and they could say nothing more."""
    needs = [{"group": "reviewers", "count": 1}, {"group": "operators", "count": 1}]
    asking(policy, delegates=["auditors"], need=needs)
    third, action = factories.another_reviewer(), factories.action()
    decide(action, cast.second)
    for absent in (third, cast.operator):
        operations.go_away(by=absent, delegate="aldo", door="web")
    assert desks.desk(action.pk, reader=cast.auditor).instead_of == "olga"
    assert decide(action, cast.auditor).resolved


def test_mine_has_nothing_that_its_reader_may_neither_approve_nor_reject(cast, policy):
    """Who was left a desk without being one of those who may stand in for it, and who asked for it themselves."""
    asking(policy, delegates=["auditors"], need=[{"group": "reviewers", "count": 1}])
    operations.go_away(by=cast.reviewer, delegate="olga", door="web")
    operations.go_away(by=cast.second, delegate="aldo", door="web")
    action = factories.action()
    assert inbox(cast.operator, mine=cast.operator) == [] and inbox(cast.auditor, mine=cast.auditor) == [str(action.pk)]
    asking(policy, exclude=["requester"], need=[{"group": "reviewers", "count": 1}])
    own = factories.action(requested_by=cast.reviewer)
    assert inbox(cast.reviewer, mine=cast.reviewer) == [str(action.pk)]
    assert set(inbox(cast.second, mine=cast.second)) == {str(action.pk), str(own.pk)}


def test_what_was_passed_on_lasts_as_long_as_the_action_however_far_it_is_put_off(cast):
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="sam", reason="Yours", door="web")
    before = action.expires_at
    put_off = operations.extend(action.pk, by=cast.operator, seconds=1_200, reason="The bank answers at noon", door="web")
    assert before < stored(action).reserved_until == put_off.expires_at
    with clock_moved(minutes=35):  # past the deadline it was passed on with
        assert reserving.let_go() == 0 and queries.inbox_row(action.pk).reserved_for == "rita"
        assert decide(action, cast.second).resolved


def test_a_reservation_of_ones_own_is_not_put_off_with_the_deadline(cast):
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    until = stored(action).reserved_until
    operations.extend(action.pk, by=cast.operator, seconds=1_200, reason="The bank answers at noon", door="web")
    assert stored(action).reserved_until == until


@pytest.mark.parametrize("delegates", [[], ["operators"]])
def test_only_who_may_decide_is_passed_anything(cast, policy, delegates):
    asking(policy, delegates=delegates)
    action = factories.action()
    if not delegates:
        with pytest.raises(NotAllowed, match="olga may not decide this in your stead"):
            operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
        return
    with pytest.raises(NotAllowed):
        decide(action, cast.operator)
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    assert decide(action, cast.operator).resolved
    assert operations.claim(action.pk, digest=stored(action).digest)


def test_away_moves_what_is_there_and_what_comes(cast):
    third = factories.another_reviewer()
    first, later = factories.action(), factories.action()
    operations.reserve(first.pk, by=cast.reviewer, door="web")
    done = operations.go_away(by=cast.reviewer, delegate="sam", door="web")
    operations.pass_on(later.pk, by=third, to="rita", door="web")
    assert (done.moved, done.left) == (1, ())
    assert [queries.inbox_row(a.pk).reserved_by for a in (first, later)] == ["sam", "sam"]
    with clock_moved(minutes=16):
        operations.pass_due()
    assert not told(cast.reviewer)
    operations.come_back(by=cast.reviewer, door="web")
    assert [e.kind for e in events(stream=f"person:{cast.reviewer.pk}").rows][:2] == ["person.back", "person.away"]


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_standing_in_for_the_requester_takes_nothing_away_from_who_is_asked_themselves(cast, verdict):
    action = factories.action("high", requested_by=cast.reviewer)
    operations.go_away(by=cast.reviewer, delegate="sam", door="web")
    assert decide(action, cast.second, verdict).resolved
    assert Decision.objects.get().instead_of is None


def test_in_the_stead_of_the_requester_nobody_decides(cast, policy):
    policy.write_text(policy_text(lambda data: data["requirements"]["high"].update(delegates=["operators"])))
    action = factories.action("high", requested_by=cast.reviewer)
    operations.go_away(by=cast.reviewer, delegate="olga", door="web")
    for verdict in ("approve", "reject"):
        with pytest.raises(NotAllowed, match="You stand in for rita, who asked for this"):
            decide(action, cast.operator, verdict)


def test_a_delegate_is_told_and_may_decline(cast):
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    operations.go_away(by=cast.reviewer, delegate="sam", door="web")
    assert [(n.kind, n.summary) for n in desks.notices(cast.second) if not n.action_id] == [("person.away", "rita")]
    with pytest.raises(Conflict, match="do not stand in"):
        operations.decline(by=cast.operator, absent="rita", door="web")
    operations.decline(by=cast.second, absent="rita", door="web")
    assert (desks.away(cast.reviewer), desks.standing_in_for(cast.second)) == (None, [])
    assert queries.inbox_row(action.pk).reserved_by == ""
    assert [(n.kind, n.summary) for n in desks.notices(cast.reviewer)] == [("person.declined", "sam")]
    assert not [n for n in desks.notices(cast.second) if not n.action_id]
    assert events(stream=f"person:{cast.reviewer.pk}").rows[0].kind == "person.declined"
    with pytest.raises(Conflict):
        operations.decline(by=cast.second, absent="rita", door="web")


def test_away_lends_ones_groups_where_the_policy_says_so_and_only_then(cast, policy):
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 2}])
    lent, both, after = factories.action(), factories.action(), factories.action()
    operations.go_away(by=cast.reviewer, delegate="olga", door="web")
    decide(lent, cast.operator)
    assert decide(lent, cast.second).resolved
    decide(both, cast.reviewer)
    with pytest.raises(AlreadyDecided, match="rita, in whose stead you act"):
        decide(both, cast.operator)
    operations.come_back(by=cast.reviewer, door="web")
    with pytest.raises(NotAllowed):
        decide(after, cast.operator)


def test_an_absence_ends_by_the_clock(cast):
    operations.go_away(by=cast.reviewer, delegate="sam", lasts=timedelta(hours=1), door="web")
    with pytest.raises(Conflict):
        operations.go_away(by=cast.reviewer, delegate="sam", door="web")
    with pytest.raises(BadRequest, match="somebody else than yourself"):
        operations.go_away(by=cast.second, delegate="sam", door="web")
    with pytest.raises(BadRequest, match="rita is away too"):
        operations.go_away(by=cast.second, delegate="rita", door="web")
    assert absences.end_due() == 0
    with clock_moved(hours=2):
        assert (absences.end_due(), absences.end_due()) == (1, 0)
    assert desks.away(cast.reviewer) is None


def test_the_inbox_shows_what_is_ones_turn(cast, policy):
    asking(policy, need=[{"group": "admins", "count": 1}, {"group": "reviewers", "count": 1, "stage": 2}])
    action = factories.action()
    assert (inbox(cast.reviewer), inbox(cast.reviewer, others=True)) == ([], [str(action.pk)])
    assert queries.counts(cast.second)["waiting"] == 0
    decide(action, cast.admin)
    again = type(cast.second).objects.get(pk=cast.second.pk)
    assert inbox(again) == [str(action.pk)]
