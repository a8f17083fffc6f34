"""The reviewer: forty decisions a day, by keyboard, on a page that changes by itself."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.journeys.conftest import Stack

SignIn = Callable[..., Page]


def open_row(page: Page, text: str) -> None:
    page.locator("[data-row]", has_text=text).first.locator("[data-row-link]").click()
    expect(page.locator("[data-action]")).to_be_visible()


def test_the_inbox_changes_by_itself_and_the_keyboard_decides(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("reviewer")
    page.goto("/inbox/?agent=refunds&sort=newest")  # other tests leave more than one page of others
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    run = stack.start_run("T-1013")
    pill = page.locator("#new-pill")
    expect(pill).to_be_visible()
    row = page.locator("[data-row]", has_text="T-1013").first
    for _ in range(80):  # what an earlier test left moving may have been what is new
        if pill.is_visible():
            pill.click()
        page.wait_for_timeout(500)
        if row.is_visible():
            break
    open_row(page, "T-1013")
    watcher = page.context.new_page()
    watcher.goto(f"/runs/{run}/")
    expect(watcher.locator(".state").first).to_contain_text("Waiting")
    page.bring_to_front()
    page.keyboard.press("a")
    expect(page.locator(".receipt").first).to_contain_text("Approved")
    expect(watcher.locator("#run-live")).to_contain_text("Succeeded", timeout=15_000)


def test_a_second_browser_sees_the_receipt_of_an_open_action(stack: Stack, sign_in: SignIn) -> None:
    stack.start_run("T-1016")
    first, second = sign_in("reviewer"), sign_in("second reviewer")
    for page in (first, second):
        page.goto("/inbox/?sort=newest")
        open_row(page, "T-1016")
    first.keyboard.press("r")
    first.locator("textarea[name=reason]").fill("not now")
    first.locator("form[data-decide] button[type=submit]", has_text="Reject").click()
    expect(first.locator(".receipt").first).to_contain_text("Rejected")
    expect(second.locator("#pane")).to_contain_text("Rejected by m.chen")
    expect(second.locator("[data-bar] .btn-primary")).to_have_count(0)


def test_a_socket_cut_for_thirty_seconds_catches_up(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("reviewer")
    open_sockets: list[WebSocketRoute] = []
    cut = False

    def through(socket: WebSocketRoute) -> None:
        if cut:
            socket.close()
            return
        socket.connect_to_server()
        open_sockets.append(socket)

    page.route_web_socket("**/live/**", through)
    page.route("**/live/catchup**", lambda route: route.abort() if cut else route.continue_())
    page.goto("/inbox/?sort=newest")
    expect(page.locator("#live-pill")).to_have_attribute("data-state", "live")
    cut = True
    for socket in open_sockets:
        socket.close()
    expect(page.locator("#live-pill")).not_to_have_attribute("data-state", "live")
    stack.start_run("T-1018")
    time.sleep(30)
    expect(page.locator("#new-pill")).to_be_hidden()
    cut = False
    expect(page.locator("#new-pill")).to_be_visible(timeout=40_000)


def test_edited_arguments_are_checked_rescored_and_approved_as_a_new_version(stack: Stack, sign_in: SignIn) -> None:
    stack.start_run("T-1017")
    page = sign_in("reviewer")
    page.goto("/inbox/?sort=newest")
    open_row(page, "A-10077")
    version = page.locator("[data-action]").get_attribute("data-version")
    page.keyboard.press("e")
    amount = page.locator("form[data-edit] input[name*=amount_cents]")
    amount.fill("-5")
    page.locator("#edit-reason").fill("Only the postage")
    page.get_by_role("button", name="Check the edit").click()
    expect(page.locator("form[data-edit]")).to_contain_text("amount")
    expect(page.locator("form[data-edit] [aria-invalid=true]").first).to_be_visible()
    expect(page.locator(".recording")).to_have_count(0)  # the form that was sent is not there any more
    amount.fill("100")
    page.get_by_role("button", name="Check the edit").click()
    expect(page.locator(f"[data-action]:not([data-version='{version}'])")).to_be_visible(timeout=15_000)
    expect(page.locator("#pane h2, #pane h1").first).to_contain_text("1.00")
    expect(page.locator("[data-bar]")).to_contain_text("somebody else has to approve")
    second = sign_in("second reviewer")
    second.goto("/inbox/?sort=newest")
    open_row(second, "A-10077")
    second.keyboard.press("a")
    expect(second.locator(".receipt").first).to_contain_text("Approved")
    expect(page.locator(".receipt").first).to_contain_text("Approved", timeout=15_000)


def test_help_opens_by_key_and_keys_are_inert_in_fields(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("reviewer")
    page.goto("/inbox/")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    field = page.locator("input[type=search], input[name=q]").first
    field.focus()
    page.keyboard.type("jar?")
    expect(field).to_have_value("jar?")
    expect(page.locator("#help")).to_be_hidden()


def test_without_sockets_the_page_polls(stack: Stack, sign_in: SignIn) -> None:
    page = sign_in("reviewer")
    page.route_web_socket("**/live/**", lambda socket: socket.close())
    page.goto("/inbox/?sort=newest")
    stack.start_run("T-1014")
    expect(page.locator("#new-pill")).to_be_visible(timeout=40_000)
