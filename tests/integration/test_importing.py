"""Projects that are imported: whose name is whose, and what is said while they come in."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from agents import operations
from agents.errors import BadInput
from agents.models import Agent, Run
from approvals.models import Action
from audit.models import Event
from config.services.child import wait_until
from tests.factories import decide, work
from tests.fakes import together

CODE = """
from typing import TypedDict
from langgraph.graph import StateGraph
from langgraph.types import interrupt

class State(TypedDict, total=False):
    told: str

def ask(state):
    return {{"told": interrupt("{0}?") + " of {0}"}}

builder = StateGraph(State)
builder.add_node("ask", ask)
builder.set_entry_point("ask")
graph = builder
"""


def project(folder: Path, name: str, graph: str = "agent") -> Path:
    (folder / name).mkdir()
    (folder / name / "code_of_it.py").write_text(CODE.format(name))
    path = folder / name / "langgraph.json"
    path.write_text(json.dumps({"graphs": {graph: "./code_of_it.py:graph"}}))
    return path


def bring(path: Path, *options: str) -> None:
    call_command("agents", "import", str(path), *options)


def test_a_graph_of_the_same_name_takes_nobodys_agent_over(cast, tmp_path):
    one, two = project(tmp_path, "one"), project(tmp_path, "two")
    bring(one)
    with pytest.raises(CommandError, match=r"agent agent already.*one/langgraph.json.*--prefix.*--replace"):
        bring(two)
    assert Agent.objects.get().project == str(one)


def test_none_of_a_projects_graphs_is_registered_when_one_cannot_be(cast, tmp_path):
    bring(project(tmp_path, "one"))
    two = project(tmp_path, "two")
    two.write_text(json.dumps({"graphs": {"another": "./code_of_it.py:graph", "agent": "./code_of_it.py:graph"}}))
    with pytest.raises(CommandError, match="--prefix"):
        bring(two)
    assert list(Agent.objects.values_list("slug", flat=True)) == ["agent"]


def test_with_a_prefix_both_run_their_own_code_and_stay_who_they_are(cast, tmp_path):
    one, two = project(tmp_path, "one"), project(tmp_path, "two")
    bring(one)
    bring(two, "--prefix", "two-")
    for path in (one, two):
        bring(path)  # again: the same, under the names they have
    assert dict(Agent.objects.values_list("slug", "project")) == {"agent": str(one), "two-agent": str(two)}
    assert set(Agent.objects.values_list("current__number", flat=True)) == {1}
    runs = [operations.start_run(agent=slug, input={}, by=cast.reviewer, door="cli") for slug in ("agent", "two-agent")]
    work()
    asked = [Run.objects.get(pk=run.pk).pauses.get().raw for run in runs]
    assert asked == ["one?", "two?"]
    assert [f"{checked.looked} {checked.broken}" for checked in map(operations.check_deploy, (one, two))] == ["1 ()", "1 ()"]


@pytest.mark.parametrize("prefix", ["a b", "é", "x" * 60, "../"])
def test_a_prefix_that_makes_no_name_is_refused(cast, tmp_path, prefix):
    with pytest.raises(CommandError, match="at most 60 letters"):
        bring(project(tmp_path, "one"), "--prefix", prefix)


def test_a_project_that_was_moved_keeps_its_agents_when_that_is_said(cast, tmp_path):
    bring(project(tmp_path, "one"))
    shutil.move(tmp_path / "one", tmp_path / "moved")
    moved = tmp_path / "moved" / "langgraph.json"
    with pytest.raises(CommandError, match="--replace"):
        bring(moved)
    bring(moved, "--replace")
    assert Agent.objects.values_list("project", "current__number").get() == (str(moved), 1)
    told = Event.objects.get(kind="agent.moved")
    assert json.loads(bytes(told.body))["data"] == {"project": str(moved), "before": str(tmp_path / "one" / "langgraph.json")}


def test_what_the_product_itself_registers_follows_its_checkout_but_takes_nothing_that_is_there(cast, tmp_path):
    one, two = project(tmp_path, "one"), project(tmp_path, "two")
    operations.register_project(one)
    with pytest.raises(BadInput):
        operations.register_project(two, gone=True)
    one.unlink()
    assert operations.register_project(two, gone=True)[0].project == str(two)


def test_an_agent_elsewhere_is_not_taken_over(cast, tmp_path):
    operations.declare(slug="agent", title="", description="", environment="demo", tools=[], by=cast.admin, door="api")
    with pytest.raises(CommandError, match="a program elsewhere"):
        bring(project(tmp_path, "one"))


def swallowing(folder: Path) -> Path:
    path = project(folder, "one")
    (folder / "one" / "code_of_it.py").write_text(
        CODE.format("one").replace(
            '    return {"told": ', '    try:\n        interrupt("<b>?")\n    except Exception:\n        pass\n    return {"told": '
        )
    )
    return path


def test_code_that_swallows_a_pause_is_said_at_import_before_a_deploy_and_on_the_agents_page(cast, tmp_path, capsys):
    path, said = swallowing(tmp_path), "code_of_it.py:12: what is caught here is also the pause"
    bring(path)
    assert f"warning  {said}" in capsys.readouterr().err
    call_command("agents", "check", str(path))
    assert f"warning  {said}" in capsys.readouterr().err
    call_command("agents", "check", "--json")
    assert json.loads(capsys.readouterr().out)["warnings"][0]["at"] == "code_of_it.py:12"
    client = Client()
    client.force_login(cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/agents/agent/").content.decode()
    assert "<code><bdi>code_of_it.py:12</bdi></code> <bdi>what is caught here" in page
    (tmp_path / "one" / "code_of_it.py").write_text(CODE.format("one"))
    bring(path)
    assert "code_of_it.py" not in client.get("/agents/agent/").content.decode()


TOOL = """
from langchain_core.tools import StructuredTool
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

SCHEMA = {"type": "object", "properties": {"iban": {"type": "string", "pattern": "(?=DE)[A-Z0-9]+"}}}
builder = StateGraph(MessagesState)
builder.add_node("tools", ToolNode([StructuredTool(name="pay", description="Pay.", args_schema=SCHEMA, func=print)]))
builder.set_entry_point("tools")
graph = builder.compile()
"""


def test_a_tool_whose_arguments_could_never_be_matched_is_refused_with_the_pattern(cast, tmp_path):
    path = project(tmp_path, "one")
    (tmp_path / "one" / "code_of_it.py").write_text(TOOL)
    with pytest.raises(CommandError, match=r"graph agent of .*: pay: its schema cannot be used: the pattern '\(\?=DE.*RE2"):
        bring(path)


def test_a_declared_tool_with_such_a_pattern_is_refused_at_the_door(cast):
    tools = [{"name": "pay", "risk": "money", "schema": {"properties": {"iban": {"pattern": "(?=DE)"}}}}]
    with pytest.raises(BadInput, match=r"tools\[0\].schema: its schema cannot be used: the pattern"):
        operations.declare(slug="agent", title="", description="", environment="demo", tools=tools, by=cast.admin, door="api")


REACT = """
from langchain_core.language_models import FakeListChatModel
from langgraph.prebuilt import create_react_agent

graph = create_react_agent(FakeListChatModel(responses=["done"]), [])
"""


@pytest.mark.filterwarnings("ignore:create_react_agent")
def test_the_prebuilt_react_agent_is_started_with_ordinary_messages_and_said_to_have_a_model_of_its_own(cast, tmp_path):
    path = project(tmp_path, "one")
    (tmp_path / "one" / "code_of_it.py").write_text(REACT)
    bring(path)
    assert Agent.objects.get().current.model == "its own"
    run = operations.start_run(agent="agent", input={"messages": [{"role": "user", "content": "x"}]}, by=cast.reviewer, door="cli")
    work()
    run.refresh_from_db()
    assert run.state == "SUCCEEDED"


@pytest.mark.parametrize("asked", ['{"countersign_breakpoint": "x"}', '{"q": "a\\ud800b"}', '"\\udfff?"'])
def test_values_that_look_like_ours_or_hold_half_a_character_are_asked_and_answered(cast, tmp_path, asked):
    path = project(tmp_path, "one")
    (tmp_path / "one" / "code_of_it.py").write_text(CODE.format("one").replace('interrupt("one?")', f"interrupt({asked})"))
    bring(path)
    run = operations.start_run(agent="agent", input={}, by=cast.reviewer, door="cli")
    work()
    [action] = Run.objects.get(pk=run.pk).pauses.get().actions
    decide(Action.objects.get(pk=action), cast.second, "respond", response="well")
    work()
    run.refresh_from_db()
    assert (run.state, run.output) == ("SUCCEEDED", {"told": "well of one"})


LETTERS = """
from langgraph.graph import MessagesState, StateGraph
from langgraph.types import interrupt

def ask(state):
    return {"messages": [("ai", f"{len(state['messages'])} and {interrupt('What?')}")]}

graph = StateGraph(MessagesState)
graph.add_node("ask", ask)
graph.set_entry_point("ask")
"""


@pytest.mark.parametrize("given", [{"messages": []}, {"messages": [{"role": "user", "content": "x"}]}])
def test_a_conversation_may_begin_empty_and_what_is_asked_without_tools_is_said_as_it_is(cast, tmp_path, capsys, given):
    """Langgraph takes an empty list; here it was refused."""
    path = project(tmp_path, "one")
    (path.parent / "code_of_it.py").write_text(LETTERS)
    bring(path)
    said = capsys.readouterr().out
    assert "calls it asks about in a form of LangChain or Agent Inbox are shown as calls" in said
    run = operations.start_run(agent="agent", input=given, by=cast.reviewer, door="api")
    work()
    decide(Action.objects.get(run=str(run.pk)), cast.second, "respond", response="so")
    work()
    run.refresh_from_db()
    assert run.state == "SUCCEEDED", run.error


def test_what_langgraph_json_says_of_a_graph_is_said_wherever_the_agent_is_shown(cast, tmp_path, capsys):
    path = project(tmp_path, "one")
    words = "Answers one question.\n\u202eIt hides nothing."
    path.write_text(json.dumps({"graphs": {"agent": {"path": "./code_of_it.py:graph", "description": words}}}))
    bring(path)
    assert "Answers one question. <U+202E>It hides nothing." in capsys.readouterr().out
    browser = Client()
    browser.force_login(cast.reviewer)
    pages = [browser.get(page).text for page in ("/agents/", "/agents/agent/")]
    assert all("Answers one question." in page and "\u202e" not in page for page in pages)
    assert browser.get("/api/v1/agents/agent").json()["description"] == words
    path.write_text(json.dumps({"graphs": {"agent": {"path": "./code_of_it.py:graph", "description": ["x"]}}}))
    with pytest.raises(CommandError, match=r"description.*must be text"):
        bring(path)


def test_a_check_of_everything_leaves_out_whoever_runs_elsewhere_and_a_folder_stands_for_its_file(cast, tmp_path, capsys):
    path = project(tmp_path, "one")
    bring(path.parent)
    operations.declare(slug="outside", title="Outside", description="", environment="demo", tools=[], by=cast.admin, door="api")
    call_command("agents", "check")
    call_command("agents", "check", str(path.parent))
    assert capsys.readouterr().out.count("0 waiting questions looked at") == 2


KEEPS = """
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict
from langgraph.graph import StateGraph
from langgraph.types import interrupt

class {tier}(StrEnum):
    GOLD = "gold"

@dataclass
class Place:
    street: str

class State(TypedDict, total=False):
    tier: {tier}
    place: Place
    told: str

def begin(state):
    return {{"tier": {tier}.GOLD, "place": Place("Hill Road")}}

def ask(state):
    return {{"told": interrupt("sure?")}}

graph = StateGraph(State)
graph.add_node("begin", begin)
graph.add_node("ask", ask)
graph.add_edge("begin", "ask")
graph.set_entry_point("begin")
"""


def test_a_class_of_a_waiting_state_that_new_code_does_not_know_is_said_before_it(cast, tmp_path):
    path = project(tmp_path, "one")
    code = path.parent / "code_of_it.py"
    code.write_text(KEEPS.format(tier="Tier"))
    bring(path)
    operations.start_run(agent="agent", input={}, by=cast.reviewer, door="cli")
    work()
    assert operations.check_deploy(path).broken == ()
    code.write_text(KEEPS.format(tier="Level"))
    [found] = operations.check_deploy(path).broken
    assert "code_of_it.Tier" in found.why and "plain data" in found.why and "Place" not in found.why and not found.certain


BY_HAND = """
from langchain_core.messages import AIMessage
from langgraph.func import entrypoint, task
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from agents.graphs.loops import Countersigned, require_approval

@require_approval
def wire(cents: int) -> str:
    \"\"\"Send money.\"\"\"
    return f"sent {cents}"

def post(text: str) -> str:
    \"\"\"Post it.\"\"\"
    return text

around = ToolNode([post], wrap_tool_call=Countersigned().wrap_tool_call)
tools = ToolNode([wire])

def act(state):
    call = {"name": "wire", "args": {"cents": 1}, "id": "c1", "type": "tool_call"}
    return tools.invoke({"messages": [AIMessage("", tool_calls=[call])]})

builder = StateGraph(MessagesState)
builder.add_node("act", act)
builder.set_entry_point("act")
graph = builder

@task
def send():
    return wire.invoke({"name": "wire", "args": {"cents": 1}, "id": "c1", "type": "tool_call"}).content

@entrypoint()
def flow(_: dict) -> str:
    return send().result()
"""


@pytest.mark.usefixtures("newly_loaded")
@pytest.mark.parametrize("graph", ["graph", "flow"])
def test_a_tool_with_our_line_that_is_granted_to_no_agent_is_said_with_what_to_write(cast, tmp_path, capsys, graph):
    path = project(tmp_path, "one")
    (path.parent / "code_of_it.py").write_text(BY_HAND)
    said = {"graphs": {"agent": f"./code_of_it.py:{graph}"}}
    path.write_text(json.dumps(said))
    bring(path)
    told = capsys.readouterr()
    assert "no tools found" in told.out
    assert "warning  code_of_it.py:8: wire requires approval and is granted to no agent of this project" in told.err
    assert '"countersign": {"NAME": {"grants": ["wire"]}}' in told.err and ": post requires approval" in told.err
    assert Agent.objects.get().current.tools == [], "it grants nothing by itself"
    page = Client()
    page.force_login(cast.admin, backend="django.contrib.auth.backends.ModelBackend")
    assert "wire requires approval and is granted to no agent" in page.get("/agents/agent/").content.decode()
    path.write_text(json.dumps({**said, "countersign": {"agent": {"grants": ["wire", "post"]}}}))
    bring(path)
    assert "granted to no agent" not in capsys.readouterr().err and Agent.objects.get().hazards == []


def test_what_a_project_asks_for_and_does_not_get_is_named_and_not_refused(cast, tmp_path, capsys):
    path = project(tmp_path, "one")
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "dependencies": ["./nolib", ".", "./lib"], "python_version": "3.99"}))
    (path.parent / "requirements.txt").write_text(
        "# ours\n-r other.txt\nno-such-package-a>=1 ; python_version > '3'  # why\n./lib\ndjango<1\nlanggraph\nlib-of_it\n"
    )
    (path.parent / "lib").mkdir()
    (path.parent / "lib" / "pyproject.toml").write_text('[project]\nname = "lib.of-it"\ndependencies = ["no-such-package-b", "pydantic"]\n')
    bring(path)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert [line for line in lines if "nolib" in line] == [f"warning  {path} depends on ./nolib, and there is no such folder"]
    assert "asks for Python 3.99, and its code runs with" in lines[1]
    assert "lib/pyproject.toml wants no-such-package-b, which" in lines[2] and "pydantic" not in lines[2]
    assert "requirements.txt wants no-such-package-a>=1" in lines[3] and "django<1, of which" in lines[3]
    assert "langgraph" not in lines[3].replace("langgraph.json", "") and "lib-of" not in lines[3] and len(lines) == 4


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "from typing import TypedDict\nclass graph(TypedDict):\n    x: str\n",
            "graph agent is graph, which makes no graph; export a StateGraph",
        ),
        ("graph = dict\n", "graph agent is dict, which makes no graph"),
        (f"{CODE.format('x')}\nimport sys\nsys.stdout = open('/dev/null', 'w')\nsys.stdout.close()\n", "its code closes stdout, which"),
    ],
)
def test_what_is_no_graph_or_takes_the_processs_own_away_is_refused_with_a_sentence(cast, tmp_path, monkeypatch, code, says):
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # what it puts in its place is taken out again
    path = project(tmp_path, "one")
    (path.parent / "code_of_it.py").write_text(code)
    with pytest.raises(CommandError, match=says):
        bring(path)
    assert not Agent.objects.exists()


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("import os\nos._exit(7)", 7, "This process ended (status 7) while the project's code ran"),
        ("import os\nos._exit(0)", 1, "This process ended (status 0) while the project's code ran"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", 139, "This process ended (signal 11)"),
        ("import sys\nsys.exit(5)", 1, "SystemExit: 5"),
    ],
)
def test_code_that_ends_the_process_is_said_to_have(tmp_path, code, status, says):
    path = project(tmp_path, "one")
    (path.parent / "code_of_it.py").write_text(code)
    ran = subprocess.run(
        [sys.executable, "manage.py", "agents", "import", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ,
    )
    assert (ran.returncode, ran.stdout) == (status, "") and says in ran.stderr and "Traceback" not in ran.stderr


def test_code_that_goes_on_for_ever_is_told_of_and_ended(tmp_path):
    path = project(tmp_path, "one")
    (path.parent / "code_of_it.py").write_text("while True: pass")
    ran = subprocess.run(
        [sys.executable, "manage.py", "agents", "import", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COUNTERSIGN_IMPORT_LIMIT_S": "6"},
    )
    assert (ran.returncode, ran.stdout) == (137, "") and "Traceback" not in ran.stderr
    assert "has been running for" in ran.stderr and ran.stderr.splitlines()[-1].startswith("The project's code was ended after 6 s")


def test_the_process_that_imports_does_not_outlive_the_command(tmp_path):
    path = project(tmp_path, "one")
    said = tmp_path / "pid"
    (path.parent / "code_of_it.py").write_text(f"import os, time\nopen({str(said)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [sys.executable, "manage.py", "agents", "import", str(path)], stdout=quiet, stderr=quiet, env=os.environ
    ) as command:
        assert wait_until(lambda: said.exists() and said.read_text(), 30)
        command.kill()
    assert wait_until(lambda: not alive(int(said.read_text())), 10)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_one_project_imported_twice_at_once_is_imported(cast, tmp_path, transactional_db):
    """As two replicas do that start at the same moment; the later one was told that the name is another project's."""
    path = project(tmp_path, "one")
    waiting = threading.Barrier(2)

    def import_it():
        waiting.wait(30)
        return [agent.slug for agent in operations.register_project(path)]

    assert together([import_it, import_it]) == [["agent"], ["agent"]]
    assert Agent.objects.get().versions.count() == 1
