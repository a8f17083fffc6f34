"""Pages of groups: for administrators only, confirmed freshly, and every refusal said where it was asked."""

import pytest
from django.contrib.auth.models import Group

from approvals.models import SignIn
from approvals.operations import groups
from approvals.queries.sign_ins import people
from audit.queries import events
from tests.fakes import clock_moved, with_rules

FINANCE = "- {name: money, match: {tools: [do_it]}, require: {need: [{group: finance, count: 1}]}}\n"


@pytest.fixture
def admin(as_, cast):
    return as_(cast.admin)


@pytest.fixture
def finance(cast) -> Group:
    return groups.create(name="finance", by=cast.admin, door="web")


def text(answer) -> str:
    return answer.content.decode()


def groups_of(username: str) -> tuple[str, ...]:
    return next(p.groups for p in people() if p.username == username)


def test_an_administrator_makes_fills_empties_and_deletes_a_group(admin):
    made = admin.post("/people/groups/create", {"name": "finance"})
    path = made["Location"]
    page = text(admin.get(path))
    assert made.status_code == 302 and "Nobody." in page and 'value="rita"' in page and 'value="ada"' not in page
    assert admin.post(f"{path}add", {"username": "sam"}).status_code == 302
    assert groups_of("sam") == ("finance", "reviewers")
    page = text(admin.get(path))
    assert "sam is in finance. They are told, and it is in the log." in page and "Take Sam Test out" in page
    assert admin.post(f"{path}remove", {"username": "sam"}).status_code == 302
    assert admin.post(f"{path}delete").status_code == 302
    assert not Group.objects.filter(name="finance").exists()
    assert "Took sam out of the group finance" in text(admin.get("/audit/?kind=person."))
    assert "Deleted the group finance with nobody in it" in text(admin.get("/audit/?kind=group."))


@pytest.mark.parametrize("who", ["reviewer", "operator", "auditor", "outsider"])
def test_nobody_else_sees_or_changes_groups(as_, cast, finance, who):
    client = as_(getattr(cast, who))
    for path in ("/people/groups/", f"/people/groups/{finance.pk}/"):
        assert client.get(path).status_code == 403
    for path in ("create", f"{finance.pk}/add", f"{finance.pk}/remove", f"{finance.pk}/delete"):
        assert client.post(f"/people/groups/{path}", {"name": "law", "username": "sam"}).status_code == 403
    assert Group.objects.filter(name="finance").exists() and groups_of("sam") == ("reviewers",)


def test_an_administrator_is_not_offered_nor_let_into_a_group_by_themselves(admin, finance):
    answer = admin.post(f"/people/groups/{finance.pk}/add", {"username": "ada"})
    assert answer.status_code == 403 and "another administrator has to add you" in text(answer)
    assert groups_of("ada") == ("admins",) and not events(kind="person.group_added").rows


@pytest.mark.parametrize(
    ("path", "data", "status", "said"),
    [
        ("create", {"name": "Two Words"}, 400, "small letters"),
        ("create", {"name": "reviewers"}, 409, "There is a group reviewers already"),
        ("create", {}, 400, "small letters"),
        ("ID/add", {"username": "nobody"}, 404, "There is no account"),
        ("ID/add", {}, 404, "There is no account"),
        ("ID/remove", {"username": "sam"}, 409, "sam is not in finance"),
        ("999/add", {"username": "sam"}, 404, "There is no such group"),
        ("999/delete", {}, 404, "There is no such group"),
    ],
)
def test_what_cannot_be_is_said_with_the_right_status(admin, finance, path, data, status, said):
    answer = admin.post(f"/people/groups/{path.replace('ID', str(finance.pk))}", data)
    assert answer.status_code == status and said in text(answer)


def test_changes_ask_for_a_fresh_proof(admin, finance):
    with clock_moved(minutes=15):
        for path in ("create", f"{finance.pk}/add", f"{finance.pk}/remove", f"{finance.pk}/delete"):
            answer = admin.post(f"/people/groups/{path}", {"name": "law", "username": "sam"})
            assert answer.status_code == 302 and answer["Location"].startswith("/confirm/"), path
    assert SignIn.objects.exists() and groups_of("sam") == ("reviewers",)


def test_a_place_nobody_can_fill_is_said_on_the_pages(admin, finance, policy):
    policy.write_text(with_rules(FINANCE))
    for path in ("/people/groups/", f"/people/groups/{finance.pk}/", "/policies/"):
        assert "asks 1 of finance, and there are 0: nobody could approve" in text(admin.get(path))
    groups.add(group="finance", username="sam", by=None, door="cli")
    assert "nobody could approve" not in text(admin.get("/people/groups/"))
    refused = admin.post(f"/people/groups/{finance.pk}/delete")
    assert refused.status_code == 409 and "The policy in force names finance in line" in text(refused)
