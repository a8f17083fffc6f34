"""What axe finds on a page that has come to rest."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

# WCAG 2.2, 2.5.8, which axe looks at only when asked. What passed is not drawn up, and no style sheet is fetched once more: a fifth of its time.
_ALSO = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"], "preload": False}
_AT_REST = "() => document.getAnimations().every(one => one.effect.getTiming().iterations === Infinity)"


def serious(page: Page) -> list[str]:
    """Serious and critical findings, each with its first place and axe's words. What is on its way or still fading is waited for."""
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.wait_for_function(_AT_REST)
    found = [v for v in Axe().run(page, options=_ALSO).response["violations"] if v["impact"] in {"serious", "critical"}]
    first = [(v["id"], nodes[0]) for v in found if (nodes := [node for node in v["nodes"] if not _covered(v["id"], node)])]
    return [f"{rule} {node['html'][:160]} {node.get('failureSummary', '')[:300]}" for rule, node in first]


def _covered(rule: str, node: Any) -> bool:
    """What an open menu, or a bar that stays in sight, lies over is in reach once that is closed, or the page scrolled: where it happens to lie says nothing."""
    return rule == "target-size" and "partially obscured" in node.get("failureSummary", "")
