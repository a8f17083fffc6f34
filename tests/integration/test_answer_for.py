"""An operator gives a call's result: the call is never made, the graph gets that result once, and who gave it is on record."""

import io
import json
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from agents import operations as agents
from agents.errors import BadInput, WrongState
from agents.graphs import checkpoints
from agents.graphs.loader import load_agent
from agents.models import Agent, Effect, Override, Run
from agents.operations import overriding
from approvals import operations as approvals
from approvals.errors import AlreadyDecided, BadRequest, Halted, NotAllowed, NotFound, Stale
from approvals.models import Action
from approvals.operations import api_keys
from audit import queries as log
from tests import factories
from tests.factories import asked, call, decide, lines, work

pytestmark = pytest.mark.usefixtures("agents", "shapes")
RESULT = {"written": "by hand", "n": 3}


@pytest.fixture
def as_page(settings, tmp_path):
    """Somebody's browser."""
    settings.STATIC_ROOT = tmp_path

    def sign_in(user):
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


def fresh(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def give(action: Action, by, result=RESULT, **more):
    said = {"seen_digest": Action.objects.get(pk=action.pk).digest, "reason": "the system is down", "door": "web", **more}
    return agents.answer_for(action.pk, result, by=by, **said)


def kinds(run: Run) -> list[str]:
    return [event.kind for event in log.timeline(run=str(run.pk))]


def test_the_graph_gets_it_and_the_call_is_never_made(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    done = give(action, cast.operator)
    action.refresh_from_db()
    assert (action.state, action.outcome["result"], action.outcome["answered_for"]) == ("SUPERSEDED", RESULT, True)
    assert (done.kind, done.state, done.node, fresh(run).state) == ("answer", "DONE", "append", "READY")
    with pytest.raises(AlreadyDecided):
        decide(action, cast.second)
    work()
    (told,) = fresh(run).output["told"]
    assert (fresh(run).state, told["status"], told["result"]) == ("SUCCEEDED", "done", RESULT)
    assert (lines(world), Effect.objects.filter(run=run).count()) == ([], 0)
    assert kinds(run).count("run.answered_for") == 1
    (said,) = [e for e in log.timeline(run=str(run.pk)) if e.kind == "action.superseded"]
    assert (said.data["people"], said.data["result"], said.actor) == (["olga"], RESULT, "olga")


def test_an_approval_that_nobody_claimed_is_answered_for_and_never_carried_out(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    give(action, cast.operator)
    assert agents.execute(action.pk) is None
    work()
    assert (fresh(run).state, lines(world), Effect.objects.filter(run=run).count()) == ("SUCCEEDED", [], 0)


def test_one_call_of_several_is_answered_for_and_the_others_are_still_asked(cast, world):
    run, action = factories.waiting(cast.reviewer, call(label="a"), call(label="b"), world=world)
    give(action, cast.operator)
    work()
    assert (fresh(run).state, len(asked(run))) == ("WAITING", 1)
    decide(asked(run)[0], cast.second)
    work()
    assert (fresh(run).state, len(lines(world))) == ("SUCCEEDED", 1)


def test_a_paused_run_stays_paused_with_its_answer(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    agents.pause_run(run.pk, reason="look", by=cast.operator, door="web")
    give(action, cast.operator)
    work()
    assert (fresh(run).state, lines(world)) == ("PAUSED", [])
    agents.go_on(run.pk, reason="so", by=cast.operator, door="web")
    work()
    assert fresh(run).output["told"][0]["result"] == RESULT


def test_what_comes_after_is_also_theirs(cast, world):
    run, action = factories.waiting(cast.reviewer, call(label="a"), call(label="b"), agent="row", world=world)
    give(action, cast.operator)
    assert overriding.editors_of(run) == {cast.operator.person}


def test_a_critical_call_takes_two_operators_who_give_the_same(cast, world):
    run, action = factories.waiting(cast.reviewer, call("pay", to="C-1", amount_cents=200_000), world=world)
    assert action.level == "critical"
    first = give(action, cast.operator)
    assert (first.state, fresh(run).state, "run.answer_asked" in kinds(run)) == ("ASKED", "WAITING", True)
    with pytest.raises(WrongState):
        give(action, cast.operator)
    other = give(action, cast.admin, {"paid": False})  # not the same: it waits as well
    assert (other.state, fresh(run).state) == ("ASKED", "WAITING")
    done = give(action, cast.admin)
    other.refresh_from_db()
    assert (done.pk, done.state, done.confirmed_by_name, other.state) == (first.pk, "DONE", "ada", "DROPPED")
    assert "run.override_dropped" in kinds(run)
    work()
    assert (fresh(run).state, lines(world), fresh(run).output["told"][0]["result"]) == ("SUCCEEDED", [], RESULT)


def test_only_what_was_seen_by_operators_with_a_reason_and_as_an_object(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    for by in (cast.reviewer, cast.auditor, cast.outsider):
        with pytest.raises(NotAllowed):
            give(action, by)
    for error, more in (
        (Stale, {"seen_digest": "0" * 64}),
        (BadRequest, {"reason": " "}),
        (BadInput, {"result": ["a"]}),
        (BadInput, {"result": {"n": float("nan")}}),
        (BadInput, {"result": {"text": "x" * 300_000}}),
    ):
        with pytest.raises(error):
            give(action, cast.operator, **more)
    with pytest.raises(NotFound):
        agents.answer_for("nothing", RESULT, seen_digest="", reason="r", by=cast.operator, door="web")
    assert (fresh(run).state, Override.objects.count(), len(asked(run))) == ("WAITING", 0, 1)


def test_it_is_too_late_once_the_call_has_begun(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decide(action, cast.second)
    work()
    with pytest.raises(AlreadyDecided):
        give(action, cast.operator)
    assert (len(lines(world)), Override.objects.filter(run=run).count()) == (1, 0)


def test_a_question_is_answered_not_given_a_result(cast, world):
    _, action = factories.waiting(cast.reviewer, agent="question", world=world)
    with pytest.raises(BadRequest):
        give(action, cast.operator)


# -- races, with real connections --------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(8))
def test_an_approval_at_the_same_moment_is_one_or_the_other(cast, world, turn):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    gate, failures = threading.Barrier(3), []

    def racing(what):
        def go():
            try:
                gate.wait()
                what()
            except Exception as error:
                if not hasattr(error, "code"):  # whoever lost is told so by name
                    failures.append(repr(error))
            finally:
                connection.close()

        return threading.Thread(target=go)

    def approve_and_execute():
        decide(action, cast.second)
        agents.execute(action.pk)

    threads = [racing(lambda: give(action, cast.operator)), racing(lambda: give(action, cast.admin)), racing(approve_and_execute)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    work()
    action.refresh_from_db()
    given = Override.objects.filter(run=run).count()
    (told,) = fresh(run).output["told"]
    if action.state == "SUPERSEDED":
        assert (lines(world), given, told["result"]) == ([], 1, RESULT)
    else:
        assert (len(lines(world)), given, told["result"] != RESULT) == (1, 0, True)


# -- doors -------------------------------------------------------------------------------------------------------
def test_the_command_gives_it_when_it_is_told_what_was_seen(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    said = ["runs", "answer", str(action.pk), "--result", json.dumps(RESULT), "--reason", "down", "--by", "olga"]
    out = io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command(*said, stdout=out)
    assert action.digest in str(refused.value) + out.getvalue() and fresh(run).state == "WAITING"
    call_command(*said, "--digest", action.digest, stdout=out)
    work()
    assert (fresh(run).state, fresh(run).output["told"][0]["result"]) == ("SUCCEEDED", RESULT)


# -- agents that make their calls themselves -----------------------------------------------------------------------
def test_a_governed_agent_gets_it_as_the_message_of_its_tool(others, world):
    factories.register(factories.LOOPS)
    run = factories.planned(others.reviewer, world, [["send", {"to": "ada"}]], agent="governed")
    work()
    (action,) = asked(run)
    give(action, others.operator)
    work()
    graph = load_agent(*Agent.objects.get(pk="governed").code).compile(checkpoints.saver())
    state = graph.get_state({"configurable": {"thread_id": run.thread}}).values
    (said,) = [m for m in state["messages"] if m.type == "tool"]
    assert (fresh(run).state, lines(world), json.loads(said.text), said.status) == ("SUCCEEDED", [], RESULT, "success")


@pytest.mark.parametrize(("agent", "tool", "args"), [("choosy", "wipe", {"path": "/tmp/x"}), ("choosy", "send", {"to": "ada"})])
def test_a_call_whose_agent_takes_no_words_is_neither_offered_nor_explained(as_page, others, world, agent, tool, args):
    """It was offered, explained as a difference, and refused only by the order itself."""
    run = factories.planned(others.reviewer, world, [[tool, args]], agent=agent)
    work()
    (action,) = asked(run)
    olga, url = as_page(others.operator), f"/actions/{action.pk}/answer-for"
    assert "/answer-for" not in olga.get(f"/runs/{run.pk}/").content.decode()
    wanted = {"result": json.dumps(RESULT), "seen_digest": action.digest}
    for page in (olga.get(url), olga.post(url, wanted), olga.post(url, {**wanted, "confirmed": "yes", "reason": "down"})):
        assert (page.status_code, "takes no result from people" in page.content.decode()) == (400, True)
    with pytest.raises(BadRequest):
        give(action, others.operator)
    assert (fresh(run).state, Override.objects.count()) == ("WAITING", 0)


def test_of_a_run_s_calls_only_those_that_take_words_are_offered(as_page, others, world):
    run = factories.planned(others.reviewer, world, [["send", {"to": "ada"}]], agent="batched")
    work()
    (action,) = asked(run)
    olga, url = as_page(others.operator), f"/actions/{action.pk}/answer-for"
    assert url in olga.get(f"/runs/{run.pk}/").content.decode() and olga.get(url).status_code == 200


def test_the_policy_s_two_hear_it_from_the_page_first_the_difference_then_the_order(as_page, cast, world):
    earlier, first = factories.waiting(cast.reviewer, call(label="before"), world=world)
    decide(first, cast.second)
    work()
    assert fresh(earlier).state == "SUCCEEDED"
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    olga, url = as_page(cast.operator), f"/actions/{action.pk}/answer-for"
    assert url in olga.get(f"/runs/{run.pk}/").content.decode()
    assert url not in as_page(cast.auditor).get(f"/runs/{run.pk}/").content.decode()
    form = olga.get(url).content.decode()
    assert action.digest in form and "What the tool gave back the last time" in form
    wrong = olga.post(url, {"result": "[1]", "seen_digest": action.digest})
    assert (wrong.status_code, "JSON object" in wrong.content.decode()) == (422, True)
    wanted = {"result": json.dumps(RESULT), "seen_digest": action.digest}
    means = olga.post(url, wanted).content.decode()
    assert "written" in means and "change-after" in means and fresh(run).state == "WAITING"
    assert olga.post(url, {**wanted, "confirmed": "yes", "reason": ""}).status_code == 400
    done = olga.post(url, {**wanted, "confirmed": "yes", "reason": "the system is down"})
    assert (done.status_code, fresh(run).state) == (302, "READY")
    page = olga.get(f"/actions/{action.pk}/").content.decode()
    assert "Answered by an operator" in page and "the agent got a result from olga" in page
    assert "Gave the result of append" in olga.get(f"/runs/{run.pk}/checkpoints/").content.decode()
    assert "too late" in olga.get(url).content.decode()


def test_over_the_api(as_page, cast, world):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    body = {"action": str(action.pk), "digest": action.digest, "result": RESULT, "reason": "down"}

    def post(by, **more):
        token = api_keys.make(of=by, name="k", scopes=["operate"], days=1, by=by, door="web")[1]
        return Client().post(
            f"/api/v1/runs/{run.pk}/answer-for",
            json.dumps({**body, **more}),
            "application/json",
            headers={"authorization": f"Bearer {token}"},
        )

    assert post(cast.reviewer).status_code == 403
    assert [post(cast.operator, **bad).status_code for bad in ({"digest": "0"}, {"action": str(run.pk)}, {"reason": ""})] == [409, 404, 400]
    told = post(cast.operator)
    assert (told.status_code, told.json()["kind"], told.json()["state"]) == (200, "answer", "DONE")
    assert (post(cast.operator).status_code, fresh(run).state) == (409, "READY")


def test_while_it_is_halted_no_result_is_given(cast, world):
    """It was taken, and the page said that the run goes on."""
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    order = approvals.halt(scope="agent", target=run.agent_id, reason="odd", by=cast.operator, door="web")
    with pytest.raises(Halted, match="until it is released"):
        give(action, cast.operator)
    assert (fresh(run).state, Action.objects.get(pk=action.pk).state) == ("WAITING", "PENDING")
    factories.release(order, cast)
    assert give(action, cast.operator).state == "DONE"
