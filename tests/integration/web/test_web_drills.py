"""Test actions on pages: told from no other while they wait, told at once when they are over, nobody named, planned by administrators."""

import csv
import io
import json
from io import StringIO
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from agents import operations as agents
from approvals.models import Action, Drill, DrillPlan
from approvals.operations import seeding
from audit.models import Event
from tests import factories
from tests.factories import call, decide, waiting

pytestmark = pytest.mark.usefixtures("agents")
EVIDENCE = {"rationale": "It was asked for.", "evidence": [{"title": "Mail", "text": "Please pay 45.00 to ada"}]}
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def drill(cast, world) -> Action:
    waiting(cast.operator, call("pay", EVIDENCE, amount_cents=4_500, to="ada"), world=world)
    seeding.set_plan(group="reviewers", active=True, every=10, per_day=5, kinds=["amount"], by=cast.admin, door="cli")
    return Action.objects.get(pk=agents.place_drill("reviewers", chance=Random(3)))


def post(web, drill, verdict, **more):
    words = {"verdict": verdict, "seen_digest": drill.digest, "reason": "no", "response": "no", **more}
    return web.post(reverse("action-decide", args=[drill.pk]), words, **HTMX)


def test_the_page_of_a_waiting_one_has_no_word_of_a_test(web, as_, cast, drill):
    real = Action.objects.get(drill=False)
    for client in (web, as_(cast.admin)):
        pages = [client.get(reverse("action", args=[a.pk])).content.decode() for a in (real, drill)]
        assert "test action" not in pages[1].lower()
        assert pages[1].count("calls</span>") == pages[0].count("calls</span>")  # the timeline: under the agent's name
        assert pages[1].count("Countersign") == pages[0].count("Countersign")
    assert "test" not in web.get(reverse("inbox-row", args=[drill.pk])).content.decode().lower()


def test_who_decides_is_told_at_once_what_it_was_and_stays_on_it(web, cast, drill):
    answer = post(web, drill, "reject")
    page = answer.content.decode()
    assert "Test action, caught" in page and "amount_cents" in page and "what the agent went by says 45.00" in page
    assert json.loads(answer["HX-Trigger-After-Settle"])["decided"]["stay"] is True
    assert "Test action, caught" in web.get(reverse("inbox-row", args=[drill.pk])).content.decode()


def test_a_missed_one_says_that_nothing_ran_and_names_nobody_to_others(as_, cast, drill):
    level = Drill.objects.get().action.level
    assert level == "high"
    decide(drill, cast.reviewer, "approve")
    page = as_(cast.second).get(reverse("action", args=[drill.pk])).content.decode()
    assert "Test action, missed" in page and "Nothing ran" in page and "rita" not in page
    assert str(drill.pk) not in as_(cast.second).get(reverse("decided")).content.decode()


def test_an_edit_is_answered_with_the_receipt(web, cast, drill):
    form = {"seen_digest": drill.digest, "a.amount_cents": "4500", "a.to": "ada"}
    page = web.get(reverse("action-edit", args=[drill.pk]), **HTMX).content.decode()
    names = [part.split('"')[0] for part in page.split('name="')[1:]]
    form = {
        "seen_digest": drill.digest,
        "reason": "too much",
        **{name: ("4500" if "amount" in name else "ada") for name in names if "amount" in name or name.endswith("to")},
    }
    answer = web.post(reverse("action-edit", args=[drill.pk]), form, **HTMX)
    assert "Test action, caught" in answer.content.decode() and Drill.objects.get().verdict == "edit"


def test_the_log_names_them_to_those_it_does_not_test(as_, cast, drill):
    placed = Event.objects.get(kind="drill.placed")
    for user, seen in ((cast.reviewer, False), (cast.operator, False), (cast.auditor, True), (cast.admin, True)):
        client = as_(user)
        assert ("Placed a test action" in client.get(reverse("events")).content.decode()) is seen
        assert client.get(reverse("event", args=[placed.pk])).status_code == (200 if seen else 404)
        assert (f"action {str(drill.pk)[:8]}" in client.get(reverse("events"), {"kind": "drill."}).content.decode()) is seen
    decide(drill, cast.reviewer, "reject")
    assert "A test action, caught" in as_(cast.reviewer).get(reverse("events")).content.decode()


def test_only_administrators_plan_them_and_what_is_wrong_is_said(as_, cast):
    form = {"group": "reviewers", "active": "1", "every": "30", "per_day": "2", "kinds": ["amount", "target"]}
    assert "Plan test actions" not in as_(cast.reviewer).get(reverse("quality")).content.decode()
    assert as_(cast.reviewer).post(reverse("quality-tests"), form).status_code == 403
    admin = as_(cast.admin)
    wrong = admin.post(reverse("quality-tests"), {**form, "every": "\u0663", "kinds": "nonsense"})
    assert wrong.status_code == 422 and "About one for so many verdicts" in wrong.content.decode()
    assert admin.post(reverse("quality-tests"), {"group": "\x00"}).status_code == 400
    assert DrillPlan.objects.count() == 0
    assert admin.post(reverse("quality-tests"), form).status_code == 302
    assert DrillPlan.objects.get().kinds == ["amount", "target"]
    assert "about one for 30 verdicts" in as_(cast.reviewer).get(reverse("quality")).content.decode()


def test_figures_are_of_the_team_and_each_sees_their_own(as_, cast, settings, drill):
    decide(drill, cast.reviewer, "approve")

    def page(user) -> str:
        return as_(user).get(reverse("quality")).content.decode()

    assert "0 of 1 caught" in page(cast.second) and "rita" not in page(cast.second) and "You: 0 of 1 caught" in page(cast.reviewer)
    settings.QUALITY_BY_PERSON = True
    assert "rita" in page(cast.admin) and "0 of 1" in page(cast.admin) and "rita" not in page(cast.second)
    rows = list(csv.reader(io.StringIO(as_(cast.second).get(reverse("quality-csv")).content.decode())))
    assert ["test_actions_missed", "", "1", "count", "1", "30"] in rows


def test_the_command_line_does_the_same(cast, drill):
    def manage(*args: str) -> str:
        out = StringIO()
        call_command("drills", *args, stdout=out)
        return out.getvalue()

    assert "about one for 10 verdicts" in manage("list")
    decide(drill, cast.reviewer, "reject")
    assert "1 of 1 decided were caught" in manage("figures")
    placed = manage("place", "reviewers", "--kind", "amount", "--by", "ada").strip()
    assert Action.objects.get(pk=placed).drill
    assert "off" in manage("off", "reviewers", "--by", "ada") and Drill.objects.get(pk=placed).state == "WITHDRAWN"
    assert "every" not in manage("set", "reviewers", "--every", "20", "--by", "ada")
    for wrong in (
        ("place", "nobody", "--by", "ada"),
        ("place", "reviewers", "--by", "rita"),
        ("set", "reviewers", "--every", "1", "--by", "ada"),
    ):
        with pytest.raises(CommandError):
            manage(*wrong)
    assert factories
