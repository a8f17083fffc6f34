"""The first five minutes of somebody new, step by step, through the product's own doors: what README promises, on the running stack.

Each step is a step of one story, so this is one test; its minutes are ux.md's and not measured here.
"""

import json
import re
import shutil
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack
from tests.journeys.outside import Decider, begun, declare, ended, programs

PROJECT = Path(__file__).parent / "own_project"


def test_the_first_five_minutes(stack: Stack, sign_in: Callable[..., Page], tmp_path: Path) -> None:
    reviewer = _started_and_signed_in(stack, sign_in)
    _the_first_decision(reviewer)
    _their_own_graph(stack, reviewer, sign_in, tmp_path)
    _a_program_of_another_language(stack, sign_in, tmp_path)
    assert stack.manage("doctor").rstrip().endswith("Everything is well")


def _started_and_signed_in(stack: Stack, sign_in: Callable[..., Page]) -> Page:
    """0:00. Started, with history, something waiting, and a link for each person."""
    assert set(stack.links) == {"reviewer", "second reviewer", "operator", "auditor", "admin", "second admin"}
    page = sign_in("reviewer")
    page.goto("/decided/")
    assert page.locator("main a[href^='/actions/']").count() >= 10
    page.goto("/inbox/")
    assert page.locator("[data-row]").count() >= 3
    return page


def _the_first_decision(page: Page) -> None:
    """0:45. J, A; and the run's page goes on by itself."""
    page.goto("/inbox/?agent=refunds&level=low,medium")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    if not page.locator("[data-row]").count():
        return  # other journeys of this stack have decided them all
    page.keyboard.press("j")
    expect(page.locator("[data-action]")).to_be_visible()
    action = page.locator("[data-action]").get_attribute("id")
    run = page.locator("[data-action] a[href^='/runs/']").first.get_attribute("href")
    watcher = page.context.new_page()
    watcher.goto(str(run))
    expect(watcher.locator("#run-live")).to_contain_text("Waiting")
    page.bring_to_front()
    page.keyboard.press("a")
    expect(page.locator(f"#row-{str(action).removeprefix('action-')} .receipt-verb")).to_contain_text("Approved", timeout=15_000)
    expect(watcher.locator("#run-live")).to_contain_text("Succeeded", timeout=30_000)
    watcher.close()


def _their_own_graph(stack: Stack, page: Page, sign_in: Callable[..., Page], tmp_path: Path) -> None:
    """1:30 to 4:00. Their project imported as it is, a run started, its call edited in a typed form, approved by somebody else, and done."""
    project = tmp_path / "theirs"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("__pycache__"))
    said = stack.manage("agents", "import", str(project / "langgraph.json"), "--owner", "s.adeyemi")
    assert "support_refunds" in said and "pay_back" in said and "amount_cents" in said
    page.goto("/agents/support_refunds/")
    expect(page.locator(".graph-card svg")).to_be_visible()
    expect(page.locator("main")).to_contain_text("(suggested)")
    wish = {"messages": [{"role": "user", "content": "Order A-7 came back"}]}
    run = stack.manage("runs", "start", "support_refunds", "--input", json.dumps(wish), "--by", "o.hart", "--wait", "20").split()[0]
    page.goto("/inbox/?agent=support_refunds&sort=newest")
    page.locator("[data-row-link]").first.click()
    expect(page.locator("[data-action]")).to_be_visible()
    action = str(page.locator("[data-action]").get_attribute("id")).removeprefix("action-")
    version = page.locator("[data-action]").get_attribute("data-version")
    page.keyboard.press("e")
    page.locator("form[data-edit] input[name*=amount_cents]").fill("850")
    page.locator("#edit-reason").fill("Without the postage")
    page.get_by_role("button", name="Check the edit").click()
    expect(page.locator(f"[data-action]:not([data-version='{version}'])")).to_be_visible(timeout=20_000)
    _approved_by(sign_in("second reviewer"), action)
    page.goto(f"/runs/{run}/")
    expect(page.locator("#run-live")).to_contain_text("Succeeded", timeout=30_000)
    expect(page.locator("main")).to_contain_text("paid back 850 cents for A-7")


def _approved_by(page: Page, action: str) -> None:
    """By somebody who has not edited it; at high one presses twice."""
    page.goto(f"/actions/{action}/")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    twice = page.locator("[data-guarded][data-twice]").count()
    page.keyboard.press("a")
    if twice:
        page.keyboard.press("a")
    expect(page.locator(".receipt").first).to_contain_text("Approved")


def _a_program_of_another_language(stack: Stack, sign_in: Callable[..., Page], tmp_path: Path) -> None:
    """4:00 to 5:00. The curl of the agent's page with the key made there; approved from the command line; the page says that it came."""
    slug = f"five-{uuid.uuid4().hex[:6]}"
    declare(stack, slug)
    page = sign_in("admin")
    page.goto(f"/agents/{slug}/connect/")
    page.locator("#key-name").fill("the first program")
    page.get_by_role("button", name="Make a key").click()
    text = page.locator("#env pre").inner_text() + "\n" + page.locator("#curl pre").inner_text()
    env = programs(tmp_path)
    program = begun(["sh", "-c", text], env)
    people = Decider(stack)
    asked = people.asked(slug)[0]
    waits = asked["id"]
    expect(page.locator("#arrived")).to_contain_text("A call has arrived")
    person = {**env, "COUNTERSIGN_URL": stack.url, "COUNTERSIGN_KEY": people.token}
    words = [sys.executable, "-m", "countersign", "actions", "approve", waits, "--digest", asked["digest"], "--reason", "seen"]
    assert ended(begun(words, person)).strip() == "approved"
    assert re.search(r'"state": *"APPROVED"|"by": *"curl"', ended(program))
    assert people.action(waits)["outcome"]["result"] == {"by": "curl"}
