"""What tests of agents that make their calls themselves share."""

from collections.abc import Iterator

import pytest

from agents.graphs import loader
from agents.operations import leave, registering


@pytest.fixture
def leave_asked_of_this_database() -> Iterator[None]:
    """The connection on which tools ask for leave is closed: the next test may have another database."""
    yield
    leave.drop()


@pytest.fixture
def newly_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a deploy: a registration reads the files again."""
    monkeypatch.setattr(registering, "load_project", loader.load_project)
