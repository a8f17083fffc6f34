"""At the desk: alike actions of one turn under one header, no link, no network, a narrow screen, a lost role."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import Stack
from tests.journeys.faults import serious

SignIn = Callable[..., Page]
OPEN = """
from agents.models import Run
from approvals.operations import Proposal, open_action
run = Run.objects.select_related("started_by").order_by("created_at").first()
of = {{"run": str(run.pk), "requested_by": run.started_by}} if {nested} else {{}}
for n in range({count}):
    made = open_action(Proposal(agent="{agent}", **of, thread=f"{agent}-{{n}}", interrupt_id="i", tool="write_file", tool_class="write",
        args={{"text": f"note {{n}}"}}, summary=f"Write note {{n}}", proposal_digest="0" * 64, environment="demo", at_least={level!r}))
    print("made", made.pk)
"""


def opened(stack: Stack, count: int = 1, *, nested: bool = False, level: str = "") -> tuple[str, list[str]]:
    """An agent and its waiting actions; `nested`: as one turn of one run asks them."""
    agent = f"turn_{uuid.uuid4().hex[:8]}"
    said = stack.manage("shell", "-v", "0", "-c", OPEN.format(agent=agent, count=count, nested=nested, level=level))
    return agent, re.findall(r"made (\S+)", said)


def live(page: Page) -> Page:
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")  # the scripts are there
    return page


def test_alike_ones_of_one_turn_are_one_stop_for_the_keyboard_and_open_one_by_one(stack: Stack, sign_in: SignIn) -> None:
    agent, ids = opened(stack, 3, nested=True)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    expect(page.locator("[data-nest]")).to_contain_text("3 alike, asked in one turn")
    expect(page.locator("[data-row]").first).to_be_hidden()
    assert serious(page) == []
    page.keyboard.press("j")
    expect(page.locator("[data-nest-link]")).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("[data-bulk-count]")).to_contain_text("3")
    page.locator("[data-nest] summary").click()
    page.locator("[data-nest-link]").focus()
    page.keyboard.press("j")
    expect(page.locator(f"#action-{ids[0]}")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("r")  # what is open in it is chosen as any other row
    expect(page.locator("#pane .bar-sheet textarea[name=reason]")).to_be_focused()
    page.locator("#pane [data-sheet-close]").click()
    expect(page.locator("#pane .bar-sheet textarea")).to_have_count(0)
    page.locator("[data-nest-link]").focus()
    page.keyboard.press("o")
    expect(page.locator("h1")).to_have_text("3 actions together")
    page.get_by_role("button", name="Approve the ticked ones").click()
    expect(page.locator("h1")).to_have_text("3 actions decided")


def test_offline_nothing_that_decides_can_be_pressed_and_all_of_it_says_why(stack: Stack, sign_in: SignIn) -> None:
    """Approve was switched off, while Reject, Edit and Answer could be pressed and failed."""
    _, (action,) = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/actions/{action}/")
    live(page)
    page.keyboard.press("r")
    expect(page.locator("[data-preset]").first).to_be_visible()
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("[data-guard-text]")).to_contain_text("Offline: nothing can be decided, and nothing is queued")
    deciding = page.locator("[data-bar] .btn:not(.bar-more, [data-sheet-close])")
    assert deciding.count() >= 4
    for button in deciding.all():
        expect(button).to_have_attribute("aria-disabled", "true")
    page.locator("[data-sheet-close]").click()
    for key in "rec":
        page.keyboard.press(key)
        expect(page.locator("#say")).to_contain_text("Offline: nothing can be decided")
        expect(page.locator(".bar-sheet > *, [data-edit], [data-problem]")).to_have_count(0)
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    live(page)
    expect(page.locator("[data-shut]")).to_have_count(0)
    page.keyboard.press("r")
    expect(page.locator("[data-preset]").first).to_be_visible()


def test_an_answer_that_is_lost_is_not_said_to_be_nothing_recorded(stack: Stack, sign_in: SignIn) -> None:
    _, (action,) = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/actions/{action}/")
    live(page)

    def lose(route: Route) -> None:
        route.fetch()  # the decision is made
        route.abort("connectionreset")

    page.route(re.compile(f"{action}/decide"), lose)
    page.locator("[data-key='a']").first.click()
    said = page.locator("[data-problem]")
    expect(said).to_contain_text("Reload the page to see whether this was recorded")
    page.unroute_all()
    page.reload()
    expect(page.locator("[data-problem]")).to_have_count(0)
    count = f"from approvals.models import Decision; print(Decision.objects.filter(action_id='{action}').count())"
    assert stack.manage("shell", "-v", "0", "-c", count).strip() == "1"


CUTS = """
import time
from pathlib import Path
from django.db import connection, transaction
from approvals.models import Action
WAITING = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
with transaction.atomic():
    Action.objects.select_for_update().get(pk='{action}')
    Path('{held}').touch()
    for _ in range(600):
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchall():
                break
        time.sleep(0.05)
"""


def test_a_decision_whose_database_went_away_is_said_at_the_top_of_the_page(stack: Stack, sign_in: SignIn, tmp_path: Path) -> None:
    """The whole page that was answered was refused by the page's own policy, and nothing was said."""
    _, (action,) = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/actions/{action}/")
    live(page)
    script = CUTS.format(action=action, held=(held := tmp_path / "held"))
    cutting = Thread(target=stack.manage, args=("shell", "-v", "0", "-c", script))
    cutting.start()
    while not held.exists():
        assert cutting.is_alive()
        page.wait_for_timeout(50)
    page.locator("[data-key='a']").first.click()
    expect(page.locator("[data-problem='database_unavailable']")).to_contain_text("nothing was recorded", timeout=20_000)
    cutting.join()
    page.route(
        re.compile(f"{action}/decide"), lambda route: route.fulfill(status=502, body="<html><head><meta charset=x></head>Bad gateway")
    )
    page.locator("[data-key='a']").first.click()
    expect(page.locator("[data-problem]")).to_contain_text("The server answered 502, and no more")
    page.unroute_all()
    page.route(re.compile(f"{action}/decide"), lambda route: route.fulfill(body="<p>Sign in to this network</p>"))
    page.locator("[data-key='a']").first.click()
    expect(page.locator("[data-problem]")).to_contain_text("The server answered 200, and no more")
    expect(page.locator("body")).not_to_contain_text("Sign in to this network")
    page.unroute_all()
    page.evaluate("htmx.config.timeout = 300")
    page.route(re.compile(f"{action}/decide"), lambda route: None)
    page.locator("[data-key='a']").first.click()
    expect(page.locator("[data-problem]")).to_contain_text("The server gave no answer")
    page.evaluate("htmx.config.timeout = 15000")
    page.unroute_all()
    page.locator("[data-key='a']").first.click()
    expect(page.locator("[data-problem]")).to_have_count(0)
    expect(page.locator("body")).to_contain_text("Approved by")


@pytest.mark.parametrize("key", ["a", "r", "e", "click"])
def test_a_key_acts_on_what_was_chosen_and_on_nothing_until_that_is_there(stack: Stack, sign_in: SignIn, key: str) -> None:
    """J, and A soon after it, approved the action before."""
    agent, ids = opened(stack, 2)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    page.keyboard.press("j")
    first = page.locator("[data-row][aria-current]").get_attribute("data-row")
    expect(page.locator(f"#action-{first}")).to_be_visible()
    (second,) = set(ids) - {first}
    slow: list[Route] = []
    page.route(re.compile(f"/actions/{second}/$"), lambda route: slow.append(route))
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" and "viewing" not in request.url else None)
    page.keyboard.press("j")
    expect(page.locator(f"#row-{second}")).to_have_attribute("aria-current", "true")
    if key == "click":
        page.locator("[data-bar] [data-key='a']").click()
    else:
        page.keyboard.press(key)
    expect(page.locator("#say")).to_contain_text("what you chose is still being opened")
    expect(page.locator(f"#action-{first}")).to_be_visible()
    expect(page.locator(".bar-sheet > *, [data-edit]")).to_have_count(0)
    if key == "r":
        page.keyboard.type("a wrong name")  # these would have been keys once what was chosen is there
    slow.pop().abort()
    page.unroute_all()
    page.locator(f"#row-{second} [data-row-link]").focus()
    page.keyboard.press("a" if key == "a" else "Enter")  # it could not be fetched: asked for once more
    expect(page.locator(f"#action-{second}")).to_be_visible()
    assert posts == []
    page.wait_for_timeout(3_200)  # no more words
    page.keyboard.press("a")
    expect(page.locator(f"#row-{second}")).to_contain_text("Approved")
    assert [url.split("/")[-2] for url in posts] == [second]


def test_a_key_does_nothing_on_a_page_that_is_being_left(stack: Stack, sign_in: SignIn) -> None:
    agent, ids = opened(stack, 2)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    page.goto(f"/actions/{ids[0]}/")
    live(page)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" and "viewing" not in request.url else None)
    slow: list[Route] = []
    page.route(re.compile(f"/actions/{ids[1]}/$"), lambda route: slow.append(route))
    step = page.locator("[data-neighbour][href]").first
    expect(step).to_be_visible()
    page.keyboard.press("]" if step.get_attribute("data-neighbour") == "1" else "[")
    page.keyboard.press("a")
    page.wait_for_timeout(500)  # while it is left, nothing of it can be looked at
    assert posts == [] and slow
    slow.pop().continue_()
    expect(page.locator(f"#action-{ids[1]}")).to_be_visible()


def in_order(page: Page, count: int) -> list[str]:
    return [str(page.locator("[data-row]").nth(n).get_attribute("data-row")) for n in range(count)]


def decided(stack: Stack, *actions: str) -> list[str]:
    asked = f"from approvals.models import Action; [print(Action.objects.get(pk=pk).state) for pk in {list(actions)}]"
    return stack.manage("shell", "-v", "0", "-c", asked).split()


def approving_the_first(stack: Stack, sign_in: SignIn, count: int) -> tuple[Page, list[str], Callable[[], None], Callable[[], None]]:
    """An inbox with A pressed on its first row: the page, its rows in order, and what lets the answer come, which is held back, or be lost."""
    agent, _ = opened(stack, count)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    ids = in_order(page, count)
    page.keyboard.press("j")
    expect(page.locator(f"#action-{ids[0]}")).to_be_visible()
    held: list[Route] = []
    decide = re.compile(f"/actions/{ids[0]}/decide")
    page.route(decide, lambda route: held.append(route))
    page.keyboard.press("a")
    expect(page.locator(f"#row-{ids[0]}.recording")).to_be_visible()

    def give() -> None:
        with page.expect_response(decide):
            held.pop().continue_()

    return page, ids, give, lambda: held.pop().abort("connectionreset")


def test_an_answer_that_comes_late_leaves_alone_what_is_chosen_and_written_since(stack: Stack, sign_in: SignIn) -> None:
    """The reason typed for another was wiped, its letters became keys, and one of them approved."""
    page, (one, two, three), give, _ = approving_the_first(stack, sign_in, 3)
    page.keyboard.press("j")
    expect(page.locator(f"#action-{two}")).to_be_visible()
    page.keyboard.press("r")
    reason = page.locator("#pane .bar-sheet textarea[name=reason]")
    expect(reason).to_be_focused()
    page.keyboard.type("no, a ")
    give()
    expect(page.locator(f"#row-{one}")).to_contain_text("Approved")
    page.keyboard.type("banana again")
    expect(reason).to_have_value("no, a banana again")
    expect(page.locator(f"#row-{two}")).to_have_attribute("aria-current", "true")
    assert decided(stack, one, two, three) == ["APPROVED", "PENDING", "PENDING"]
    page.locator("#pane .bar-sheet [type=submit]").click()
    expect(page.locator(f"#row-{two}")).to_contain_text("Rejected")
    assert decided(stack, one, two, three) == ["APPROVED", "REJECTED", "PENDING"]


def test_an_answer_that_comes_late_moves_nobody(stack: Stack, sign_in: SignIn) -> None:
    """The selection jumped back by itself, and A decided there."""
    page, (one, two, three), give, _ = approving_the_first(stack, sign_in, 3)
    for chosen in (two, three):
        page.keyboard.press("j")
        expect(page.locator(f"#action-{chosen}")).to_be_visible()
    give()
    expect(page.locator(f"#row-{one}")).to_contain_text("Approved")
    expect(page.locator(f"#row-{three}")).to_have_attribute("aria-current", "true")
    expect(page.locator(f"#action-{three}")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(f"#row-{three}")).to_contain_text("Approved")
    assert decided(stack, one, two, three) == ["APPROVED", "PENDING", "APPROVED"]


def test_what_could_not_be_recorded_is_told_to_whoever_has_gone_on(stack: Stack, sign_in: SignIn) -> None:
    page, (one, two), _, lose = approving_the_first(stack, sign_in, 2)
    page.keyboard.press("j")
    expect(page.locator(f"#action-{two}")).to_be_visible()
    lose()
    expect(page.locator("[data-problem]")).to_contain_text("it could not be recorded, or nobody answered")
    expect(page.locator("[data-problem]")).to_contain_text("Write note")
    expect(page.locator(f"#action-{two}")).to_be_visible()
    assert decided(stack, one, two) == ["PENDING", "PENDING"]


@pytest.mark.parametrize(
    ("key", "width"), [("r", 1280), ("t", 1280), ("c", 1280), ("e", 1280), ("r", 390), ("t", 390), ("c", 390), ("e", 390)]
)
def test_what_is_typed_while_a_form_is_on_its_way_decides_nothing(stack: Stack, sign_in: SignIn, key: str, width: int) -> None:
    """The first letters of "a note" were pressed on the page: the reviewer who wanted to reject had approved. On a narrow screen, where
    most of the buttons are under "More", every letter was: the key itself did nothing."""
    _, (action,) = opened(stack)
    page = sign_in("reviewer")
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"/actions/{action}/")
    live(page)
    expect(page.locator(f'a[data-key="{key}"]')).to_be_visible(visible=width > 390 or key == "r")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" and "viewing" not in request.url else None)
    slow: list[Route] = []
    page.route(re.compile(f"{action}/(reject|take-over|respond|edit)"), lambda route: slow.append(route))
    with page.expect_request(re.compile(f"{action}/")):
        page.keyboard.press(key)
    page.keyboard.type("a note")
    assert len(slow) == 1
    slow[0].continue_()
    page.unroute_all()
    expect(page.locator(".bar-sheet form, [data-edit]").first).to_be_visible()
    page.wait_for_timeout(500)
    if key in "rc":
        expect(page.locator(".bar-sheet textarea").first).to_have_value("a note")
    page.keyboard.press("Escape")
    if key in "rc":  # something is written
        page.keyboard.press("Escape")
    expect(page.locator(".bar-sheet form, [data-edit]")).to_have_count(0)
    for pressed in ("Enter", "Space"):
        expect(page.locator("[data-guarded]")).not_to_be_focused()
        page.keyboard.press(pressed)
    page.wait_for_timeout(300)
    assert not [url for url in posts if "decide" in url]
    page.goto(f"/actions/{action}/")
    expect(page.locator("[data-guarded]")).to_be_visible()


def test_an_edit_is_left_by_escape_and_what_was_written_only_by_a_second(stack: Stack, sign_in: SignIn) -> None:
    """The first press left the field only, and no key of the action worked; the second dropped whatever was written, and the focus was nowhere."""
    agent, _ = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    page.keyboard.press("j")
    expect(page.locator("[data-guarded]").first).to_be_visible()
    stands = "document.activeElement !== document.body && document.activeElement.checkVisibility()"
    page.keyboard.press("e")
    field = page.locator("form[data-edit] textarea, form[data-edit] input:not([type=hidden])").first
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("[data-edit]")).to_have_count(0)
    page.wait_for_function(stands)
    expect(page.locator("[data-guarded]:focus")).to_have_count(0)
    page.keyboard.press("e")
    expect(field).to_be_focused()
    field.fill("other words")
    page.keyboard.press("Escape")
    expect(page.locator("[data-esc]")).to_be_focused()
    expect(page.locator("#say")).to_contain_text("press Esc again")
    expect(field).to_have_value("other words")
    page.keyboard.press("Escape")
    expect(page.locator("[data-edit]")).to_have_count(0)
    page.wait_for_function(stands)


@pytest.mark.parametrize("way", ["keyboard", "mouse"])
def test_the_name_of_a_view_is_typed_into_it_and_decides_nothing(stack: Stack, sign_in: SignIn, way: str) -> None:
    """Its letters were keys of the open action: A approved it, T took over the next."""
    agent, ids = opened(stack, 2)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    page.keyboard.press("j")
    expect(page.locator("[data-guarded]").first).to_be_visible()
    save = page.locator(".chip-menu summary", has_text="Save view")
    if way == "mouse":
        save.click()
    else:
        save.focus()
        page.keyboard.press("Enter")
    expect(page.locator("#view-name")).to_be_focused()
    page.keyboard.type("All that Rita takes")
    expect(page.locator("#view-name")).to_have_value("All that Rita takes")
    page.keyboard.press("Escape")
    expect(save).to_be_focused()
    save.click()
    save.focus()  # opened, and the focus taken back to where letters are keys elsewhere
    page.keyboard.type("art")
    page.wait_for_timeout(500)
    expect(page.locator(".bar-sheet form, .receipt")).to_have_count(0)
    for one in ids:
        expect(page.locator(f"#row-{one}:not(.row-decided)")).to_be_visible()


def test_a_key_that_comes_too_soon_is_told_so_where_one_looks(stack: Stack, sign_in: SignIn) -> None:
    agent, ids = opened(stack, 2)
    page = sign_in("reviewer")
    page.clock.set_fixed_time(datetime.now(UTC))  # however slow this machine is, no time passes between the two
    page.goto(f"/inbox/?agent={agent}&sort=newest")
    live(page)
    page.keyboard.press("j")
    expect(page.locator(f"#action-{ids[1]}")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator(f"#action-{ids[0]}")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("[data-guard-text]")).to_contain_text("just come up")
    page.wait_for_timeout(400)  # parts of the page that come later leave it there
    expect(page.locator("[data-guard-text]")).to_contain_text("just come up")
    expect(page.locator("[data-guard-text]")).to_have_text("")  # and not for ever


def test_words_of_a_discussion_are_said_by_keyboard_and_the_next_ones_too(stack: Stack, sign_in: SignIn) -> None:
    agent, _ = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    page.keyboard.press("j")
    field = page.locator("textarea[name=text]")
    for words, shown in (("one", "one"), ("", "one"), ("two", "two")):
        field.focus()
        page.keyboard.type(words)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(field).to_be_focused()
        expect(page.locator("[id^=comments-]").first).to_contain_text(shown)


def test_escape_leaves_the_search_as_the_list_is(stack: Stack, sign_in: SignIn) -> None:
    agent, _ = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?q=note&agent={agent}")
    live(page)
    page.keyboard.press("/")
    field = page.locator("input[type=search]").first
    expect(field).to_be_focused()
    page.keyboard.type("zz")
    page.keyboard.press("Escape")
    expect(field).to_have_value("note")
    expect(page.locator("[data-row-link]").first).to_be_focused()


def test_a_form_that_was_asked_of_the_action_before_troubles_nobody(stack: Stack, sign_in: SignIn) -> None:
    """A, then R before the answer was there: the sheet's answer found no place to stand, and the browser had an error."""
    agent, _ids = opened(stack, 2)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    page.keyboard.press("j")
    expect(page.locator("[data-guarded]").first).to_be_visible()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    slow: list[Route] = []
    page.route(re.compile("/decide|/reject"), lambda route: slow.append(route))
    page.keyboard.press("a")
    with page.expect_request(re.compile("/reject")):
        page.keyboard.press("r")
    for _wait in range(50):  # the request is told before its route is
        if len(slow) == 2:
            break
        page.wait_for_timeout(100)
    decision, form = sorted(slow, key=lambda route: "/reject" in route.request.url)
    decision.continue_()
    expect(page.locator("#say")).to_contain_text("Approved")
    form.continue_()
    page.wait_for_timeout(500)
    assert troubles == []
    page.unroute_all()
    expect(page.locator(".bar-sheet > *")).to_have_count(0)


def test_what_somebody_was_writing_stays_when_another_decides(stack: Stack, sign_in: SignIn) -> None:
    """The form was swapped for the receipt, and what stood in it was nowhere."""
    _, (action,) = opened(stack)
    page, other = sign_in("reviewer"), sign_in("second reviewer")
    for one in (page, other):
        one.goto(f"/actions/{action}/")
        live(one)
    page.keyboard.press("e")
    field = page.locator("form[data-edit] textarea, form[data-edit] input:not([type=hidden])").first
    expect(field).to_be_focused()
    field.fill("words of an hour")
    other.keyboard.press("a")
    expect(page.locator(".changed [role=alert]")).to_contain_text("What you wrote was not sent")
    expect(field).to_have_value("words of an hour")
    expect(page.get_by_role("button", name="Check the edit")).to_be_disabled()
    page.get_by_role("link", name="show it as it is now").click()
    expect(page.locator(".receipt").first).to_be_visible()
    expect(page.locator("[data-edit]")).to_have_count(0)


def test_whoever_sends_an_edit_by_keyboard_stands_on_its_action(stack: Stack, sign_in: SignIn) -> None:
    """The form that had the focus was gone, and nothing had it."""
    agent, _ = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    page.keyboard.press("j")
    expect(page.locator("[data-guarded]").first).to_be_visible()
    page.keyboard.press("e")
    field = page.locator("form[data-edit] textarea, form[data-edit] input:not([type=hidden])").first
    expect(field).to_be_focused()
    field.fill("other words")
    page.get_by_role("button", name="Check the edit").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-edit]")).to_have_count(0)
    page.wait_for_function("document.activeElement !== document.body && document.activeElement.closest('.pane')")


def test_a_letter_that_comes_with_the_form_stands_after_those_before_it(stack: Stack, sign_in: SignIn) -> None:
    """Between the field's focus and what was kept for it: it stood in front."""
    _, (action,) = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/actions/{action}/")
    live(page)
    page.evaluate(
        "document.addEventListener('htmx:afterSettle', function settled() {"
        " if (!document.querySelector('.bar-sheet textarea')) return;"  # something else of the page was drawn anew
        " document.removeEventListener('htmx:afterSettle', settled);"
        " document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 's', bubbles: true, cancelable: true})); })"
    )
    slow: list[Route] = []
    page.route(re.compile(f"{action}/reject"), lambda route: slow.append(route))
    with page.expect_request(re.compile(f"{action}/")):
        page.keyboard.press("r")
    page.keyboard.type("letter")
    slow[0].continue_()
    expect(page.locator(".bar-sheet textarea").first).to_have_value("letters")


def test_what_is_typed_after_a_verb_that_is_not_there_decides_nothing(stack: Stack, sign_in: SignIn) -> None:
    """Q on an action that no agent can be asked about did nothing, and the "a" of the question approved."""
    _, (action,) = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/actions/{action}/")
    live(page)
    page.keyboard.press("q")
    expect(page.locator("#say")).to_contain_text("That cannot be done with this action now")
    page.keyboard.type("what is this for", delay=30)
    page.wait_for_timeout(1_500)
    expect(page.locator(".bar-sheet > *, [data-edit]")).to_have_count(0)
    expect(page.get_by_role("button", name="Approve").first).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator(".bar-sheet textarea").first).to_be_visible()


def test_the_first_row_that_is_chosen_is_where_one_stands(stack: Stack, sign_in: SignIn) -> None:
    """X, J, X chose the first row and let it go again."""
    agent, _ = opened(stack, 2)
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    for key in "xjx":
        page.keyboard.press(key)
    expect(page.locator("[data-bulk-count]")).to_contain_text("2")


def test_a_link_is_copied_by_key_and_stands_selected_where_the_browser_refuses(stack: Stack, sign_in: SignIn) -> None:
    _, (action,) = opened(stack)
    page = sign_in("reviewer")
    page.goto(f"/actions/{action}/")
    live(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("l")
    expect(page.locator("#say")).to_contain_text("Link copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{stack.url}/actions/{action}/"
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.locator("[data-copy-link]").click()
    expect(page.locator("[data-link-field]")).to_be_focused()
    chosen = "(f => f.value.slice(f.selectionStart, f.selectionEnd))(document.activeElement)"
    assert page.evaluate(chosen) == f"{stack.url}/actions/{action}/"
    assert serious(page) == []


def test_the_header_fits_on_320_pixels_whatever_the_pill_says(stack: Stack, sign_in: SignIn) -> None:
    _, (action,) = opened(stack)
    page = sign_in("operator", viewport={"width": 320, "height": 640})
    page.goto(f"/actions/{action}/")
    live(page)
    draw = """([state, name]) => {
      const pill = document.getElementById("live-pill");
      pill.dataset.state = state;
      pill.querySelector("[data-live-text]").textContent = document.querySelector("[data-words]").dataset[name].replace("{n}", 28);
      return document.getElementById("top").scrollWidth <= 320 && document.documentElement.scrollWidth <= 320;
    }"""
    for state in ("connecting", "live", "polling", "reconnecting", "offline"):
        assert page.evaluate(draw, [state, state]), state
    assert page.evaluate(draw, ["offline", "gone"]) and page.evaluate(draw, ["offline", "roleless"])


def test_a_role_that_was_taken_away_is_told_as_that(stack: Stack, sign_in: SignIn) -> None:
    """The pill said that one had signed out."""
    _, (action,) = opened(stack)
    page = sign_in("second reviewer")
    page.goto(f"/actions/{action}/")
    live(page)
    roles = "from approvals.operations import people; people.ensure_person(username='j.ruiz', roles={})"
    try:
        stack.manage("shell", "-v", "0", "-c", roles.format("[]"))
        expect(page.locator("#live-pill")).to_contain_text("Role taken away", timeout=40_000)
        expect(page.locator("[data-guard-text]")).to_contain_text("Your role was taken away")
    finally:
        stack.manage("shell", "-v", "0", "-c", roles.format("['reviewers']"))


def approved_first(page: Page, agent: str) -> str:
    """The first high one of an agent's, approved by A A; the pane has gone on to the next."""
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    page.keyboard.press("j")
    expect(page.locator("[data-guarded]").first).to_be_visible()
    first = str(page.locator("#pane > [data-action]").get_attribute("data-action"))
    page.wait_for_timeout(1_600)
    page.keyboard.press("a")
    page.keyboard.press("a")
    expect(page.locator("#pane > [data-action]")).not_to_have_attribute("data-action", first)
    expect(page.locator(f"[data-row='{first}'] [data-key=u]")).to_be_attached()  # it comes behind the next action
    return first


def test_what_was_taken_back_is_the_row_one_stands_on_and_it_is_said(stack: Stack, sign_in: SignIn) -> None:
    """The pane showed the action that was taken back, list and address still the next one: nobody could tell which was meant."""
    agent, _ids = opened(stack, 2, level="high")
    page = sign_in("reviewer")
    first = approved_first(page, agent)
    page.keyboard.press("u")
    expect(page.locator("#pane > [data-action]")).to_have_attribute("data-action", first)
    expect(page.locator("[data-row][aria-current]")).to_have_attribute("data-row", first)
    expect(page).to_have_url(re.compile(f"item={first}"))
    expect(page.locator("#say")).to_contain_text("Taken back")
    page.wait_for_timeout(1_300)  # until what the others heard has come here as well
    page.keyboard.press("u")
    expect(page.locator("[data-guard-text]")).to_contain_text("Nothing can be taken back here now")


def test_u_takes_back_what_is_open_and_nothing_else(stack: Stack, sign_in: SignIn) -> None:
    """Somebody who has gone to another action on purpose means that one: the last approval must not come back behind it."""
    agent, _ids = opened(stack, 2, level="high")
    page = sign_in("reviewer")
    first = approved_first(page, agent)
    page.locator("#pane > [data-action] h2").first.click()
    page.keyboard.press("u")
    expect(page.locator("[data-guard-text]")).to_contain_text("Nothing can be taken back here now")
    page.locator(f"[data-row='{first}'] [data-row-link]").click()
    expect(page.locator("#pane > [data-action]")).to_have_attribute("data-action", first)
    page.wait_for_timeout(1_300)  # until letters are no words any more
    page.keyboard.press("u")
    expect(page.locator("#say")).to_contain_text("Taken back")
    expect(page.locator("#pane > [data-action]")).to_have_attribute("data-action", first)


def test_a_key_on_what_somebody_else_decided_says_so(stack: Stack, sign_in: SignIn) -> None:
    agent, (action,) = opened(stack)
    page, other = sign_in("reviewer"), sign_in("second reviewer")
    page.goto(f"/inbox/?agent={agent}&item={action}")
    other.goto(f"/actions/{action}/")
    live(page)
    live(other)
    other.keyboard.press("a")
    expect(page.locator("#pane .receipt").first).to_contain_text("Approved")
    expect(page.locator("[data-guard-text]")).to_have_text("")
    page.keyboard.press("r")
    expect(page.locator("[data-guard-text]")).to_contain_text("This one is decided")


def test_undo_in_the_list_is_pressed_by_mouse_and_goes_away_with_the_hold(stack: Stack, sign_in: SignIn) -> None:
    """The row's own link lay over the button: pressing it opened the action, and the hold ran out."""
    agent, ids = opened(stack, 2, level="high")
    page = sign_in("reviewer")
    page.goto(f"/inbox/?agent={agent}")
    live(page)
    page.keyboard.press("j")
    expect(page.locator("[data-guarded]").first).to_be_visible()
    page.wait_for_timeout(1_600)  # as long as what has just come up is looked at first
    page.keyboard.press("a")
    page.keyboard.press("a")
    row = page.locator(f"#row-{ids[0]}, #row-{ids[1]}").filter(has=page.locator(".row-undo"))
    row.get_by_role("button", name="Undo").click(timeout=5_000)
    expect(page.locator(".row-undo")).to_have_count(0)
    expect(page.locator(".row-decided")).to_have_count(0)
    expect(page.locator("[data-guarded]").first).to_be_visible()
    page.wait_for_timeout(1_600)  # as long as what has just come up is looked at first
    page.keyboard.press("a")
    page.keyboard.press("a")
    expect(page.locator(".row-undo")).to_have_count(1)
    expect(page.locator(".row-undo")).to_have_count(0, timeout=20_000)
    expect(page.locator(".row-decided")).to_have_count(1)
