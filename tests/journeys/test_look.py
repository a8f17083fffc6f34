"""Every page in light, dark and at 390 px: axe finds nothing serious, nothing scrolls sideways."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys.conftest import Stack

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


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_no_page_has_a_serious_fault(stack: Stack, sign_in: Callable[..., Page], theme: str, width: int) -> None:
    page = sign_in("operator", color_scheme=theme, viewport={"width": width, "height": 844})
    faults = []
    for path in addresses(page):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        results = Axe().run(page).response["violations"]
        faults += [f"{path}: {v['id']} {v['nodes'][0]['html'][:120]}" for v in results if v["impact"] in {"serious", "critical"}]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
            faults.append(f"{path} scrolls sideways at {width} px")
    assert not faults, "\n".join(faults)
