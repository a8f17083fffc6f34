"""Grants and sets through their pages: what a person sees is what is sent, and bad forms get a sentence."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from approvals import operations
from approvals.models import Action, Decision, Grant, SignIn
from tests import factories, fakes
from tests.factories import approved
from tests.fakes import policy_text

pytestmark = pytest.mark.django_db
REFUND: dict[str, Any] = {"tool": "refund", "tool_class": "money", "figures": {"amount_cents": 2_000}}


def text(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def fields(answer) -> dict[str, str]:
    """What the form would send as it stands."""
    page = answer.content.decode()
    form = page[page.index('class="grant-new"') :]
    said = dict(re.findall(r'name="(uses|each|total|seen)"[^>]*value="([^"]*)"', form))
    said |= {"scope": re.findall(r'name="scope" value="(\w+)" checked', form)[0]}
    for name in ("until", "figure"):
        if found := re.search(rf'<select[^>]*name="{name}".*?<option value="([^"]*)" selected', form, re.DOTALL):
            said[name] = found[1]
    return said


def test_the_offered_bounds_are_tried_given_used_listed_and_revoked(web, cast):
    like = approved(cast.reviewer, **REFUND)
    page = web.get(reverse("action", args=[like.pk]))
    assert reverse("grant-new", args=[like.pk]) in page.content.decode()
    form = web.get(reverse("grant-new", args=[like.pk]))
    assert "would have let through 1 of the last 1" in text(form)
    said = fields(form)
    assert said["total"] == "10000"
    by_itself = web.post(reverse("grant-new", args=[like.pk]), {**said, "reason": "fine", "do": "give"}, headers={"HX-Request": "true"})
    assert by_itself.status_code == 200 and not Grant.objects.exists()
    changed = web.post(reverse("grant-new", args=[like.pk]), {**said, "uses": "2", "reason": "fine", "do": "give"})
    assert changed.status_code == 422 and "would have let through" in text(changed)
    assert not Grant.objects.exists()
    given = web.post(reverse("grant-new", args=[like.pk]), {**fields(changed), "reason": "fine", "do": "give"})
    grant = Grant.objects.get()
    assert given["Location"] == reverse("grant", args=[grant.pk])
    passed = factories.action(**REFUND)
    assert f"Grant {grant.pk} let this through" in text(web.get(reverse("action", args=[passed.pk])))
    assert "1 of 2 left, 8,000 of 10,000 amount cents left" in text(web.get(reverse("grants")))
    assert "1 grant in force" in text(web.get(reverse("inbox")))
    assert passed.summary in text(web.get(reverse("grant", args=[grant.pk])))
    by_itself = web.get(reverse("grant", args=[grant.pk]), headers={"HX-Request": "true"})
    assert passed.summary in text(by_itself) and b"<script" not in by_itself.content and b"<main" not in by_itself.content
    web.post(reverse("grant-revoke", args=[grant.pk]), {"reason": "enough"})
    assert "Revoked" in text(web.get(reverse("grants")))
    assert web.post(reverse("grant-revoke", args=[grant.pk])).status_code == 409


@pytest.mark.parametrize(
    "bad",
    [{"uses": "x"}, {"uses": "0"}, {"uses": "9" * 14}, {"until": "soon"}, {"until": "9999-12-31T23:59:59+00:00"}, {"total": "-1"},
     {"each": "1e9"}, {"figure": "rows"}, {"scope": "all"}, {"reason": " "}, {"until": "2026-01-01T00:00:00"}],
)  # fmt: skip
def test_bounds_that_cannot_be_get_a_sentence(web, cast, bad):
    url = reverse("grant-new", args=[approved(cast.reviewer, **REFUND).pk])
    answer = web.post(url, {**fields(web.get(url)), "reason": "fine", **bad, "do": "give"})
    assert answer.status_code == 422 and b"error-text" in answer.content
    assert not Grant.objects.exists()


def test_confirming_that_it_is_you_brings_the_bounds_back(web, cast):
    like = factories.action("high", tool="refund")
    factories.read_all(like, cast.reviewer)
    factories.decide(like, cast.second)
    url = reverse("grant-new", args=[like.pk])
    SignIn.objects.update(proved_at=Now() - timedelta(hours=2))
    mine = {**fields(web.get(url)), "reason": "the monday batch", "uses": "7", "total": "70000", "each": "20000"}
    tried = {**mine, **fields(web.post(url, {**mine, "do": "try"}))}
    sent = web.post(url, {**tried, "do": "give"})
    assert sent.status_code == 422 and "/confirm/?next=" in sent.content.decode() and not Grant.objects.exists()
    back = fields(web.get(url))
    assert {name: back[name] for name in ("scope", "uses", "total", "each", "until")} == {
        name: mine[name] for name in ("scope", "uses", "total", "each", "until")
    }
    assert "the monday batch" in web.get(url).content.decode()
    SignIn.objects.update(proved_at=Now())
    assert web.post(url, {**back, "reason": "the monday batch", "do": "give"}).status_code == 302
    assert Grant.objects.get().max_uses == 7
    assert "the monday batch" not in web.get(url).content.decode()  # given: the form is new again


def test_who_may_not_approve_may_read_and_not_give(as_, cast):
    like = approved(cast.reviewer)
    auditor = as_(cast.auditor)
    assert auditor.get(reverse("grants")).status_code == 200
    assert auditor.get(reverse("grant-new", args=[like.pk])).status_code == 403
    assert as_(cast.outsider).get(reverse("grants")).status_code == 403
    assert auditor.get(reverse("grant", args=[77])).status_code == 404
    assert auditor.get(reverse("grant-new", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize("scope", ["everything", "agent", "version", "tool", "customer", "run"])
def test_what_an_order_covers_is_decided_by_no_button_of_a_set(web, cast, scope):
    run, other = str(uuid.uuid4()), str(uuid.uuid4())
    actions = [factories.action(args={"what": f"thing {n}", "customer": "c-1"}, run=run, agent_version="calls@1") for n in range(2)]
    free = factories.action(args={"what": "other", "customer": "c-2"}, run=other, agent_version="calls@2")
    target = {"agent": free.agent, "version": "calls@1", "tool": free.tool, "customer": "c-1", "run": run}.get(scope, "")
    operations.halt(scope=scope, target=target, reason="odd", by=cast.operator, door="web")
    ids = [str(a.pk) for a in actions]
    page = web.get(reverse("bulk"), {"id": ids}).content.decode()
    assert "halted by olga (odd)" in page and page.count(" disabled>") == 2
    page = web.get(reverse("bulk"), {"id": [*ids, str(free.pk)]}).content.decode()
    if scope in {"everything", "agent", "tool"}:
        assert page.count(" disabled>") == 2
    else:  # the one that goes on may be decided
        assert page.count(" disabled>") == 0 and page.count("halted by olga (odd)") == 2 and f'name="m-{free.pk}"' in page


def test_a_set_is_chosen_compared_and_decided_and_what_came_meanwhile_is_named(web, cast):
    actions = [factories.action(args={"what": f"thing {n}", "mode": "soft"}, summary=f"Do thing {n}") for n in range(3)]
    high = factories.action("high", summary="Do much")
    assert f'value="{actions[0].pk}" form="bulk"' in web.get(reverse("inbox")).content.decode()
    assert f'value="{high.pk}" form="bulk"' not in web.get(reverse("inbox")).content.decode()
    page = web.get(reverse("bulk"), {"id": [str(a.pk) for a in (*actions, high)]})
    assert "3 actions together" in text(page) and "one by one" in text(page)
    said = dict(re.findall(r'name="(m-[0-9a-f-]+|key|frozen)" value="([^"]+)"', page.content.decode()))
    assert said[f"m-{actions[0].pk}"] == actions[0].digest
    late = factories.action(summary="Do it later")
    factories.decide(actions[1], cast.second, "reject")
    assert web.post(reverse("bulk-decide"), {**said, "verdict": "reject"}).status_code == 422
    answer = web.post(reverse("bulk-decide"), {**said, "verdict": "approve"})
    assert "2 actions decided, 1 left out" in text(answer)
    assert "Already rejected by sam" in text(answer) and late.summary in text(answer)
    assert Action.objects.filter(state="APPROVED").count() == 2
    assert Decision.objects.filter(person=cast.reviewer.person).count() == 2
    again = web.post(reverse("bulk-decide"), {**said, "verdict": "approve"})
    assert "2 actions decided" in text(again)


def test_what_needs_more_people_says_so_before_and_is_not_counted_as_decided(web, cast, policy):
    one = factories.action()
    policy.write_text(policy_text(lambda data: data["requirements"]["medium"].update(need=[{"group": "reviewers", "count": 2}])))
    two = [factories.action(summary="Do it with another") for _ in range(3)]
    assert text(web.get(reverse("bulk"), {"id": [str(one.pk)]})).count("of 2 approved") == 0
    factories.decide(two[0], cast.second)
    page = web.get(reverse("bulk"), {"id": [str(a.pk) for a in two]})
    assert (text(page).count("1 of 2 approved"), text(page).count("0 of 2 approved")) == (1, 2)
    said = dict(re.findall(r'name="(m-[0-9a-f-]+|key|frozen)" value="([^"]+)"', page.content.decode()))
    answer = web.post(reverse("bulk-decide"), {**said, "verdict": "approve"})
    assert "1 action decided, 2 wait for more people" in text(answer)
    assert [Action.objects.get(pk=a.pk).state for a in two] == ["APPROVED", "PENDING", "PENDING"]


def test_the_whole_preview_of_each_stands_beside_it(web, cast):
    def previewed(n: int) -> Action:
        details = {"columns": ["name"], "before": [[f"old {n}"]], "after": [[f"new {n}"]], "kept": f"copy {n}"}
        return factories.action(args={"what": f"thing {n}"}, preview={"summary": f"renames {n}", "facts": {"rows": n}, "details": details})

    page = web.get(reverse("bulk"), {"id": [str(previewed(n).pk) for n in (4, 5)]}).content.decode()
    assert page.count("<details open>") == 2  # nothing of it is folded
    for n in (4, 5):
        assert all(said in re.sub(r"<[^>]+>", "", page) for said in (f"renames {n}", f"rows {n}", f"old {n}", f"new {n}", f"copy {n}"))


def test_everything_like_one_action_can_be_looked_at_together(web, cast):
    first, _second = factories.action(), factories.action()
    assert "2 actions together" in text(web.get(reverse("bulk"), {"like": str(first.pk)}))
    assert "Nothing here" in text(web.get(reverse("bulk"), {"like": "x"}))
    assert "Nothing here" in text(web.get(reverse("bulk")))
    assert web.post(reverse("bulk-decide"), {"verdict": "approve"}).status_code == 422


def test_nobody_learns_more_from_a_set_than_from_a_page_and_get_decides_nothing(as_, web, cast):
    action = factories.action()
    assert as_(cast.outsider).get(reverse("bulk"), {"id": str(action.pk)}).status_code == 403
    assert web.get(reverse("bulk-decide")).status_code == 405
    assert web.get(reverse("grant-revoke", args=[1])).status_code == 405
    with fakes.as_intruder("approvals_requirement") as cursor:
        cursor.execute("UPDATE approvals_requirement SET envelope = 'x' WHERE action_id = %s", [action.pk])
    assert web.get(reverse("bulk"), {"id": str(action.pk)}).status_code == 200
