"""What people decided and an order took the question of away: it says that nobody heard it, where that is certain, and nowhere else."""

import pytest

from agents import history
from agents import operations as agents
from agents.models import Run
from agents.operations.overriding import Wanted
from approvals.models import Action
from audit.models import Event
from tests import factories
from tests.factories import asked, decide, work

TWO = [["send", {"to": "ada"}], ["send", {"to": "bob"}]]


def cancelled(run: Run, others) -> None:
    agents.cancel_run(run.pk, reason="wrong customer", by=others.operator, door="web")


def rewound(run: Run, others) -> None:
    first = history.checkpoints(run.thread).rows[-2].id
    agents.override(
        run.pk, Wanted("rewind", history.head(run.thread), checkpoint=first), reason="wrong customer", by=others.operator, door="web"
    )


def ended(action: Action) -> tuple[str, bool]:
    action.refresh_from_db()
    said = Event.objects.filter(action=str(action.pk), kind="action.unheard").count()
    assert said == bool(action.unheard)
    return action.state, bool(action.unheard)


@pytest.mark.parametrize("order", [cancelled, rewound])
def test_an_answer_given_before_the_graph_went_on(others, world, order):
    run = factories.planned(others.reviewer, world, TWO[:1], agent="inbox")
    work()
    (action,) = asked(run)
    decide(action, others.second, "respond", response="mine")
    order(run, others)
    assert ended(action) == ("ANSWERED", True)
    work()
    assert ended(action) == ("ANSWERED", True)


@pytest.mark.parametrize("order", [cancelled, rewound])
def test_a_rejection_whose_turn_was_not_decided_as_a_whole(others, world, order):
    run = factories.planned(others.reviewer, world, TWO)
    work()
    first, second = asked(run)
    decide(first, others.second, "reject")
    order(run, others)
    assert ended(first) == ("REJECTED", True) and not ended(second)[1]


@pytest.mark.parametrize("order", [cancelled, rewound])
def test_what_the_graph_went_on_with_was_heard(others, world, order):
    run = factories.planned(others.reviewer, world, TWO[:1], TWO[1:])
    work()
    (first,) = asked(run)
    decide(first, others.second, "reject")
    work()
    (second,) = asked(run)
    order(run, others)
    assert ended(first) == ("REJECTED", False) and not ended(second)[1]


def test_of_what_a_node_raised_over_nothing_is_certain(others, world):
    run = factories.planned(others.reviewer, world, agent="picky", to=["ada"], note=f"{world}.mended")
    work()
    (action,) = asked(run)
    decide(action, others.second, "respond", response="bad")
    work()
    run.refresh_from_db()
    assert run.state == "FAILED"
    rewound(run, others)
    assert ended(action) == ("ANSWERED", False)
