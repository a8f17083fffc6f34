"""What the Connect tab gives to paste fits the agent it is for."""

import json

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
