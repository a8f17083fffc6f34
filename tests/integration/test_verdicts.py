"""What goes with a verdict beside its words: do not retry, stop the run, take over; and the same thing proposed again."""

import pytest

from agents.models import Effect, Pause, Run
from agents.operations import starting
from approvals.errors import BadRequest
from approvals.models import Action, Decision, Halt
from approvals.operations import Also
from audit import queries as log
from tests import factories
from tests.factories import asked, call, decide, lines, work
from tests.fakes import policy_text

pytestmark = pytest.mark.usefixtures("agents")
TAKEN = Also(done=True)


def told(run) -> list:
    run.refresh_from_db()
    return run.output["told"]


# -- take over -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("also", "status", "result"),
    [
        (TAKEN, "done", {"taken_over_by": "sam", "outcome": "did it by hand"}),
        (Also(done=True, result={"appended": "by hand"}), "done", {"appended": "by hand"}),
        (Also(done=False), "failed", None),
    ],
)
def test_what_a_person_did_outside_is_the_tools_result_and_nothing_runs(cast, world, also, status, result):
    run, action = factories.waiting(cast.reviewer, call(), world=world)
    decided = decide(action, cast.second, "take_over", response="did it by hand", also=also)
    work()
    assert (told(run)[0]["status"], told(run)[0]["result"]) == (status, result)
    assert (lines(world), Effect.objects.count(), decided.action.state) == ([], 0, "ANSWERED")
    outcome = Action.objects.get(pk=action.pk).outcome
    assert outcome["taken_over"] and outcome["by"] == "sam" and outcome["args"]["label"] == "a line"
    event = next(e for e in log.timeline(action=str(action.pk)) if e.kind == "decision.recorded")
    assert event.data["verdict"] == "take_over" and event.data["details"]["done"] == also.done


@pytest.mark.parametrize(
    ("verdict", "also", "words"),
    [
        ("take_over", Also(), "how it went"),
        ("take_over", TAKEN, "  "),
        ("take_over", Also(done=False, result={"a": 1}), "how it went"),
        ("take_over", Also(done=True, result={"a": float("nan")}), "how it went"),
        ("take_over", Also(done=True, result=["not an object"]), "how it went"),  # type: ignore[arg-type]
        ("take_over", Also(done=True, stop_run=True), "how it went"),
        ("approve", Also(do_not_retry=True), ""),
        ("approve", Also(stop_run=True), ""),
        ("reject", TAKEN, ""),
        ("respond", TAKEN, "words"),
    ],
)
def test_what_does_not_go_with_a_verdict_is_refused(cast, world, verdict, also, words):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    with pytest.raises(BadRequest):
        decide(action, cast.second, verdict, response=words, also=also)
    assert not Decision.objects.exists()


def test_a_question_is_not_taken_over_and_an_outside_agent_has_no_run_to_stop(cast):
    with pytest.raises(BadRequest, match="question"):
        decide(factories.action(kind="question", tool="ask_human", args={"q": "?"}), cast.second, "take_over", response="x", also=TAKEN)
    for also in (Also(stop_run=True), Also(do_not_retry=True)):
        with pytest.raises(BadRequest, match="no run"):
            decide(factories.action(), cast.second, "reject", also=also)
    assert decide(factories.action(), cast.second, "take_over", response="did it", also=TAKEN).resolved


# -- stop the run ------------------------------------------------------------------------------------------
def test_a_rejection_that_stops_the_run_ends_it_and_what_else_it_asks(cast, world):
    run, action = factories.waiting(cast.reviewer, call(), call(label="another"), world=world)
    decide(action, cast.second, "reject", reason="enough", also=Also(stop_run=True))
    run.refresh_from_db()
    assert (run.state, run.error) == ("CANCELLED", "Stopped by sam: enough")
    starting.close_cancelled()  # in these tests nothing is committed; elsewhere it follows the commit
    assert sorted(Action.objects.values_list("state", flat=True)) == ["CANCELLED", "REJECTED"]
    assert not Pause.objects.filter(state="OPEN").exists()
    work()
    assert lines(world) == []
    cancelled = next(e for e in log.timeline(run=str(run.pk)) if e.kind == "run.cancelled")
    assert (cancelled.actor, cancelled.door) == ("sam", "web")


# -- the same again ----------------------------------------------------------------------------------------
def again(cast, world, *calls) -> Run:
    """A run that proposes one call after the other, of which the first waits."""
    run = factories.run(cast.reviewer, *calls, agent="row", world=world)
    work()
    return run


@pytest.mark.usefixtures("shapes")
def test_the_same_call_after_a_rejection_is_answered_from_it(cast, world):
    run = again(cast, world, call(), call(), call(label="another"))
    first = asked(run)[0]
    decide(first, cast.second, "reject", reason="wrong target")
    work()
    second = Action.objects.get(run=str(run.pk), follows=first.pk)
    decision = Decision.objects.get(action=second)
    assert (second.state, decision.by, decision.details["because_of"]["action"]) == ("REJECTED", None, str(first.pk))
    event = next(e for e in log.timeline(action=str(second.pk)) if e.kind == "decision.recorded")
    assert (event.actor, event.data["details"]["because_of"]["by"]) == ("Countersign", "sam")
    decide(asked(run)[0], cast.second)  # other arguments are asked
    work()
    assert [t["status"] for t in told(run)] == ["rejected", "rejected", "done"]
    assert "sam rejected the same call in this run before: wrong target" in told(run)[1]["reason"]


@pytest.mark.usefixtures("shapes")
def test_do_not_retry_speaks_of_every_call_of_the_tool_in_this_run_only(cast, world):
    run = again(cast, world, call(), call(label="another"), call("pay", amount_cents=1))
    decide(asked(run)[0], cast.second, "reject", reason="no", also=Also(do_not_retry=True))
    work()
    assert [a.tool for a in asked(run)] == ["pay"]
    assert Action.objects.get(run=str(run.pk), version=1, summary="Append another").state == "REJECTED"
    other = again(cast, world, call(label="another"))
    assert len(asked(other)) == 1


@pytest.mark.usefixtures("shapes")
def test_what_was_approved_before_is_asked_again(cast, world):
    run = again(cast, world, call(), call())
    decide(asked(run)[0], cast.second)
    work()
    assert len(asked(run)) == 1


def test_a_rejection_stands_whatever_policy_becomes(cast, world, policy, shapes):
    run = again(cast, world, call(), call())
    action = asked(run)[0]
    policy.write_text(policy_text(lambda data: data["tool_class"].update(write=0) or data.update(irreversible=0, novelty=[])))
    decide(action, cast.second, "reject", reason="no")
    work()
    assert ([t["status"] for t in told(run)], lines(world)) == (["rejected", "rejected"], [])


@pytest.mark.usefixtures("shapes")
def test_a_loop_halts_the_run_and_says_so(cast, world):
    run = again(cast, world, *[call()] * 7)
    decide(asked(run)[0], cast.second, "reject", reason="no")
    work()
    order = Halt.objects.get()
    assert (order.scope, order.target, order.by_name) == ("run", str(run.pk), "Countersign")
    assert order.reason == "A loop: append was proposed 6 times with the same arguments in this run; the policy allows 5"
    assert Run.objects.get(pk=run.pk).state == "WAITING" and len(asked(run)) == 1
    factories.release(order, cast)
    decide(asked(run)[0], cast.second)  # people have the word again
    work()
    assert len(lines(world)) == 1
    assert Halt.objects.filter(released_at=None).count() == 1  # and the seventh is a loop again


@pytest.mark.usefixtures("shapes")
def test_reading_the_same_again_is_no_loop_and_a_run_is_not_another_run(cast, world):
    run = again(cast, world, *[call("look")] * 9)
    assert len(told(run)) == 9
    for _ in range(3):
        decide(asked(again(cast, world, call(), call()))[0], cast.second, "reject", reason="no")
        work()
    assert not Halt.objects.exists()
