"""What a real run leaves on the desk: one turn's alike calls as a batch, and how its state changed since people last said yes in it."""

import re

import pytest
from django.urls import reverse

from agents.views import state_since
from approvals import queries
from approvals.queries.batches import batches
from tests import factories
from tests.factories import asked, decide, work


@pytest.fixture
def sam(others, client, settings, tmp_path):
    """The second reviewer, signed in."""
    settings.STATIC_ROOT = tmp_path
    client.force_login(others.second, backend="django.contrib.auth.backends.ModelBackend")
    return client


def sends(*names: str) -> list:
    return [["send", {"to": name, "copies": 1}] for name in names]


@pytest.mark.parametrize("dialect", ["batched", "per_call"])
def test_calls_of_one_turn_are_a_batch_and_those_of_the_next_are_another(others, world, dialect):
    run = factories.planned(others.reviewer, world, sends("ada", "bob", "cyd"), sends("dan", "eve"), agent=dialect)
    work()
    first = asked(run)
    assert len(first) == 3 and set(batches(queries.inbox().rows)) == {str(a.pk) for a in first}
    for action in first:
        decide(action, others.second)
        work()
    second = asked(run)
    assert len(second) == 2 and set(batches(queries.inbox().rows)) == {str(a.pk) for a in second}


def test_an_action_shows_what_changed_in_the_state_since_people_last_approved_in_its_run(others, world, sam):
    """Evidence had what the run did before, and nothing of what it had become since the last yes."""
    run = factories.planned(others.reviewer, world, sends("ada"), sends("bob\u202e<b>x</b>"))
    said = lambda action: sam.get(reverse("action-state", args=[action.pk])).content.decode()  # noqa: E731
    work()
    (first,) = asked(run)
    assert "Nobody had approved anything in this run before" in said(first)
    decide(first, others.second)
    work()
    (second,) = asked(run)
    page = said(second)
    assert "sam" in page and "messages" in page and "items more" in page and "change-after" in page
    assert "U+202E" in page and "\u202e" not in page and "<b>x</b>" not in page
    compare = re.search(r'href="(/runs/[^"]+checkpoints/[^"]+)"', page)[1].replace("&amp;", "&")
    assert "What changed in the state" in sam.get(compare).content.decode()
    assert reverse("action-state", args=[second.pk]) in sam.get(reverse("action", args=[second.pk])).content.decode()
    with pytest.MonkeyPatch.context() as patch:  # a large state is compared elsewhere
        patch.setattr(state_since, "MOST_TEXT", 10)
        assert "too large" in said(second) and "change-after" not in said(second)


def test_two_calls_of_one_turn_were_asked_from_the_same_state(others, world, sam):
    run = factories.planned(others.reviewer, world, sends("ada", "bob"), agent="per_call")
    work()
    first, second = asked(run)
    decide(first, others.second)
    said = sam.get(reverse("action-state", args=[second.pk])).content.decode()
    assert "Nobody had approved anything in this run before" in said  # it was asked before that yes
