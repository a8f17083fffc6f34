"""Two accounts, one human: whoever asked, edited or voted by either is the same person, for what is open and for what comes."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from approvals.envelopes import parse
from approvals.errors import Conflict, NotAllowed, NotFound
from approvals.models import Action, Requirement, User
from approvals.operations import one_person
from approvals.queries import alike
from audit import queries as log
from tests import factories
from tests.factories import decide
from tests.integration.test_grants import grant


def joined(cast, *, a="rita", b="sam"):
    done = one_person.same(a, b, by=cast.admin, door="cli")
    for user in (cast.reviewer, cast.second):
        user.refresh_from_db()
    return done


def now(action):
    return Action.objects.get(pk=action.pk)


def test_one_human_counts_once(cast):
    joined(cast)
    action = factories.action("critical")
    decide(action, cast.reviewer)
    again = decide(action, cast.second)
    assert again.replayed and not again.resolved and action.decisions.count() == 1
    assert decide(action, factories.another_reviewer()).resolved


def test_open_votes_of_both_are_void_and_it_is_asked_again_with_its_deadline(cast):
    voted, other, untouched = factories.action("critical"), factories.action("critical"), factories.action("critical")
    decide(voted, cast.reviewer)
    decide(other, cast.second)
    decide(untouched, third := factories.another_reviewer())
    before = now(voted)
    done = joined(cast)
    assert (done.accounts, done.asked_again) == (("rita", "sam"), 2)
    after = now(voted)
    assert (after.version, after.state, after.expires_at) == (2, "PENDING", before.expires_at) and now(untouched).version == 1
    assert "rita, sam were found to be one person" in log.events(stream=f"action:{voted.pk}").rows[0].data["why"]
    assert not decide(voted, cast.second).resolved and decide(voted, third).resolved
    for user in (cast.reviewer, cast.second):
        [said] = log.events(stream=f"person:{user.pk}", kind="person.joined").rows
        assert (said.actor, said.data["asked_again"]) == ("ada", 2)


def test_what_both_approved_and_nothing_has_begun_goes_back_to_the_people(cast):
    action = factories.action("critical")
    decide(action, cast.reviewer)
    assert decide(action, cast.second).resolved
    assert joined(cast).asked_again == 1 and now(action).state == "PENDING"


@pytest.mark.parametrize("asker", ["reviewer", "second"])
def test_the_other_account_does_not_approve_what_one_of_them_asked_for(cast, asker):
    action = factories.action("high", requested_by=getattr(cast, asker))
    joined(cast)
    for user in (cast.reviewer, cast.second):
        with pytest.raises(NotAllowed, match="Excluded"):
            decide(action, user)
    assert decide(action, factories.another_reviewer()).resolved


def test_apart_again_neither_approves_what_one_of_them_asked_for_meanwhile(cast):
    joined(cast)
    action = factories.action("high", requested_by=cast.second)
    assert one_person.apart("sam", by=cast.admin, door="cli").asked_again == 1
    for user in (User.objects.get(pk=cast.reviewer.pk), User.objects.get(pk=cast.second.pk)):
        with pytest.raises(NotAllowed, match="Excluded"):
            decide(action, user)
    later = factories.action("high", requested_by=User.objects.get(pk=cast.second.pk))
    assert decide(later, User.objects.get(pk=cast.reviewer.pk)).resolved
    assert len(parse(Requirement.objects.get(action=later)).excluded) == 1


def test_whoever_is_joined_brings_their_other_accounts(cast):
    joined(cast)
    done = one_person.same("olga", "sam", by=cast.admin, door="cli")
    assert done.accounts == ("olga", "rita", "sam") and alike.joined() == [("olga", "rita", "sam")]
    assert one_person.apart("rita", by=cast.admin, door="cli").accounts == ("rita",)
    assert alike.joined() == [("olga", "sam")]


def test_who_may_say_it_and_of_whom(cast):
    with pytest.raises(NotAllowed, match="Only administrators"):
        one_person.same("rita", "sam", by=cast.operator, door="cli")
    with pytest.raises(NotFound):
        one_person.same("rita", "nobody\x00", by=cast.admin, door="cli")
    with pytest.raises(Conflict, match="already"):
        one_person.same("rita", "rita", by=cast.admin, door="cli")
    with pytest.raises(Conflict):
        one_person.apart("rita", by=cast.admin, door="cli")
    one_person.same("ada", "rita", by=cast.admin, door="cli")
    with pytest.raises(NotAllowed, match="Another administrator"):
        one_person.apart("rita", by=User.objects.get(username="ada"), door="cli")


def test_grants_of_either_are_revoked_and_what_they_passed_is_asked_again(cast):
    given = grant(factories.approved(cast.reviewer), cast.reviewer)
    passed = factories.action(args={"what": "another"})
    assert passed.state == "APPROVED"
    assert joined(cast).revoked == 1 and now(passed).state == "PENDING"
    given.refresh_from_db()
    assert given.revoked_by_name == "ada"


def test_the_command_says_what_came_of_it_and_wants_to_know_who_says_it(cast):
    decide(factories.action("critical"), cast.second)
    said = StringIO()
    call_command("people", "same", "rita", "sam", "--by", "ada", stdout=said)
    assert "rita, sam are one person; 1 actions are asked again, 0 grants are revoked" in said.getvalue()
    with pytest.raises(CommandError, match="Say who you are"):
        call_command("people", "apart", "sam", "--by", "")
    call_command("people", "apart", "sam", "--by", "ada", stdout=said)
    assert "sam is a person of their own" in said.getvalue()


def test_accounts_that_look_like_one_human_are_told_until_somebody_says_so(cast):
    User.objects.filter(username="rita").update(email="One@example.org")
    User.objects.filter(username__in=["sam", "lena"]).update(email="one@example.org ".strip())
    User.objects.filter(username="aldo").update(first_name="ADA", last_name="Test")
    assert [(a.by, a.accounts) for a in alike.alike()] == [("email", ("rita", "sam")), ("name", ("ada", "aldo"))]
    joined(cast)
    assert [a.by for a in alike.alike()] == ["name"]
