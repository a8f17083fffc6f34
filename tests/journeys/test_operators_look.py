"""The pages of operators, with something on each, in light and dark: axe finds nothing serious, nothing scrolls sideways."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stack
from tests.journeys.faults import serious
from tests.journeys.test_look import faults_of

SignIn = Callable[..., Page]

# A run that waits; a call of it whose outcome nobody knows, as a killed worker leaves it: approved and claimed in one transaction, so that no worker is
# there before; a run that is over and could be reversed; a dry run of it.
PREPARE = """
import time
from django.db import transaction
from django.db.models.functions import Now
from agents import compensated, operations
from agents.models import Effect, Run
from agents.operations import executing
from agents.operations.trials import Wanted
from agents.operations.unknown import give_up
from approvals.models import Action, User
from approvals.operations import decide
for _ in range(130):
    if asked := Action.objects.filter(run="{run}", state="PENDING").first():
        break
    time.sleep(0.3)
with transaction.atomic():
    decide(asked.pk, by=User.objects.get(username="m.chen"), verdict="approve", seen_digest=asked.digest, door="cli")
    assert executing._take(asked.pk, again=False)
    Effect.objects.filter(pk=asked.pk).update(lease_until=Now())
assert give_up(asked.pk)
over = next(r for r in Run.objects.filter(state="SUCCEEDED", agent="refunds").order_by("-created_at") if compensated.reversible(str(r.pk)))
trial = operations.order_trial(over.pk, "replay", Wanted(), by=User.objects.get(username="o.hart"), door="web")
for _ in range(130):
    trial.refresh_from_db()
    if trial.ended_at:
        break
    time.sleep(0.3)
print(asked.pk, over.pk, trial.pk)
"""
CLEAR = """
from agents import operations
from approvals.models import User
operations.resolve_unknown("{action}", done=False, reason="a journey", by=User.objects.get(username="o.hart"), door="cli")
"""


@dataclass(frozen=True)
class Desk:
    """What there is to see to: a run that waits with a call of unknown outcome, one that is over with a dry run of it, an order in force."""

    waits: str
    action: str
    over: str
    trial: str
    order: str


@pytest.fixture(scope="module")
def desk(stack: Stack) -> Iterator[Desk]:
    waits = stack.start_run("T-1036")
    action, over, trial = stack.manage("shell", "-v", "0", "-c", PREPARE.format(run=waits)).split()
    stack.manage("switch", "ask", "--tool", "open_safe", "--reason", "a journey", "--by", "o.hart")
    stack.manage("halt", "--agent", "janitor", "--reason", "a journey", "--by", "o.hart")
    (order,) = re.findall(r"^ *(\d+)  agent +janitor ", stack.manage("halt", "--list"), re.MULTILINE)
    yield Desk(waits, action, over, trial, order)
    stack.manage("shell", "-v", "0", "-c", CLEAR.format(action=action))
    stack.manage("runs", "cancel", waits, "--reason", "over", "--by", "o.hart")
    stack.manage("halt", "--release", order, "--reason", "over", "--by", "o.hart")
    stack.manage("switch", "allow", "--tool", "open_safe", "--reason", "over", "--by", "o.hart")


def pages(page: Page, desk: Desk) -> list[str]:
    waits, over = f"/runs/{desk.waits}", f"/runs/{desk.over}"
    page.goto(f"{over}/checkpoints/")
    rows = page.locator("main a[href*='/checkpoints/1']")
    points = list(dict.fromkeys(str(row.get_attribute("href")).split("?")[0] for row in rows.all()))
    first, second = points[0].strip("/").split("/")[-1], points[1].strip("/").split("/")[-1]
    page.goto("/alerts/runbooks/")
    book = str(page.locator("main a[href^='/alerts/runbooks/']").first.get_attribute("href"))
    return [
        "/console/", "/console/?agent=refunds&state=WAITING", "/unknown/", f"/actions/{desk.action}/effect/resolve", f"/actions/{desk.action}/",
        "/halt/", f"/halt/?run={desk.waits}", "/halts/", "/halts/?kind=tokens&agent=refunds", f"/halt/{desk.order}/release",
        "/switches/", "/switches/?tool=open_safe", "/alerts/", "/alerts/runbooks/", book, "/agents/refunds/costs/", "/agents/janitor/", "/agents/refunds/",
        f"{waits}/", f"{waits}/hold", f"{waits}/checkpoints/", f"{over}/", f"{over}/checkpoints/", f"{over}/checkpoints/?a={second}&b={first}",
        points[0], points[1], f"{over}/fork/", f"{over}/fork/?from={second}", f"{over}/trials/", f"{over}/trials/{desk.trial}/", f"{over}/reverse",
        f"/runs/compare/?a={desk.over}&b={desk.waits}", f"/runs/compare/?a={desk.over}&b={desk.waits}&all=1",
    ]  # fmt: skip


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_no_page_of_an_operator_has_a_serious_fault(desk: Desk, sign_in: SignIn, theme: str, width: int) -> None:
    page = sign_in("operator", color_scheme=theme, viewport={"width": width, "height": 844})
    faults = [fault for path in pages(page, desk) for fault in faults_of(page, path)]
    assert not faults, "\n".join(faults)


def test_nor_has_what_an_operator_confirms(desk: Desk, sign_in: SignIn) -> None:
    """What a fork would mean, and the menus of a run: shown by a press, at no address of their own."""
    page, faults = sign_in("operator", color_scheme="dark", viewport={"width": 390, "height": 844}), []
    page.goto(f"/runs/{desk.waits}/")
    for menu in page.locator("main details.menu > summary").all():
        if menu.is_visible():
            menu.click()
            faults += serious(page)
            menu.click()
    page.goto(f"/runs/{desk.over}/fork/")
    page.get_by_role("button", name="For real").click()
    page.wait_for_load_state()
    expect(page.locator("main input[name=confirmed]")).to_have_count(1)
    faults += serious(page)
    assert not faults, "\n".join(faults)
