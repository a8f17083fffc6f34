"""What axe finds on a page that has come to rest."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

_ALSO = {"rules": {"target-size": {"enabled": True}}}  # WCAG 2.2, 2.5.8, which axe looks at only when asked
_AT_REST = "() => document.getAnimations().every(one => one.effect.getTiming().iterations === Infinity)"


def serious(page: Page) -> list[str]:
    """Serious and critical findings, each with its first place and axe's words. What is on its way or still fading is waited for."""
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.wait_for_function(_AT_REST)
    found = [v for v in Axe().run(page, options=_ALSO).response["violations"] if v["impact"] in {"serious", "critical"}]
    return [f"{v['id']} {v['nodes'][0]['html'][:160]} {v['nodes'][0].get('failureSummary', '')[:300]}" for v in found]
