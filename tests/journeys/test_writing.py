"""Whoever writes on an action is not disturbed by what comes meanwhile: no word is lost, none presses anything, and no key decides another version than the one shown."""

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.conftest import Stack
from tests.journeys.faults import serious
from tests.journeys.outside import declare
from tests.journeys.test_at_the_desk import live, opened

SignIn = Callable[..., Page]
REASON = ".bar-sheet textarea[name=reason]"


@pytest.fixture
def halting(stack: Stack) -> Iterator[Callable[[str], None]]:
    """Halts an agent; all is released afterwards."""

    def release() -> None:
        for number in re.findall(r"^ *(\d+)  agent ", stack.manage("halt", "--list"), re.MULTILINE):
            stack.manage("halt", "--release", number, "--reason", "over", "--by", "o.hart")

    def halt(agent: str) -> None:
        if agent:
            stack.manage("halt", "--agent", agent, "--reason", "a journey", "--by", "o.hart")
        else:
            release()

    yield halt
    release()


def at(page: Page, action: str) -> Page:
    page.goto(f"/actions/{action}/")
    return live(page)


def asked(stack: Stack, page: Page) -> str:
    """An action of a run of refunds."""
    stack.start_run("T-1017")
    page.goto("/inbox/?sort=newest&agent=refunds")
    return live(page).locator("[data-row]:not(.row-decided)").first.get_attribute("data-row") or ""


def state(stack: Stack, action: str) -> str:
    return stack.manage("actions", "show", action).split("\n")[0]


def drawn_anew(part: Locator) -> None:
    """Wait until what stands there is another element than the one that is marked."""
    expect(part).not_to_have_attribute("data-before", "")


def mark(part: Locator) -> None:
    part.evaluate("node => node.setAttribute('data-before', '')")


def test_a_halt_of_others_and_one_of_this_agent_leave_what_is_written_alone(
    stack: Stack, sign_in: SignIn, halting: Callable[[str], None]
) -> None:
    page = sign_in("reviewer")
    at(page, asked(stack, page))
    page.keyboard.press("r")
    field = page.locator(REASON)
    expect(field).to_be_focused()
    page.keyboard.type("this is wr")
    for halted in ("janitor", "refunds", ""):
        mark(page.locator("[data-bar] :is(.bar-buttons, .bar-blocked)"))
        halting(halted)
        drawn_anew(page.locator("[data-bar] :is(.bar-buttons, .bar-blocked)"))
        expect(page.locator("[data-bar] .bar-blocked")).to_have_count(int(halted == "refunds"))
        expect(field).to_be_focused()
    page.keyboard.type("ong and a bad idea")
    expect(field).to_have_value("this is wrong and a bad idea")
    page.get_by_role("button", name=re.compile("^Reject")).click()
    expect(page.locator(".receipt").first).to_contain_text("this is wrong and a bad idea")


def test_after_a_halt_the_keys_are_still_those_of_the_version_that_is_shown(
    stack: Stack, sign_in: SignIn, halting: Callable[[str], None]
) -> None:
    page = sign_in("reviewer")
    action = asked(stack, page)
    at(page, action)
    other = at(sign_in("second reviewer"), action)
    digest = page.locator("[data-bar] [name=seen_digest]").first.get_attribute("value")
    other.keyboard.press("e")
    field = other.locator("form[data-edit] :is(input[name*=amount_cents], textarea)").first
    expect(field).to_be_visible()
    field.fill("777")
    other.locator("#edit-reason").fill("less")
    other.get_by_role("button", name="Check the edit").click()
    expect(page.locator(".changed")).to_contain_text("new version", timeout=20_000)
    halting("janitor")
    expect(page.locator("#halt-banner")).to_contain_text("janitor")
    page.wait_for_timeout(500)
    expect(page.locator("[data-bar] [name=seen_digest]").first).to_have_attribute("value", digest or "")
    page.keyboard.press("a")
    page.keyboard.press("a")
    expect(page.locator("[data-action]")).to_have_attribute("data-version", "2", timeout=15_000)  # told so, and shown what it is now
    assert "PENDING" in state(stack, action)


def test_a_comment_of_somebody_leaves_the_form_beside_it_open_and_what_stands_in_it(stack: Stack, sign_in: SignIn) -> None:
    _, (action,) = opened(stack)
    page = at(sign_in("reviewer"), action)
    page.locator("summary", has_text="Extend").click()
    field = page.locator(".desk-form input[name=reason]").last
    expect(field).to_be_focused() if field.evaluate("node => node === document.activeElement") else field.click()
    page.keyboard.type("I need the customer to ")
    mark(page.locator("[data-desk-block] > section"))
    other = at(sign_in("second reviewer"), action)
    other.locator("textarea[name=text]").fill("what about this?")
    other.locator("textarea[name=text]").press("Tab")
    other.keyboard.press("Enter")
    drawn_anew(page.locator("[data-desk-block] > section"))
    expect(field).to_be_focused()
    page.keyboard.type("answer")
    expect(field).to_have_value("I need the customer to answer")
    assert "PENDING" in state(stack, action)


def test_words_for_a_field_that_is_gone_press_nothing(stack: Stack, sign_in: SignIn) -> None:
    _, (action,) = opened(stack)
    page = at(sign_in("reviewer"), action)
    page.keyboard.press("r")
    expect(page.locator(REASON)).to_be_focused()
    page.locator(".bar-sheet form").evaluate("form => form.remove()")
    page.keyboard.type("a really bad idea", delay=20)
    expect(page.locator("[data-guard-text]")).to_contain_text("What you were writing in is gone")
    expect(page.locator(REASON)).to_have_count(0)
    assert "PENDING" in state(stack, action)


def test_escape_asks_before_it_drops_a_reason(stack: Stack, sign_in: SignIn) -> None:
    _, (action,) = opened(stack)
    page = at(sign_in("reviewer"), action)
    page.keyboard.press("r")
    field = page.locator(REASON)
    expect(field).to_be_focused()
    page.keyboard.type("a long reason")
    page.keyboard.press("Escape")
    expect(page.locator("[data-sheet-close]")).to_be_focused()
    expect(field).to_have_value("a long reason")
    page.keyboard.press("Escape")
    expect(page.locator(REASON)).to_have_count(0)
    page.keyboard.press("r")
    expect(field).to_be_focused()  # no key is lost after it
    page.keyboard.press("Escape")  # nothing is written
    expect(page.locator(REASON)).to_have_count(0)


def test_whoever_comes_second_gets_the_receipt_and_no_complaint(stack: Stack, sign_in: SignIn) -> None:
    agent, ids = opened(stack, 2)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}&item={ids[0]}")
    live(page)
    other = at(sign_in("second reviewer"), ids[0])

    under_way: list[Route] = []
    page.route("**/decide", lambda route: under_way.append(route))
    page.keyboard.press("a")
    expect(page.locator(f"#row-{ids[0]}.recording")).to_be_visible()
    other.keyboard.press("r")
    expect(other.locator(REASON)).to_be_focused()
    other.keyboard.type("not this one")
    other.get_by_role("button", name=re.compile("^Reject")).click()
    expect(other.locator(".receipt").first).to_be_visible()
    page.wait_for_timeout(500)
    under_way[0].continue_()
    expect(page.locator("#pane .receipt").first).to_contain_text("not this one")
    expect(page.locator("#messages [data-problem]")).to_have_count(0)


NESTED = {
    "name": "ship",
    "risk": "write",
    "reversible": True,
    "summary": "Ship {name}",
    "args_schema": {
        "type": "object",
        "required": ["name", "address"],
        "properties": {
            "name": {"type": "string"},
            "address": {
                "type": "object",
                "required": ["street", "zip"],
                "properties": {
                    "street": {"type": "string"},
                    "zip": {"type": "integer", "minimum": 1},
                    "kind": {"enum": ["home", "work"]},
                },
            },
        },
    },
}
SHIP = """
from approvals.operations import Proposal, open_action
made = open_action(Proposal(agent="{agent}", thread="{agent}", interrupt_id="i", tool="ship", tool_class="write", summary="Ship it",
    args={{"name": "Ada", "address": {{"street": "Elm 1", "zip": 101, "kind": "home"}}}}, proposal_digest="0" * 64, environment="demo"))
print("made", made.pk)
"""


def test_an_object_in_the_arguments_is_edited_field_by_field(stack: Stack, sign_in: SignIn) -> None:
    agent = f"nested-{uuid.uuid4().hex[:8]}"
    declare(stack, agent, [NESTED])
    (action,) = re.findall(r"made (\S+)", stack.manage("shell", "-v", "0", "-c", SHIP.format(agent=agent)))
    page = at(sign_in("reviewer"), action)
    page.keyboard.press("e")
    number = page.get_by_label("address.zip")
    expect(number).to_have_value("101")
    number.fill("none")
    expect(page.locator(".edit-diff")).to_contain_text("address.zip: A whole number")
    number.fill("202")
    page.get_by_role("radio", name="work").check()
    expect(page.locator(".edit-diff")).to_contain_text("202")
    assert serious(page) == []
    page.get_by_role("button", name="Check the edit").click()
    expect(page.locator("[data-what]")).to_contain_text("202", timeout=15_000)
    assert "202" in stack.manage("actions", "show", action)
