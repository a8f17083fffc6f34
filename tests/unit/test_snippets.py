"""What the Connect tab gives to paste fits the agent it is for."""

import json

import pytest

from agents.views.snippets import snippets, subject
from audit import schemas

CONVERSATION = {
    "type": "object",
    "properties": {"messages": {"type": "array", "items": {"type": "object", "required": ["content"]}}, "copies": {"type": "integer", "minimum": 2}},
    "required": ["messages", "copies"],
}  # fmt: skip


def test_a_run_is_started_with_an_input_that_the_agent_takes():
    """An agent without an input of its own to show got {}, which it refused."""
    of = subject(slug="a", url="http://x", key="", by="ada", tools=[], runs_here=True, samples=[], input_schema=CONVERSATION)
    assert schemas.why_not(CONVERSATION, of.sample) == ""
    (run,) = [one.text for one in snippets(of) if one.name == "run"]
    assert '--input \'{"messages": [{"role": "user", "content": "Hello"}], "copies": 2}\'' in run


def test_an_input_of_its_own_comes_first():
    of = subject(slug="a", url="", key="", by="ada", tools=[], runs_here=True, samples=[{"ticket": 1}], input_schema=CONVERSATION)
    assert of.sample == {"ticket": 1}


def test_the_gateway_knows_a_tool_by_its_prefix_and_names_its_arguments():
    tools = [{"name": "files.append", "risk": "write", "schema": {"properties": {"line": {"type": "string"}}, "required": ["line"]}}]
    of = subject(slug="a", url="http://x", key="k", by="ada", tools=tools, runs_here=False, samples=[], input_schema={})
    (text,) = [one.text for one in snippets(of) if one.name == "gateway"]
    server = json.loads(text)["mcpServers"]["a-gateway"]
    assert server["args"][:3] == ["mcp", "--prefix", "files."]
    assert "tool(name='append')\ndef act(line: str) -> str:" in server["args"][-1]


@pytest.mark.parametrize(
    ("name", "sub", "taken"),
    [
        ("n", {"type": "integer"}, "n: int"),
        ("n", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "n: Any"),
        ("n", {"enum": [1, 2]}, "n: Any"),
        ("n", {"type": ["integer", "null"]}, "n: Any"),
        ("n", True, "n: Any"),
        ("n", {"$ref": "#/$defs/it"}, "n: Any"),
        ("_n", {"type": "integer"}, ""),
        ("self", {"type": "integer"}, ""),
        ("from", {"type": "integer"}, ""),
        ("kwargs", {"type": "integer"}, ""),
        ("model_config", {"type": "integer"}, ""),
        ("model_name", {"type": "integer"}, "model_name: int"),
        ("\ufb01", {"type": "integer"}, ""),  # Python reads the ligature as two letters
    ],
)
def test_a_tool_of_langchain_takes_what_the_schema_takes_or_the_text_says_what_is_left_out(name, sub, taken):
    schema = {"properties": {name: sub}, "required": [name], "$defs": {"it": {"type": "object"}}}
    tools = [{"name": "pay", "risk": "money", "schema": schema}]
    of = subject(slug="a", url="http://x", key="k", by="ada", tools=tools, runs_here=False, samples=[], input_schema={})
    text = next(one.text for one in snippets(of) if one.name == "langchain")
    compile(text, "langchain", "exec")
    assert f"({taken}) -> str:" in text and ("from typing import Any" in text) == ("Any" in taken)
    assert ("no name of a parameter" in text) == (taken == "")
