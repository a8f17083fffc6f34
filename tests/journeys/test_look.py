"""Every page in light, dark, at 390 and at 320 px and in forced colours: axe finds nothing serious, nothing scrolls sideways."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack
from tests.journeys.faults import dark_too, serious, sideways

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


# Pages of fewer people: who opens them, and where. HIGH is a waiting action above medium, whose sheets ask the most.
MORE = {
    "admin": [
        "/people/", "/people/groups/", "GROUP", "/quality/", "/grants/", "/keys/", "/webhooks/", "/security/", "/confirm/", "/policies/edit",
        "/deliveries/", "/deliveries/slack", "/preferences/notifications", "/preferences/slack", "/agents/refunds/connect/", "/api/v1/docs",
        "/accounts/password/change/", "/accounts/2fa/webauthn/add/", "/accounts/2fa/totp/activate/",
    ],
    "reviewer": [
        "HIGH", "HIGHapprove", "HIGHreject", "HIGHrespond", "HIGHtake-over", "HIGHedit", "HIGHask", "MEDIUMgrant", "TOGETHER", "/together/",
    ],
    "nobody": ["/accounts/login/", "/accounts/password/reset/", "/accounts/logout/", "/login/link/nothing", "/nowhere/", "/api/v1/docs"],
}  # fmt: skip


def real(page: Page, path: str) -> str:
    """With a real action, or group, in it."""
    for name, where, selector in (
        ("HIGH", "/inbox/?level=high", "[data-row-link]"),
        ("MEDIUM", "/inbox/?level=medium", "[data-row-link]"),
        ("TOGETHER", "/inbox/?level=medium", "[data-pick]"),
        ("GROUP", "/people/groups/", "main a[href^='/people/groups/']"),
    ):
        if path.startswith(name):
            page.goto(where)
            found = page.locator(selector).first
            if name == "TOGETHER":
                return f"/together/?id={found.get_attribute('value')}"
            return f"{found.get_attribute('href')}{path.removeprefix(name)}"
    return path


def faults_of(page: Page, path: str, *, status: int = 200) -> list[str]:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status, path
    if path.endswith("/docs"):
        expect(page.locator(".opblock").first).to_be_visible(timeout=30_000)
    return [f"{path}: {fault}" for fault in serious(page) + sideways(page)]


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_no_page_has_a_serious_fault(stack: Stack, sign_in: Callable[..., Page], theme: str, width: int) -> None:
    page = sign_in("operator", color_scheme=theme, viewport={"width": width, "height": 844})
    faults = []
    for path in addresses(page):
        faults += faults_of(page, path)
        faults += [f"{path}: {fault}" for fault in dark_too(page)] if theme == "light" else []
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_nor_has_a_page_of_fewer_people(stack: Stack, sign_in: Callable[..., Page], theme: str, width: int) -> None:
    faults = []
    for who, paths in MORE.items():
        page = sign_in("admin" if who == "nobody" else who, color_scheme=theme, viewport={"width": width, "height": 844})
        if who == "nobody":
            page.context.clear_cookies()
        for path in paths:
            faults += faults_of(page, real(page, path), status=404 if path in {"/nowhere/", "/login/link/nothing"} else 200)
    assert not faults, "\n".join(faults)


def test_forced_colours_keep_what_is_chosen_visible(sign_in: Callable[..., Page]) -> None:
    page = sign_in("reviewer", forced_colors="active", viewport={"width": 1280, "height": 844})
    page.goto("/inbox/")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")  # the scripts are there
    page.keyboard.press("Control+k")
    chosen = page.locator("#palette [aria-selected=true]")
    expect(chosen).to_have_css("outline-style", "solid")  # the list is drawn again when its answer is there
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("j")
    row = page.locator("[data-row][aria-current]")
    expect(row).to_have_css("outline-style", "solid")
    expect(page.locator("#pane [data-bar]")).to_be_visible()
    assert serious(page) == []


def test_the_palette_and_an_open_menu_have_no_serious_fault(sign_in: Callable[..., Page]) -> None:
    page = sign_in("reviewer", viewport={"width": 390, "height": 844})
    page.goto("/inbox/")
    page.locator("summary", has_text="Agent").click()
    faults = [
        one for one in serious(page) if not one.startswith('target-size <a class="row-link"')
    ]  # a row that the menu happens to end beside
    page.locator("[data-palette]").click()
    assert faults + serious(page) == []


def test_the_latest_runs_of_an_agent_are_not_cut_off_beside_its_graph(stack: Stack, sign_in: Callable[..., Page]) -> None:
    page = sign_in("reviewer")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto("/agents/refunds/")
    table = page.locator("section[aria-labelledby=latest-title] .table-wrap")
    expect(table.locator("tbody tr").first).to_be_visible()
    table.evaluate("e => e.querySelectorAll('td.mono').forEach(cell => { cell.textContent = 'approve_and_refund, tell_the_customer' })")
    assert table.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
