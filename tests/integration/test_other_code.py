"""A worker that starts anew loads what is on disk: that nobody imported it is noticed and said."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from agents import operations
from agents.graphs import loader
from agents.models import Agent, Run
from audit import queries as log
from tests.factories import work
from tests.integration.test_importing import CODE, bring, project

NOT_IMPORTED = "is not what was imported as version 1"


def start_a_worker_anew() -> None:
    loader._load_agent.cache_clear()
    loader._versions.clear()


def driven(cast) -> Run:
    run = operations.start_run(agent="agent", input={}, by=cast.reviewer, door="cli")
    work()
    return Run.objects.get(pk=run.pk)


def story(run: Run) -> list[dict[str, str]]:
    return [event.data for event in log.timeline(run=str(run.pk)) if event.kind == "run.other_code"]


def page(cast) -> str:
    browser = Client()
    browser.force_login(cast.reviewer)
    return browser.get("/agents/agent/").text


def doctor() -> str:
    said = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=said)
    return said.getvalue()


def test_code_that_was_changed_and_not_imported_is_said_once_a_worker_runs_it(cast, tmp_path: Path):
    path = project(tmp_path, "one")
    bring(path)
    assert story(driven(cast)) == [] and NOT_IMPORTED not in page(cast) and "every agent's is what was imported" in doctor()
    (path.parent / "code_of_it.py").write_text(CODE.format("other"))
    assert "MEND  code: agent not as imported" in doctor()
    assert story(driven(cast)) == [] and NOT_IMPORTED not in page(cast)  # the worker has what it loaded
    start_a_worker_anew()
    run = driven(cast)
    agent = Agent.objects.get()
    assert run.pauses.get().raw == "other?"
    assert (
        story(run) == [{"fence": 1, "code": agent.code_driven, "imported": agent.code_imported}]
        and agent.code_driven != agent.code_imported
    )
    assert NOT_IMPORTED in page(cast) and "agent (a worker runs it)" in doctor()
    bring(path)
    assert story(driven(cast)) == [] and "not what was imported" not in page(cast) and "every agent's is what was imported" in doctor()
