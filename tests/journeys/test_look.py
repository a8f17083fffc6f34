"""Every page in light, dark, at 390 and at 320 px and in forced colours: axe finds nothing serious, nothing scrolls sideways."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack
from tests.journeys.faults import serious

PAGES = [
    "/inbox/",
    "/decided/",
    "/runs/",
    "/runs/new/",
    "/runs/new/janitor/",
    "/agents/",
    "/agents/refunds/",
    "/audit/",
    "/policies/",
    "POLICY",
    "/halt/",
    "/preferences/",
    "/inbox/?level=high&agent=refunds",
    "ACTION",
    "RUN",
    "EVENT",
]


def addresses(page: Page) -> list[str]:
    """The list above with a real action, run and event in it."""
    found = {}
    for name, where, selector in (
        ("ACTION", "/inbox/", "[data-row-link]"),
        ("RUN", "/runs/", "main a[href^='/runs/']:not([href*=new])"),
        ("POLICY", "/policies/", "main a[href^='/policies/']"),
        ("EVENT", "/audit/", "main a[href^='/audit/'][href$='/']"),
    ):
        page.goto(where)
        found[name] = page.locator(selector).first.get_attribute("href") or ""
    return [found.get(path, path) for path in PAGES]


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 320)])
def test_no_page_has_a_serious_fault(stack: Stack, sign_in: Callable[..., Page], theme: str, width: int) -> None:
    page = sign_in("operator", color_scheme=theme, viewport={"width": width, "height": 844})
    faults = []
    for path in addresses(page):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        faults += [f"{path}: {fault}" for fault in serious(page)]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
            faults.append(f"{path} scrolls sideways at {width} px")
    assert not faults, "\n".join(faults)


def test_forced_colours_keep_what_is_chosen_visible(sign_in: Callable[..., Page]) -> None:
    page = sign_in("reviewer", forced_colors="active", viewport={"width": 1280, "height": 844})
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")  # the scripts are there
    page.keyboard.press("Control+k")
    chosen = page.locator("#palette [aria-selected=true]")
    assert chosen.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("j")
    row = page.locator("[data-row][aria-current]")
    assert row.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    expect(page.locator("#pane [data-bar]")).to_be_visible()
    assert serious(page) == []


def test_the_palette_and_an_open_menu_have_no_serious_fault(sign_in: Callable[..., Page]) -> None:
    page = sign_in("reviewer", viewport={"width": 390, "height": 844})
    page.locator("summary", has_text="Agent").click()
    faults = serious(page)
    page.locator("[data-palette]").click()
    assert faults + serious(page) == []
