"""Accounts: roles, locks and the links that sign somebody in."""

import pytest
from django.core.management import CommandError, call_command

from approvals.errors import BadRequest, Conflict, NotAllowed, NotFound
from approvals.models import LoginLink, User
from approvals.operations import people
from approvals.permissions import check_read
from approvals.queries import action_detail
from audit import queries
from audit.actors import SYSTEM
from tests import factories
from tests.fakes import clock_moved


def test_a_link_signs_its_person_in_once_and_that_is_on_record(cast):
    token = people.make_login_link(user=cast.reviewer)
    assert people.whose_login_link(token) == people.whose_login_link(token) == cast.reviewer
    assert people.use_login_link(token) == cast.reviewer
    for look in (people.use_login_link, people.whose_login_link):
        with pytest.raises(NotFound, match="was used"):
            look(token)
    assert queries.events(stream=f"person:{cast.reviewer.pk}").rows[0].kind == "person.link_used"


def test_a_link_that_has_run_out_signs_nobody_in(cast):
    token = people.make_login_link(user=cast.reviewer)
    with clock_moved(hours=13), pytest.raises(NotFound, match="run out"):
        people.use_login_link(token)


def test_the_demos_links_work_again_until_they_run_out(cast, settings):
    settings.DEMO = True
    token = people.make_login_link(user=cast.reviewer)
    assert people.use_login_link(token) == people.use_login_link(token) == cast.reviewer
    with clock_moved(hours=13), pytest.raises(NotFound, match="run out"):
        people.use_login_link(token)


def test_only_the_hash_of_a_link_is_kept(cast):
    token = people.make_login_link(user=cast.reviewer)
    assert token not in str(list(LoginLink.objects.values()))


@pytest.mark.parametrize("token", ["", "x", "\x00", "\ud800", "x" * 10_000])
def test_a_link_nobody_made_signs_nobody_in(cast, token):
    with pytest.raises(NotFound):
        people.use_login_link(token)


def test_a_locked_persons_link_signs_nobody_in(cast):
    token = people.make_login_link(user=cast.reviewer)
    people.deactivate(username="rita", by=SYSTEM)
    with pytest.raises(NotFound):
        people.use_login_link(token)


def test_the_last_administrator_is_locked_by_nobody_but_the_installation(cast):
    other = people.ensure_person(username="anna", roles=["admins"])
    people.deactivate(username="anna", by=cast.admin.actor)
    for refused in (
        lambda: people.deactivate(username=cast.admin.username, by=cast.admin.actor),
        lambda: people.deactivate(username=cast.admin.username, by=other.actor),
        lambda: people.ensure_person(username=cast.admin.username, roles=["reviewers"], by=other.actor),
    ):
        with pytest.raises(Conflict, match="the only administrator"):
            refused()
    with pytest.raises(CommandError, match="Your account is locked"):
        call_command("people", "unlock", "anna", by="anna")
    people.deactivate(username=cast.admin.username, by=SYSTEM)
    assert not User.objects.filter(is_active=True, groups__name="admins").exists()


def test_nobody_has_a_password_until_they_choose_one(cast):
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_roles_are_those_there_are(cast):
    with pytest.raises(BadRequest, match="wizards"):
        people.ensure_person(username="merlin", roles=["wizards"])
    with pytest.raises(NotFound):
        people.deactivate(username="merlin", by=SYSTEM)


def test_a_change_of_roles_is_in_the_log_and_no_change_is_not(cast):
    for roles in (["reviewers"], ["reviewers"], ["auditors"]):
        people.ensure_person(username="rita", roles=roles)
    kinds = [e.kind for e in queries.events(stream=f"person:{cast.reviewer.pk}").rows]
    assert kinds == ["person.roles_changed", "person.added"]


def test_who_reads_and_why_somebody_may_not_decide(cast):
    for person in (cast.reviewer, cast.operator, cast.auditor, cast.admin):
        check_read(person)
    for person in (cast.outsider, cast.locked):
        with pytest.raises(NotAllowed):
            check_read(person)
    action = factories.action()
    assert action_detail(action.pk, reader=cast.reviewer).cannot == ""
    assert "not in that group" in action_detail(action.pk, reader=cast.operator).cannot
    assert "locked" in action_detail(action.pk, reader=cast.locked).cannot
