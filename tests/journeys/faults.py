"""What axe finds on a page that has come to rest."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

# WCAG 2.2, 2.5.8, which axe looks at only when asked. What passed is not drawn up, and no style sheet is fetched once more: a fifth of its time.
_ALSO = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"], "preload": False}
NARROW = 390
_AT_REST = "() => document.getAnimations().every(one => one.effect.getTiming().iterations === Infinity)"


def serious(page: Page, *, only: tuple[str, ...] = ()) -> list[str]:
    """Serious and critical findings, of these rules where they are named, each with its first place and axe's words. What is on its way or still
    fading is waited for.
    """
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.wait_for_function(_AT_REST)
    options = _ALSO | ({"runOnly": only} if only else {})
    found = [v for v in Axe().run(page, options=options).response["violations"] if v["impact"] in {"serious", "critical"}]
    first = [(v["id"], nodes[0]) for v in found if (nodes := [node for node in v["nodes"] if not _covered(v["id"], node)])]
    return [f"{rule} {node['html'][:160]} {node.get('failureSummary', '')[:300]}" for rule, node in first]


def sideways(page: Page) -> list[str]:
    """Whether it scrolls sideways, as it stands and, where it is narrow, at 320 px as well."""
    size = page.viewport_size
    assert size is not None
    found = []
    for width in (size["width"], 320) if size["width"] == NARROW else (size["width"],):
        page.set_viewport_size({**size, "width": width})
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
            found.append(f"scrolls sideways at {width} px")
    page.set_viewport_size(size)
    return found


def dark_too(page: Page) -> list[str]:
    """A light page's faults of contrast in dark: it is not loaded again for them, and nothing else that axe looks at depends on colours."""
    page.emulate_media(color_scheme="dark")
    found = [f"in dark: {fault}" for fault in serious(page, only=("color-contrast",))]
    page.emulate_media(color_scheme="light")
    return found


def _covered(rule: str, node: Any) -> bool:
    """What an open menu, or a bar that stays in sight, lies over is in reach once that is closed, or the page scrolled: where it happens to lie says nothing."""
    return rule == "target-size" and "partially obscured" in node.get("failureSummary", "")
