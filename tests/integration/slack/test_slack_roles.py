"""Whoever lost every role reads nothing of an action in Slack, as the page refuses it to them; they are told so, alone."""

import json

import pytest
from django.test import Client

from approvals import operations
from approvals.models import Action, Decision, SlackMessage
from approvals.operations import slack_owing
from approvals.slack import modals
from tests import factories
from tests.integration.slack.test_slack_cards import card, tick
from tests.integration.slack.test_slack_review import open_at, option, submit, text

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db]
SECRET, NO_ROLE = "DE-8800-SECRET", "has no role yet"


@pytest.fixture
def secret(world) -> Action:
    """Its card hides the account; the view shows it."""
    made = factories.action(args={"what": "this", "account": SECRET}, summary=f"Pay to {SECRET}")
    tick()
    return made


def shown(world, user: str = "U0MEI") -> str:
    """All that stands before one person alone: their views, their tab, what was whispered to them."""
    view = world.top(user)
    return json.dumps([view.view if view else {}, world.homes.get(user, {}), world.private("C0AI", user)], ensure_ascii=False)


def test_the_buttons_of_a_card_show_nothing_to_somebody_without_a_role(hands, world, secret, cast):
    cast.reviewer.groups.clear()
    page = Client()
    page.force_login(cast.reviewer)
    assert page.get(f"/actions/{secret.pk}/").status_code == 403
    hands.press("U0MEI", "C0AI", card(world)["ts"], "review")
    assert SECRET not in shown(world) and NO_ROLE in shown(world)
    assert world.top("U0MEI") is None


def test_a_view_that_is_open_shows_and_records_nothing_more_once_the_role_is_gone(hands, world, secret, cast):
    open_at(hands, world, "reject")
    assert SECRET in shown(world)
    cast.reviewer.groups.clear()
    view = world.top("U0MEI")
    before = dict(view.view)
    hands.choose("U0MEI", modals.CHOICE, selected_option={"value": "pass_on"})
    assert view.view == before and NO_ROLE in shown(world), "drawn anew"
    world.close(world.top("U0MEI").id)
    answer = submit(hands, "reject", reason=text("no"), preset=option(""))
    assert NO_ROLE in json.dumps(answer.body) and SECRET not in json.dumps(answer.body) and not Decision.objects.exists()


def test_a_confirmed_edit_is_refused_as_well(hands, world, cast, tmp_path):
    factories.waiting(cast.operator, factories.call(label="a line"), world=str(tmp_path / "world"))
    tick()
    open_at(hands, world, "edit")
    submit(hands, "edit", **{"edit:label": text("another")})
    cast.reviewer.groups.clear()
    said = json.dumps(hands.submit("U0MEI", {}).body)
    assert NO_ROLE in said and "a line" not in said


def test_tab_command_shortcut_and_direct_messages_show_nothing_either(hands, world, secret, cast):
    operations.reserve(secret.pk, by=cast.reviewer, door="web")
    cast.reviewer.groups.clear()
    hands.home("U0MEI")
    said = json.dumps(hands.command("U0MEI", "C0AI", "/approvals", "").body)
    assert NO_ROLE in said and str(secret.pk) not in said and SECRET not in said
    hands.shortcut("U0MEI", "my_approvals")
    assert NO_ROLE in json.dumps(world.homes["U0MEI"]) and str(secret.pk) not in shown(world) and SECRET not in shown(world)
    assert slack_owing.owe_directs([secret.pk]) == 0 and not SlackMessage.objects.filter(channel__name="U0MEI").exists()
