"""Operators end somebody else's reservation, or have another person decide in the stead of who is gone: without a say in it themselves."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.urls import reverse

from approvals import envelopes, operations, queries
from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound
from approvals.models import Decision, User
from approvals.operations import people
from approvals.operations.telling import people_asked
from approvals.queries import desks
from approvals.queries.inbox import Filters
from approvals.web.story import sentence_of
from audit.queries import events
from tests import factories
from tests.factories import decide
from tests.integration.test_turns import asking, kinds, stored

STANDS_IN = {"delegates": ["operators"], "need": [{"group": "reviewers", "count": 2}]}


def give(action, cast, to, of="", *, by=None, reason="rita is ill"):
    return operations.reassign(action.pk, to=to, of=of, reason=reason, by=by or cast.admin, door="web")


def told(person):
    return [n.kind for n in desks.notices(person)]


def test_an_operator_ends_a_reservation_with_a_reason(cast):
    action = factories.action()
    with pytest.raises(Conflict, match="Nobody has reserved this"):
        operations.end_reservation(action.pk, reason="gone", by=cast.operator, door="web")
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    for person, reason, error in ((cast.second, "gone", NotAllowed), (cast.auditor, "gone", NotAllowed), (cast.operator, " ", BadRequest)):
        with pytest.raises(error):
            operations.end_reservation(action.pk, reason=reason, by=person, door="web")
    operations.end_reservation(action.pk, reason="she has left", by=cast.operator, door="web")
    assert (stored(action).reserved_by, told(cast.reviewer)) == (None, ["action.reservation_ended"])
    last = events(stream=f"action:{action.pk}").rows[0]
    assert (last.kind, last.data["holder"], last.data["reason"]) == ("action.reservation_ended", "rita", "she has left")
    assert sentence_of(last) == "Ended the reservation of rita: she has left"
    operations.reserve(action.pk, by=cast.second, door="web")


def test_what_somebody_gone_has_is_decided_by_another_in_their_stead(cast, policy):
    asking(policy, **STANDS_IN)
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    give(action, cast, "olga")
    assert (queries.inbox_row(action.pk).reserved_by, queries.inbox_row(action.pk).reserved_for) == ("olga", "rita")
    assert (told(cast.operator), told(cast.reviewer)) == (["action.passed_on"], ["action.reassigned"])
    decide(action, cast.operator)
    assert Decision.objects.get().instead_of == cast.reviewer
    assert decide(action, cast.second).resolved
    given = next(e for e in events(stream=f"action:{action.pk}").rows if e.kind == "action.reassigned")
    assert (given.actor, sentence_of(given)) == ("ada", "Given to olga, in the stead of rita: rita is ill")


def test_whoever_has_it_is_told_and_named_whoever_is_named_in_whose_stead(cast, policy):
    """An operator took it out of their hand without a word, and the log did not say whose it was."""
    asking(policy, **STANDS_IN)
    third = factories.another_reviewer()
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    give(action, cast, "sam", of="sam")
    assert (told(cast.reviewer), told(cast.second)) == (["action.reassigned"], ["action.passed_on"])
    given = events(stream=f"action:{action.pk}").rows[0]
    assert (given.data["holder"], sentence_of(given)) == ("rita", "Given to sam, who is asked; rita had it: rita is ill")
    give(action, cast, "olga", of=third.username)
    assert told(third) == ["action.reassigned"] and events(stream=f"action:{action.pk}").rows[0].data["holder"] == "sam"


def test_two_operators_do_not_fill_the_places_of_two_others_between_them(cast, policy):
    """Each gave the other one's place: approved, and nobody who was asked had done anything."""
    asking(policy, **STANDS_IN)
    another = people.ensure_person(username="oscar", roles=["operators"])
    action = factories.action()
    give(action, cast, "oscar", of="rita", by=cast.operator)
    decide(action, another)
    with pytest.raises(NotAllowed, match="You have decided this yourself"):
        give(action, cast, "olga", of="sam", by=another)
    with pytest.raises(NotAllowed, match=r"has no place|You had this"):
        operations.pass_on(action.pk, by=cast.second, to="olga", door="web")
    assert decide(action, cast.second).resolved


def test_who_has_decided_it_does_not_choose_who_fills_another_place(cast, policy):
    """Their own voice and that of somebody they picked made two."""
    asking(policy, **{**STANDS_IN, "need": [{"group": "reviewers", "count": 2}]})
    cast.reviewer.groups.add(Group.objects.get(name="operators"))
    third, action = factories.another_reviewer(), factories.action()
    decide(action, cast.reviewer)
    with pytest.raises(NotAllowed, match="You have decided this yourself"):
        give(action, cast, "olga", of="sam", by=cast.reviewer)
    give(action, cast, third.username, by=cast.reviewer)  # who is asked themselves fills a place of their own
    give(action, cast, "olga", of="sam", by=cast.admin)
    assert decide(action, cast.operator).resolved


def test_who_is_needed_for_a_place_of_their_own_has_nothing_reassigned(cast, policy):
    """They were told, had it in their inbox, and were refused; nobody else was left."""
    asking(policy, **{**STANDS_IN, "delegates": ["auditors"]})
    cast.reviewer.groups.add(Group.objects.get(name="operators"))
    action = factories.action()
    with pytest.raises(NotAllowed, match="without you there are not enough people"):
        give(action, cast, "aldo", of="sam", by=cast.reviewer)
    assert stored(action).moved_by == []
    third = factories.another_reviewer()
    give(action, cast, "aldo", of="sam", by=cast.reviewer)
    decide(action, cast.auditor)
    asked = people_asked(stored(action), envelopes.parse(action.requirements.get()))
    assert asked == [third.pk]
    inbox = queries.inbox(filters=Filters(mine=cast.reviewer)).rows
    assert not inbox and decide(action, third).resolved


def test_who_gives_what_somebody_reserved_to_another_who_is_asked_moves_no_place(cast, policy):
    asking(policy, **{**STANDS_IN, "need": [{"group": "reviewers", "count": 2}]})
    cast.reviewer.groups.add(Group.objects.get(name="operators"))
    third = factories.another_reviewer()
    action = factories.action()
    operations.reserve(action.pk, by=cast.second, door="web")
    give(action, cast, third.username, by=cast.reviewer)
    assert stored(action).moved_by == [] and not decide(action, cast.reviewer).resolved


def test_what_nobody_has_goes_to_somebody_who_is_asked_or_in_the_stead_of_who_is_named(cast, policy):
    asking(policy, **STANDS_IN)
    first, second = factories.action(), factories.action()
    with pytest.raises(NotAllowed, match=r"olga may not decide this\. They would be told"):
        give(first, cast, "olga")
    give(first, cast, "sam")
    assert (queries.inbox_row(first.pk).reserved_by, queries.inbox_row(first.pk).reserved_for) == ("sam", "")
    with pytest.raises(BadRequest, match="sam has it already"):
        give(first, cast, "sam", "sam")
    give(second, cast, "olga", "rita")
    assert queries.inbox_row(second.pk).reserved_for == "rita"
    people.ensure_person(username="otis", roles=["operators"])
    give(second, cast, "otis", by=cast.operator)  # whoever has it, has it for rita
    assert (queries.inbox_row(second.pk).reserved_by, queries.inbox_row(second.pk).reserved_for) == ("otis", "rita")


def test_who_is_locked_has_no_place_to_lend(cast, policy):
    asking(policy, **STANDS_IN)
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    User.objects.filter(pk=cast.reviewer.pk).update(is_active=False)
    with pytest.raises(NotAllowed, match="This needs somebody of reviewers"):
        give(action, cast, "olga")
    with pytest.raises(NotFound, match="their account is locked"):
        give(action, cast, "olga", "rita")
    give(action, cast, "sam")
    assert queries.inbox_row(action.pk).reserved_by == "sam"


def test_it_gives_an_operator_no_say(cast, policy):
    """Never to themselves, nor by whoever is too close to it, nor by those who only decide."""
    asking(policy, **STANDS_IN)
    action = factories.action()
    with pytest.raises(BadRequest, match="would come back to you"):
        give(action, cast, "olga", "rita", by=cast.operator)
    for person in (cast.second, cast.auditor):
        with pytest.raises(NotAllowed, match="Only operators"):
            give(action, cast, "sam", "rita", by=person)
    asking(policy, exclude=["requester"], **STANDS_IN)
    own = factories.action(requested_by=cast.operator)
    with pytest.raises(NotAllowed, match="do not choose who does"):
        give(own, cast, "ada", "rita", by=cast.operator)
    with pytest.raises(NotAllowed, match="you asked for this yourself"):
        give(own, cast, "olga", "rita", by=cast.admin)
    assert stored(action).reserved_by is None and "action.reassigned" not in kinds(action) + kinds(own)


def test_every_quorum_stays_one_that_can_be_filled(cast):
    action = factories.action("critical")
    with pytest.raises(NotAllowed, match="without rita there are not enough people"):
        give(action, cast, "sam", "rita", by=cast.operator)
    decide(action, cast.second)
    with pytest.raises(NotAllowed, match="sam has no place in this that could be passed on"):
        give(action, cast, "rita", "sam", by=cast.operator)
    with pytest.raises(NotAllowed, match="olga has no place"):
        give(action, cast, "rita", "olga", by=cast.admin)
    with pytest.raises(Conflict):
        give(factories.approved(cast.reviewer), cast, "sam", "rita")


def test_the_desk_offers_it_to_operators_and_the_command_line_does_it(cast, policy, client, capsys):
    asking(policy, **STANDS_IN)
    action = factories.action()
    operations.reserve(action.pk, by=cast.reviewer, door="web")
    desk = reverse("action-desk", args=[action.pk])
    doors = [reverse(f"action-{name}", args=[action.pk]) for name in ("reassign", "end-reservation")]
    for person in (cast.second, cast.auditor):
        client.force_login(person)
        assert not any(door in client.get(desk).content.decode() for door in doors)
    client.force_login(cast.admin)
    page = client.get(desk).content.decode()
    assert all(door in page for door in doors) and "<option>olga</option>" in page and "whoever holds it" in page
    page = client.post(doors[0], {"to": "olga", "of": "", "reason": "gone"}, follow=True).content.decode()
    assert "Given to olga, who holds it now" in page
    page = client.post(doors[1], {"reason": "she as well"}, follow=True).content.decode()
    assert "The reservation is ended" in page and "Ended the reservation of olga: she as well" in page
    call_command("actions", "reassign", str(action.pk), "--to", "olga", "--of", "rita", "--reason", "gone", "--by", "ada")
    call_command("actions", "end-reservation", str(action.pk), "--reason", "back", "--by", "olga")
    assert capsys.readouterr().out == "Given to olga\nEnded: anybody who is asked may take it\n"
