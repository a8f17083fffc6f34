"""Reading closely and deciding by keyboard: the hidden part, the palette, saved views, moved keys, who else looks."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack

SignIn = Callable[..., Page]
OPEN = """
from approvals.operations import Proposal, open_action
action = open_action(Proposal(agent="journey", thread="{name}", interrupt_id="i", tool="write_file", tool_class="{kind}",
    args={args!r}, summary="Write {name}", proposal_digest="0" * 64, environment="demo"))
print(action.pk)
"""


def opened(stack: Stack, args: dict[str, object], kind: str = "write") -> tuple[str, str]:
    """A waiting action of an agent outside of any run: its name and its id."""
    name = f"note-{uuid.uuid4().hex[:8]}"
    return name, stack.manage("shell", "-v", "0", "-c", OPEN.format(name=name, args=args, kind=kind)).split()[-1]


@pytest.fixture
def usual_desk(stack: Stack) -> Iterator[None]:
    """What a journey chose is forgotten after it."""
    yield
    stack.manage("shell", "-v", "0", "-c", "from approvals.models import Preference; Preference.objects.all().delete()")


def focused_row(page: Page) -> str:
    return str(page.evaluate("document.activeElement.closest('[data-row]')?.dataset.row || ''"))


def test_forty_a_day_without_a_mouse(stack: Stack, sign_in: SignIn) -> None:
    ids = [opened(stack, {"text": f"short {i}"})[1] for i in range(3)][::-1]
    page = sign_in("reviewer")
    page.goto("/inbox/?agent=journey&sort=newest")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")  # the scripts are there
    page.keyboard.press("j")
    expect(page.locator(f"#action-{ids[0]}")).to_be_visible()
    assert focused_row(page) == ids[0]
    page.keyboard.press("a")
    expect(page.locator(f"#action-{ids[1]}")).to_be_visible()
    expect(page.locator(f"#row-{ids[0]} .receipt-verb")).to_contain_text("Approved", timeout=15_000)
    assert focused_row(page) == ids[1]
    page.keyboard.press("]")
    expect(page.locator(f"#action-{ids[2]}")).to_be_visible()
    page.keyboard.press("[")
    expect(page.locator(f"#action-{ids[1]}")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("[data-preset]")).to_have_text(["Wrong target", "Too broad", "Missing context", "Not now", "Policy"])
    page.locator("[data-preset]").nth(1).press("Enter")
    expect(page.locator("textarea[name=reason]")).to_have_value("Too broad")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_contain_text("Rejected", timeout=15_000)
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live", timeout=15_000)
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs/")


def test_what_is_hidden_is_opened_before_approve_becomes_active(stack: Stack, sign_in: SignIn) -> None:
    _, action = opened(stack, {"path": "notes.sql", "content": "SELECT 1; -- ok\n" * 400 + "DROP TABLE orders;", "to": "a\u202eb"})
    page = sign_in("reviewer")
    page.goto(f"/actions/{action}/")
    approve = page.locator("[data-guarded]").first
    expect(page.locator(".chip-char", has_text="U+202E").first).to_be_visible()
    expect(page.locator("[data-what]")).to_contain_text("DROP TABLE orders;")
    expect(page.locator("[data-what] .hl-k").first).to_be_visible()
    expect(approve).to_have_attribute("aria-disabled", "true")
    page.locator("[data-seen-mark]").scroll_into_view_if_needed()
    page.keyboard.press("a")
    expect(page.locator(".receipt")).to_have_count(0)
    expect(page.locator("[data-what] [data-must-open] > summary")).to_be_focused()
    expect(page.locator("[data-guard-text]")).to_contain_text("Open the hidden part first")
    page.keyboard.press("Enter")
    page.locator("[data-seen-mark]").scroll_into_view_if_needed()
    expect(approve).not_to_have_attribute("aria-disabled", "true")
    # It is high: the server keeps what was opened, so the page opened anew asks for nothing again.
    expect(approve).to_have_attribute("data-twice", f"twice-{action}")
    kept = f"from approvals.models import Viewed; print(sorted(v.part[0] for v in Viewed.objects.filter(action='{action}')))"
    for _ in range(50):
        if "['a', 'p']" in stack.manage("shell", "-v", "0", "-c", kept):
            break
        page.wait_for_timeout(100)
    page.reload()
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    expect(approve).not_to_have_attribute("aria-disabled", "true")
    page.keyboard.press("a")
    page.keyboard.press("a")
    expect(page.locator(".receipt").first).to_contain_text("Approved")


def test_what_was_not_opened_is_refused_by_the_server_also_when_the_script_is_cheated(stack: Stack, sign_in: SignIn) -> None:
    _, action = opened(stack, {"path": "notes.txt", "content": "so many words " * 400, "to": "a\u202eb"})
    page = sign_in("reviewer")
    page.goto(f"/actions/{action}/")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    for _press in range(2):
        page.evaluate("document.querySelector('[data-guarded]').removeAttribute('aria-disabled')")
        page.keyboard.press("a")
    expect(page.locator(".bar-sheet [role=alert]:not([hidden])").first).to_contain_text("hidden characters of content")
    page.locator("[data-what] [data-must-open] > summary").first.click()
    page.locator("[data-seen-mark]").scroll_into_view_if_needed()
    expect(page.locator("[data-unseen]")).to_have_count(0)
    page.locator(".bar-sheet button[type=submit]").click()
    expect(page.locator(".receipt").first).to_contain_text("Approved")


def test_without_script_a_hidden_part_has_a_box_to_tick(stack: Stack, sign_in: SignIn) -> None:
    _, action = opened(stack, {"content": "so many words " * 400})
    page = sign_in("reviewer", java_script_enabled=False)
    page.goto(f"/actions/{action}/")
    page.locator("[data-bar] button", has_text="Approve").click()
    expect(page.get_by_role("alert").first).to_contain_text("1 hidden part has not been opened")
    page.locator("[data-what] [data-must-open] > summary").click()
    page.locator("input[name=opened]").check()
    page.locator("[data-bar] .sheet button[type=submit]").click()
    expect(page.locator(".receipt").first).to_contain_text("Approved")


def test_the_palette_goes_anywhere_and_presses_what_is_there(stack: Stack, sign_in: SignIn) -> None:
    name, action = opened(stack, {"text": "x"})
    page = sign_in("reviewer")
    page.goto("/inbox/?agent=journey&sort=newest")
    page.keyboard.press("Control+k")
    palette = page.locator("#palette")
    expect(palette).to_be_visible()
    page.keyboard.type(f"open {name}")
    expect(palette.locator("[role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(f"#action-{action}")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("reject")
    page.keyboard.press("Enter")
    expect(page.locator("textarea[name=reason]")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("nothing is called this")
    expect(palette.locator(".palette-none")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("audit")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit/")


def test_a_view_is_saved_and_comes_back(stack: Stack, sign_in: SignIn, usual_desk: None) -> None:
    opened(stack, {"text": "x"})
    page = sign_in("reviewer")
    page.goto("/inbox/?agent=journey")
    page.locator("summary", has_text="Save view").click()
    page.locator("#view-name").fill("Journeys")
    page.get_by_role("button", name="Save it").click()
    page.goto("/inbox/")
    page.locator(".chip-view", has_text="Journeys").click()
    page.wait_for_url("**/inbox/?agent=journey")
    expect(page.locator(".chip-view", has_text="Journeys")).to_have_attribute("aria-current", "true")
    page.goto("/preferences/")
    page.get_by_role("button", name="Remove Journeys").click()
    expect(page.locator("main")).to_contain_text("None yet")


def test_a_moved_key_works_and_shows_on_its_button_and_the_old_one_is_dead(stack: Stack, sign_in: SignIn, usual_desk: None) -> None:
    _, action = opened(stack, {"text": "x"})
    page = sign_in("reviewer")
    page.goto("/preferences/")
    page.locator("#key-approve").fill("y")
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Keep these").click()
    expect(page.locator("#messages")).to_contain_text("kept")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(f"/actions/{action}/")
    expect(page.locator("[data-guarded] kbd").first).to_have_text("Y")
    page.keyboard.press("a")
    page.wait_for_timeout(400)
    expect(page.locator(".receipt")).to_have_count(0)
    page.keyboard.press("y")
    expect(page.locator(".receipt").first).to_contain_text("Approved")


def test_two_people_see_that_the_other_looks(stack: Stack, sign_in: SignIn) -> None:
    _, action = opened(stack, {"text": "x"})
    first, second = sign_in("reviewer"), sign_in("second reviewer")
    first.goto(f"/actions/{action}/")
    expect(first.locator("#live-pill")).to_have_attribute("data-state", "live")
    second.goto(f"/actions/{action}/")
    expect(second.locator(".viewing")).to_contain_text("m.chen is viewing")
    expect(first.locator(".viewing")).to_contain_text("j.ruiz is viewing")
    watcher = first.context.new_page()
    watcher.goto("/inbox/?sort=newest")
    expect(watcher.locator(f"[data-row='{action}'] .row-viewers")).to_contain_text("j.ruiz is viewing")
    watcher.close()
    second.goto("/runs/")
    first.keyboard.press("a")
    expect(first.locator(".receipt").first).to_contain_text("Approved")


def test_the_second_a_of_a_pair_does_not_meet_the_next_action(stack: Stack, sign_in: SignIn) -> None:
    ids = [opened(stack, {"text": f"pair {i}"})[1] for i in range(2)][::-1]
    page = sign_in("reviewer")
    begun = datetime.now(UTC)
    page.clock.set_fixed_time(begun)  # however slow this machine is, no time passes between the two
    page.goto("/inbox/?agent=journey&sort=newest")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    page.keyboard.press("j")
    expect(page.locator(f"#action-{ids[0]}")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(f"#action-{ids[1]}")).to_be_visible()
    page.keyboard.press("a")
    for late in (800, 1_200):  # as long as the second A of a pair may come
        page.clock.set_fixed_time(begun + timedelta(milliseconds=late))
        page.keyboard.press("a")
    expect(page.locator("#say")).to_contain_text("just come up")
    page.keyboard.press("r")  # it still waits
    expect(page.locator("[data-preset]").first).to_be_visible()
    expect(page.locator("textarea[name=reason]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("[data-preset]")).to_have_count(0)
    page.clock.set_fixed_time(begun + timedelta(milliseconds=1_600))
    page.keyboard.press("a")
    expect(page.locator(f"#row-{ids[1]}.row-decided")).to_be_visible()
