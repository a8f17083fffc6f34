"""The remote side is asked what became of a call nobody knows the outcome of: in a worker, as evidence for a person."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models.functions import Now
from django.urls import reverse

from agents import operations as agents
from agents import overview
from agents.errors import WrongState
from agents.models import Effect, OutcomeCheck
from agents.operations import recovering
from approvals.errors import NotAllowed
from audit import queries as log
from tests import factories
from tests.factories import call, decide

pytestmark = pytest.mark.usefixtures("agents", "shapes")


@pytest.fixture
def unknown(cast, world):
    """A call of append that began and never came back; whether the world has its line is the test's to say."""

    def made(label="a line", tool="append", *, done=True):
        _run, action = factories.waiting(cast.reviewer, call(tool, label=label), world=world)
        decide(action, cast.second)
        Path(world).write_text(f"{action.pk} {label}\n" if done else "")
        Effect.objects.filter(pk=action.pk).update(state="CLAIMED", claimed_at=Now())
        Effect.objects.filter(pk=action.pk).update(state="UNKNOWN", error="gone")
        return action

    return made


def ask(action, cast):
    check = agents.ask_outcome(action.pk, by=cast.operator, door="web")
    agents.check_outcome(check.pk)
    check.refresh_from_db()
    return check


@pytest.mark.parametrize(("done", "answer"), [(True, "done"), (False, "not_done")])
def test_the_tools_own_check_asks_with_the_key_and_settles_nothing(cast, unknown, done, answer):
    action = unknown(done=done)
    assert ask(action, cast).answer == answer
    assert Effect.objects.get().state == "UNKNOWN"
    kinds = [e.kind for e in log.timeline(action=str(action.pk))]
    assert kinds[-2:] == ["effect.check_asked", "effect.checked"]


@pytest.mark.parametrize(
    ("label", "tool", "said"),
    [("mute", "append", "the world does not answer"), ("dumb", "append", "perhaps"), ("x", "append_again", "has no check of its own")],
)
def test_a_check_that_cannot_say_says_why(cast, unknown, label, tool, said):
    check = ask(unknown(label, tool), cast)
    assert (check.answer, said in check.error) == ("", True)


def test_one_at_a_time_and_only_by_operators_and_only_where_nobody_knows(cast, unknown):
    action = unknown()
    agents.ask_outcome(action.pk, by=cast.operator, door="web")
    with pytest.raises(WrongState, match="being asked already"):
        agents.ask_outcome(action.pk, by=cast.operator, door="web")
    with pytest.raises(NotAllowed):
        agents.ask_outcome(action.pk, by=cast.reviewer, door="web")
    agents.resolve_unknown(action.pk, done=True, reason="I looked", by=cast.operator, door="web")
    with pytest.raises(WrongState, match="Its outcome is known"):
        agents.ask_outcome(action.pk, by=cast.operator, door="web")


def test_the_sweeper_finds_a_check_nobody_was_woken_for_and_workers_do_not_die_of_it_for_ever(cast, unknown):
    check = agents.ask_outcome(unknown().pk, by=cast.operator, door="web")
    assert recovering.recover(wake=False).checks == []
    OutcomeCheck.objects.update(asked_at="2026-01-01T00:00Z", tries=3)  # three workers died of it
    assert recovering.recover(wake=False).checks == [check.pk]
    agents.check_outcome(check.pk)
    assert OutcomeCheck.objects.get().error != ""
    assert recovering.recover(wake=False).checks == []


def test_an_answer_is_shown_on_the_desk_and_where_a_person_says_what_happened(cast, as_, unknown, capsys):
    action = unknown()
    client = as_(cast.operator)
    assert client.post(reverse("effect-check", args=[action.pk])).headers["Location"] == reverse("unknown")
    assert "A worker is asking the remote side" in client.get(reverse("unknown")).content.decode()
    agents.check_outcome(OutcomeCheck.objects.get().pk)
    for address in (reverse("unknown"), reverse("effect-resolve", args=[action.pk])):
        assert "The remote side says: it was done" in client.get(address).content.decode()
    call_command("runs", "unknown")
    assert "the remote side: done" in capsys.readouterr().out
    assert overview.checks_of([str(action.pk)])[str(action.pk)][0].by == "olga"
