"""A plain answer its node cannot use: the run fails, says why, and a person can be asked once more."""

import pytest
from django.core.management import call_command

from agents import operations as agents
from agents.errors import WrongState
from agents.models import Pause, Run
from approvals.errors import NotAllowed
from approvals.models import Action, Requirement
from tests import factories
from tests.factories import asked, decide, lines, work

pytestmark = pytest.mark.usefixtures("shapes")


def failed(cast, world, agent) -> tuple[Run, Action]:
    run, action = factories.waiting(cast.reviewer, agent=agent, world=world)
    if action.kind == "tool":
        decide(action, cast.second)
        work()
        action = asked(run)[0]
    decide(action, cast.second, "respond", response="a few")
    work()
    run.refresh_from_db()
    assert run.state == "FAILED" and "invalid literal" in run.error
    return run, action


def test_another_answer_is_asked_for_and_taken(cast, world):
    run, first = failed(cast, world, "number")
    agents.retry_run(run.pk, by=cast.operator, door="web")
    work()  # trying again only repeats it
    assert Run.objects.get(pk=run.pk).state == "FAILED"
    agents.ask_again(run.pk, by=cast.reviewer, door="web")
    work()
    second = asked(run)[0]
    assert (second.follows, Action.objects.get(pk=first.pk).state) == (first.pk, "ANSWERED")
    assert Requirement.objects.get(action=second).evidence[0]["text"] == "a few"
    assert "invalid literal" in str(Requirement.objects.get(action=second).evidence[1])
    assert list(Pause.objects.order_by("pk").values_list("state", flat=True)) == ["SUPERSEDED", "OPEN"]
    decide(second, cast.second, "respond", response="none")  # and once more wrong
    work()
    call_command("runs", "ask-again", str(run.pk), "--by", "olga")
    work()
    decide(asked(run)[0], cast.second, "respond", response="3")
    work()
    run.refresh_from_db()
    assert (run.state, run.output["told"], run.error) == ("SUCCEEDED", [3], "")


@pytest.mark.parametrize("agent", ["beside", "pays_then_asks"])
def test_what_would_run_again_with_it_is_not_asked_again(cast, world, agent):
    run, _ = failed(cast, world, agent)
    before = lines(world)
    if agent == "pays_then_asks":
        with pytest.raises(WrongState, match="could repeat"):
            agents.ask_again(run.pk, by=cast.reviewer, door="web")
    else:
        agents.ask_again(run.pk, by=cast.reviewer, door="web")
        work()
        assert "what else ran in the same step has ended" in Run.objects.get(pk=run.pk).error
    assert (Run.objects.get(pk=run.pk).state, asked(run), lines(world)) == ("FAILED", [], before)


def test_only_a_failure_of_an_answer_is_asked_again(cast, world, tmp_path):
    run, _ = factories.waiting(cast.reviewer, agent="number", world=world)
    with pytest.raises(WrongState, match="waiting"):
        agents.ask_again(run.pk, by=cast.reviewer, door="web")
    with pytest.raises(NotAllowed):
        agents.ask_again(run.pk, by=cast.auditor, door="web")
    broken = factories.run(cast.reviewer, agent="poisoned", world=world)
    work()
    with pytest.raises(WrongState, match="No answer"):
        agents.ask_again(broken.pk, by=cast.reviewer, door="web")
