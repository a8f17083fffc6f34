"""`make run SLACK=demo`: what somebody who has no workspace can try, in a browser, from the first card to a halt."""

import contextlib
import re

from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Stack


def chat(demo: Stack, chromium: Browser, user: str) -> Page:
    page = chromium.new_context().new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{demo.slack}/?as={user}")
    return page


def reply(there: Page, ts: str, text: str) -> None:
    """As a person does it: the channel may be drawn anew between typing and Enter; then one types once more."""
    for _ in range(3):
        box = there.locator(f'[data-reply="{ts}"]')
        box.fill(text)
        box.press("Enter")
        with contextlib.suppress(AssertionError):
            expect(there.locator(f'.message[data-ts="{ts}"]').first).to_contain_text(text, timeout=15_000)
            return


def test_cards_home_comments_and_halt_with_no_workspace(demo: Stack, chromium: Browser) -> None:
    mei, web = chat(demo, chromium, "U0MEI"), chromium.new_context(base_url=demo.url).new_page()
    web.set_default_timeout(20_000)
    web.goto(demo.links["reviewer"])
    # What waited before Slack was there has its card; who is who is linked already.
    waiting = mei.locator(".message:not(.private)", has=mei.get_by_role("button", name="Open to review")).first
    expect(waiting).to_be_visible(timeout=60_000)
    ts = waiting.get_attribute("data-ts")
    here = mei.locator(f'.message[data-ts="{ts}"]').first
    url = here.get_by_role("link", name="Open in Countersign").get_attribute("href")
    assert url and url.startswith(demo.url)
    here.get_by_role("button", name="Open to review").click()
    modal = mei.locator("#modal")
    modal.locator("[data-action=choice] input[value=reject]").click()
    modal.locator("[data-in=preset]").select_option(index=1)
    modal.get_by_role("button", name="Record").click()
    expect(modal).to_contain_text("Rejected")
    modal.get_by_role("button", name="Close").click()
    expect(here).to_contain_text("Rejected by m.chen", timeout=30_000)
    web.goto(url)
    expect(web.locator(".receipt").first).to_contain_text(re.compile("Rejected by m.chen.*Slack", re.DOTALL))
    reply(mei, str(ts), "the amount is wrong")
    expect(web.locator("[id^=comments-]").first).to_contain_text("the amount is wrong", timeout=30_000)
    _edited_and_deleted(mei, web, str(ts))
    _refund(demo, mei)
    _on_a_phone(demo, chromium)
    _home(mei)
    _halt(demo, chromium, web)


def _edited_and_deleted(mei: Page, web: Page, ts: str) -> None:
    """What was said stays on the page, with what became of it in the chat."""
    said = web.locator("[id^=comments-]").first
    mei.on("dialog", lambda dialog: dialog.accept("the amount is right"))
    mei.locator(f'.message[data-ts="{ts}"]').first.get_by_role("button", name="Edit", exact=True).first.click()
    expect(said).to_contain_text("Edited in Slack, it says now: the amount is right", timeout=30_000)
    mei.locator(f'.message[data-ts="{ts}"]').first.get_by_role("button", name="Delete", exact=True).first.click()
    expect(said).to_contain_text("deleted in Slack", timeout=30_000)
    expect(said).to_contain_text("the amount is wrong")


def _refund(demo: Stack, mei: Page) -> None:
    """A refund of medium risk is approved on its card, which says so at once."""
    demo.start_run("T-1040")
    card = mei.locator(".message:not(.private)", has_text="Refund").filter(has=mei.get_by_role("button", name="Approve", exact=True)).last
    expect(card).to_be_visible(timeout=60_000)
    here = mei.locator(f'.message[data-ts="{card.get_attribute("data-ts")}"]').first
    here.get_by_role("button", name="Approve", exact=True).click()
    expect(here).to_contain_text("Approved", timeout=30_000)
    expect(here.get_by_role("button", name="Approve", exact=True)).to_have_count(0)


def _on_a_phone(demo: Stack, chromium: Browser) -> None:
    """The operators' list of messages fits 390 px."""
    phone = chromium.new_context(base_url=demo.url, viewport={"width": 390, "height": 844}).new_page()
    phone.set_default_timeout(20_000)
    phone.goto(demo.links["operator"])
    phone.goto("/deliveries/slack")
    expect(phone.locator("table tbody tr").first).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def _home(mei: Page) -> None:
    """My queue; leaving my desk and coming back."""
    mei.get_by_role("button", name="Home of the app").click()
    place = mei.locator("#messages")
    expect(place).to_contain_text("for you")
    place.get_by_role("button", name="Leave my desk").click()
    modal = mei.locator("#modal")
    modal.locator("[data-in=delegate]").select_option("j.ruiz")
    modal.get_by_role("button", name="Leave").click()
    expect(modal).to_contain_text("j.ruiz stands in for you")
    modal.get_by_role("button", name="Close").click()
    for _ in range(4):  # on a busy machine it may take too long for Slack, which says so: nothing was recorded, one presses again
        place.get_by_role("button", name="I am back").click()
        with contextlib.suppress(AssertionError):
            expect(place).to_contain_text("You are here", timeout=10_000)
            break
    expect(place).to_contain_text("You are here")


def _halt(demo: Stack, chromium: Browser, web: Page) -> None:
    """An operator stops everything from the chat; the page says so at once."""
    olive = chat(demo, chromium, "U0OLIVE")
    olive.locator("#text").fill("/halt everything")
    olive.get_by_role("button", name="Send").click()
    modal = olive.locator("#modal")
    modal.locator("[data-in=reason]").fill("trying it out")
    modal.get_by_role("button", name="Halt").click()
    expect(modal.locator("[data-error=word]")).to_contain_text("Type HALT")
    modal.locator("[data-in=word]").fill("HALT")
    modal.get_by_role("button", name="Halt").click()
    expect(modal).to_contain_text("Halted")
    web.goto("/inbox/")
    expect(web.locator("body")).to_contain_text("Everything is halted")
