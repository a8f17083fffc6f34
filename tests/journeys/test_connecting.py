"""Programs against the running stack: every snippet of the Connect tab and every example of the client, each to its end; webhooks, MCP, letters."""

import json
import re
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client
from playwright.sync_api import Page, expect

from agents.views import snippets as connect
from tests.journeys.conftest import ROOT, Stack, free_port
from tests.journeys.faults import serious, sideways
from tests.journeys.outside import Decider, Lines, begun, declare, ended, programs, token_of
from tests.sdks.home import python_with_sdks

SignIn = Callable[..., Page]
EXAMPLES = ROOT / "client" / "examples"
RUN = {
    "plain.py": "refunding 1200 cents of A-17",
    "curl.sh": "Acting with: {",
    "langgraph_graph.py": "refunded 1500",
    "langchain_agent.py": "refunded 700 cents of A-20",
    "openai_agents_loop.py": "refunded 300 cents of A-21 refunded 400 cents of A-22",
    "pydantic_ai_deferred.py": "refunded 500 cents of A-23",
}
OF_SDKS = {"openai_agents_loop.py", "pydantic_ai_deferred.py"}


@pytest.fixture
def agent(stack: Stack) -> str:
    slug = f"books-{uuid.uuid4().hex[:6]}"
    declare(stack, slug)
    return slug


@pytest.fixture
def env(stack: Stack, agent: str, tmp_path: Path) -> dict[str, str]:
    key = stack.manage("keys", "make", "journey", "--agent", agent, "--by", "s.adeyemi", "--quiet").strip()
    return {**programs(tmp_path), "COUNTERSIGN_URL": stack.url, "COUNTERSIGN_KEY": key}


def test_every_example_is_in_the_table_below() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == set(RUN)


@pytest.mark.parametrize("name", RUN)
def test_an_example_runs_to_its_end_when_a_person_approves(stack: Stack, agent: str, env: dict[str, str], name: str) -> None:
    python = str(python_with_sdks()) if name in OF_SDKS else sys.executable
    program = begun(["sh" if name.endswith(".sh") else python, str(EXAMPLES / name)], env)
    people = Decider(stack)
    people.decides(agent, count=2 if name == "openai_agents_loop.py" else 1)
    assert RUN[name] in ended(program)
    assert people.waiting(agent) == []


def test_an_example_says_what_people_refused(stack: Stack, agent: str, env: dict[str, str]) -> None:
    program = begun([sys.executable, str(EXAMPLES / "plain.py"), "A-99"], env)
    Decider(stack).decides(agent, "reject")
    out = ended(program)
    assert "Not done: " in out and ": a journey" in out


@pytest.mark.parametrize("program", ["snippet", "example"])
def test_an_argument_called_id_or_next_leads_curl_nowhere_else(stack: Stack, agent: str, env: dict[str, str], program: str) -> None:
    if program == "snippet":
        args = {"order": "A-31", "amount_cents": 900, "id": "elsewhere", "next": "claim"}
        made = connect.snippets(connect.Subject(agent, stack.url, env["COUNTERSIGN_KEY"], "s.adeyemi", "refund", args, {}, False))
        words = ["sh", "-c", next(one.text for one in made if one.name == "curl")]
    else:
        words = ["sh", str(EXAMPLES / "curl.sh"), 'A-31", "id": "elsewhere", "next": "claim']
    program_ = begun(words, env)
    people = Decider(stack)
    asked = people.asked(agent)[0]
    people.decides(agent)
    ended(program_)
    assert people.action(asked["id"])["outcome"]["result"] == {"by": "curl"}


def test_the_minute_of_the_docs_runs_as_it_is_written(stack: Stack) -> None:
    text = (ROOT / "docs" / "api.md").read_text().partition("## In one minute")[2].partition("```sh\n")[2].partition("```")[0]
    assert text.count("localhost:8000/api") == 5 and ".venv/bin/python" in text
    text = text.replace("localhost:8000", stack.url).replace(".venv/bin/python", sys.executable)
    program = subprocess.Popen(["sh", "-euc", text], cwd=ROOT, env=stack.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    people = Decider(stack)
    asked = people.asked("books")[0]
    people.decides("books")
    ended(program)
    assert people.action(asked["id"])["outcome"]["result"] == {"invoice": "F-2231"}


def snippets(page: Page) -> dict[str, str]:
    found = {
        name: page.locator(f"#{name} pre").inner_text()
        for name in ("env", "curl", "python", "langchain", "import", "mcp", "gateway", "webhook")
    }
    for name, text in found.items():  # what the button copies is what stands there
        copied = page.locator(f"#{name} [data-copy]").get_attribute("data-copy") or ""
        assert copied.split() == text.split(), name
    return found


def with_a_key(page: Page, agent: str) -> dict[str, str]:
    """The Connect tab after a key was made there."""
    page.goto(f"/agents/{agent}/")
    page.get_by_role("link", name="Connect").click()
    expect(page.locator("#arrived")).to_contain_text("Waiting for the first call")
    page.locator("#key-name").fill("journey")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#new-key")).to_contain_text("cs_agent_")
    return snippets(page)


def test_the_snippets_of_the_page_run_as_they_are(stack: Stack, sign_in: SignIn, agent: str, tmp_path: Path) -> None:
    page = sign_in("admin")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    found = with_a_key(page, agent)
    page.locator("#python [data-copy]").click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text.length > 0)")  # what copies is loaded when it is first wanted
    assert str(page.evaluate("navigator.clipboard.readText()")).split() == found["python"].split()
    env = programs(tmp_path)
    people = Decider(stack)
    for name, words in (("curl", ["sh", "-c"]), ("python", [])):
        script = tmp_path / f"{name}.txt"
        script.write_text(found[name])
        run = f"{found['env']}\n" + (found[name] if words else f"exec python {script}")
        program = begun(["sh", "-c", run], env)
        people.decides(agent)
        out = ended(program)
        assert f"Asked: {stack.url}/actions/" in out
        asked = re.findall(r"/actions/([0-9a-f-]{36})/", out)[0]
        assert people.action(asked)["outcome"]["result"] == {"by": name}
    expect(page.locator("#arrived")).to_contain_text("A call has arrived")
    script = tmp_path / "chain.py"
    script.write_text(found["langchain"] + "\nprint(refund.invoke({'order': 'A-1', 'amount_cents': 5}))\n")
    program = begun(["sh", "-c", f"{found['env']}\nexec python {script}"], env)
    people.decides(agent)
    assert ended(program).strip() == "done"


async def _through_gateway(config: dict[str, Any], agent: str) -> list[str]:
    server = config["mcpServers"][f"{agent}-gateway"]
    started = StdioServerParameters(command=server["command"], args=server["args"], env=server["env"])
    async with McpClient(stdio_client(started)) as mcp:
        names = [tool.name for tool in (await mcp.list_tools()).tools]
        result = await mcp.call_tool("refund", {"order": "A-3", "amount_cents": 9})
        return [*names, getattr(result.content[0], "text", "")]


def test_the_gateway_snippet_puts_a_server_behind_people(
    stack: Stack, agent: str, env: dict[str, str], sign_in: SignIn, tmp_path: Path
) -> None:
    config = json.loads(with_a_key(sign_in("admin"), agent)["gateway"])
    server = config["mcpServers"][f"{agent}-gateway"]
    server["env"] |= {name: env[name] for name in ("PATH", "PYTHONPATH")}
    server["command"] = str(tmp_path / "countersign")
    script = tmp_path / "through.py"
    script.write_text(
        "import asyncio, json, sys\nfrom tests.journeys.test_connecting import _through_gateway\n"
        "print(json.dumps(asyncio.run(_through_gateway(json.load(open(sys.argv[1])), sys.argv[2]))))\n"
    )
    (tmp_path / "config.json").write_text(json.dumps(config))
    calling = begun(
        [sys.executable, str(script), str(tmp_path / "config.json"), agent], {**env, "PYTHONPATH": f"{env['PYTHONPATH']}:{ROOT}"}
    )
    people = Decider(stack)
    (asked,) = people.asked(agent)
    people.decides(agent)
    assert json.loads(ended(calling)) == ["refund", "done"]
    assert people.action(asked["id"])["outcome"]["status"] == "done"


async def _through_mcp(config: dict[str, Any], agent: str) -> tuple[str, list[str]]:
    server = config["mcpServers"][agent]
    started = StdioServerParameters(command=server["command"], args=server["args"], env=server["env"])
    async with McpClient(stdio_client(started)) as mcp:
        names = [tool.name for tool in (await mcp.list_tools()).tools]
        asked = await mcp.call_tool("request_approval", {"tool": "refund", "args": {"order": "A-2", "amount_cents": 7}})
        assert not asked.is_error, asked.content
        return str((asked.structured_content or {})["id"]), names


def test_the_mcp_snippet_starts_a_server_that_asks_and_never_decides(
    stack: Stack, agent: str, env: dict[str, str], sign_in: SignIn, tmp_path: Path
) -> None:
    page = sign_in("admin")
    config = json.loads(with_a_key(page, agent)["mcp"])
    config["mcpServers"][agent]["env"] |= {name: env[name] for name in ("PATH", "PYTHONPATH")}
    config["mcpServers"][agent]["command"] = str(tmp_path / "countersign")
    script = tmp_path / "through.py"  # a program of its own: Playwright's loop runs in this thread
    script.write_text(
        "import asyncio, json, sys\nfrom tests.journeys.test_connecting import _through_mcp\n"
        "print(json.dumps(asyncio.run(_through_mcp(json.load(open(sys.argv[1])), sys.argv[2]))))\n"
    )
    (tmp_path / "config.json").write_text(json.dumps(config))
    given = {**env, "PYTHONPATH": f"{env['PYTHONPATH']}:{ROOT}"}
    asked, names = json.loads(ended(begun([sys.executable, str(script), str(tmp_path / "config.json"), agent], given)))
    assert names and not [name for name in names if "decide" in name]
    people = Decider(stack)
    assert [one["id"] for one in people.asked(agent)] == [asked]


def test_the_webhook_snippet_receives_what_is_signed_and_refuses_what_is_not(
    stack: Stack, sign_in: SignIn, agent: str, env: dict[str, str], tmp_path: Path
) -> None:
    page = sign_in("admin")
    text = with_a_key(page, agent)["webhook"]
    port = free_port()
    page.goto("/webhooks/")
    page.locator("#url").fill(f"http://127.0.0.1:{port}/hook")
    page.locator("#of").select_option(agent)
    page.get_by_role("button", name="Add an endpoint").click()
    secret = page.locator("#new-secret").inner_text()
    receiver = Lines(begun([sys.executable, "-c", text], {**env, "WEBHOOK_SECRET": secret, "PORT": str(port)}))
    try:
        page.goto("/webhooks/")
        page.get_by_role("button", name=f"Send a test to http://127.0.0.1:{port}/hook").click()
        assert receiver.next().startswith("test ")
        asking = begun([sys.executable, str(EXAMPLES / "plain.py"), "A-31"], env)
        assert receiver.next().startswith("action.opened ")
        now = {"webhook-id": "x", "webhook-timestamp": str(int(time.time()))}
        for signed in ({"webhook-id": "x"}, {**now, "webhook-signature": "zz"}, {**now, "webhook-signature": "v1,xx"}):
            forged = httpx.post(f"http://127.0.0.1:{port}/hook", json={"type": "action.approved"}, headers=signed)
            assert forged.status_code == 401
        Decider(stack).decides(agent)
        assert "refunding" in ended(asking)
        assert receiver.next().startswith("action.")
    finally:
        receiver.end()


def test_the_log_is_taken_away_and_checked_as_docs_say(stack: Stack, tmp_path: Path) -> None:
    """By the product's own role, which may add to the log and not read its sequence."""
    check = re.search(r"```python\n(.*?hashlib.*?)```", (ROOT / "docs/api.md").read_text(), re.DOTALL)
    assert check
    headers = {"Authorization": f"Bearer {token_of(stack, 's.adeyemi', 'read')}"}
    lines = httpx.get(f"{stack.url}/api/v1/export/events?limit=10000", headers=headers, timeout=60).text.splitlines(keepends=True)
    for taken, said in ((lines, "streams hold"), (lines[1:], "does not follow"), ([lines[0].replace("at", "ta"), *lines[1:]], "event")):
        program = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(check[1])], input="".join(taken), capture_output=True, text=True, timeout=60
        )
        assert said in program.stdout + program.stderr


def test_the_letters_example_writes_what_people_approved_and_only_that(stack: Stack, sign_in: SignIn) -> None:
    wish = {"messages": [{"role": "user", "content": "Write to Ada and to Bob"}]}
    run = stack.manage("runs", "start", "letters", "--input", json.dumps(wish), "--by", "o.hart").strip()
    page = sign_in("reviewer")
    for name, key in (("Ada", "Approve"), ("Bob", "Reject")):
        page.goto("/inbox/?agent=letters&sort=newest")
        if name == "Ada":  # both were asked in one turn: they stand under one header until one of them is decided
            page.locator("details.nest-rows summary", has_text="to: ").first.click()
        page.locator("[data-row]", has_text=f"to: {name}").first.locator("[data-row-link]").click()
        expect(page.locator("[data-action]")).to_be_visible()
        if key == "Approve":
            page.keyboard.press("a")
        else:
            page.keyboard.press("r")
            page.locator("textarea[name=reason]").fill("not to him")
            page.locator("form[data-decide] button[type=submit]", has_text="Reject").click()
        expect(page.locator("main")).to_contain_text("Approved" if key == "Approve" else "Rejected")
    page.goto(f"/runs/{run}/")
    expect(page.locator("#run-live")).to_contain_text("Succeeded", timeout=30_000)
    expect(page.locator("main")).to_contain_text("written to ada")
    expect(page.locator("main")).not_to_contain_text("written to bob")


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_pages_for_programs_have_no_serious_fault(stack: Stack, sign_in: SignIn, agent: str, theme: str, width: int) -> None:
    page = sign_in("admin", color_scheme=theme, viewport={"width": width, "height": 844})
    faults = []
    for path in (
        "/keys/",
        "/webhooks/",
        f"/agents/{agent}/",
        f"/agents/{agent}/connect/",
        "/agents/letters/connect/",
        "/agents/dba/",
        "MADE",
    ):
        if path == "MADE":
            with_a_key(page, agent)
        else:
            page.goto(path)
        faults += [f"{path}: {fault}" for fault in serious(page) + sideways(page)]
    assert not faults, "\n".join(faults)
