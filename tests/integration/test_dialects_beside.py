"""A node that raised on its answer, and what waits beside it: asked again where nothing is lost by it, and no decision goes nowhere."""

from pathlib import Path

import pytest

from agents import operations as agents
from agents.models import Pause, Run
from approvals.models import Action
from tests import factories
from tests.factories import asked, decide, lines, work


def poisoned(others, world, *to: str, first: str = "") -> tuple[Run, dict[str, Action]]:
    """A run that failed over the answer to the first letter; `first`: answered well before that."""
    run = factories.planned(others.reviewer, world, agent="picky", to=list(to), note=f"{world}.mended")
    work()
    waiting = {str(number): action for number, action in enumerate(asked(run))}
    by_name = {Pause.objects.get(actions=[str(a.pk)]).raw["to"] + ("" if len(set(to)) == len(to) else n): a for n, a in waiting.items()}
    if first:
        decide(by_name[first], others.second, "respond", response="well")
        work()
    decide(next(action for name, action in by_name.items() if name.startswith(to[0])), others.second, "respond", response="bad")
    work()
    run.refresh_from_db()
    assert run.state == "FAILED" and "bad answer" in run.error
    return run, by_name


def again(run: Run, others) -> None:
    agents.ask_again(run.pk, by=others.operator, door="web")
    work()
    run.refresh_from_db()


def test_what_was_decided_beside_it_goes_to_its_node_and_what_was_not_still_waits(others, world):
    run, by_name = poisoned(others, world, "ada", "bob", "cyd")
    decide(by_name["bob"], others.second, "respond", response="fine")  # while the run has failed
    again(run, others)
    work()
    run.refresh_from_db()
    assert (run.state, lines(world)) == ("WAITING", ['picked {"to": "bob", "told": "fine"}'])
    new = next(action for action in asked(run) if action.pk != by_name["cyd"].pk)
    assert {action.pk for action in asked(run)} == {new.pk, by_name["cyd"].pk} and new.follows == by_name["ada"].pk
    for action in (new, by_name["cyd"]):
        decide(action, others.second, "respond", response="ok")
        work()
    run.refresh_from_db()
    assert (run.state, run.error) == ("SUCCEEDED", "")
    assert sorted(lines(world)) == [
        f'picked {{"to": "{to}", "told": "{told}"}}' for to, told in (("ada", "ok"), ("bob", "fine"), ("cyd", "ok"))
    ]
    assert set(Pause.objects.filter(run=run).values_list("state", flat=True)) == {"ANSWERED", "SUPERSEDED"}


def test_questions_that_cannot_be_told_apart_are_all_asked_again(others, world):
    run, _ = poisoned(others, world, "ada", "ada")
    old = {action.pk for action in asked(run)}
    again(run, others)
    assert run.state == "WAITING" and len(asked(run)) == 2 and not old & {action.pk for action in asked(run)}
    assert set(Action.objects.filter(pk__in=old).values_list("state", flat=True)) == {"SUPERSEDED"}
    for action in asked(run):
        decide(action, others.second, "respond", response="ok")
        work()
    run.refresh_from_db()
    assert (run.state, len(lines(world))) == ("SUCCEEDED", 2)


@pytest.mark.parametrize("mended", [False, True])
def test_what_has_ended_beside_it_is_not_run_again_and_a_mended_node_goes_on(others, world, mended):
    run, by_name = poisoned(others, world, "ada", "bob", "cyd", first="bob")
    again(run, others)
    assert (run.state, lines(world)) == ("FAILED", ['picked {"to": "bob", "told": "well"}']) and "cannot be asked again" in run.error
    assert not Pause.objects.filter(run=run, again=True).exists()
    decide(by_name["cyd"], others.second, "respond", response="ok")
    if mended:
        Path(f"{world}.mended").touch()
    agents.retry_run(run.pk, by=others.operator, door="web")
    work()
    run.refresh_from_db()
    if not mended:
        assert (run.state, len(lines(world))) == ("FAILED", 1)
        return
    assert (run.state, run.error) == ("SUCCEEDED", "")
    told = {"ada": "bad", "bob": "well", "cyd": "ok"}
    assert sorted(lines(world)) == [f'picked {{"to": "{to}", "told": "{said}"}}' for to, said in told.items()]
