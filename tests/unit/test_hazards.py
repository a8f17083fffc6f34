"""What would lose or repeat a pause, found in a project's syntax: each way to do it, and beside it what only looks like one."""

import json

import pytest

from agents.graphs.hazards import hazards_of
from agents.graphs.project import read

START = "from langgraph.types import interrupt\nfrom langgraph.prebuilt import ToolNode, create_react_agent\nfrom langgraph.errors import GraphBubbleUp\n"


def found(tmp_path, code: str) -> list[tuple[str, str]]:
    """(line's text, kind) of every hazard in this code."""
    text = START + code
    (tmp_path / "graph.py").write_text(text)
    (tmp_path / "langgraph.json").write_text(json.dumps({"graphs": {"a": "./graph.py:graph"}, "dependencies": ["."]}))
    lines = text.splitlines()
    return [(lines[int(one.at.partition(":")[2]) - 1].strip(), one.why) for one in hazards_of(read(tmp_path / "langgraph.json"))]


@pytest.mark.parametrize(
    "handler", ["except Exception:", "except BaseException as e:", "except:", "except (ValueError, Exception):", "except GraphBubbleUp:"]
)
def test_a_handler_that_swallows_the_pause_is_named_by_its_line(tmp_path, handler):
    code = f"def node(state):\n    try:\n        a = interrupt('sure?')\n    {handler}\n        a = None\n    return a\n"
    [(line, why)] = found(tmp_path, code)
    assert line == handler
    assert "nobody would be asked" in why


@pytest.mark.parametrize(
    ("asks", "before"),
    [
        ("confirm('x')", "def confirm(q):\n    return interrupt(q)\n"),
        ("twice()", "def twice():\n    return confirm()\ndef confirm():\n    return interrupt('x')\n"),
        ("await confirm()", "async def confirm():\n    return interrupt('x')\n"),
        ("confirm.invoke({})", "@tool\ndef confirm():\n    return interrupt('x')\n"),
        ("types.interrupt('x')", "from langgraph import types\n"),
        ("lt.interrupt('x')", "import langgraph.types as lt\n"),
        ("wait('x')", "from langgraph.types import interrupt as wait\n"),
        ("gate('pay', {})", "from agents.graphs.gate import gate\n"),
        ("state['a'] = [interrupt(q) for q in 'ab']", ""),
    ],
)
def test_however_the_question_is_reached(tmp_path, asks, before):
    code = f"{before}async def node(state):\n    try:\n        if state:\n            {asks}\n    except Exception:\n        pass\n"
    assert [line for line, _ in found(tmp_path, code)] == ["except Exception:"]


@pytest.mark.parametrize(
    "body",
    [
        "try:\n        pay()\n    except Exception:\n        pass\n    interrupt('x')",
        "try:\n        pay()\n    except Exception:\n        interrupt('it failed; again?')",
        "try:\n        pay()\n    except Exception:\n        pass\n    else:\n        interrupt('x')",
        "try:\n        interrupt('x')\n    except ValueError:\n        pass",
        "try:\n        interrupt('x')\n    except GraphBubbleUp:\n        raise\n    except Exception:\n        pass",
        "try:\n        interrupt('x')\n    except Exception as e:\n        log(e)\n        raise",
        "try:\n        interrupt('x')\n    except Exception as e:\n        if isinstance(e, GraphBubbleUp):\n            raise e\n        log(e)",
        "try:\n        def later():\n            interrupt('x')\n    except Exception:\n        pass",
        "try:\n        client.confirm()\n    except Exception:\n        pass",
    ],
)
def test_what_lets_a_pause_through_is_not_named(tmp_path, body):
    assert found(tmp_path, f"def confirm():\n    return interrupt('x')\ndef node(state):\n    {body}\n") == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (
            "from contextlib import suppress\ndef node(s):\n    with suppress(Exception):\n        interrupt('x')\n",
            "with suppress(Exception):",
        ),
        ("def node(s):\n    try:\n        interrupt('x')\n    finally:\n        return {}\n", "return {}"),
        ("def node(s):\n    try:\n        interrupt('x')\n    except* Exception:\n        pass\n", "except* Exception:"),
        (
            "from langchain.agents.middleware import wrap_tool_call\n@tool\ndef pay():\n    interrupt('x')\n@wrap_tool_call\n"
            "def kind(request, handler):\n    try:\n        return handler(request)\n    except Exception as e:\n        return str(e)\n",
            "except Exception as e:",
        ),
    ],
)
def test_other_ways_to_swallow_it(tmp_path, code, line):
    assert [found_line for found_line, _ in found(tmp_path, code)] == [line]


GATED = "@tool\ndef gated():\n    return interrupt('x')\n@tool\ndef free(): ...\ndef with_human(tool):\n    def inner():\n        return interrupt('x')\n    return inner\n"


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("node = ToolNode([gated, free])", 1),
        ("tools = [free, gated]\nnode = ToolNode(tools=tools)", 1),
        ("node = ToolNode([with_human(free)])", 1),
        ("node = ToolNode([free])", 0),
        ("graph = create_react_agent(model, tools=ToolNode([gated]))", 0),
        ("graph = create_react_agent(model, [gated, free])", 0),
    ],
)
def test_tools_that_ask_in_a_plain_tool_node(tmp_path, code, count):
    hazards = found(tmp_path, GATED + code + "\n")
    assert len(hazards) == count
    assert all("made again" in why for _, why in hazards)


GOVERNED = "from agents.graphs.loops import require_approval\n@require_approval\ndef wipe(p): ...\n@require_approval(risk='delete')\ndef burn(p): ...\n"


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("def node(s):\n    return {'x': wipe(s)}", 1),
        ("def node(s):\n    burn(s)\n    wipe(s)", 2),
        ("node = ToolNode([wipe, burn])", 0),
        ("def node(s):\n    return other.wipe(s)", 0),
    ],
)
def test_a_function_that_became_a_governed_tool_is_called_by_no_node(tmp_path, code, count):
    hazards = found(tmp_path, GOVERNED + code + "\n")
    assert len(hazards) == count and all("cannot be called as a function" in why for _, why in hazards)


@pytest.mark.parametrize("text", ["def broken(:", "x = '\x00'", "(" * 5_000, "\ufeff# -*- coding: nothing -*-"])
def test_a_file_that_cannot_be_read_hides_no_other(tmp_path, text):
    (tmp_path / "broken.py").write_text(text)
    assert len(found(tmp_path, "def node(s):\n    try:\n        interrupt('x')\n    except Exception:\n        pass\n")) == 1


def test_an_environment_in_the_projects_folder_is_not_its_code(tmp_path):
    (tmp_path / ".venv" / "lib").mkdir(parents=True)
    (tmp_path / ".venv" / "lib" / "x.py").write_text(START + "try:\n    interrupt('x')\nexcept Exception:\n    pass\n")
    assert found(tmp_path, "") == []


BETWEEN = "def node(state):\n    a = interrupt('one')\n    {between}\n    b = interrupt('two')\n    return {{'out': [a, b]}}\n"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (BETWEEN.format(between="pay(a)"), "pay(a)"),
        (BETWEEN.format(between="if a:\n        await_all = bank.transfer(a)"), "await_all = bank.transfer(a)"),
        (BETWEEN.format(between="open('paid', 'a').write(a)"), "open('paid', 'a').write(a)"),
        ("def node(s):\n    a = interrupt('one')\n    pay(a)\n    return {'b': interrupt('two')}\n", "pay(a)"),
        ("def node(s):\n    for one in s['all']:\n        if interrupt(one):\n            pay(one)\n    return {}\n", "pay(one)"),
        ("def sure(q):\n    return interrupt(q)\ndef node(s):\n    sure('a')\n    pay(s)\n    sure('b')\n", "pay(s)"),
    ],
)
def test_what_is_done_between_two_questions_is_named(tmp_path, code, line):
    [(named, why)] = found(tmp_path, code)
    assert named == line and "done again" in why


@pytest.mark.parametrize(
    "code",
    [
        "def node(s):\n    a = interrupt('one')\n    pay(a)\n    return {}\n",
        "def node(s):\n    pay(s)\n    a = interrupt('one')\n    return {'b': interrupt(str(a))}\n",
        BETWEEN.format(between="a = [str(x).strip() for x in a.get('all', [])]"),
        BETWEEN.format(between="log.info('told %s', a)"),
        BETWEEN.format(between="once('pay', lambda: pay(a))"),
        BETWEEN.format(between="if a == 'no':\n        return undo(a)"),
        BETWEEN.format(between="if a == 'no':\n        undo(a)\n        return {}"),
        "def node(s):\n    while True:\n        a = interrupt('how many?')\n        if isinstance(a, int):\n            pay(a)\n            break\n    return {}\n",
        "def one(s):\n    interrupt('a')\ndef act(s):\n    pay(s)\ndef two(s):\n    interrupt('b')\n",
        "def node(s):\n    a = interrupt(HumanMessage('one'))\n    m = HumanMessage(a)\n    return {'b': interrupt(m)}\n",
    ],
)
def test_what_only_makes_a_value_or_comes_after_the_last_question_is_not(tmp_path, code):
    assert found(tmp_path, code) == []
