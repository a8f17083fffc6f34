"""Take over, the choices of a rejection, asking and undoing, through the page's own forms."""

import uuid

import pytest
from django.urls import reverse

from agents.models import Run
from agents.operations import waking
from approvals.models import Action, Decision
from tests import factories
from tests.factories import call, decide
from tests.fakes import policy_text

HTMX = {"HTTP_HX_REQUEST": "true"}
pytestmark = pytest.mark.usefixtures("agents")


@pytest.fixture
def waiting(cast, world):
    return factories.waiting(cast.second, call(), world=world)[1]


def post(client, action, verdict, **more):
    said = {"verdict": verdict, "seen_digest": action.digest, "key": uuid.uuid4().hex, **more}
    return client.post(reverse("action-decide", args=[action.pk]), said, **HTMX)


def test_taking_over_shows_who_did_it_and_that_the_tool_did_not_run(web, waiting):
    assert b"What came of it" in web.get(reverse("action-take-over", args=[waiting.pk]), **HTMX).content
    wrong = post(web, waiting, "take_over", response="by hand", done="yes", result="{not json")
    assert wrong.status_code == 422 and b"The result is no JSON" in wrong.content and b"by hand" in wrong.content
    answer = post(web, waiting, "take_over", response="by hand", done="yes", result='{"appended": "x"}')
    assert b"Taken over" in answer.content and b"the tool did not run" in answer.content


def test_a_rejection_stops_the_run(web, waiting):
    assert b"Stop the run" in web.get(reverse("action-reject", args=[waiting.pk]), **HTMX).content
    answer = post(web, waiting, "reject", reason="no", stop_run="on", do_not_retry="on")
    assert b"The run was stopped" in answer.content and Run.objects.get().state == "CANCELLED"
    assert Decision.objects.get().details == {"do_not_retry": True, "stop_run": True}


def test_a_question_leaves_it_undecided(web, waiting, woken, django_capture_on_commit_callbacks):
    url = reverse("action-ask", args=[waiting.pk])
    assert web.post(url, {"question": " "}, **HTMX).status_code == 400
    with django_capture_on_commit_callbacks(execute=True):
        assert web.post(url, {"question": "Why?"}).status_code == 302
    assert waking.ASK in [w.task for w in woken]
    assert b"The agent is answering" in web.get(reverse("action-asks", args=[waiting.pk]), **HTMX).content
    assert Action.objects.get(pk=waiting.pk).state == "PENDING"


def test_a_held_approval_is_undone_by_a_plain_form(web, cast, waiting, policy):
    url = reverse("action-undo", args=[waiting.pk])
    assert web.post(url, **HTMX).status_code == 409
    policy.write_text(policy_text(lambda data: data["requirements"]["medium"].update(hold_s=60)))
    action = factories.action()
    decide(action, cast.second)
    url, page = reverse("action-undo", args=[action.pk]), reverse("action", args=[action.pk])
    assert b'data-key="u"' in web.get(page).content and b"Runs in" in web.get(url, **HTMX).content
    assert web.post(url).url == page
    fresh = Action.objects.get(pk=action.pk)
    assert (fresh.state, fresh.version) == ("PENDING", 2)
    assert "reopened" in web.get(url, **HTMX)["HX-Trigger"]


def test_a_vote_that_waits_for_others_is_taken_back_on_the_page(web, cast, policy):
    policy.write_text(policy_text(lambda data: data["requirements"]["medium"].update(need=[{"group": "reviewers", "count": 2}])))
    action = factories.action()
    assert b"Take it back" not in web.get(reverse("action", args=[action.pk])).content
    assert post(web, action, "approve").status_code == 200
    assert b"Take it back" in web.get(reverse("action", args=[action.pk])).content
    answer = web.post(reverse("action-undo", args=[action.pk]), **HTMX)
    assert answer.status_code == 200 and b"Take it back" not in answer.content
    assert Action.objects.get(pk=action.pk).version == 2
