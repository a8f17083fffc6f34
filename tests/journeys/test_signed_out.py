"""The session ends under an open page, or its forms grow old: whoever presses a button reads it at once, loses no word, and finds back."""

import re
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack
from tests.journeys.faults import serious
from tests.journeys.test_deciding_well import at, opened

SignIn = Callable[..., Page]
AT_ONCE = 3_000  # the socket says it too, up to 30 s later


@pytest.fixture
def action(stack: Stack) -> str:
    return opened(stack, f"out_{uuid.uuid4().hex[:8]}")[0][0]


def end(stack: Stack, name: str) -> None:
    stack.manage("people", "end-sessions", name, "--by", "s.adeyemi")


def state(stack: Stack, action: str) -> str:
    code = f"from approvals.models import Action; print('is', Action.objects.get(pk='{action}').state)"
    return stack.manage("shell", "-v", "0", "-c", code).split()[-1]


def test_approve_says_at_once_that_one_is_signed_out_and_leads_back(stack: Stack, sign_in: SignIn, action: str) -> None:
    page = at(sign_in("reviewer"), action)
    end(stack, "m.chen")
    page.locator("button[data-key=a]").click()
    note = page.locator("[data-problem=signed_out]")
    expect(note).to_contain_text("You are signed out: sign in again to decide", timeout=AT_ONCE)
    expect(note).to_be_in_viewport()
    assert page.locator(".recording, .htmx-request").count() == 0 and page.locator("#say").inner_text() == ""
    assert serious(page) == []
    note.get_by_role("link", name="Sign in again").click()
    expect(page).to_have_url(re.compile(rf"/accounts/login/\?next=%2Factions%2F{action}%2F$"))
    assert state(stack, action) == "PENDING"


def test_reject_keeps_the_reason_and_after_signing_in_elsewhere_says_that_the_form_is_old(
    stack: Stack, sign_in: SignIn, action: str
) -> None:
    page = at(sign_in("reviewer"), action)
    page.locator("[data-key=r]").first.click()
    reason = page.locator(".bar-sheet textarea[name=reason]")
    reason.fill("not this one")
    end(stack, "m.chen")
    press = page.locator(".bar-sheet [type=submit]").first
    press.click()
    expect(page.locator("[data-problem=signed_out]")).to_be_visible(timeout=AT_ONCE)
    expect(reason).to_have_value("not this one")
    expect(page.locator("#live-pill")).to_contain_text("Signed out", timeout=40_000)

    other = page.context.new_page()
    other.goto(stack.links["reviewer"])
    expect(other.locator("#live-pill")).to_have_attribute("data-state", "live")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")  # not signed out for good
    expect(page.locator("[data-problem=signed_out]")).to_have_count(0)
    press.click()
    note = page.locator("[data-problem=old_form]")
    expect(note).to_contain_text("This form was too old: reload the page", timeout=AT_ONCE)
    expect(reason).to_have_value("not this one")
    assert state(stack, action) == "PENDING"
    note.get_by_role("link", name="Reload the page").click()
    expect(page.locator("[data-problem]")).to_have_count(0)
    page.locator("button[data-key=a]").click()
    expect(page.locator("[data-action]")).not_to_have_attribute("data-state", "PENDING")


def test_a_dialog_says_it_in_the_dialog(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("operator")
    page.goto("/agents/refunds/")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    page.locator("main a[href*='halt/']").first.click()
    reason = page.locator("#dialog textarea[name=reason]")
    reason.fill("in doubt")
    page.context.clear_cookies(name=re.compile("session"))
    page.locator("#dialog [data-halt-submit]").click()
    expect(page.locator("#dialog [data-problem=signed_out]")).to_be_in_viewport(timeout=AT_ONCE)
    expect(reason).to_have_value("in doubt")
    assert serious(page) == []
