"""Every dialect, every decision, every shape of graph: on real LangChain and LangGraph, the right calls ran, once each, and none else."""

import json

import pytest

from agents import operations as agents
from agents.models import Effect, Pause, Run
from approvals.models import Action, Requirement, User
from tests import factories
from tests.factories import asked, decide, lines, work

TO = {"one": ["ada"], "three": ["ada", "bob", "cyd"], "inside": ["ada", "bob"], "helper": ["ada", "bob"], "sequential": ["ada", "bob"]}


def plan(shape: str, name: str = "send") -> list:
    calls = [[name, {"to": to, "copies": 1}] for to in TO[shape]]
    return [[call] for call in calls] if shape == "sequential" else [calls]


def start(others, world: str, dialect: str, shape: str, **more) -> Run:
    turns = plan(shape)
    if shape == "helper":
        more = {"world": world, "turns": turns, **more}
        return factories.planned(others.reviewer, world, [["helper", {"task": json.dumps(more)}]], agent=f"{dialect}_helper")
    return factories.planned(others.reviewer, world, *turns, agent=f"{dialect}_inside" if shape == "inside" else dialect, **more)


def answer_all(run: Run, by: User, verdict: str, seen: list[Action]) -> Run:
    for _ in range(12):
        work()
        open_ones = asked(run)
        if not open_ones:
            break
        for action in open_ones:
            if verdict == "edit" and action.version == 1:
                args = {**action_args(action), "copies": 7}
                agents_edit(action, by, args)
                action.refresh_from_db()
                assert action.version == 2
            seen.append(action)
            said = "approve" if verdict == "edit" else verdict
            decide(action, by if action.version == 1 else factories.another_reviewer(), said)
            work()
    run.refresh_from_db()
    return run


def action_args(action: Action) -> dict:
    from approvals.queries import shown

    return dict(shown(action.pk).args)


def agents_edit(action: Action, by: User, args: dict) -> None:
    from approvals import operations as approvals

    edit = approvals.request_edit(action.pk, by=by, seen_digest=action.digest, args=args, door="web")
    agents.check_edit(edit.pk)


@pytest.mark.parametrize("verdict", ["approve", "edit", "reject", "respond"])
@pytest.mark.parametrize("shape", list(TO))
@pytest.mark.parametrize("dialect", ["batched", "per_call", "inbox"])
def test_every_call_is_decided_by_itself_and_made_once(others, world, dialect, shape, verdict):
    seen: list[Action] = []
    run = answer_all(start(others, world, dialect, shape), others.second, verdict, seen)
    assert run.state == "SUCCEEDED", run.error
    copies = {"approve": 1, "edit": 7}.get(verdict)
    wanted = [f'send {{"copies": {copies}, "to": "{to}"}}' for to in TO[shape]] if copies else []
    assert sorted(lines(world)) == sorted(wanted)
    words = (run.output or {}).get("last_message")
    assert isinstance(words, str) and "messages" not in (run.output or {}), "what a conversation came to is in its last words"
    assert len(seen) == len(TO[shape]) and {a.tool for a in seen} == {"send"}
    effects = list(Effect.objects.filter(run=run).values_list("state", "by_agent"))
    assert effects == ([("DONE", True)] * len(wanted))
    assert not Action.objects.filter(run=str(run.pk), settled_at=None).exists()
    assert set(Pause.objects.filter(run=run).values_list("state", flat=True)) == {"ANSWERED"}


@pytest.mark.slow
def test_helpers_of_deepagents_ask_side_by_side_and_say_whose_work_it_is(others, world):
    factories.register(factories.OTHERS.parent / "deep" / "langgraph.json")
    letters = [json.dumps({"world": world, "turns": [[["send", {"to": to}]]]}) for to in TO["three"]]
    run = factories.planned(
        others.reviewer, world, [["task", {"description": one, "subagent_type": "clerk"}] for one in letters], agent="deep"
    )
    work()
    ada, bob, cyd = sorted(asked(run), key=lambda action: action.summary)
    assert "called with task" in Requirement.objects.get(action=ada).rationale
    decide(bob, others.second)
    work()
    assert lines(world) == ['send {"copies": 1, "to": "bob"}']
    decide(ada, others.second, "reject")
    work()
    decide(cyd, others.second)
    work()
    run.refresh_from_db()
    assert run.state == "SUCCEEDED", run.error
    assert sorted(lines(world)) == ['send {"copies": 1, "to": "bob"}', 'send {"copies": 1, "to": "cyd"}']
