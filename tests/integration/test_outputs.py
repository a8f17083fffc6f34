"""What a run of somebody else's graph gave: as its output schema says, whatever its state is, and never without bounds."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from agents import operations
from agents.errors import BadInput
from agents.models import Run
from agents.operations.outputs import KEPT, MOST, bounded
from tests.factories import work

GRAPHS = """
from typing import TypedDict
from langchain_core.messages import AIMessage
from langgraph.func import entrypoint
from langgraph.graph import StateGraph
from pydantic import BaseModel

class Place(BaseModel):
    town: str

class State(TypedDict, total=False):
    result: str | None
    notes: str
    place: Place
    told: list

class Output(TypedDict):
    notes: str
    place: Place

def work(state):
    return {"result": None, "notes": "kept", "place": Place(town="Ghent"), "told": [AIMessage("hello")]}

def made(**schemas):
    builder = StateGraph(State, **schemas)
    builder.add_node("work", work)
    builder.set_entry_point("work")
    return builder

whole, part = made(), made(output_schema=Output)

@entrypoint()
def words(given: dict) -> str:
    return "done"

@entrypoint()
def nothing(given: dict) -> None:
    return None

@entrypoint()
def shout(given: str) -> str:
    return given.upper()

@entrypoint()
def most(given: list[Place]) -> str:
    return given[0]["town"]

@entrypoint()
def either(given: str | dict[str, str]) -> str:
    return str(given)
"""
SLUGS = ("whole", "part", "words", "nothing", "shout", "most", "either")
TOLD = [{"type": "ai", "content": "hello", "tool_calls": []}]


@pytest.fixture
def given(cast, tmp_path: Path):
    (tmp_path / "gives.py").write_text(GRAPHS)
    path = tmp_path / "langgraph.json"
    path.write_text(json.dumps({"graphs": {name: f"./gives.py:{name}" for name in SLUGS}}))
    call_command("agents", "import", str(path))

    def runs(slug: str, **given: Any) -> Any:
        run = operations.start_run(agent=slug, input=given, by=cast.reviewer, door="api")
        work()
        assert Run.objects.get(pk=run.pk).state == "SUCCEEDED", Run.objects.get(pk=run.pk).error
        browser = Client()
        browser.force_login(cast.reviewer)
        return browser.get(f"/api/v1/runs/{run.pk}").json()["output"]

    return runs


@pytest.mark.parametrize(
    ("slug", "output"),
    [
        ("whole", {"result": None, "notes": "kept", "place": {"town": "Ghent"}, "told": TOLD}),
        ("part", {"notes": "kept", "place": {"town": "Ghent"}}),
        ("words", {"result": "done"}),
        ("nothing", {}),
    ],
)
def test_a_run_gives_what_its_graph_gives_back(given, slug, output):
    assert given(slug) == output


@pytest.mark.parametrize(
    ("slug", "field", "output"),
    [("shout", "cats", "CATS"), ("most", [{"town": "Ghent"}], "Ghent"), ("either", "cats", "{'input': 'cats'}")],
)
def test_what_takes_no_object_is_started_with_one_field(given, slug, field, output):
    assert given(slug, input=field) == {"result": output}
    if slug != "either":  # it takes objects, too
        with pytest.raises(BadInput):
            given(slug)
        with pytest.raises(BadInput):
            given(slug, input=1)


def test_what_is_too_much_is_cut_and_says_so():
    values = {"small": 1, "middle": "m" * 30_000, "large": ["x"] * MOST}
    kept = bounded(values)
    assert (kept["small"], kept["middle"], kept["large"]["cut"]) == (1, values["middle"], len(json.dumps(values["large"])))
    assert kept["large"]["words"].startswith('["x", "x"') and len(kept["large"]["words"]) == KEPT
    assert len(json.dumps(kept)) <= MOST
    many = bounded({f"name{n}": "x" * 100 for n in range(5_000)})
    assert set(many) == {"cut", "words"} and many["cut"] > MOST
