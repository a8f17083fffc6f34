"""Operator, agent developer, auditor, administrator: each does the job they came for."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack

SignIn = Callable[..., Page]


@pytest.fixture(autouse=True)
def nothing_stays_halted(stack: Stack) -> Iterator[None]:
    """A journey that fails half-way must not stop the others."""
    yield
    for line in stack.manage("halt", "--list").splitlines():
        if line.split()[0].isdigit():
            for person in ("o.hart", "s.adeyemi"):  # everything takes two; the second says of anything else that it is released already
                stack.manage("halt", "--release", line.split()[0], "--reason", "after the journey", "--by", person, check=False)


def halt(page: Page, scope: str) -> None:
    page.locator(".btn-halt").click()
    dialog = page.locator("#dialog")
    dialog.locator(f"input[name=scope][value={scope}]").check()
    dialog.locator("textarea[name=reason]").fill("a journey looks around")
    if scope == "everything":
        dialog.locator("input[name=word]").fill("HALT")
    dialog.locator("[data-halt-submit]").click()


def release(page: Page) -> None:
    page.locator(".halt-banner").first.get_by_role("link", name="Release").click()
    page.locator("#dialog textarea[name=reason]").fill("all well")
    page.locator("#dialog button[type=submit]").click()


def test_the_operator_halts_everything_and_the_reviewer_cannot_decide_until_release(stack: Stack, sign_in: SignIn) -> None:
    stack.start_run("T-1012")
    reviewer, operator = sign_in("reviewer"), sign_in("operator")
    reviewer.goto("/inbox/?sort=newest")
    reviewer.locator("[data-row]", has_text="T-1012").first.locator("[data-row-link]").click()
    operator.goto("/inbox/")
    halt(operator, "everything")
    expect(operator.locator(".halt-banner")).to_contain_text("o.hart")
    expect(reviewer.locator(".halt-banner")).to_be_visible()
    expect(reviewer.locator("#pane")).to_contain_text(re.compile("halted", re.IGNORECASE))
    release(operator)
    expect(operator.locator(".halt-banner")).to_contain_text("somebody else has to confirm")
    admin = sign_in("admin")
    admin.goto("/inbox/")
    release(admin)
    expect(operator.locator(".halt-banner")).to_have_count(0)
    expect(reviewer.locator(".halt-banner")).to_have_count(0)


def test_the_operator_halts_one_run_from_its_page(stack: Stack, sign_in: SignIn) -> None:
    run = stack.start_run("T-1036")  # a refund: a reply passes by itself once people have approved enough of them
    page = sign_in("operator")
    page.goto(f"/runs/{run}/")
    expect(page.locator("#run-live")).to_contain_text("Waiting")
    page.locator("a[href*='halt/?run=']").first.click()
    page.locator("#dialog textarea[name=reason], main textarea[name=reason]").first.fill("only this one")
    page.locator("[data-halt-submit]").first.click()
    expect(page.locator("#run-live")).to_contain_text("Halted by o.hart")
    page.goto(f"/runs/{run}/")
    release(page)
    expect(page.locator("#run-live")).not_to_contain_text("Halted by o.hart")


def test_the_developer_starts_a_run_from_the_form_and_watches_it(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("operator")
    page.goto("/runs/new/refunds/")
    page.locator("input[name*=ticket_id]").fill("nonsense")
    page.get_by_role("button", name="Start the run").click()
    expect(page.locator("main [role=alert], main .error-text").first).to_be_visible()
    page.locator("input[name*=ticket_id]").fill("T-1030")
    page.get_by_role("button", name="Start the run").click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    expect(page.locator("#run-live")).to_contain_text("read_ticket", timeout=15_000)
    expect(page.locator(".graph-card svg")).to_be_visible()


def test_the_auditor_filters_events_and_reads_one_whole(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("auditor")
    page.goto("/audit/?kind=decision.recorded")
    expect(page.locator("main")).to_contain_text("decided", ignore_case=True)
    page.locator("main a[href^='/audit/'][href$='/']").first.click()
    expect(page.locator("main")).to_contain_text("leaf", ignore_case=True)
    assert "All" in stack.manage("audit", "verify")


def test_the_auditor_sees_no_button_that_acts(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("auditor")
    page.goto("/inbox/")
    expect(page.locator(".btn-halt")).to_have_count(0)
    page.locator("[data-row-link]").first.click()
    expect(page.locator("[data-bar] form")).to_have_count(0)


def test_the_administrator_sees_the_agents_and_their_tools(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("admin")
    page.goto("/agents/")
    page.locator("main a[href='/agents/dba/']").first.click()
    expect(page.locator("main")).to_contain_text("run_statement")


def test_a_stranger_is_asked_to_sign_in(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("reviewer")
    page.context.clear_cookies()
    page.goto("/inbox/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
