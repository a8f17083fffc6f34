"""A reviewer adds a passkey, signs one critical approval with it, and signs in with it alone; the browser's own WebAuthn, a virtual key."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack
from tests.journeys.faults import serious

SignIn = Callable[..., Page]
CRITICAL = """
from approvals.operations import Proposal, open_action
a = open_action(Proposal(agent="passkeys", thread="passkeys", interrupt_id="i", tool="wire", args={"account": "DE-4711"}, names=["DE-4711"], proposal_digest="0" * 64,
    summary="Wire 2,000.00 to DE-4711", environment="demo", tool_class="money", figures={"amount_cents": 200_000}))
print("made", a.pk, a.level)
"""


def test_a_passkey_signs_the_very_action_and_signs_in_alone(stack: Stack, sign_in: SignIn) -> None:
    action = re.search(r"made (\S+) critical", stack.manage("shell", "-c", CRITICAL))
    assert action
    # Passkeys belong to a host name, never to an address of numbers.
    named = stack.url.replace("127.0.0.1", "localhost")
    page = sign_in("second reviewer")
    page.goto(stack.links["second reviewer"].replace("127.0.0.1", "localhost"))
    key = page.context.new_cdp_session(page)
    key.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    key.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    page.goto(f"{named}/security/")
    page.get_by_role("link", name="Add a passkey").click()
    page.locator("input[name=name]").fill("laptop")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for path in ("/security/", "/confirm/"):
            page.goto(named + path)
            assert serious(page) == [], (theme, path)
    page.goto(f"{named}/actions/{action.group(1)}/")
    page.locator("[data-bar] .btn-approve").click()
    page.locator("input[name=typed]").fill("DE-4711")
    page.locator("textarea[name=reason]").fill("called them back")
    page.get_by_role("button", name="sign it").click()
    expect(page.locator(".receipt").first).to_contain_text("Approved by j.ruiz")
    expect(page.locator("#pane")).to_contain_text("Approved and signed with a passkey")
    assert "proofs hold" in stack.manage("audit", "proofs")
    page.goto(f"{named}/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(re.compile(r"/inbox/"))
    stack.manage("people", "reset-factors", "j.ruiz")  # the next journey signs in by link alone
