"""A run's page by mouse and by keyboard: its three ways to look, a step opened whole, the filter, updates held back."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack
from tests.journeys.faults import serious, sideways

SignIn = Callable[..., Page]


@pytest.fixture
def run(stack: Stack) -> str:
    """A refund that waits for people."""
    return stack.start_run("T-1036")


def at(page: Page, run: str) -> None:
    page.goto(f"/runs/{run}/")
    expect(page.locator("#run-live")).to_contain_text("Waits for people", timeout=20_000)
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")


def test_each_way_to_look_opens_a_step_and_keeps_the_filter(run: str, sign_in: SignIn) -> None:
    page = sign_in("operator")
    at(page, run)
    expect(page.locator(".tl-mark[fill*=hatch]").first).to_be_visible()
    page.locator("#run-tab-tree").click()
    expect(page.locator(".tree ul .step-current").first).to_be_visible()
    page.wait_for_url("**view=tree*")
    page.locator("#run-q").press_sequentially("model call of nobody")
    expect(page.locator("#run-look")).to_contain_text("Nothing in this run holds this text")
    page.locator("#run-q").fill("read_ticket")
    expect(page.locator("#run-look .tree-row").first).to_be_visible()
    expect(page.locator("#run-q")).to_have_value("read_ticket")
    page.locator("#run-tab-steps").click()
    expect(page.locator(".steps > li")).not_to_have_count(0)
    assert "q=read_ticket" in page.url and "view=steps" in page.url
    page.go_back()
    expect(page.locator("#run-tab-tree")).to_have_attribute("aria-current", "page")
    page.reload()
    expect(page.locator("#run-q")).to_have_value("read_ticket")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_figures_stay_in_sight_and_cover_nothing_that_has_the_focus(run: str, sign_in: SignIn, width: int) -> None:
    page = sign_in("operator", viewport={"width": width, "height": 800})
    at(page, run)
    strip = page.locator(".run-strip")
    expect(strip).to_contain_text("Tool calls")
    page.locator("#input-title").scroll_into_view_if_needed()
    page.mouse.move(width / 2, 600)
    page.mouse.wheel(0, 400)
    page.wait_for_function("scrollY > 200")
    expect(strip).to_be_in_viewport(ratio=1)
    top, bar = strip.evaluate("strip => [strip.getBoundingClientRect().top, document.getElementById('top').getBoundingClientRect().bottom]")
    assert abs(top - bar) <= 1
    link = page.locator("a.tl-link").first
    link.focus()
    assert link.evaluate("link => link.getBoundingClientRect().top") >= strip.evaluate("strip => strip.getBoundingClientRect().bottom")


def test_a_step_is_opened_and_closed_by_keyboard(run: str, sign_in: SignIn) -> None:
    page = sign_in("reviewer")
    at(page, run)
    row = page.locator("a.tl-link", has_text="refund_payment")
    row.focus()
    page.keyboard.press("Enter")
    drawer = page.locator("#dialog[open] [data-drawer]")
    expect(drawer).to_contain_text("What policy said")
    expect(drawer).to_contain_text("Arguments")
    assert serious(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).not_to_have_attribute("open", "")
    expect(row).to_be_focused()
    page.locator("a.tl-link", has_text="model call").first.click()
    expect(drawer).to_contain_text("Instructions to the model")
    drawer.get_by_role("link", name="link to this step").click()
    expect(page.locator(".span-page")).to_contain_text("Instructions to the model")


def test_updates_wait_while_somebody_reads(stack: Stack, run: str, sign_in: SignIn) -> None:
    page = sign_in("operator")
    at(page, run)
    page.get_by_role("button", name="Pause updates").click()
    stack.manage("runs", "cancel", run, "--reason", "enough", "--by", "o.hart")
    expect(page.locator("[data-paused-count]")).to_contain_text("wait", timeout=15_000)
    expect(page.locator("#run-head .state").first).to_contain_text("Waiting")
    page.get_by_role("button", name="Pause updates").click()
    expect(page.locator("#run-head .state").first).to_contain_text("Cancelled")
    expect(page.locator("[data-paused-count]")).to_be_empty()


@pytest.mark.parametrize(("theme", "width"), [("light", 1400), ("dark", 390)])
def test_a_runs_page_has_no_serious_fault(run: str, sign_in: SignIn, theme: str, width: int) -> None:
    page = sign_in("auditor", color_scheme=theme, viewport={"width": width, "height": 844})
    at(page, run)
    step = page.locator("a.tl-link").nth(1).get_attribute("href")
    faults = []
    for path in (f"/runs/{run}/", f"/runs/{run}/?view=tree", f"/runs/{run}/?view=steps", f"/runs/{run}/?q=nothing", step or ""):
        page.goto(path)
        faults += [f"{path}: {fault}" for fault in serious(page) + sideways(page)]
    assert faults == []


def test_a_part_of_its_time_is_chosen_by_drag_by_keyboard_and_in_two_fields(run: str, sign_in: SignIn) -> None:
    page = sign_in("operator")
    at(page, run)
    brush = page.locator("#run-brush")
    brush.scroll_into_view_if_needed()
    box: Any = brush.bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 8, steps=4)
    page.mouse.up()
    page.wait_for_url("**t0=*")
    expect(page.locator("#run-live")).to_contain_text("from second")
    assert page.locator("#run-t0").input_value() and page.locator("#run-t1").input_value()
    dragged = page.url
    brush.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#run-t0")).not_to_have_value(dragged.partition("t0=")[2].partition("&")[0])
    page.wait_for_url(lambda url: url != dragged)
    expect(brush).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("0")
    expect(page.locator("#run-t0")).to_have_value("")
    expect(page.locator("#run-look")).to_contain_text("Waits for people")
    page.locator("#run-t1").fill("0.001")
    page.locator("#run-t1").press("Enter")
    expect(page.locator("#run-live")).to_contain_text("nothing in this time")
    page.get_by_role("link", name="All of it").first.click()
    expect(page.locator("#run-t1")).to_have_value("")
    expect(page.locator("#run-tabs")).to_be_visible()
    expect(page.locator("#run-look")).to_contain_text("Waits for people")


def test_a_run_is_forked_for_real_and_its_reviewer_told_what_was_done(stack: Stack, sign_in: SignIn) -> None:
    run = stack.start_run("T-1007")
    page = sign_in("operator")
    page.goto(f"/runs/{run}/")
    expect(page.locator("#run-head")).to_contain_text("Succeeded", timeout=20_000)
    page.get_by_role("link", name="Fork", exact=True).click()
    page.get_by_role("button", name="Look at what it means").click()
    expect(page.locator("main")).to_contain_text("This run has made 1 call.")
    assert serious(page) == []
    page.get_by_label("Why").fill("to see whether it does the same")
    page.get_by_role("button", name="Begin the fork, for real").click()
    expect(page.locator("main")).to_contain_text("forked at")
    expect(page.locator("#run-look")).to_contain_text("read_ticket", timeout=20_000)
    assert run not in page.url


def test_it_works_without_scripts(run: str, sign_in: SignIn) -> None:
    page = sign_in("reviewer", java_script_enabled=False)
    page.goto(f"/runs/{run}/")
    page.locator("#run-tab-steps").click()
    page.locator("#run-q").fill("read_ticket")
    page.locator("#run-q").press("Enter")
    expect(page.locator(".steps > li").first).to_contain_text("read_ticket")
    expect(page.get_by_role("button", name="Pause updates")).to_be_hidden()
    page.locator(".step-open").first.click()
    expect(page.locator(".span-page")).to_contain_text("read_ticket")


def test_an_operator_gives_a_run_a_budget_and_sees_its_cost_against_it(run: str, sign_in: SignIn) -> None:
    page = sign_in("operator")
    at(page, run)
    page.locator("summary", has_text="Budget").click()
    page.get_by_label("Money in USD; empty: no limit").fill("500")  # so much that no alert is told, which other journeys would meet
    page.locator("#budget-reason").fill("it is a large one")
    page.get_by_role("button", name="Change its budget").click()
    expect(page.locator("#run-live .figures")).to_contain_text("of 500.00 USD")
    expect(page.locator("#run-live .figures progress")).to_be_visible()
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto("/runs/")
    expect(page.locator(f"#row-{run} .cost")).to_contain_text("of 500.00 USD")
    assert serious(page) == []
    page.goto("/agents/refunds/")
    expect(page.get_by_role("heading", name="Budget")).to_be_visible()
    assert serious(page) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_times_along_the_axis_do_not_run_into_each_other(run: str, sign_in: SignIn, width: int) -> None:
    page = sign_in("operator")
    page.set_viewport_size({"width": width, "height": 900})
    at(page, run)
    places = page.locator(".tl-scale text").evaluate_all(
        """all => all.filter(t => t.checkVisibility()).map(t => t.getBoundingClientRect()).map(r => [r.left, r.right])"""
    )
    card = page.locator(".tl").evaluate("e => e.getBoundingClientRect().right")
    assert len(places) >= 3
    assert all(left[1] + 4 <= right[0] for left, right in pairwise(places)), places
    assert places[-1][1] <= card
    taken = page.locator(".tl-took").evaluate_all("all => all.every(e => e.scrollWidth <= e.clientWidth)")
    assert taken
