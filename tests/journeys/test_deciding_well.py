"""Deciding beyond yes and no: several together, grants, two people, taking back, passing on, away, snooze, take-over, how to be told.

All in the session's stack, each with an agent of its own so that they do not meet. axe looks at every page they pass.
"""

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack
from tests.journeys.faults import serious

SignIn = Callable[..., Page]
OPEN = """
from approvals.operations import Proposal, open_action
for n in range({count}):
    action = open_action(Proposal(agent="{agent}", thread="{agent}-{tag}-%d" % n, interrupt_id="i", tool="{agent}", tool_class="{kind}",
        args={{"text": "line %d" % n}}, names=["ACME-4711"], figures={figures}, summary="Write {agent} {tag} %d" % n, proposal_digest="0" * 64,
        environment="demo"))
    print("made", action.pk, action.state, action.level)
"""


@pytest.fixture
def agent() -> str:
    """A name nobody else has, of the agent and of its tool."""
    return f"desk_{uuid.uuid4().hex[:8]}"


def opened(
    stack: Stack, agent: str, count: int = 1, *, kind: str = "write", figures: dict[str, int] | None = None, tag: str = "note"
) -> list[list[str]]:
    """Actions of an agent outside of any run: id, state and level of each."""
    said = stack.manage("shell", "-v", "0", "-c", OPEN.format(agent=agent, count=count, kind=kind, figures=figures or {}, tag=tag))
    return [list(found) for found in re.findall(r"made (\S+) (\S+) (\S+)", said)]


def at(page: Page, action: str) -> Page:
    page.goto(f"/actions/{action}/")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")  # the scripts are there
    return page


@pytest.fixture
def forgotten(stack: Stack) -> Iterator[None]:
    """What somebody chose is forgotten after it."""
    yield
    stack.manage("shell", "-v", "0", "-c", "from approvals.models import Preference; Preference.objects.all().delete()")


def test_several_are_looked_at_and_decided_together(stack: Stack, sign_in: SignIn, agent: str) -> None:
    (_, _, last) = opened(stack, agent, 3)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}&sort=oldest")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    expect(page.locator("[data-row]")).to_have_count(3)
    page.keyboard.press("j")
    expect(page.locator("[data-action]")).to_be_visible()
    page.keyboard.press("x")
    page.keyboard.press("Shift+J")
    page.keyboard.press("Shift+J")
    expect(page.locator("[data-pick]:checked")).to_have_count(3)
    page.locator("[data-bulk-go]").click()
    expect(page.locator("h1")).to_have_text("3 actions together")
    assert serious(page) == []
    page.locator(f"input[value='{last[0]}'], input[name='m-{last[0]}']").uncheck()
    page.locator("textarea[name=reason]").fill("all alike")
    page.get_by_role("button", name="Approve the ticked ones").click()
    expect(page.locator("h1")).to_have_text("2 actions decided")
    assert serious(page) == []
    page.goto(f"/inbox/?agent={agent}")
    expect(page.locator("[data-row]:not(.row-decided)")).to_have_count(1)


def test_a_grant_is_given_used_and_revoked(stack: Stack, sign_in: SignIn, agent: str) -> None:
    ((first, _, _),) = opened(stack, agent)
    page = at(sign_in("reviewer"), first)
    page.get_by_role("link", name="Let the next ones like this pass").first.click()
    page.locator("#uses").fill("5")
    page.locator("textarea[name=reason]").fill("seen three of them")
    assert serious(page) == []
    page.get_by_role("button", name="Give this grant").click()
    expect(page.locator("h1")).to_have_text(re.compile(r"Grant \d+"))
    grant = page.url
    assert [state for _, state, _ in opened(stack, agent, tag="later")] == ["APPROVED"]
    expect(page.locator("#uses tbody tr")).to_have_count(1, timeout=15_000)  # by itself
    expect(page.locator("#uses")).to_contain_text("later")
    assert serious(page) == []
    page.locator("#why").fill("enough")
    page.get_by_role("button", name="Revoke").click()
    page.goto(grant)
    expect(page.locator("#state-title")).to_contain_text("Revoked")
    assert [state for _, state, _ in opened(stack, agent, tag="after")] == ["PENDING"]
    page.goto("/grants/")
    assert serious(page) == []


def confirm_critical(page: Page) -> None:
    """Open all of it, type its name, say why."""
    page.locator("[data-bar] .btn-approve").click()
    page.locator("input[name=typed]").fill("ACME-4711")
    page.locator("textarea[name=reason]").fill("called them back")
    assert serious(page) == []
    page.locator("form.sheet .btn-approve").click()


def test_two_people_approve_what_is_critical_and_one_takes_it_back(stack: Stack, sign_in: SignIn, agent: str) -> None:
    ((critical, state, level),) = opened(stack, agent, kind="money", figures={"amount_cents": 200_000})
    assert (state, level) == ("PENDING", "critical")
    one, two = at(sign_in("reviewer"), critical), at(sign_in("second reviewer"), critical)
    confirm_critical(one)
    expect(one.locator("#pane")).to_contain_text("waits for")
    expect(two.locator("[id^=quorum-block]")).to_contain_text("m.chen")  # without a reload
    expect(two.locator("[id^=left-]")).to_contain_text("1 of 2 approved")
    expect(two.locator(".changed")).to_contain_text("Others decided since")
    confirm_critical(two)
    expect(two.locator(".receipt").first).to_contain_text("Approved")
    expect(one.locator(".receipt-undo")).to_be_visible()
    one.keyboard.press("u")
    for page in (one, two):
        expect(page.locator("[data-bar] .btn-approve")).to_be_visible()
    assert serious(one) == []


def test_it_is_reserved_released_passed_on_and_snoozed(stack: Stack, sign_in: SignIn, agent: str) -> None:
    ((action, _, _),) = opened(stack, agent)
    page, other = at(sign_in("reviewer"), action), at(sign_in("second reviewer"), action)
    page.get_by_role("button", name="Reserve").click()
    expect(other.locator(".desk-held")).to_contain_text("m.chen", timeout=15_000)
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("button", name="Reserve")).to_be_visible()
    page.locator("summary", has_text="Snooze").click()
    assert serious(page) == []
    page.get_by_role("button", name="15 minutes").click()
    page.goto(f"/inbox/?agent={agent}")
    expect(page.locator("[data-row]")).to_have_count(0)
    at(page, action).get_by_role("button", name="Stop snoozing").click()
    page.goto(f"/inbox/?agent={agent}")
    expect(page.locator("[data-row]")).to_have_count(1)
    at(page, action).locator("summary", has_text="Pass on").click()
    page.locator("select[name=to]").select_option("j.ruiz")
    page.locator("form[action$='pass-on'] input[name=reason]").fill("you know them")
    page.get_by_role("button", name="Pass it on").click()
    other.goto("/inbox/")
    expect(other.locator(".notices")).to_contain_text(agent)
    assert serious(other) == []
    at(other, action).locator("[data-bar] .btn-approve").click()
    expect(other.locator(".receipt").first).to_contain_text("Approved by j.ruiz")


def test_who_goes_away_leaves_what_they_have_reserved(stack: Stack, sign_in: SignIn, agent: str) -> None:
    ((action, _, _),) = opened(stack, agent)
    page = at(sign_in("reviewer"), action)
    page.get_by_role("button", name="Reserve").click()
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    page.goto("/preferences/")
    page.locator("#away-delegate").select_option("j.ruiz")
    page.locator("#away-note").fill("at the dentist")
    page.get_by_role("button", name="I am away").click()
    expect(page.locator("main")).to_contain_text("j.ruiz stands in for you")
    assert serious(page) == []
    other = at(sign_in("second reviewer"), action)
    # Who is asked themselves decides in their own right, and holds what was left to them.
    expect(other.locator(".desk-block")).to_contain_text("You have reserved this, for m.chen")
    page.get_by_role("button", name="I am back").click()
    expect(page.get_by_role("button", name="I am away")).to_be_visible()


def test_a_person_does_it_and_enters_the_outcome(stack: Stack, sign_in: SignIn, agent: str) -> None:
    ((action, _, _),) = opened(stack, agent)
    page = at(sign_in("reviewer"), action)
    page.keyboard.press("t")
    page.get_by_label("I did it").check()
    page.locator("textarea[name=response]").fill("wrote it by hand")
    assert serious(page) == []
    page.get_by_role("button", name="Take over with this outcome").click()
    expect(page.locator("#pane")).to_contain_text("wrote it by hand")
    expect(page.locator(".receipt").first).to_contain_text("by m.chen")


@pytest.mark.usefixtures("forgotten")
def test_how_to_be_told_is_kept(sign_in: SignIn) -> None:
    page = sign_in("reviewer")
    page.goto("/preferences/notifications")
    chosen = page.locator(".reach-matrix tbody tr").last.locator("select").first
    way = chosen.locator("option:not(:checked)").first.get_attribute("value")
    chosen.select_option(way)
    page.locator("input[name=quiet_from]").fill("22:00")
    page.locator("input[name=quiet_to]").fill("07:00")
    page.locator("#zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Keep these").click()
    page.goto("/preferences/notifications")
    expect(chosen).to_have_value(way or "")
    expect(page.locator("input[name=quiet_from]")).to_have_value("22:00")
    assert serious(page) == []


def test_what_a_key_unfolds_is_in_view_and_focused(stack: Stack, sign_in: SignIn, agent: str) -> None:
    opened(stack, agent)
    page = sign_in("reviewer", viewport={"width": 1280, "height": 720})
    page.goto(f"/inbox/?agent={agent}")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    page.keyboard.press("j")
    expect(page.locator("[data-action]")).to_be_visible()
    for key, field in (("d", "select[name=to]"), ("s", "form[action$='snooze'] button >> nth=0")):
        page.keyboard.press(key)
        expect(page.locator(field)).to_be_focused()
        expect(page.locator(field)).to_be_in_viewport()
        page.keyboard.press("Escape")
        page.locator("[data-row-link]").first.focus()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("Snooze, for you alone")
    expect(page.locator("#help")).to_contain_text("Pass on to somebody else")


def test_on_a_phone_there_are_two_large_buttons_and_more(stack: Stack, sign_in: SignIn, agent: str) -> None:
    ((action, _, _),) = opened(stack, agent)
    page = at(sign_in("reviewer", viewport={"width": 390, "height": 844}), action)
    bar = page.locator("[data-bar]")
    expect(bar.locator(".btn:visible")).to_have_text(["Approve", "Reject", "More"], use_inner_text=True)
    sizes = [box for button in bar.locator(".btn:visible").all() if (box := button.bounding_box())]
    assert all(box["height"] >= 44 for box in sizes) and len({box["y"] for box in sizes}) == 1
    page.get_by_role("button", name="More").click()
    expect(page.locator(".bar-rest .btn").first).to_be_visible()
    assert serious(page) == []
    page.locator(".bar-rest").get_by_text("Take over").click()
    expect(page.get_by_label("I did it")).to_be_visible()
    expect(page.locator(".bar-rest")).to_be_hidden()
