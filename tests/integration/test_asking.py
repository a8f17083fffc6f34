"""A question to the agent decides nothing and moves nothing; its answer comes back into the same action."""

import pytest

from agents import operations as agents
from agents.graphs import checkpoints
from agents.graphs.explaining import standing
from agents.graphs.loader import load_agent
from agents.operations.recovering import recover
from agents.tools.asked import Asked
from approvals import operations, queries
from approvals.errors import AlreadyDecided, BadRequest, Checking, NotAllowed
from approvals.models import Action, Ask, Decision
from audit import queries as log
from tests import factories
from tests.factories import call, decide, lines, work
from tests.fakes import clock_moved

pytestmark = pytest.mark.usefixtures("agents")


@pytest.fixture
def explains(monkeypatch):
    """The test agent explains itself, and tells what it was asked."""
    heard: list[Asked] = []

    def explain(asked: Asked) -> str:
        heard.append(asked)
        if "crash" in asked.question:
            raise RuntimeError("no words")
        return f"Because of {asked.args['label']}\u202e"

    from agents.operations import explaining

    monkeypatch.setattr(explaining, "configured", lambda: explain)
    return heard


def ask(action, by, question="Why this one?"):
    return operations.ask(action.pk, by=by, question=question, door="web")


def test_the_answer_comes_into_the_action_which_stays_as_it_was(cast, world, explains):
    run, action = factories.waiting(cast.reviewer, call(extra={"rationale": "it was due"}), world=world)
    loaded = load_agent(*run.agent.code)
    before = standing(loaded, checkpoints.saver(), run.thread)
    asked = ask(action, cast.second)
    agents.answer_ask(asked.pk)
    agents.answer_ask(asked.pk)  # once is enough
    fresh, row = Action.objects.get(pk=action.pk), queries.asks(action=str(action.pk))[0]
    assert (fresh.state, fresh.version, fresh.digest, fresh.expires_at) == ("PENDING", 1, action.digest, action.expires_at)
    assert (row.state, row.by, row.question, row.answer) == ("ANSWERED", "sam", "Why this one?", "Because of a line\u202e")
    assert (len(explains), explains[0].rationale, explains[0].tool) == (1, "it was due", "append")
    assert standing(loaded, checkpoints.saver(), run.thread) == before and not Decision.objects.exists()
    told = [(e.kind, e.actor) for e in log.timeline(action=str(action.pk)) if e.kind.startswith("ask.")]
    assert told == [("ask.wanted", "sam"), ("ask.answered", "calls")]
    decide(action, cast.second)  # the digest that was seen still holds
    work()
    assert len(lines(world)) == 1


def test_what_cannot_be_answered_says_why(cast, world, explains, monkeypatch):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    agents.answer_ask(ask(action, cast.second, "crash, please").pk)
    from agents.operations import explaining

    monkeypatch.setattr(explaining, "configured", lambda: None)
    agents.answer_ask(ask(action, cast.second).pk)
    answers = [a.answer for a in queries.asks(action=str(action.pk))]
    assert "RuntimeError: no words" in answers[0] and "cannot answer questions" in answers[1]


def test_who_may_ask_and_what(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    for nobody in (cast.operator, cast.auditor, cast.outsider, cast.locked):
        with pytest.raises(NotAllowed):
            ask(action, nobody)
    for words in ("", "  ", "x" * 2_001, "\x00", "\ud800"):
        with pytest.raises(BadRequest):
            ask(action, cast.second, words)
    with pytest.raises(BadRequest, match="outside"):
        ask(factories.action(), cast.second)
    ask(action, cast.second)
    with pytest.raises(Checking):
        ask(action, cast.second)
    decide(action, cast.second)
    with pytest.raises(AlreadyDecided):
        ask(action, cast.second)


def test_the_sweeper_finds_a_question_nobody_took_and_gives_up_after_three_dead_workers(cast, world):
    _, action = factories.waiting(cast.reviewer, call(), world=world)
    asked = ask(action, cast.second)
    assert recover(wake=False).asks == []
    with clock_moved(seconds=3):
        assert recover(wake=False).asks == [asked.pk]
    for minutes in (0, 3, 6):
        with clock_moved(minutes=minutes):
            assert operations.asking.take_ask(asked.pk).question == "Why this one?"
            assert operations.asking.take_ask(asked.pk) is None and recover(wake=False).asks == []
    with clock_moved(minutes=9):
        assert operations.asking.take_ask(asked.pk) is None
    assert Ask.objects.get().state == "FAILED"


@pytest.mark.usefixtures("shapes")
def test_the_scripted_planner_says_what_it_is(cast, world):
    _, action = factories.waiting(cast.reviewer, agent="planned", value="a title", world=world)
    agents.answer_ask(ask(action, cast.second).pk)
    answer = queries.asks(run=action.run)[0].answer
    assert answer.startswith("I follow a script and cannot think about your question.") and "I shall append" in answer
