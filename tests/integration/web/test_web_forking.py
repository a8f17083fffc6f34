"""The page of a fork, and the same over the API: what it means is shown first, a reason is needed, two presses are one fork."""

import json
import re

import pytest
from django.urls import reverse

from agents import history
from agents.models import Override, Run
from approvals.operations import api_keys
from audit import queries as log
from tests import factories
from tests.factories import asked, call, decide, work
from tests.integration.api.conftest import Program

pytestmark = pytest.mark.usefixtures("agents")


@pytest.fixture
def parent(cast, world):
    run, action = factories.waiting(cast.reviewer, call(label="first"), world=world)
    decide(action, cast.second)
    work()
    return run


def sign_in(client, user):
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_it_is_looked_at_first_and_begun_with_a_reason_once(client, cast, parent):
    sign_in(client, cast.operator)
    url = reverse("run-fork", args=[parent.pk])
    assert url in client.get(reverse("run", args=[parent.pk])).content.decode()
    form = client.get(url).content.decode()
    state = json.loads(re.search(r'name="state.input"[^>]*>(.*?)</textarea>', form, re.S).group(1).replace("&quot;", '"'))
    at = re.search(r'name="checkpoint" value="([^"]+)"', form).group(1)
    state["calls"] = [call(label="other")]
    means = client.post(url, {"checkpoint": at, "state.input": json.dumps(state)}).content.decode()
    assert "This run has made 1 call" in means and "other" in means and Run.objects.count() == 1
    key = re.search(r'name="key" value="([^"]+)"', means).group(1)
    sent = {"checkpoint": at, "values": json.dumps({"input": state}), "key": key, "confirmed": "yes"}
    assert client.post(url, sent | {"reason": " "}).status_code == 400 and Run.objects.count() == 1
    answers = [client.post(url, sent | {"reason": "what if"}) for _ in range(2)]
    fork = Run.objects.get(parent=parent)
    assert [one["Location"] for one in answers] == [reverse("run", args=[fork.pk])] * 2
    work()
    page = client.get(reverse("run", args=[fork.pk])).content.decode()
    assert "forked at" in page and str(parent.pk)[:8] in page
    assert str(fork.pk)[:8] in client.get(reverse("run", args=[parent.pk])).content.decode()
    assert [one.summary for one in asked(fork)] == ["Append other"] and Override.objects.get(run=fork).reason == "what if"
    assert "Forked from" in client.get(reverse("run-checkpoints", args=[fork.pk])).content.decode()
    (told,) = [e for e in log.timeline(run=str(fork.pk)) if e.kind == "run.created"]
    assert told.door == "web"


def test_the_reviewer_is_told_on_the_page_that_the_parent_did_it(client, cast, parent):
    sign_in(client, cast.operator).post(reverse("run-fork", args=[parent.pk]), {"confirmed": "yes", "reason": "r"})
    work()
    (action,) = asked(Run.objects.get(parent=parent))
    page = sign_in(client, cast.second).get(reverse("action", args=[action.pk])).content.decode()
    assert "Done by the run this one was forked from" in page and "already made this call at" in page


def test_whoever_may_not_sees_no_button_and_is_refused(client, cast, parent):
    url = reverse("run-fork", args=[parent.pk])
    for who in (cast.reviewer, cast.auditor):
        sign_in(client, who)
        assert url not in client.get(reverse("run", args=[parent.pk])).content.decode()
        assert client.get(url).status_code == 403
        assert client.post(url, {"confirmed": "yes", "reason": "r"}).status_code == 403
    assert Run.objects.count() == 1


@pytest.mark.parametrize("said", [{"state.input": "{"}, {"values": "[1]"}, {"state.nothing": "1"}, {"checkpoint": "nowhere"}])
def test_what_does_not_fit_is_said(client, cast, parent, said):
    sign_in(client, cast.operator)
    answer = client.post(reverse("run-fork", args=[parent.pk]), {"confirmed": "yes", "reason": "r", **said})
    assert answer.status_code in {400, 404, 422} and Run.objects.count() == 1


# -- over the API --------------------------------------------------------------------------------------------------------
@pytest.fixture
def program():
    def make(user, *scopes):
        return Program(api_keys.make(of=user, name="k", scopes=scopes or ("read", "operate"), days=1, by=user, door="web")[1])

    return make


def test_over_the_api_it_is_a_run_with_its_parent_and_once_per_key(cast, parent, program):
    olga = program(cast.operator)
    at = history.checkpoints(parent.thread).rows[-2].id
    values = {"input": {**parent.input, "calls": [call(label="other")]}}
    status, run = olga.post(f"/runs/{parent.pk}/fork", {"checkpoint": at, "values": values, "reason": "r"}, key="k")
    assert (status, run["parent"], run["parent_checkpoint"], run["state"]) == (201, str(parent.pk), at, "CREATED")
    assert olga.post(f"/runs/{parent.pk}/fork", {"checkpoint": at, "values": values, "reason": "r"}, key="k")[1]["id"] == run["id"]
    status, refusal = olga.post(f"/runs/{parent.pk}/fork", {"reason": "r"}, key="k")
    assert (status, refusal["code"]) == (409, "conflict")
    assert olga.get(f"/runs/{parent.pk}")[1]["parent"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reason": " "}, 400),
        ({"reason": "r", "checkpoint": "x"}, 404),
        ({"reason": "r", "values": {"nothing": 1}}, 422),
        ({"reason": "r", "x": 1}, 422),
    ],
)
def test_over_the_api_refusals_are_problems(cast, parent, program, body, status):
    answer = program(cast.operator).post(f"/runs/{parent.pk}/fork", body)
    assert (answer[0], answer[1]["status"], Run.objects.count()) == (status, status, 1), answer
    assert program(cast.reviewer).post(f"/runs/{parent.pk}/fork", {"reason": "r"})[0] == 403
    assert program(cast.operator, "read").post(f"/runs/{parent.pk}/fork", {"reason": "r"})[0] == 403
