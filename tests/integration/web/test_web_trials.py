"""Dry runs on their pages and over the API: ordered, waited for, shown in words; who may, and what cannot be."""

import json
import re
import uuid
from dataclasses import replace

import pytest
from django.urls import reverse

from agents import history, queries
from agents.models import Run, Trial
from agents.operations import trial_child
from agents.operations.carrying import carry_out_trial
from agents.tools import alone
from approvals.operations import api_keys
from tests import factories
from tests.factories import call, decide, lines, work
from tests.integration.api.conftest import Program

pytestmark = pytest.mark.usefixtures("agents")


@pytest.fixture
def run(cast, world):
    started, action = factories.waiting(cast.reviewer, call(label="first"), world=world)
    decide(action, cast.second)
    work()
    return started


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    """In this process: `test_trials` has the one of its own."""
    monkeypatch.setattr(alone, "run", lambda _command, job, **_: trial_child.tried(Trial.objects.get(pk=job["trial"])))


@pytest.fixture
def program():
    def make(user, *scopes):
        return Program(api_keys.make(of=user, name="k", scopes=scopes or ("read", "operate"), days=1, by=user, door="web")[1])

    return make


def sign_in(client, user):
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_auditor_replays_a_run_from_its_page(client, cast, run):
    sign_in(client, cast.auditor)
    url = reverse("run-trials", args=[run.pk])
    assert url in shown(client, reverse("run", args=[run.pk]))
    assert "Replay it as recorded" in shown(client, url) and reverse("run-fork", args=[run.pk]) not in shown(client, url)
    answer = client.post(url, {"kind": "replay"})
    page = shown(client, answer["Location"])
    assert "waits for a worker" in page and "part=live" in page
    assert client.post(url, {"kind": "replay"}).status_code == 409
    carry_out_trial(Trial.objects.get().pk)
    live = shown(client, f"{answer['Location']}?part=live")
    assert "Equal, step by step" in live and "part=live" not in live
    assert "Equal, step by step" in shown(client, url)
    assert "The replay came out equal" in shown(client, f"{reverse('events')}?run={run.pk}")


def test_a_dry_fork_from_the_form_shows_what_it_asked_and_how_its_state_differs(client, cast, run, world):
    sign_in(client, cast.operator)
    before, form = lines(world), shown(client, reverse("run-fork", args=[run.pk]))
    action = queries.asked_of(run.pk)[0]
    assert f'name="answer:{action}"' in form and "Try it, dry" in form
    at = re.search(r'name="checkpoint" value="([^"]+)"', form).group(1)
    state = {**run.input, "calls": [call(label="<b>other</b>\u202e")], "world": str(world)}
    sent = {"kind": "fork", "checkpoint": at, "state.input": json.dumps(state), "assume": "approve", "models": "recorded"}
    answer = client.post(reverse("run-trials", args=[run.pk]), sent)
    assert answer.status_code == 302
    carry_out_trial(Trial.objects.get().pk)
    page = shown(client, answer["Location"])
    assert "the run did not ask this" in page and "answered as assumed" in page and "It came to its end" in page
    assert "What the run asked for after that checkpoint, and this did not" in page
    assert "result" in page.split("trial-state")[-1].split("The rest of it")[0]  # what only the dry run holds is a difference
    assert "<b>other" not in page and "\u202e" not in page and "In the dry run" in page
    assert (Run.objects.count(), lines(world)) == (1, before)


def test_another_result_is_given_and_a_replay_names_the_step(client, cast, run):
    sign_in(client, cast.operator)
    action = queries.asked_of(run.pk)[0]
    url = client.post(reverse("run-trials", args=[run.pk]), {"kind": "replay", f"answer:{action}": '{"written": 7}'})["Location"]
    carry_out_trial(Trial.objects.get().pk)
    page = shown(client, url)
    assert "Otherwise at step" in page and "The first difference" in page


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"checkpoint": "x"}, 404), ({"policy": "999999"}, 404), ({"models": "anew", "model": ""}, 422), ({"models": "other"}, 422),
        ({"assume": "x"}, 422), ({f"answer:{uuid.uuid4()}": "1"}, 422), ({"answer:x": "{"}, 422),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(client, cast, run, said, status):
    answer = sign_in(client, cast.operator).post(reverse("run-trials", args=[run.pk]), {"kind": "fork", **said})
    assert (answer.status_code, Trial.objects.count()) == (status, 0)


def test_whoever_may_not_is_refused(client, cast, run):
    url = reverse("run-trials", args=[run.pk])
    sign_in(client, cast.reviewer)
    assert "Replay it as recorded" not in shown(client, url)
    assert client.post(url, {"kind": "replay"}).status_code == 403
    assert sign_in(client, cast.auditor).post(url, {"kind": "fork"}).status_code == 403
    assert client.get(reverse("run-trial", args=[run.pk, uuid.uuid4()])).status_code == 404


def test_where_a_model_would_be_asked_something_new_is_an_end_and_no_error(client, cast, run, monkeypatch):
    """`end` is "failed" there: the replay ends by raising."""

    def tried(_command, job, **_):
        ran = trial_child.tried(Trial.objects.get(pk=job["trial"]))
        return replace(ran, result=ran.result | {"end": "failed", "error": "Traceback\nNotRecorded: x", "unknown": "<i>what now?</i>"})

    monkeypatch.setattr(alone, "run", tried)
    sign_in(client, cast.operator)
    url = client.post(reverse("run-trials", args=[run.pk]), {"kind": "fork"})["Location"]
    carry_out_trial(Trial.objects.get().pk)
    page = shown(client, url)
    assert "where the model is asked something new" in page and "what now?" in page and "<i>what" not in page
    assert "Traceback" not in page and "ended with an error" not in page


def test_an_error_is_its_last_line_and_the_rest_is_folded(client, cast, run, monkeypatch):
    def tried(_command, job, **_):
        ran = trial_child.tried(Trial.objects.get(pk=job["trial"]))
        error = "Traceback (most recent call last):\n  File x\nBadRequestError: no such <model>\nDuring task with name 'plan' and id 'x'\n"
        return replace(ran, result=ran.result | {"end": "failed", "error": error})

    monkeypatch.setattr(alone, "run", tried)
    sign_in(client, cast.operator)
    url = client.post(reverse("run-trials", args=[run.pk]), {"kind": "fork"})["Location"]
    carry_out_trial(Trial.objects.get().pk)
    page = shown(client, url)
    cause = page.split('<p class="mono">')[1].split("</p>")[0]
    assert "BadRequestError: no such" in cause and "<model>" not in cause and "All of the error" in page


# -- over the API --------------------------------------------------------------------------------------------------------
def test_over_the_api_it_is_ordered_and_looked_at(cast, run, program, world):
    olga, at = program(cast.operator), history.checkpoints(run.thread).rows[-2].id
    body = {"kind": "fork", "checkpoint": at, "values": {"input": {**run.input, "calls": [call(label="other")]}}, "assume": "reject"}
    status, trial = olga.post(f"/runs/{run.pk}/trials", body)
    assert (status, trial["state"], trial["result"]) == (202, "waiting", None)
    status, refusal = olga.post(f"/runs/{run.pk}/trials", {"kind": "replay"})
    assert (status, refusal["code"]) == (409, "wrong_state")
    carry_out_trial(Trial.objects.get().pk)
    found = olga.get(f"/runs/{run.pk}/trials/{trial['id']}")[1]
    assert (found["state"], found["result"]["end"], found["result"]["asks"][0]["answer"]) == ("done", "finished", "assumed")
    (row,) = olga.get(f"/runs/{run.pk}/trials")[1]["items"]
    assert (row["id"], row["result"]["end"], "state" in row["result"]) == (trial["id"], "finished", False)
    assert len(lines(world)) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422), ({"kind": "other"}, 422), ({"kind": "fork", "x": 1}, 422), ({"kind": "fork", "checkpoint": "x"}, 404),
        ({"kind": "fork", "values": {"nothing": 1}}, 422), ({"kind": "fork", "models": "anew"}, 422),
    ],
)  # fmt: skip
def test_over_the_api_refusals_are_problems(cast, run, program, body, status):
    answer = program(cast.operator).post(f"/runs/{run.pk}/trials", body)
    assert (answer[0], answer[1]["status"], Trial.objects.count()) == (status, status, 0), answer
    assert program(cast.reviewer).post(f"/runs/{run.pk}/trials", {"kind": "replay"})[0] == 403
    assert program(cast.operator, "read").post(f"/runs/{run.pk}/trials", {"kind": "replay"})[0] == 403
