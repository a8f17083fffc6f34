"""An administrator changes the policy, a second one agrees, and the reviewer sees which rule asked for two people."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack

SignIn = Callable[..., Page]
RULES = """rules:
  - name: refunds-by-two
    about: Two people look at refunds
    match: {tools: [refund_payment], when: "args.amount_cents >= 1"}
    require: {need: [{group: reviewers, count: 2}]}
  - name: calm-writes
    match: {classes: [write]}
    score: -1
"""


def test_a_policy_is_checked_tried_proposed_published_and_seen(stack: Stack, sign_in: SignIn) -> None:
    admin, second, reviewer = sign_in("admin"), sign_in("second admin"), sign_in("reviewer")
    admin.goto("/inbox/")
    admin.keyboard.press("g")
    admin.keyboard.press("p")
    expect(admin.get_by_role("heading", level=1)).to_have_text("Policies")
    admin.get_by_role("link", name="Change the policy").click()
    source = admin.locator("#source")
    draft = source.input_value().replace("rules: []\n", RULES)

    source.fill(draft.replace("refund_payment", "refund_paymnt"))
    admin.get_by_role("button", name="Check").click()
    bad = admin.locator(".source-bad")
    expect(bad).to_contain_text("did you mean refund_payment?")
    line = draft.splitlines().index('    match: {tools: [refund_payment], when: "args.amount_cents >= 1"}') + 1
    expect(bad.locator(".source-no")).to_have_text(str(line))

    source.fill(draft)
    admin.get_by_role("button", name="Check").click()
    expect(admin.locator("#outcome")).to_contain_text("The rule calm-writes is new and asks for less")
    admin.get_by_role("button", name="Try it on them").click()
    trial = admin.locator("#trial")
    expect(trial).to_contain_text(re.compile(r"[\d,]+ actions: [\d,]+ would be different"), timeout=20_000)
    expect(trial).to_contain_text("refunds-by-two")

    admin.locator("#justification").fill("two people for refunds")
    admin.get_by_role("button", name="Propose").click()
    expect(admin.get_by_role("heading", level=1)).to_have_text(re.compile(r"Proposal \d+"))
    expect(admin.get_by_role("button", name=re.compile("Publish"))).to_have_count(0)

    second.goto(admin.url)
    second.get_by_role("button", name=re.compile("Publish")).click()
    expect(second.locator(".messages")).to_contain_text("is in force")

    run = stack.start_run("T-1015")
    reviewer.goto(f"/runs/{run}/?view=steps")
    try:
        asked = reviewer.locator("main a[href^='/actions/']", has_text="Refund").first
        expect(asked).to_be_visible(timeout=20_000)
        reviewer.goto(asked.get_attribute("href") or "")
        expect(reviewer.locator("#pane, main").first).to_contain_text("0 of 2 approved")
        why = reviewer.locator("section", has=reviewer.get_by_role("heading", name=re.compile("^Why"))).last
        expect(why).to_contain_text("Rule refunds-by-two")
        expect(why.get_by_role("link", name=re.compile("^v"))).to_have_attribute("href", re.compile(r"^/policies/\d+/$"))
    finally:  # the other journeys are told of a policy without rules
        (first,) = [line for line in stack.manage("policy", "history").splitlines() if line.split()[0] == "v1"]
        assert "PUBLISHED" in first
        back = stack.env["COUNTERSIGN_VAR"] + "/first.yaml"
        with open(back, "w", encoding="utf-8") as file:
            file.write(stack.manage("policy", "show", "1", "--source"))
        said = stack.manage("policy", "load", back, "--reason", "after the journey", "--by", "s.adeyemi")
        proposal = re.findall(r"Proposed as (\d+)", said)[0]
        stack.manage("policy", "publish", proposal, "--by", "k.lind")
