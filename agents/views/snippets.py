"""What one pastes to connect a program to an agent: pure text out of its name, its tools, this installation's address and a key.

Belongs here: no request, no database. `tests/journeys/test_connecting.py` takes most of the texts off the page and runs them.
"""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic import BaseModel

from agents.views.samples import begin_with, made_up
from audit import schemas
from audit.sentences import say

_MANY = say("it needs more values than are made up here")
_THEIRS = frozenset({"self", "cls", "config", "callbacks", "run_manager", "runtime", "state", "store", "ctx", "args", "kwargs"})
_PYDANTICS = frozenset(name for name in dir(BaseModel) if name.startswith("model_"))
TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}


@dataclass(frozen=True)
class Snippet:
    """One text to copy. `name` is its anchor."""

    name: str
    title: str
    about: str
    text: str


@dataclass(frozen=True)
class Subject:
    """Whom the snippets speak for.

    Attributes:
        key: the key just made, or "" when the reader puts theirs in.
        runs_here: a graph of ours, which is also started here; `sample` is an input of it.
        unfit: why the arguments made up do not fit what the tool declares, "" where they do.
    """

    slug: str
    url: str
    key: str
    by: str
    tool: str
    args: Mapping[str, Any]
    schema: Mapping[str, Any]
    runs_here: bool
    sample: Any = None
    unfit: str = ""


def subject(
    *, slug: str, url: str, key: str, by: str, tools: Sequence[Mapping[str, Any]], runs_here: bool, samples: Sequence[Any], input_schema: Mapping[str, Any],
) -> Subject:  # fmt: skip
    """The first tool that changes something stands for all; without any, one that nobody declared, which counts as the worst."""
    nothing: Mapping[str, Any] = {"name": "note", "schema": {}}
    found = next((tool for tool in tools if str(tool.get("risk")) != "read"), tools[0] if tools else nothing)
    schema = found.get("schema") or {}
    name = str(found["name"])
    args, whole = made_up(schema)
    begin = samples[0] if samples else begin_with(input_schema)
    return Subject(slug, url.rstrip("/"), key, by, name, args, schema, runs_here, begin, schemas.why_not(schema, args) if whole else _MANY)


def snippets(of: Subject) -> tuple[Snippet, ...]:
    """All of them, in the order in which one needs them."""
    found = [
        Snippet("env", _("Address and key"), _("For every program below. Keep the key as you keep a password."), _env(of)),
        Snippet("curl", "curl", _("Ask, wait, claim, act, report: from any language."), _curl(of)),
        Snippet("python", "Python", _("With the client: pip install ./client, from Countersign's folder."), _python(of)),
        Snippet(
            "langchain", _("LangChain tool"), _("A tool that asks before it runs, in an agent that runs on your side."), _langchain(of)
        ),
    ]
    if of.runs_here:
        found.append(Snippet("run", _("Start a run"), _("On the machine of this installation."), _run(of)))
    return (
        *found,
        Snippet("import", _("LangGraph, LangChain, deepagents"), _("Bring graphs of your own here, as they are: LangGraph's own file."), _import(of)),
        Snippet("mcp", "MCP", _("For a client that speaks MCP. Needs pip install './client[mcp]'. No tool of it decides."), _mcp(of)),
        Snippet(
            "gateway", _("MCP gateway"), _("Any MCP server behind the gate: each call of its tools asks here first. As it stands, a server to try it with; put the command of your own after --gateway, and declare its tools for this agent as the prefix and their names. Needs pip install './client[mcp]'."), _gateway(of),
        ),
        Snippet("webhook", _("Verify a webhook"), _("Add an address under Webhooks; its secret is shown there once. Needs pip install standardwebhooks."), _webhook()),
    )  # fmt: skip


def _env(of: Subject) -> str:
    return f"export COUNTERSIGN_URL={of.url}\nexport COUNTERSIGN_KEY={of.key or 'cs_agent_…'}\n"


def _curl(of: Subject) -> str:
    body = json.dumps({"tool": of.tool, "args": of.args}).replace("'", "'\\''")
    return f"""( # in a shell of its own: it may be pasted into yours
set -eu
heard=$(mktemp); trap 'rm -f "$heard"' EXIT
api() {{ curl -sS --fail-with-body -D "$heard" -H "Authorization: Bearer $COUNTERSIGN_KEY" -H "Content-Type: application/json" "$@"; }}
header() {{ grep -i "^$1:" "$heard" | tail -n 1 | cut -d: -f2 | tr -d ' \\r'; }}

api "$COUNTERSIGN_URL/api/v1/actions" -H "Idempotency-Key: $(date +%s)-$$" -d '{body}'
action=$(header Countersign-Action)
echo "Asked: $COUNTERSIGN_URL/actions/$action/"
while api "$COUNTERSIGN_URL/api/v1/actions/$action?wait=60" -o /dev/null && [ "$(header Countersign-Next)" = wait ]; do :; done
if [ "$(header Countersign-Next)" != claim ]; then
    echo "Not done: $(header Countersign-State); why stands on its page"
    exit 0
fi
api "$COUNTERSIGN_URL/api/v1/actions/$action/claim" -H "Idempotency-Key: $action" -d '{{}}'
# ... act, with exactly the arguments of the claim ...
api "$COUNTERSIGN_URL/api/v1/actions/$action/outcome" -d '{{"status": "done", "result": {{"by": "curl"}}}}'
)
"""


def _python(of: Subject) -> str:
    return f"""from countersign import Client, NotApproved

with Client() as people:  # COUNTERSIGN_URL and COUNTERSIGN_KEY
    action = people.request({of.tool!r}, {dict(of.args)!r}, rationale="Trying it")
    print("Asked:", action.url, flush=True)
    try:
        leave = people.approval(action.id)  # waits for people, then claims
    except NotApproved as refusal:
        print("Not done:", refusal)
    else:
        print("Acting with", leave.args)  # whatever really does it
        people.report(action.id, "done", result={{"by": "python"}})
"""


def _langchain(of: Subject) -> str:
    name = re.sub(r"\W", "_", of.tool)
    left = [arg for arg in of.args if not _is_name(arg)]
    note = (
        f"# {', '.join(left)!r}: no name of a parameter in Python; give the tool an args_schema whose fields have that as alias\n"
        if left
        else ""
    )
    taken = _taken(of)
    return f"""{_imports(taken)}from langchain_core.tools import tool
from countersign import require_approval
{note}

@tool
@require_approval({of.tool!r}, on_rejection=str)
def {name if _is_name(name) else f"tool_{name}"}({taken}) -> str:
    \"\"\"Say here what it does: the model reads it.\"\"\"
    return "done"  # whatever really does it
"""


def _taken(of: Subject) -> str:
    """The parameters of a function that takes its arguments."""
    properties = of.schema.get("properties") or {}
    named = filter(_is_name, of.args)
    return ", ".join(f"{name}: {_type(properties.get(name))}" for name in named)


def _imports(taken: str) -> str:
    return "from typing import Any\n" if ": Any" in taken else ""


def _type(sub: Any) -> str:
    """Of one plain kind, or anything: `true` is a schema, too, and so is a reference, a choice, or a list of kinds."""
    kind = sub.get("type") if isinstance(sub, Mapping) and not {"enum", "anyOf", "oneOf", "allOf", "$ref"} & sub.keys() else ""
    return TYPES.get(kind, "Any") if isinstance(kind, str) else "Any"


def _is_name(name: str) -> bool:
    """Whether LangChain and MCP hand it over as a parameter of a function: Python reads some letters as others, and they keep some names to themselves."""
    plain = name.isidentifier() and not keyword.iskeyword(name) and unicodedata.normalize("NFKC", name) == name
    return plain and not name.startswith(("_", "v__", "model_dump", "model_validate")) and name not in _THEIRS | _PYDANTICS


def _run(of: Subject) -> str:
    given = json.dumps(of.sample if of.sample is not None else {}).replace("'", "'\\''")
    return f".venv/bin/python manage.py runs start {of.slug} --input '{given}' --by {of.by} --wait 10\n"


def _import(of: Subject) -> str:
    return f""".venv/bin/python manage.py agents import PATH/langgraph.json --owner {of.by}
.venv/bin/python manage.py agents list
"""


def _mcp(of: Subject) -> str:
    env = {"COUNTERSIGN_URL": of.url, "COUNTERSIGN_KEY": of.key or "cs_agent_…"}
    return (
        json.dumps({"mcpServers": {of.slug: {"command": "countersign", "args": ["mcp"], "env": env}}}, indent=2, ensure_ascii=False) + "\n"
    )


def _gateway(of: Subject) -> str:
    """A server of one tool that this agent has, so that what is pasted does something; the tool's name may begin with a prefix, as `files.append`."""
    prefix, dot, name = of.tool.rpartition(".")
    taken = _taken(of)
    server = f"""{_imports(taken)}from mcp.server.mcpserver import MCPServer
server = MCPServer("try")
@server.tool(name={name!r})
def act({taken}) -> str:
    return "done"
server.run("stdio")
"""
    words = ["mcp", *(["--prefix", prefix + dot] if dot else []), "--gateway", "python3", "-c", server]
    env = {"COUNTERSIGN_URL": of.url, "COUNTERSIGN_KEY": of.key or "cs_agent_…"}
    return (
        json.dumps(
            {"mcpServers": {f"{of.slug}-gateway": {"command": "countersign", "args": words, "env": env}}}, indent=2, ensure_ascii=False
        )
        + "\n"
    )


def _webhook() -> str:
    return """import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

signed = Webhook(os.environ["WEBHOOK_SECRET"])  # whsec_…


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            told = signed.verify(body, {name.lower(): value for name, value in self.headers.items()})
        except (WebhookVerificationError, ValueError):  # a signature of no known form is a ValueError
            self.send_response(401)
        else:
            print(told["type"], self.headers["webhook-id"], flush=True)  # the same id again is the same message
            self.send_response(204)
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver).serve_forever()
"""
