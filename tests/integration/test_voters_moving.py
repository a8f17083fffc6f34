"""People who go over to another group after they have voted, or spoke for somebody and may not any more: what counts, who is asked, and who decides."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from approvals import envelopes, operations, queries
from approvals.errors import AlreadyDecided, NotAllowed
from approvals.models import Action, Decision
from approvals.operations import groups, one_person, people, recounting
from approvals.operations.telling import people_asked
from approvals.queries.desks import desk
from approvals.queries.inbox import Filters
from approvals.queries.quorums import approvals
from approvals.web.story import quorum_of
from audit.queries import events
from tests import factories
from tests.factories import decide
from tests.fakes import policy_text
from tests.integration.test_turns import STAGED, asking, stored

BOTH = [{"group": "reviewers", "count": 1}, {"group": "operators", "count": 1}]


def moved(cast, name: str, *, out: str, into: str = "") -> None:
    groups.remove(group=out, username=name, by=cast.admin, door="web")
    if into:
        groups.add(group=into, username=name, by=cast.admin, door="web")


def asked(action: Action) -> set[int]:
    return set(people_asked(stored(action), envelopes.parse(action.requirements.get())))


def seen(action: Action, reader) -> tuple[int, bool, bool]:
    """What each surface makes of it for this reader: places filled, whether it is theirs to decide, whether the inbox says so."""
    shown = queries.action_detail(action.pk, reader=reader)
    mine = str(action.pk) in [row.id for row in queries.inbox(filters=Filters(mine=reader)).rows]
    given, _ = approvals([action.pk])[action.pk]
    assert quorum_of(shown).short.startswith(f"{given} of")
    return given, not shown.mine and not shown.cannot, mine


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_who_went_over_to_another_group_that_is_asked_says_it_again_for_that_one(cast, policy, verdict):
    """Their first word counts no more, and stood in the way of a second: with nobody else in the new group it ran out."""
    asking(policy, need=BOTH)
    action = factories.action()
    decide(action, cast.reviewer)
    moved(cast, "rita", out="reviewers", into="operators")
    assert seen(action, cast.reviewer) == (0, True, True) and cast.reviewer.pk in asked(action)
    done = decide(action, cast.reviewer, verdict)
    if verdict == "reject":
        assert done.resolved and stored(action).state == "REJECTED"
        return
    assert (done.resolved, done.replayed) == (False, False) and seen(action, cast.reviewer) == (1, False, False)
    assert [v.counts for v in queries.votes_of(stored(action))] == [False, True]
    with pytest.raises(AlreadyDecided):
        decide(action, cast.reviewer, "reject")
    assert decide(action, cast.second).resolved


def test_who_comes_back_still_stands_for_one_place(cast, policy):
    asking(policy, need=BOTH)
    action = factories.action()
    decide(action, cast.reviewer)
    moved(cast, "rita", out="reviewers", into="operators")
    decide(action, cast.reviewer)
    groups.add(group="reviewers", username="rita", by=cast.admin, door="web")
    assert seen(action, cast.reviewer) == (1, False, False) and Decision.objects.count() == 2
    assert decide(action, cast.second).resolved


def test_who_went_over_to_the_group_of_the_next_stage_decides_there(cast, policy):
    """They were told that it was the turn of the stage that they had voted in."""
    asking(policy, need=STAGED)
    action = factories.action()
    decide(action, cast.reviewer)
    moved(cast, "rita", out="reviewers", into="operators")
    decide(action, cast.second)
    assert stored(action).stage == 2 and seen(action, cast.reviewer) == (1, True, True)
    assert decide(action, cast.reviewer).resolved


@pytest.mark.parametrize("need", [[{"group": "reviewers", "count": 1}, {"group": "auditors", "count": 1, "stage": 2}],
                                  [{"group": "reviewers", "count": 1}, {"group": "auditors", "count": 1}]])  # fmt: skip
def test_who_spoke_for_somebody_and_may_not_any_more_fills_no_place_with_another_group_of_theirs(
    cast, policy, django_capture_on_commit_callbacks, need
):
    """Olga was of a group that is asked elsewhere, too: her word for rita went over to it, and rita could not decide."""
    asking(policy, delegates=["operators"], need=need)
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    decide(action, cast.operator)
    groups.add(group="auditors", username="olga", by=cast.admin, door="web")
    assert queries.inbox_row(action.pk).given == 1
    with django_capture_on_commit_callbacks(execute=True):
        moved(cast, "olga", out="operators")
    assert seen(action, cast.reviewer) == (0, True, True) and cast.reviewer.pk in asked(action)
    assert not decide(action, cast.reviewer).resolved
    assert decide(action, cast.operator).resolved  # in her own right now


def test_another_account_of_the_same_person_says_it_again_when_the_first_is_locked(cast, policy):
    """Both of the same groups: it was an error 500, for ever."""
    asking(policy, need=[{"group": "reviewers", "count": 2}])
    other = people.ensure_person(username="rita2", roles=["reviewers"])
    one_person.same(other.username, "rita", by=cast.admin, door="cli")
    action = factories.action()
    decide(action, cast.reviewer)
    with pytest.raises(AlreadyDecided):
        decide(action, other, "reject")
    people.deactivate(username="rita", by=cast.admin.actor)
    assert seen(action, other) == (0, True, True)
    decide(action, other)
    assert [d.nth for d in Decision.objects.order_by("pk")] == [0, 1] and seen(action, other) == (1, False, False)
    assert decide(action, cast.second).resolved


def test_people_of_many_groups_decide(cast, policy):
    asking(policy, need=[{"group": "reviewers", "count": 2}])
    cast.reviewer.groups.add(*[Group.objects.create(name=f"a department with a rather long name {n}") for n in range(150)])
    assert not decide(factories.action(), cast.reviewer).resolved


def test_a_word_dropped_for_a_later_one_of_its_giver_keeps_no_place(cast, policy):
    """Olga spoke for rita, then in her own right; being a deputy again does not make both count, and rita decides."""
    asking(policy, delegates=["admins"], need=[{"group": "reviewers", "count": 2}])
    groups.add(group="admins", username="olga", by=cast.admin, door="web")
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    decide(action, cast.operator)
    moved(cast, "olga", out="admins", into="reviewers")
    decide(action, cast.operator)
    groups.add(group="admins", username="olga", by=cast.admin, door="web")
    assert seen(action, cast.reviewer) == (1, True, True) and cast.reviewer.pk in asked(action)
    assert decide(action, cast.reviewer).resolved


def test_a_no_stands_above_every_yes_of_the_same_person(cast, policy):
    """Their yes counted again beside it once they were back, and the action was approved with it."""
    asking(policy, need=BOTH, rejections=2)
    action = factories.action()
    decide(action, cast.reviewer)
    moved(cast, "rita", out="reviewers", into="operators")
    assert not decide(action, cast.reviewer, "reject").resolved
    groups.add(group="reviewers", username="rita", by=cast.admin, door="web")
    assert [v.counts for v in queries.votes_of(stored(action))] == [False, True]
    assert not decide(action, cast.operator).resolved
    assert decide(action, cast.second).resolved


def test_who_comes_back_to_a_place_that_somebody_else_filled_decides_the_next_stage(cast, policy, django_capture_on_commit_callbacks):
    """Both had decided stage 1, which wants one: nobody was left for stage 2, and nobody asked."""
    asking(policy, need=[{"group": "reviewers", "count": 1}, {"group": "reviewers", "count": 1, "stage": 2}])
    action = factories.action()
    decide(action, cast.reviewer)
    with django_capture_on_commit_callbacks(execute=True):
        moved(cast, "rita", out="reviewers")
    decide(action, cast.second)
    with pytest.raises(AlreadyDecided):
        decide(action, cast.second, "reject")
    groups.add(group="reviewers", username="rita", by=cast.admin, door="web")
    assert asked(action) == {cast.reviewer.pk, cast.second.pk}
    assert decide(action, cast.reviewer).resolved


def test_the_inbox_shows_the_next_stage_to_who_went_over_and_kept_another_group(cast, policy):
    asking(policy, need=STAGED)
    groups.add(group="auditors", username="rita", by=cast.admin, door="web")
    action = factories.action()
    decide(action, cast.reviewer)
    moved(cast, "rita", out="reviewers", into="operators")
    decide(action, cast.second)
    assert seen(action, cast.reviewer) == (1, True, True)


def test_of_many_that_wait_with_votes_each_is_looked_at_in_time(cast, policy, monkeypatch):
    """The first thousand by number were looked at each time, and the others never."""
    asking(policy, need=[{"group": "reviewers", "count": 2}])
    actions = [factories.action() for _ in range(4)]
    for action in actions:
        decide(action, cast.reviewer)
    looked: set[Any] = set()
    monkeypatch.setattr(recounting, "_recount", lambda pk, changed: bool(looked.add(pk)))  # type: ignore[func-returns-value]
    for _ in range(60):
        recounting.recount(limit=2)
    assert looked == {action.pk for action in actions}


def test_a_word_that_counts_no_more_hides_none_that_does(cast, policy):
    asking(policy, delegates=["operators", "admins"], need=[{"group": "reviewers", "count": 2}])
    action = factories.action()
    for name, person in (("olga", cast.operator), (cast.admin.username, cast.admin)):
        operations.pass_on(action.pk, by=cast.reviewer, to=name, door="web")
        decide(action, person)
        if name == "olga":
            people.deactivate(username="olga", by=cast.admin.actor)
    people.unlock(username="olga", by=cast.admin.actor)
    assert queries.inbox_row(action.pk).given == 1
    with pytest.raises(AlreadyDecided, match="in your stead"):
        decide(action, cast.reviewer)


def test_passing_on_counts_on_people_whose_stand_in_counts_no_more(cast, policy):
    """They were taken for people who have decided: it was refused for want of people who were there."""
    asking(policy, delegates=["operators", "admins"], need=[{"group": "reviewers", "count": 2}])
    third = factories.another_reviewer()
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    decide(action, cast.operator)
    moved(cast, "olga", out="operators")
    operations.pass_on(action.pk, by=cast.second, to=third.username, door="web")
    assert not decide(action, third).resolved and decide(action, cast.reviewer).resolved


def test_a_no_said_for_a_place_and_by_it_is_shown_as_one(cast, policy):
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 1}], rejections=2)
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    decide(action, cast.operator, "reject")
    moved(cast, "olga", out="operators")
    decide(action, cast.reviewer, "reject")
    groups.add(group="operators", username="olga", by=cast.admin, door="web")
    shown = quorum_of(queries.action_detail(action.pk, reader=cast.second))
    assert "2 rejections end it; 1 so far." in shown.notes and shown.given[0].words.endswith("said anew since")


def test_a_no_that_counts_no_more_does_not_void_an_approval_under_another_policy(cast, policy):
    """The claim compares with the policy of today what counts, as the decision did."""
    asking(policy, need=[{"group": "reviewers", "count": 1}], rejections=2)
    action = factories.action()
    decide(action, cast.reviewer, "reject")
    moved(cast, "rita", out="reviewers")
    decide(action, factories.another_reviewer(), "reject")
    assert decide(action, cast.second).resolved
    rule = {"need": [{"group": "reviewers", "count": 1}], "rejections": 2}
    changed = {"medium": rule, "high": {"hold_s": 5}}

    def ask(data):
        for level, fields in changed.items():
            data["requirements"][level].update(fields)

    policy.write_text(policy_text(ask))
    assert operations.claim(action.pk, digest=stored(action).digest).digest == stored(action).digest


@pytest.mark.parametrize("how", ["the holder left", "the holder is locked", "who passed it on left"])
def test_what_somebody_holds_who_may_not_decide_it_any_more_is_free(cast, policy, django_capture_on_commit_callbacks, how):
    """Until its deadline everybody read that they had it."""
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 1}])
    action = factories.action()
    operations.pass_on(action.pk, by=cast.reviewer, to="olga", door="web")
    with django_capture_on_commit_callbacks(execute=True):
        if how == "the holder is locked":
            people.deactivate(username="olga", by=cast.admin.actor)
        else:
            who, out = ("olga", "operators") if how == "the holder left" else ("rita", "reviewers")
            moved(cast, who, out=out)
    assert (stored(action).reserved_by, stored(action).reserved_for) == (None, None)
    last = events(stream=f"action:{action.pk}").rows[0]
    assert (last.kind, last.data["holder"], last.data["why"]) == ("action.put_back", "olga", "whoever had it may not decide it any more")
    assert desk(action.pk, reader=cast.second).may_reserve


def test_what_is_held_by_the_right_of_somebody_away_who_left_the_group_is_free(cast, policy, django_capture_on_commit_callbacks):
    asking(policy, delegates=["operators"], need=[{"group": "reviewers", "count": 1}])
    operations.go_away(by=cast.reviewer, delegate="olga", door="web")
    action = factories.action()
    operations.reserve(action.pk, by=cast.operator, door="web")
    with django_capture_on_commit_callbacks(execute=True):
        moved(cast, "rita", out="reviewers")
    assert stored(action).reserved_by is None


def test_what_somebody_holds_who_may_still_decide_it_stays_theirs(cast, policy, django_capture_on_commit_callbacks):
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    with django_capture_on_commit_callbacks(execute=True):
        groups.add(group="auditors", username="rita", by=cast.admin, door="web")
    assert stored(action).reserved_by == cast.reviewer


@pytest.mark.parametrize("how", ["left", "halted", "begun"])
def test_what_was_approved_with_the_voice_of_who_leaves_is_asked_again_at_once(cast, policy, django_capture_on_commit_callbacks, how):
    """It stood as approved until somebody claimed it, and people's time ran."""
    asking(policy, need=[{"group": "reviewers", "count": 1}])
    action = factories.action()
    decide(action, cast.reviewer)
    if how == "halted":
        operations.halts.halt(scope="everything", reason="x", by=cast.operator, door="cli")
    if how == "begun":
        operations.claim(action.pk, digest=stored(action).digest)
    with django_capture_on_commit_callbacks(execute=True):
        moved(cast, "rita", out="reviewers")
    assert (stored(action).state, stored(action).version) == (("PENDING", 2) if how == "left" else ("APPROVED", 1))
    if how == "left":
        assert decide(stored(action), cast.second).resolved


def test_who_is_of_no_group_that_is_asked_any_more_is_told_so(cast, policy):
    asking(policy, need=[{"group": "reviewers", "count": 2}])
    action = factories.action()
    decide(action, cast.reviewer)
    moved(cast, "rita", out="reviewers")
    with pytest.raises(NotAllowed, match="you are not in that group"):
        decide(action, cast.reviewer, "reject")
