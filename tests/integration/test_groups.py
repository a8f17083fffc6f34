"""Groups beyond the roles: who changes them, that nobody gives themselves one unnoticed, and what keeps one from being deleted."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from approvals import operations
from approvals.errors import ApprovalError, BadRequest, Conflict, NotAllowed, NotFound
from approvals.models import Action, Notification, User
from approvals.operations import groups, people, publishing, recounting
from approvals.permissions import standing
from approvals.policy.checking import Known
from approvals.queries import groups as queries
from approvals.queries.desks import notices
from audit.actors import SYSTEM
from audit.queries import events
from tests import factories
from tests.factories import decide
from tests.fakes import together, with_rules

FINANCE = "- {name: money, match: {tools: [do_it]}, require: {need: [{group: finance, count: 1}]}}\n"


@pytest.fixture
def finance(cast) -> Group:
    made = groups.create(name="finance", by=cast.admin, door="web")
    groups.add(group="finance", username="sam", by=cast.admin, door="web")
    return made


def names(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_each_change_is_one_event_that_says_who_did_what_to_whom(cast, finance):
    groups.remove(group="finance", username="sam", by=cast.admin, door="cli")
    groups.delete(group="finance", by=cast.admin, door="web")
    told = [(e.kind, e.actor, e.door, e.data.get("username", ""), e.data["group"]) for e in events(kind="group.").rows]
    told += [
        (e.kind, e.actor, e.door, e.data["username"], e.data["group"])
        for kind in ("removed", "added")
        for e in events(kind=f"person.group_{kind}").rows
    ]
    assert told == [
        ("group.deleted", "ada", "web", "", "finance"), ("group.created", "ada", "web", "", "finance"),
        ("person.group_removed", "ada", "cli", "sam", "finance"), ("person.group_added", "ada", "web", "sam", "finance"),
    ]  # fmt: skip
    added = events(kind="person.group_added").rows[0].data
    assert (added["before"], added["roles"]) == (["reviewers"], ["finance", "reviewers"])


def test_nobody_gives_themselves_a_group_nor_a_role(cast, finance):
    twin = people.ensure_person(username="ada2", roles=[])
    User.objects.filter(pk=twin.pk).update(person=cast.admin.person)
    for username in ("ada", "ada2"):
        for group in ("finance", "reviewers"):
            with pytest.raises(NotAllowed, match="another administrator"):
                groups.add(group=group, username=username, by=cast.admin, door="web")
        with pytest.raises(NotAllowed, match="another administrator"):
            people.ensure_person(username=username, roles=["admins", "reviewers"], by=cast.admin.actor)
    assert names(cast.admin) == {"admins"} and names(twin) == set()
    other = people.ensure_person(username="anna", roles=["admins"])
    assert groups.add(group="finance", username="ada", by=other, door="web")
    assert "finance" in names(cast.admin)


@pytest.mark.parametrize("who", ["reviewer", "operator", "auditor", "outsider", "locked"])
def test_only_administrators_change_groups(cast, finance, who):
    by = getattr(cast, who)
    for attempt in (
        lambda: groups.create(name="law", by=by, door="web"),
        lambda: groups.add(group="finance", username="rita", by=by, door="web"),
        lambda: groups.remove(group="finance", username="sam", by=by, door="web"),
        lambda: groups.delete(group="finance", by=by, door="web"),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert names(cast.second) == {"reviewers", "finance"} and not Group.objects.filter(name="law").exists()


def test_a_new_set_of_roles_keeps_what_is_no_role(cast, finance):
    people.ensure_person(username="sam", roles=["auditors"])
    assert names(cast.second) == {"auditors", "finance"}
    assert events(kind="person.roles_changed").rows[0].data["roles"] == ["auditors", "finance"]


@pytest.mark.parametrize("name", ["", "Finance", "two words", "a|b", "-a", "a" * 81, "x\x00", "f\u0456nance", "a\n"])
def test_a_name_that_is_none_makes_no_group(cast, name):
    with pytest.raises(BadRequest, match="small letters"):
        groups.create(name=name, by=cast.admin, door="web")


def test_what_is_not_so_is_said(cast, finance):
    for wrong, error in (
        (lambda: groups.create(name="finance", by=cast.admin, door="web"), Conflict),
        (lambda: groups.create(name="reviewers", by=cast.admin, door="web"), Conflict),
        (lambda: groups.add(group="finance", username="sam", by=cast.admin, door="web"), Conflict),
        (lambda: groups.add(group="finance", username="nobody", by=cast.admin, door="web"), NotFound),
        (lambda: groups.add(group="finance", username="\x00", by=cast.admin, door="web"), NotFound),
        (lambda: groups.add(group="\ud800", username="rita", by=cast.admin, door="web"), NotFound),
        (lambda: groups.remove(group="finance", username="rita", by=cast.admin, door="web"), Conflict),
        (lambda: groups.remove(group="admins", username="ada", by=None, door="cli"), Conflict),
        (lambda: groups.delete(group="reviewers", by=cast.admin, door="web"), BadRequest),
        (lambda: groups.delete(group="law", by=cast.admin, door="web"), NotFound),
    ):
        with pytest.raises(error):
            wrong()
    agent = people.ensure_agent_user(slug="somebody")
    with pytest.raises(BadRequest, match="only people"):
        groups.add(group="finance", username=agent.username, by=cast.admin, door="web")


def test_what_single_sign_on_gives_is_changed_there(cast, finance, settings):
    settings.OIDC_GROUPS = {"cs-money": "finance"}
    SocialAccount.objects.create(user=cast.reviewer, provider="sso", uid="1")
    with pytest.raises(Conflict, match="change it there"):
        groups.add(group="finance", username="rita", by=cast.admin, door="web")
    groups.remove(group="finance", username="sam", by=cast.admin, door="web")  # who signs in otherwise is ours
    with pytest.raises(Conflict, match="OIDC_GROUPS"):
        groups.delete(group="finance", by=cast.admin, door="web")


def test_whoever_leaves_a_group_counts_no_more_for_what_is_open(cast, finance, policy):
    policy.write_text(with_rules(FINANCE))
    action = factories.action()
    decide(action, cast.second)
    decide(action, cast.reviewer)
    action.refresh_from_db()
    assert action.state == "APPROVED"
    groups.remove(group="finance", username="sam", by=cast.admin, door="web")
    with pytest.raises(Conflict, match="went back"):
        operations.claim(action.pk, digest=action.digest)
    assert Action.objects.get(pk=action.pk).state == "PENDING"


def test_somebody_who_is_put_in_decides_what_is_open_already(cast, finance, policy):
    policy.write_text(with_rules("- {name: money, match: {tools: [do_it]}, instead: {need: [{group: finance, count: 1}]}}\n"))
    action = factories.action()
    with pytest.raises(NotAllowed):
        decide(action, cast.reviewer)
    groups.add(group="finance", username="rita", by=cast.admin, door="web")
    decide(action, cast.reviewer)
    assert Action.objects.get(pk=action.pk).state == "APPROVED"


def test_a_group_is_not_deleted_while_a_policy_names_it(cast, finance, policy):
    made = publishing.propose(with_rules(FINANCE), justification="x", known=Known(), by=cast.admin, door="web")
    with pytest.raises(Conflict, match=f"Proposal {made.pk} names finance"):
        groups.delete(group="finance", by=cast.admin, door="web")
    publishing.publish(made.pk, known=Known(), by=cast.admin, door="web")
    line = with_rules(FINANCE).splitlines().index("rules:") + 2
    with pytest.raises(Conflict, match=f"The policy in force names finance in line {line}"):
        groups.delete(group="finance", by=cast.admin, door="web")


@pytest.mark.parametrize("way", ["group", "lock", "sweep"])
def test_whoever_is_let_back_in_completes_what_they_had_approved(cast, finance, policy, django_capture_on_commit_callbacks, way):
    """All had decided, so nobody was asked any more, and the action would have run out with "2 of 2 approved"."""
    policy.write_text(with_rules(FINANCE))
    action = factories.action()
    decide(action, cast.second)
    if way == "lock":
        people.deactivate(username="sam", by=cast.admin.actor)
    else:
        groups.remove(group="finance", username="sam", by=cast.admin, door="web")
    decide(action, cast.reviewer)
    action.refresh_from_db()
    assert action.state == "PENDING"
    assert recounting.recount() == 0
    with django_capture_on_commit_callbacks(execute=way != "sweep"):
        if way == "lock":
            people.unlock(username="sam", by=cast.admin.actor)
        else:
            groups.add(group="finance", username="sam", by=cast.admin, door="web")
    assert recounting.recount() == (way == "sweep")
    action.refresh_from_db()
    assert action.state == "APPROVED" and action.resolution["by"] == "rita"


def test_a_group_is_not_deleted_while_an_open_action_asks_it(cast, finance, policy):
    before = policy.read_text()
    policy.write_text(with_rules(FINANCE))
    action = factories.action()
    policy.write_text(before)
    assert queries.open_actions_naming("finance") == [action.summary] and queries.open_actions_naming("law") == []
    with pytest.raises(Conflict, match="1 action that is not over asks finance"):
        groups.delete(group="finance", by=cast.admin, door="web")
    decide(action, cast.reviewer, "reject")
    assert groups.delete(group="finance", by=cast.admin, door="web") == ["sam"]
    assert names(cast.second) == {"reviewers"}


@pytest.mark.parametrize(
    "part", ["{extend: {by: [finance], at_most_s: 600}}", "{delegates: [finance]}", "{escalate: [{after: 50%, to: finance}]}"]
)
def test_who_may_put_off_stand_in_or_is_escalated_to_is_named_as_well(cast, finance, policy, part):
    before = policy.read_text()
    policy.write_text(with_rules(f"- {{name: a, match: {{tools: [do_it]}}, instead: {part}}}\n"))
    factories.action()
    policy.write_text(before)
    assert len(queries.open_actions_naming("finance")) == 1


def test_a_place_nobody_can_fill_any_more_is_warned_about(cast, finance, policy):
    policy.write_text(with_rules(FINANCE))
    there = queries_rosters()
    assert publishing.unmanned_now(there) == ()
    groups.remove(group="finance", username="sam", by=cast.admin, door="web")
    assert "asks 1 of finance, and there are 0" in publishing.unmanned_now(queries_rosters())[0].why


def queries_rosters() -> Known:
    from approvals.queries.policies import rosters

    return Known(rosters=rosters().groups)


def test_publishing_looks_at_the_groups_as_they_are_then(cast, finance):
    made = publishing.propose(with_rules(FINANCE), justification="x", known=queries_rosters(), by=cast.admin, door="web")
    known = queries_rosters()
    groups.remove(group="finance", username="sam", by=cast.admin, door="web")
    with pytest.raises(BadRequest, match="asks 1 of finance, and there are 0"):
        publishing.publish(made.pk, known=known, by=cast.admin, door="web")


def test_the_person_is_told_on_their_desk(cast, finance):
    (notice,) = notices(cast.second)
    assert (notice.kind, notice.summary) == ("person.group_added", "finance")
    assert Notification.objects.filter(recipient=str(cast.second.pk), kind="person.group_added").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_add_and_delete_at_once_nothing_half_done_is_left():
    cast = factories.cast()
    groups.create(name="finance", by=cast.admin, door="web")
    calls: list[Callable[[], Any]] = [lambda: groups.add(group="finance", username="sam", by=cast.admin, door="web")] * 3
    calls += [lambda: groups.delete(group="finance", by=cast.admin, door="web")] * 2
    found = together(calls)
    assert all(not isinstance(f, Exception) or isinstance(f, ApprovalError) for f in found)
    assert sum(isinstance(f, list) for f in found) == 1
    added = sum(isinstance(f, User) for f in found)
    assert added <= 1 and len(events(kind="person.group_added").rows) == added
    assert names(cast.second) == {"reviewers"}


def manage(*args: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("people", "groups", *args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_does_the_same_with_the_same_refusals(cast, policy):
    assert "finance is there" in manage("create", "finance", "--by", "ada")[0]
    assert "sam is in finance" in manage("add", "finance", "sam", "--by", "ada")[0]
    policy.write_text(with_rules(FINANCE))
    assert "finance" in (said := manage("list")[0]) and "sam" in said.split("finance")[1]
    with pytest.raises(CommandError, match="Nobody gives themselves"):
        manage("add", "finance", "ada", "--by", "ada")
    with pytest.raises(CommandError, match="Only administrators"):
        manage("add", "finance", "rita", "--by", "rita")
    with pytest.raises(CommandError, match="names finance in line"):
        manage("delete", "finance", "--by", "ada")
    out, err = manage("remove", "finance", "sam", "--by", "ada")
    assert "no longer in finance" in out and "asks 1 of finance, and there are 0" in err
    assert "law is deleted" in (manage("create", "law"), manage("delete", "law"))[1][0]
    assert events(kind="group.deleted").rows[0].actor == SYSTEM.name


def test_somebody_in_a_group_without_a_role_is_shown_as_one_who_reads_nothing(cast, finance):
    fay = people.ensure_person(username="fay", roles=[])
    groups.add(group="finance", username="fay", by=cast.admin, door="web")
    assert {m.username: m.reads for m in queries.group_detail(finance.pk).members} == {"fay": False, "sam": True}
    assert standing(fay).groups == {"finance"}
