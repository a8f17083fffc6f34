"""An operator's hour: a rule is set, it halts an agent by itself, the alert is acknowledged, its runbook read, the halt released."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack

SignIn = Callable[..., Page]
SOON = 30_000  # rules are counted every three seconds, alerts every ten; machines are shared
WAITS = """
import time
from approvals.models import Action
for _ in range(130):
    if Action.objects.filter(run="{run}", state="PENDING").exists():
        break
    time.sleep(0.3)
"""
# Rejections of other journeys count, too: after one the rule has tripped as soon as it was set.
REJECT = """
from approvals.errors import Halted
from approvals.models import Action, User
from approvals.operations import decide
action = Action.objects.filter(run="{run}", state="PENDING").first()
try:
    decide(action.pk, by=User.objects.get(username="m.chen"), verdict="reject", seen_digest=action.digest, reason="no", door="web",
        idempotency_key="journey-{run}")
except Halted:
    pass
"""


@pytest.fixture
def rule_of_before(stack: Stack) -> Iterator[None]:
    """The agent of the demo goes on for the other journeys, whatever became of this one."""
    yield
    stack.manage("halt_rules", "set", "rejected_agent", "--agent", "refunds", "--off", "--reason", "over", "--by", "o.hart")
    for number in re.findall(r"^ *(\d+)  agent +refunds ", stack.manage("halt", "--list"), re.MULTILINE):
        stack.manage("halt", "--release", number, "--reason", "over", "--by", "o.hart")


def test_a_rule_halts_an_agent_and_an_operator_sees_to_it(stack: Stack, sign_in: SignIn, rule_of_before: None) -> None:
    page = sign_in("operator")
    run = stack.start_run("T-1036")
    stack.manage("shell", "-v", "0", "-c", WAITS.format(run=run))
    page.goto("/halts/?kind=rejected_agent&agent=refunds")
    page.get_by_label("Halt from how many on").fill("1")
    page.locator("#rule input[name=active]").check()
    page.locator("#rule-reason").fill("a journey")
    page.get_by_role("button", name="Set the rule").click()
    expect(page.locator("main")).to_contain_text("halts from 1 on within 60 min")

    stack.manage("shell", "-v", "0", "-c", REJECT.format(run=run))
    page.goto("/console/")
    expect(page.locator(".halt-banner")).to_contain_text("automatically (rule rejected_agent)", timeout=SOON)
    expect(page.locator("#console-figures")).to_contain_text("alert", timeout=SOON)  # told by itself, without a reload

    page.locator("#console-figures").get_by_role("link", name=re.compile("open$")).click()
    alert = page.locator(".note", has_text="An automatic halt: agent refunds")
    expect(alert).to_contain_text("Rule rejected_agent")
    assert Axe().run(page).response["violations"] == []
    alert.get_by_label("What you do about it").fill("looking at what was rejected")
    alert.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".note", has_text="An automatic halt")).to_contain_text("o.hart sees to it")
    page.locator(".note", has_text="An automatic halt").get_by_role("link", name=re.compile("What to do")).click()
    expect(page.locator("h1")).to_have_text("An automatic halt")
    page.get_by_role("link", name="Halts", exact=True).click()

    page.locator("main").get_by_role("link", name="Release").click()
    page.locator("#dialog").get_by_label("Why it is safe to go on").fill("it was a trial")
    page.locator("#dialog").get_by_role("button", name="Release").click()
    expect(page.locator(".halt-banner")).to_have_count(0, timeout=SOON)
    expect(page.locator("main")).to_contain_text("released by o.hart: it was a trial")
    page.goto("/alerts/")
    over = page.locator("section", has=page.locator("#past-title"))
    for _ in range(40):
        if "An automatic halt" in over.inner_text():
            break
        page.wait_for_timeout(2_000)
        page.reload()
    expect(over).to_contain_text("looking at what was rejected")


def test_a_run_is_paused_and_a_tool_is_switched_without_leaving_the_console(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("operator")
    page.set_viewport_size({"width": 1280, "height": 900})
    run = stack.start_run("T-1037")
    page.goto(f"/console/?q={run[:8]}")
    row = page.locator(f"#row-{run}")
    expect(row).to_contain_text("Waiting", timeout=SOON)
    runs, feed = page.locator("#live-title").bounding_box(), page.locator("#feed-title").bounding_box()
    assert runs and feed and feed["x"] > runs["x"] + 400  # the feed stands beside the table
    assert page.locator("#console-runs .table-wrap").evaluate("e => e.scrollWidth <= e.clientWidth")
    row.get_by_role("link", name="Pause the run").focus()
    page.keyboard.press("Enter")
    page.locator("#dialog").get_by_label("Why").fill("a journey")
    with page.expect_navigation():  # back to the console, which the next line must not cut short
        page.keyboard.press("Enter")
    page.goto(f"/console/?q={run[:8]}")
    row.get_by_role("link", name="Let the run").click()
    expect(page.locator("#dialog")).to_contain_text("Pause requested by o.hart: a journey")
    page.locator("#dialog").get_by_label("Why").fill("over")
    with page.expect_navigation():
        page.locator("#dialog").get_by_role("button", name="Go on by itself").click()
    page.goto(f"/console/?q={run[:8]}")
    expect(row.get_by_role("link", name="Pause the run")).to_be_visible()

    page.locator("#console-panels").get_by_text("more tools").click()
    page.locator("#console-panels").get_by_role("link", name="Switch open_safe").click()
    assert Axe().run(page).response["violations"] == []
    page.locator("#dialog").get_by_text("Ask", exact=True).click()
    page.locator("#dialog").get_by_label("Reason").fill("a journey")
    page.locator("#dialog").get_by_role("button", name="Switch").click()
    panel = page.locator("#console-panels tr", has_text="open_safe")
    expect(panel).to_contain_text("o.hart: a journey")  # the switched ones stand first, unfolded
    expect(panel).to_be_visible()
    stack.manage("switch", "allow", "--tool", "open_safe", "--reason", "over", "--by", "o.hart")
    expect(panel).to_contain_text("By policy", timeout=SOON)  # by itself
    assert Axe().run(page).response["violations"] == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_console_shows_the_last_of_two_changes_and_not_only_the_first(stack: Stack, sign_in: SignIn) -> None:
    """What came within a second of a refresh was dropped: whoever ended or failed last was seen by the poll, fifteen seconds later."""
    page = sign_in("operator")
    run = stack.start_run("T-1038")
    page.goto(f"/console/?q={run[:8]}")
    row = page.locator(f"#row-{run}")
    expect(row).to_contain_text("Waiting", timeout=SOON)
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live", timeout=SOON)
    page.wait_for_timeout(1_500)  # what the start told has been drawn
    stack.manage("runs", "pause", run, "--reason", "a journey", "--by", "o.hart")
    stack.manage("runs", "cancel", run, "--reason", "a journey", "--by", "o.hart")
    expect(row).to_have_count(0, timeout=5_000)
