"""What is said of a question of an Agent Server's thread that is asked no more."""

import pytest

from agents import kept
from agents.operations.fates import Fate
from agents.operations.putting import _why_closed
from agents.remote.reading import Standing
from agents.states import PauseState


@pytest.mark.parametrize(
    ("state", "stands", "why"),
    [
        (PauseState.ORPHANED, None, kept.THREAD_GONE()),
        (PauseState.SUPERSEDED, Standing(False, (), (), idle=True), kept.MOVED_ON()),
        (PauseState.SUPERSEDED, Standing(False, ("act",), ()), kept.MOVED_ON()),
        (PauseState.SUPERSEDED, Standing(False, (), ()), kept.THREAD_EMPTY()),  # its server was killed and has no checkpoint of it
    ],
)
def test_why_nobody_is_asked_any_more(state, stands, why):
    assert _why_closed(Fate(state), stands) == why
