"""Slack in a browser: the demo's chat beside the product, the same people in both; buttons that press and views that open."""

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Stack
from tests.journeys.test_slack_demo import reply

SignIn = Callable[..., Page]


def chat(stack: Stack, chromium: Browser, user: str) -> Page:
    page = chromium.new_context().new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{stack.slack}/?as={user}")
    return page


def link(page: Page, chat_page: Page) -> None:
    """A code from the signed-in page, typed in the chat."""
    page.goto("/preferences/slack")
    page.get_by_role("button", name="Get a code").click()
    code = page.locator("#slack-code").inner_text()
    chat_page.locator("#text").fill(f"/approvals link {code}")
    chat_page.get_by_role("button", name="Send").click()
    expect(chat_page.locator(".message.private", has_text="Linked: you are")).to_be_visible()


def test_a_card_is_edited_in_a_view_approved_by_another_and_becomes_the_receipt(stack: Stack, chromium: Browser, sign_in: SignIn) -> None:
    stack.manage("slack_install", "--by", "s.adeyemi")
    first, second = sign_in("reviewer"), sign_in("second reviewer")
    mei, jorge = chat(stack, chromium, "U0MEI"), chat(stack, chromium, "U0JORGE")
    link(first, mei)
    link(second, jorge)
    stack.start_run("T-1021")
    # Cards of what waited before come, too, one a second: not of every tool.
    waiting = mei.locator(".message:not(.private)", has_text=re.compile("Medium risk.*refund_payment")).last
    expect(waiting.get_by_role("button", name="Open to review")).to_be_visible(timeout=75_000)
    ts = waiting.get_attribute("data-ts")
    here = mei.locator(f'.message[data-ts="{ts}"]').first
    url = here.get_by_role("link", name="Open in Countersign").get_attribute("href")
    assert url
    here.get_by_role("button", name="Open to review").click()
    modal = mei.locator("#modal")
    expect(modal).to_contain_text("What do you want to do?")
    modal.locator("[data-action=choice] input[value=edit]").click()
    amount = modal.locator("[data-in='edit:amount_cents']")
    expect(amount).to_be_visible(timeout=15_000)
    amount.fill("-5")
    modal.get_by_role("button", name="Go on").click()
    expect(modal.locator("[data-error='edit:amount_cents']")).not_to_be_empty()
    amount.fill("100")
    modal.get_by_role("button", name="Go on").click()
    expect(modal).to_contain_text("→ 100")
    modal.get_by_role("button", name="Check the edit").click()
    expect(modal).to_contain_text("A worker checks it")
    theirs = jorge.locator(f'.message[data-ts="{ts}"]').first
    expect(theirs).to_contain_text("version 2", timeout=75_000)
    expect(theirs).to_contain_text("edited by m.chen", timeout=75_000)  # in its thread; on a busy machine by the sweep, each 30 s
    second.goto(url)
    theirs.get_by_role("button", name="Open to review").click()
    view = jorge.locator("#modal")
    view.locator("[data-action=choice] input[value=approve]").click()
    expect(view.locator("[data-in=reason]")).to_be_visible()
    view.get_by_role("button", name="Record").click()
    expect(view).to_contain_text("Approved")
    expect(second.locator(".receipt").first).to_contain_text(re.compile("Approved by j.ruiz.*Slack", re.DOTALL), timeout=15_000)
    expect(here).to_contain_text("Approved by j.ruiz", timeout=30_000)
    expect(here.get_by_role("button", name="Open to review")).to_have_count(0)
    modal.get_by_role("button", name="Close").click()  # the sentence; the view under it comes up again
    expect(modal).to_contain_text("What do you want to do?")
    modal.get_by_role("button", name="Close").click()
    expect(modal).to_be_hidden()
    reply(mei, str(ts), "thanks")
    second.goto(url)
    expect(second.locator("[id^=comments-]").first).to_contain_text("thanks", timeout=60_000)
