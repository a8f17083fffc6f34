"""How unsure an agent says it is, how its run fares, and what people say of its outcome."""

import pytest
from django.urls import reverse

from agents import operations as agents
from agents.errors import UnknownRun, WrongState
from agents.models import Rating, Run
from agents.satisfaction import ratings, satisfaction
from approvals.errors import BadRequest, NotAllowed
from approvals.models import Action
from approvals.queries import action_detail
from audit import queries as log
from tests import factories
from tests.factories import asked, call, decide, waiting, work


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize(("said", "frozen"), [(None, None), (0.4, 0.4), (0, 0.0), (1, 1.0), ("very", 0.0), (7, 0.0), (True, 0.0)])
def test_what_the_gate_says_of_certainty_is_frozen_and_nonsense_counts_as_none(cast, world, said, frozen):
    _, action = waiting(cast.reviewer, call("append", {"confidence": said}, label="x"), world=world)
    detail = action_detail(action.pk, reader=cast.second)
    assert detail.facts.confidence == frozen and not detail.tampered
    assert bool([f for f in detail.factors if f.name == "confidence"]) is (frozen is not None and frozen < 0.8)


@pytest.mark.usefixtures("shapes")
def test_what_failed_in_this_run_and_only_in_this_run_counts(cast, world, policy):
    policy.write_text(policy.read_text().replace("steps: [[5, 30], [2, 12]]", "steps: [[1, 40]]"))
    run = factories.run(cast.reviewer, call("refuse"), call(label="then"), agent="row", world=world)
    work()
    first = asked(run)[0]
    decide(first, cast.second)
    work()
    then = asked(run)[0]
    facts = action_detail(then.pk, reader=cast.second).facts
    assert (facts.run_calls, facts.run_failures) == (1, 1) and then.level == "high"
    other = factories.run(cast.reviewer, call(label="then"), agent="row", world=world)
    work()
    facts = action_detail(asked(other)[0].pk, reader=cast.second).facts
    assert (facts.run_calls, facts.run_failures, asked(other)[0].level) == (0, 0, "medium")


# -- was it useful -----------------------------------------------------------------------------------


@pytest.fixture
def ended(cast, world, agents) -> Run:
    run = factories.run(cast.reviewer, call("look"), world=world)
    work()
    run.refresh_from_db()
    assert run.state == "SUCCEEDED"
    return run


def test_the_last_word_of_each_counts_and_is_in_the_log(cast, ended):
    agents.rate_run(ended.pk, useful=True, by=cast.reviewer, door="web")
    agents.rate_run(ended.pk, useful=False, words="wrong \u202e order", by=cast.reviewer, door="web")
    agents.rate_run(ended.pk, useful=True, by=cast.operator, door="cli")
    assert [(r.by, r.useful) for r in ratings(ended.pk)] == [("olga", True), ("rita", False)]
    found = satisfaction("calls")
    assert (found.useful, found.people, found.reported) == (1, 2, 0)
    assert [e.data["useful"] for e in log.timeline(run=str(ended.pk)) if e.kind == "run.rated"] == [True, False, True]


def test_what_has_not_ended_is_not_rated_nor_by_nobody_nor_for_somebody_else(cast, ended, world):
    running, _ = waiting(cast.reviewer, call(), world=world)
    with pytest.raises(WrongState):
        agents.rate_run(running.pk, useful=True, by=cast.reviewer, door="web")
    with pytest.raises(UnknownRun):
        agents.rate_run("00000000-0000-0000-0000-000000000000", useful=True, by=cast.reviewer, door="web")
    with pytest.raises(NotAllowed):
        agents.rate_run(ended.pk, useful=True, by=cast.outsider, door="web")
    for by, name in ((cast.reviewer, "somebody"), (ended.agent.user, "")):
        with pytest.raises(BadRequest):
            agents.rate_run(ended.pk, useful=True, said_by=name, by=by, door="api")
    with pytest.raises(BadRequest):
        agents.rate_run(ended.pk, useful=True, words="x" * 2_001, by=cast.reviewer, door="web")
    assert not Rating.objects.exists()


def test_the_page_of_an_ended_run_asks_and_shows_it(client, cast, ended, world):
    client.force_login(cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    url, rate = reverse("run", args=[ended.pk]), reverse("run-rate", args=[ended.pk])
    assert "Was the outcome useful?" in client.get(url).content.decode()
    assert client.post(rate, {"useful": "perhaps"}).status_code == 400
    assert client.post(rate, {"useful": "no", "words": "<b>wrong</b>"}).status_code == 302
    said = client.get(url).content.decode()
    assert "&lt;b&gt;wrong&lt;/b&gt;" in said and "<bdi>rita</bdi>: not useful" in said
    assert "0 of 1" in client.get(reverse("agent", args=["calls"])).content.decode()
    running, _ = waiting(cast.reviewer, call(), world=world)
    page = client.get(reverse("run", args=[running.pk])).content.decode()
    assert "Was the outcome useful?" not in page and reverse("run-rate", args=[running.pk]) in page
    assert "hx-get" in client.get(reverse("run-rate", args=[running.pk])).content.decode()


def test_an_action_of_no_run_has_no_signs_of_one(cast):
    action = factories.action("medium", confidence=0.1)
    facts = action_detail(Action.objects.get(pk=action.pk).pk, reader=cast.reviewer).facts
    assert (facts.confidence, facts.run_calls, facts.run_failures) == (0.1, 0, 0)
