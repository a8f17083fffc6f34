"""Projects by their langgraph.json: what can be used, and what is refused with a sentence."""

import json
import re
import sys
from pathlib import Path

import pytest

from agents.errors import BadProject
from agents.graphs import project as projects
from agents.graphs.loader import load_agent, load_project
from agents.planner import name_of
from agents.planner.scripted import NAME
from tests.factories import OTHERS, PROJECT, SHAPES

GRAPHS = PROJECT.parent / "graphs.py"


def project(folder: Path, **graphs: str) -> Path:
    path = folder / "langgraph.json"
    path.write_text(json.dumps({"graphs": graphs}))
    return path


def test_every_graph_of_a_project_is_loaded():
    loaded = {one.slug: one for one in [*load_project(PROJECT), *load_project(SHAPES)]}
    assert {"calls", "row", "inside", "raw"} <= loaded.keys()
    assert {"append", "pay"} <= loaded["calls"].tools.keys()
    assert {node["name"] for node in loaded["calls"].drawing["nodes"]} >= {"plan", "propose", "finish"}
    assert "world" in loaded["calls"].input_schema["properties"]


def test_every_graph_that_cannot_be_used_is_told_of_at_once(tmp_path):
    (tmp_path / "mine.py").write_text("graph = 7\n")
    with pytest.raises(BadProject) as refusal:
        load_project(project(tmp_path, one="./mine.py:graph", two="./mine.py:nothing", three="./gone.py:graph"))
    first, *rest = str(refusal.value).splitlines()
    assert first == "3 of its graphs cannot be used"
    assert [line[:2] for line in rest] == ["* "] * 3 and "nothing" in rest[1] and "gone.py" in rest[2]


def test_a_project_without_a_declaration_has_no_tools_and_its_own_input(tmp_path):
    (tmp_path / "bare.py").write_text("from tests.agents_for_tests.graphs import raw as graph\n")
    bare = load_project(project(tmp_path, bare="./bare.py:graph"))[0]
    assert (bare.tools, bare.prepare({"a": 1})) == ({}, {"a": 1})
    assert bare.input_schema["type"] == "object"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"graphs": []}',
        '{"graphs": {}}',
        '{"graphs": {"a": "x.py:y"}, "graphs": {}}',
        '{"graphs": {"a": "none.py:graph"}}',
        "\x00",
    ],
)
def test_a_file_that_names_nothing_usable_is_refused(tmp_path, text):
    (tmp_path / "langgraph.json").write_text(text)
    with pytest.raises(BadProject):
        load_project(tmp_path / "langgraph.json")


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ("not_a_graph", "is a str"),
        ("nothing", "nothing"),
        ("", "ValueError|AttributeError"),
    ],
)
def test_what_is_no_graph_is_refused(tmp_path, variable, why):
    with pytest.raises(BadProject, match=why):
        load_project(project(tmp_path, a=f"{GRAPHS}:{variable}"))


@pytest.mark.parametrize("code", ["import nothing_of_that_name", "raise SystemExit(3)", "1 / 0", "def broken(:"])
def test_a_project_whose_code_falls_over_is_refused(tmp_path, code):
    (tmp_path / "code.py").write_text(code)
    with pytest.raises(BadProject):
        load_project(project(tmp_path, a="./code.py:graph"))


@pytest.mark.parametrize("dependencies", ["./here", [1], {"a": 1}, None])
def test_dependencies_of_another_shape_are_refused_or_ignored(tmp_path, dependencies):
    (tmp_path / "langgraph.json").write_text(json.dumps({"dependencies": dependencies, "graphs": {"a": f"{GRAPHS}:raw"}}))
    try:
        assert load_project(tmp_path / "langgraph.json")
    except BadProject as error:
        assert "dependencies" in str(error)


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"graphs": {"a": "./graph.ts:agent"}}, "not Python"),
        ({"graphs": {"a": {"description": "no path"}}}, "must name a file"),
        ({"graphs": {"a/b": "./x.py:graph"}}, "named with letters"),
        ({"graphs": {"a": "./x.py:graph"}, "env": 3}, "env"),
        ({"graphs": {"a": "./x.py:graph"}, "env": ".nowhere"}, "nowhere"),
        ({"graphs": {"a": "./x.py:graph"}, "dependencies": ["a-package-nobody-made"]}, "a-package-nobody-made"),
        ({"graphs": {"a": "./x.py:graph"}, "countersign": []}, "countersign"),
        ({"graphs": {"a": "./x.py:wants_much"}}, "wants one, two"),
        ({"graphs": {"a": "./x.py:remote"}}, "another server"),
        ({"graphs": {"a": "./x.py:closing"}}, "context manager"),
    ],
)
def test_what_the_convention_allows_and_we_cannot_follow_is_said(tmp_path, says, why):
    (tmp_path / "x.py").write_text(
        "import contextlib\nclass RemoteGraph: pass\nremote = RemoteGraph()\ndef wants_much(one, two): ...\n"
        "@contextlib.contextmanager\ndef closing():\n    yield\n"
    )
    (tmp_path / "langgraph.json").write_text(json.dumps(says))
    with pytest.raises(BadProject, match=why):
        load_project(tmp_path / "langgraph.json")


def test_a_projects_environment_is_known_to_its_code_and_the_operators_own_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("SET_BY_THE_OPERATOR", "mine")
    monkeypatch.setenv("OF_THE_PROJECT", "")
    monkeypatch.delenv("OF_THE_PROJECT")
    (tmp_path / ".env").write_text("# words\nexport OF_THE_PROJECT='yes'\nSET_BY_THE_OPERATOR=theirs\n")
    (tmp_path / "x.py").write_text(
        "import os\nfrom tests.agents_for_tests.graphs import raw as graph\n"
        "assert (os.environ['OF_THE_PROJECT'], os.environ['SET_BY_THE_OPERATOR']) == ('yes', 'mine')\n"
    )
    says = {"graphs": {"a": {"path": "./x.py:graph", "description": "an object"}}, "env": ".env", "dependencies": ["langchain>=1"]}
    (tmp_path / "langgraph.json").write_text(json.dumps(says))
    assert load_project(tmp_path / "langgraph.json")[0].slug == "a"
    monkeypatch.delenv("OF_THE_PROJECT")


def test_an_env_file_means_what_it_means_to_python_dotenv(tmp_path, monkeypatch):
    monkeypatch.setitem(projects._OPERATORS, "HOME_OF_ALL", "/srv")
    monkeypatch.setenv("OF_ANOTHER_PROJECT", "its secret")
    (tmp_path / ".env").write_text(
        '\ufeffKEY=abc # a comment\nQUOTED="q # no comment" # one\nexport SINGLE=\'a b\'\nLINES="first\nsecond"\nTAB="a\\tb"\n'
        "WHERE=${HOME_OF_ALL}/${KEY}\nELSE=${NOWHERE:-else}\nTHEIRS=[${OF_ANOTHER_PROJECT}]\nEMPTY=\nNONE\nEQUALS=a=b#c\n"
    )
    (tmp_path / "langgraph.json").write_text(json.dumps({"graphs": {"a": f"{GRAPHS}:raw"}, "env": ".env"}))
    assert projects.read(tmp_path / "langgraph.json").env == {
        "KEY": "abc", "QUOTED": "q # no comment", "SINGLE": "a b", "LINES": "first\nsecond", "TAB": "a\tb",
        "WHERE": "/srv/abc", "ELSE": "else", "THEIRS": "[]", "EMPTY": "", "EQUALS": "a=b#c",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dependency", "why"),
    [
        ("langchain>=99.0", "langchain>=99.0, of which this installation has 1."),
        ("langchain<1", "of which this installation has"),
        ("langchain >= one", "names no package"),
        ("git+https://example.com/x.git", "names no package"),
        ("nobody-made-this; python_version > '3'", "does not have"),
        ("langchain>=1", ""),
        ("LangChain[openai]~=1.0", ""),
        ("langchain @ git+https://example.com/x.git", ""),
        ("nobody-made-this; python_version < '3'", ""),
    ],
)
def test_a_dependency_is_met_by_its_version(tmp_path, dependency, why):
    (tmp_path / "langgraph.json").write_text(json.dumps({"graphs": {"a": f"{GRAPHS}:raw"}, "dependencies": [dependency]}))
    if not why:
        assert load_project(tmp_path / "langgraph.json")
        return
    with pytest.raises(BadProject, match=re.escape(why)):
        load_project(tmp_path / "langgraph.json")


TEMPLATE = """
[project]
name = "a-template"
[tool.setuptools]
packages = ["langgraph.templates.a_template", "a_template"]
[tool.setuptools.package-dir]
"langgraph.templates.a_template" = "src/a_template"
"a_template" = "src/a_template"
"""


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (TEMPLATE, "src"),
        ('[project]\nname = "a"\n', "src"),
        ('[tool.setuptools.package-dir]\n"" = "lib"\n', "lib"),
        ('[tool.setuptools.packages.find]\nwhere = ["lib/here"]\n', "lib/here"),
        ('[tool.hatch.build.targets.wheel]\npackages = ["lib/a_template"]\n', "lib"),
        ('[tool.poetry]\npackages = [{include = "a_template", from = "lib"}]\n', "lib"),
        ('[tool.pdm.build]\npackage-dir = "lib"\n', "lib"),
        ('[tool.uv.build-backend]\nmodule-root = "lib"\n', "lib"),
        ('[project]\nname = "a"\n', "."),
    ],
)
def test_a_local_dependency_is_imported_as_an_editable_install_would_have_it(tmp_path, said, place):
    package = tmp_path / place / "a_template"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(said)
    (package / "__init__.py").write_text("from a_template.graph import graph\n")
    (package / "graph.py").write_text("from tests.agents_for_tests.graphs import raw as graph\n")
    for target in (f"./{place}/a_template/graph.py:graph", "a_template.graph:graph"):
        (tmp_path / "langgraph.json").write_text(json.dumps({"graphs": {"a": target}, "dependencies": ["."]}))
        assert load_project(tmp_path / "langgraph.json")[0].slug == "a"
        assert str(package / "graph.py") in {str(getattr(m, "__file__", "")) for n, m in sys.modules.items() if n == "a_template.graph"}


@pytest.mark.parametrize(
    ("said", "code", "why"),
    [
        (
            '[tool.setuptools.package-dir]\n"mine" = "other"\n',
            "import mine",
            'No module named .mine.*if "mine" is the project.*pip install -e /',
        ),
        ("not toml", "", "pyproject.toml cannot be read"),
        (
            "[tool]\nsetuptools = 3\nhatch = []\npoetry = {packages = [3]}\n[tool.uv]\nbuild-backend = 1\n",
            "import nobodys.x",
            "pip install -e",
        ),
        (None, "import nobodys.x", 'install "nobodys" into the same environment'),
        (None, "import agents.mine", '"agents" is a package of Countersign itself here: give yours another name'),
    ],
)
def test_a_module_that_is_not_found_comes_with_what_to_do(tmp_path, said, code, why):
    if said is not None:
        (tmp_path / "pyproject.toml").write_text(said)
    (tmp_path / "agents").mkdir()
    (tmp_path / "x.py").write_text(f"{code}\nfrom tests.agents_for_tests.graphs import raw as graph\n")
    (tmp_path / "langgraph.json").write_text(json.dumps({"graphs": {"a": "./x.py:graph"}, "dependencies": ["."]}))
    with pytest.raises(BadProject, match=why):
        load_project(tmp_path / "langgraph.json")


@pytest.mark.parametrize(("slug", "own", "awaits"), [("batched", "InMemorySaver", False), ("awaiting", "", True), ("made", "", False)])
def test_factories_graphs_with_a_checkpointer_and_async_nodes_are_taken(slug, own, awaits):
    loaded = load_agent(str(OTHERS), slug)
    assert (loaded.own_checkpointer, loaded.needs_a_loop) == (own, awaits)
    assert loaded.compile(None).checkpointer is None


def test_tools_of_a_graph_and_of_its_helpers_are_found_with_a_suggested_class():
    found = load_agent(str(OTHERS), "batched_helper").described
    assert {(t["name"], t["risk"], t["helper"]) for t in found} >= {("helper", "write", ""), ("send", "message", "helper")}
    assert next(t for t in found if t["name"] == "send")["schema"]["required"] == ["to"]


def test_tools_of_a_helper_that_stands_in_the_module_are_found(tmp_path):
    (tmp_path / "led.py").write_text(
        "from tests.agents_for_tests.others.parts_of_others import Planned, TOOLS\nfrom langchain.agents import create_agent\n"
        "from langchain_core.tools import tool\nhelper = create_agent(Planned(), TOOLS)\n\n@tool\ndef ask(task: str) -> str:\n"
        "    'Ask the helper.'\n    return str(helper.invoke({'messages': [task]}))\n\nlead = create_agent(Planned(), [ask])\n"
    )
    (found,) = load_project(project(tmp_path, lead="./led.py:lead"))
    assert {(t["name"], t["helper"]) for t in found.described} >= {("ask", ""), ("send", "ask")}


def test_a_graph_that_was_renamed_is_missed_by_name():
    with pytest.raises(BadProject, match="no graph named nobody"):
        load_agent(str(PROJECT), "nobody")


def test_a_project_that_is_not_there():
    with pytest.raises(BadProject, match="cannot be read"):
        load_project(Path("/nowhere/langgraph.json"))


def two_of_one_kind(tmp_path: Path) -> list[Path]:
    """Two projects whose modules, folders inside and settings have the same names."""
    for name in ("one", "two"):
        home = tmp_path / name
        (home / "kit").mkdir(parents=True)
        (home / "helpers.py").write_text(f"import os\nWHO = '{name}'\n\ndef setting():\n    return os.environ.get('OF_THE_PROJECT')\n")
        (home / "kit" / "late.py").write_text(f"WHO = '{name}'\n")  # a namespace package, imported while the graph runs
        (home / ".env").write_text(f"OF_THE_PROJECT={name}\nONLY_{name.upper()}=1\n")
        (home / "graph.py").write_text(
            "import os\nfrom langgraph.graph import StateGraph\nimport helpers\n\ndef tell(state):\n    from kit import late\n"
            "    told = [helpers.WHO, helpers.setting(), late.WHO, sorted(n for n in os.environ if n.startswith('ONLY_'))]\n"
            "    return {'told': told}\n\ngraph = StateGraph(dict)\ngraph.add_node('tell', tell)\n"
            "graph.set_entry_point('tell')\ngraph.set_finish_point('tell')\n"
        )
        says = {"graphs": {name: "./graph.py:graph"}, "dependencies": ["."], "env": ".env"}
        (home / "langgraph.json").write_text(json.dumps(says))
    return [tmp_path / name / "langgraph.json" for name in ("one", "two")]


def test_projects_that_call_their_files_and_settings_the_same_are_kept_apart(tmp_path):
    paths = two_of_one_kind(tmp_path)
    loaded = [load_project(path)[0] for path in paths]  # both, before either is looked at
    assert [one.drawing["nodes"][1]["name"] for one in loaded] == ["tell", "tell"]
    for path in [*paths, *reversed(paths), *paths]:
        name = path.parent.name
        graph = load_agent(str(path), name).compile(None)
        assert graph.invoke({})["told"] == [name, name, name, [f"ONLY_{name.upper()}"]]
    first = sys.modules["helpers"]
    load_agent(str(paths[0]), "one")
    load_agent(str(paths[1]), "two")
    assert sys.modules["helpers"] is first  # what it remembers in its modules is still there


def test_a_new_version_of_one_project_leaves_the_other_as_it_was(tmp_path):
    paths = two_of_one_kind(tmp_path)
    both = [load_agent(str(path), path.parent.name, 1) for path in paths]
    helpers = paths[0].parent / "helpers.py"
    helpers.write_text(helpers.read_text().replace("WHO = 'one'", "WHO = 'another'"))
    assert load_agent(str(paths[1]), "two", 1).compile(None).invoke({})["told"][0] == "two"
    assert load_agent(str(paths[0]), "one", 2).compile(None).invoke({})["told"][0] == "another"
    assert load_agent(str(paths[1]), "two", 1) is both[1]
    assert both[1].compile(None).invoke({})["told"][0] == "two"


def test_the_layout_of_langgraphs_own_template_is_imported_as_it_is(tmp_path):
    (tmp_path / "my_agent" / "utils").mkdir(parents=True)
    (tmp_path / "my_agent" / "__init__.py").touch()
    (tmp_path / "my_agent" / "utils" / "__init__.py").touch()
    (tmp_path / "my_agent" / "utils" / "nodes.py").write_text("def tell(state):\n    return {'told': 'here'}\n")
    (tmp_path / "my_agent" / "agent.py").write_text(
        "from langgraph.graph import StateGraph\nfrom my_agent.utils.nodes import tell\ngraph = StateGraph(dict)\n"
        "graph.add_node('tell', tell)\ngraph.set_entry_point('tell')\ngraph.set_finish_point('tell')\n"
    )
    says = {"dependencies": ["./my_agent"], "graphs": {"agent": "./my_agent/agent.py:graph"}}
    (tmp_path / "langgraph.json").write_text(json.dumps(says))
    assert load_project(tmp_path / "langgraph.json")[0].compile(None).invoke({}) == {"told": "here"}


TYPED = """
import operator
from typing import Annotated, Any, NotRequired, Required, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt


class Line(TypedDict):
    sku: str
    count: NotRequired[int]


class Base(TypedDict, total=False):
    ticket: Required[str]
    notes: Annotated[list[str], operator.add]


class State(Base):
    lines: list[Line]
    last: Line | None
    messages: Annotated[list[AnyMessage], add_messages]


class Opaque:
    pass


class Odd(TypedDict):
    what: Opaque


def graph_of(state):
    graph = StateGraph(state)
    graph.add_node("a", lambda state: {})
    graph.add_edge(START, "a")
    return graph.compile()


graph, odd = graph_of(State), graph_of(Odd)


@entrypoint()
def flow(line: Line) -> str:
    return interrupt(line)
"""


def test_a_state_of_the_standard_library_s_typed_dict_describes_its_input(tmp_path):
    """Below Python 3.12 pydantic wants the other TypedDict: any object started such a graph, and its form had no fields."""
    (tmp_path / "typed_states.py").write_text(TYPED)
    names = {name: f"./typed_states.py:{name}" for name in ("graph", "odd", "flow")}
    loaded = {one.slug: one for one in load_project(project(tmp_path, **names))}
    schema = loaded["graph"].input_schema
    assert list(schema["properties"]) == ["ticket", "notes", "lines", "last", "messages"]
    assert schema["required"] == ["ticket"]  # LangGraph starts with any part of a state: what is there unless it is said is not asked for
    assert (schema["properties"]["notes"]["items"], schema["properties"]["messages"]["items"]["required"]) == (
        {"type": "string"},
        ["content"],
    )
    line = schema["$defs"]["Line"]
    assert (line["properties"]["count"]["type"], line["required"]) == ("integer", ["sku"])
    assert loaded["flow"].input_schema["required"] == ["sku"]
    assert loaded["graph"].warnings == loaded["flow"].warnings == []
    assert loaded["odd"].input_schema == {"type": "object"}
    assert "any JSON object starts one" in " ".join(loaded["odd"].warnings)


def test_only_what_the_planner_thinks_for_is_said_to_think_with_its_model():
    root = Path(__file__).resolve().parents[2] / "examples"
    planned = {
        one.slug: name_of(one.models) == NAME for name in ("refunds", "letters") for one in load_project(root / name / "langgraph.json")
    }
    assert planned["refunds"] and not any(planned[slug] for slug in planned.keys() - {"refunds"})
    assert not any(one.models for one in load_project(PROJECT))


def test_a_graph_of_more_steps_than_langgraph_draws_says_what_is_left_out(tmp_path):
    (tmp_path / "long.py").write_text(
        "from langgraph.graph import StateGraph, START\n"
        "built = StateGraph(dict)\n"
        "for n in range(260):\n"
        "    built.add_node(f'n{n}', lambda state: state)\n"
        "    built.add_edge(f'n{n - 1}' if n else START, f'n{n}')\n"
        "graph = built.compile()\n"
    )
    (tmp_path / "langgraph.json").write_text('{"dependencies": ["."], "graphs": {"long": "./long.py:graph"}}')
    (loaded,) = load_project(tmp_path / "langgraph.json")
    assert any("no way to 9 nodes" in why and "250 steps" in why for why in loaded.warnings), loaded.warnings
