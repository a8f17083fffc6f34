"""An operator's hour: a rule is set, it halts an agent by itself, the alert is acknowledged, its runbook read, the halt released."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack

SignIn = Callable[..., Page]
SOON = 30_000  # rules are counted every three seconds, alerts every ten; machines are shared
REJECT = """
import time
from approvals.models import Action, User
from approvals.operations import decide
for _ in range(200):
    if action := Action.objects.filter(run="{run}", state="PENDING").first():
        break
    time.sleep(0.3)
decide(action.pk, by=User.objects.get(username="m.chen"), verdict="reject", seen_digest=action.digest, reason="no", door="web",
    idempotency_key="journey-{run}")
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
    page.goto("/halts/?kind=rejected_agent&agent=refunds")
    page.get_by_label("Halt from how many on").fill("1")
    page.locator("#rule input[name=active]").check()
    page.locator("#rule-reason").fill("a journey")
    page.get_by_role("button", name="Set the rule").click()
    expect(page.locator("main")).to_contain_text("halts from 1 on within 60 min")

    run = stack.start_run("T-1036")
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
