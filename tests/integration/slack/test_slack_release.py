"""Lifting a halt from Slack: `/halt release`, the buttons beside orders, two people by whichever doors, old views, and what is kept."""

import contextlib
import json

import pytest
from django.urls import reverse

from approvals import operations, queries, tasks
from approvals.models import Halt, Release, SlackPerson
from approvals.operations import alerting, halts, one_person, people, slack_heard
from approvals.operations.alerting import Reading
from approvals.slack import approving, later
from audit import queries as log
from audit.actors import SYSTEM
from audit.views.words import sentence_of
from tests import factories, fakes
from tests.integration.slack.conftest import link
from tests.integration.slack.test_slack_cards import tick
from tests.integration.slack.test_slack_presses import nobody_else, stored
from tests.integration.slack.test_slack_review import option, radio, text
from tests.slack import limits

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db]
HOSTILE = "<!channel> <https://evil.example|look> *b* @here \u202eback"


@pytest.fixture
def sade(linked, cast):
    """The administrator, who may release as well."""
    link(cast.admin, "U0SADE")
    return cast.admin


def halt(cast, scope="everything", target="", reason="something is wrong"):
    return operations.halt(scope=scope, target=target, reason=reason, by=cast.operator, door="web")


def opened(hands, user="U0OLIVE", words="release"):
    """The view that `/halt release` opens."""
    hands.command(user, "C0AI", "/halt", words)
    return top(hands, user)


def top(hands, user="U0OLIVE"):
    view = hands.open_view(user).view
    assert limits.view(view) == []
    return view


def options(view) -> dict[str, str]:
    """By what goes on: the option's value."""
    (field,) = [block["element"] for block in view["blocks"] if block.get("block_id") == "step"]
    return {o["value"].partition(":")[2]: o["value"] for o in field["options"]}


def chosen(view) -> str:
    (field,) = [block["element"] for block in view["blocks"] if block.get("block_id") == "step"]
    return field["initial_option"]["text"]["text"]


def go(hands, user="U0OLIVE", step="all", reason="looked at it"):
    return hands.submit(user, {"step": radio(options(hands.open_view(user).view)[step]), "reason": text(reason)})


def words(view) -> str:
    return json.dumps(view, ensure_ascii=False)


def released(order) -> bool:
    order.refresh_from_db()
    return order.released_at is not None


# -- one person -------------------------------------------------------------------------------------


def test_the_command_opens_the_only_order_and_lifts_it_with_a_reason(hands, cast):
    order = halt(cast, "agent", "calls")
    view = opened(hands)
    assert "The agent calls is halted" in words(view) and "something is wrong" in words(view) and "(olga, " in words(view)
    assert "Runs that go on: 0" in words(view) and f"/halt/{order.pk}/release" in words(view) and view["submit"]["text"] == "Release"
    assert "two people" not in words(view)
    assert "Say why" in go(hands, reason=" ").body["errors"]["reason"]
    assert "Choose what goes on" in hands.submit("U0OLIVE", {"step": radio(""), "reason": text("x")}).body["errors"]["step"]
    assert not Release.objects.exists()
    assert "Released. Approvals given before the halt are asked again" in words(go(hands).body)
    step = Release.objects.get()
    assert released(order) and (step.by, step.confirmed_by, step.door, step.reason) == (
        cast.operator, cast.operator, "slack", "looked at it",
    )  # fmt: skip
    (event,) = log.events(kind="slack.pressed").rows
    assert event.data["click"]["slack_user"] == "U0OLIVE" and str(sentence_of(event)) == "Pressed in Slack: release a halt"


def test_of_several_one_is_chosen_and_none_is_said(hands, world, cast):
    assert "Nothing is halted" in hands.command("U0OLIVE", "C0AI", "/halt", "release").body["text"]
    first, second = halt(cast, "agent", "calls"), halt(cast, "agent", "batched")
    assert "The agent batched is halted" in words(opened(hands)) and top(hands)["callback_id"] == "said"
    hands.choose("U0OLIVE", "halt_release", value=str(second.pk))
    assert hands.open_view("U0OLIVE").above
    go(hands)
    assert released(second) and not released(first)
    assert "The agent calls is halted" in words(opened(hands, words=f"release {first.pk}"))
    for wrong in (f"release {second.pk}", "release nothing", "release 9" + "9" * 100):
        assert "released already" in hands.command("U0OLIVE", "C0AI", "/halt", wrong).body["text"]


def test_the_view_of_halt_lists_orders_with_a_button_each(hands, cast):
    order = halt(cast, "agent", "calls")
    view = opened(hands, words="")
    assert view["callback_id"] == "halt" and "The agent calls is halted" in words(view)
    hands.choose("U0OLIVE", "halt_release", value=str(order.pk))
    assert top(hands)["callback_id"] == "release"
    operations.release(order.pk, reason="on the page", by=cast.admin, door="web")
    assert "Released already by ada" in words(go(hands).body)
    opened(hands, words="")["blocks"].insert(0, view["blocks"][0])  # as a client shows it still
    hands.choose("U0OLIVE", "halt_release", value=str(order.pk))
    assert "released already" in words(hands.open_view("U0OLIVE").view) and Release.objects.count() == 1


def test_more_orders_than_fit_are_linked(hands, world, cast):
    for number in range(45):
        halt(cast, "agent", f"agent-{number}")
    assert limits.view(opened(hands)) == [] and "/halts/" in words(top(hands)) and limits.view(opened(hands, words="")) == []
    hands.home("U0OLIVE")
    assert limits.view(world.homes["U0OLIVE"]) == [] and words(world.homes["U0OLIVE"]).count("halt_release") == 10


def test_the_tab_lists_orders_and_follows(hands, world, cast):
    order = halt(cast, "agent", "calls")
    for user in ("U0MEI", "U0OLIVE"):
        hands.home(user)
    assert "halt_release" not in words(world.homes["U0MEI"]) and limits.view(world.homes["U0OLIVE"]) == []
    hands.press_home("U0OLIVE", "halt_release", value=str(order.pk))
    go(hands)
    assert released(order) and "The agent calls is halted" not in words(world.homes["U0OLIVE"])
    hands.press_home("U0OLIVE", "home_halt")
    hands.submit("U0OLIVE", {"scope": option("agent:calls"), "reason": text("again"), "word": text("")})
    assert "The agent calls is halted" in words(world.homes["U0OLIVE"])
    hands.press_home("U0OLIVE", "home_halt")
    hands.choose("U0OLIVE", "halt_release")
    go(hands)
    assert "The agent calls is halted" not in words(world.homes["U0OLIVE"])


def test_one_run_goes_on_first_and_the_order_for_its_agent_stands(hands, cast, tmp_path):
    run, action = factories.waiting(cast.reviewer, factories.call(), world=str(tmp_path / "w"))
    order = halt(cast, "agent", "calls")
    view = opened(hands)
    assert list(options(view)) == [f"run:{run.pk}", "all"] and chosen(view) == "All of it" and f"/runs/{run.pk}/" in words(view)
    assert "It goes on; the halt stands for the rest" in words(go(hands, step=f"run:{run.pk}").body) and not released(order)
    assert factories.decide(action, cast.second).resolved
    assert list(options(opened(hands))) == ["all"] and f"Goes on already: {str(run.pk)[:8]}" in words(top(hands))


@pytest.mark.parametrize("wrong", ["0:run:1", "0:run:00000000-0000-0000-0000-000000000000", "0:agent:row", "0:some:x", "0:all:x", "0:agent:\x01"])  # fmt: skip
def test_what_is_no_step_of_it_is_said_beside_the_choice(hands, cast, wrong):
    order = halt(cast, "agent", "calls")
    opened(hands)
    answer = hands.submit("U0OLIVE", {"step": radio(wrong), "reason": text("x")})
    assert answer.status == 200 and not Release.objects.exists() and not released(order)
    assert answer.body["errors"]["step"]


# -- two people -------------------------------------------------------------------------------------


def test_everything_is_asked_for_in_slack_and_confirmed_on_the_page(hands, cast, as_):
    order = halt(cast)
    assert "takes two people" in words(opened(hands))
    assert "Somebody else who may release has to confirm it within an hour" in words(go(hands).body) and not released(order)
    answer = as_(cast.admin).post(reverse("halt-release", args=[order.pk]), {"reason": "seen", "step": "all"})
    assert answer.status_code == 302 and released(order) and order.released_by_name == "olga, ada"
    assert [(e.kind, e.door) for e in log.events(stream="halt").rows if e.kind != "slack.pressed"][:2] == [
        ("halt.released", "web"), ("halt.release_asked", "slack"),
    ]  # fmt: skip


def test_everything_is_asked_for_on_the_page_and_confirmed_in_slack(hands, cast, as_, sade):
    order = halt(cast)
    as_(cast.operator).post(reverse("halt-release", args=[order.pk]), {"reason": "it was nothing", "step": "all"})
    listed = opened(hands, "U0SADE", "")
    assert "Confirm ..." in words(listed) and "olga asks to release all of it (it was nothing)" in words(listed)
    view = opened(hands, "U0SADE")
    assert "olga asks to release all of it (it was nothing)" in words(view) and "<!date^" in words(view)
    assert (view["submit"]["text"], chosen(view)) == ("Confirm", "Confirm: All of it")
    assert "Released." in words(go(hands, "U0SADE").body) and released(order) and order.released_by_name == "olga, ada"
    assert Release.objects.get().confirmed_by == sade


def test_an_agent_under_an_order_for_everything_takes_two(hands, cast, sade, tmp_path):
    _, action = factories.waiting(cast.reviewer, factories.call(), world=str(tmp_path / "w"))
    order = halt(cast)
    opened(hands)
    assert "Asked for." in words(go(hands, step="agent:calls").body)
    view = opened(hands, "U0SADE")
    assert (view["submit"]["text"], chosen(view)) == ("Confirm", "Confirm: Only the agent calls")
    assert "It goes on" in words(go(hands, "U0SADE", "agent:calls").body) and not released(order)
    assert factories.decide(action, cast.second).resolved


def test_what_was_asked_for_is_offered_though_no_run_of_it_is_live(hands, cast, sade, as_):
    order = halt(cast)
    operations.release(order.pk, scope="agent", target="calls", reason="it was nothing", by=cast.operator, door="cli")
    assert chosen(opened(hands, "U0SADE")) == "Confirm: Only the agent calls"
    assert 'value="agent:calls" checked' in as_(cast.admin).get(reverse("halt-release", args=[order.pk])).content.decode()


def test_the_views_button_says_what_the_choice_would_do(hands, cast, sade, tmp_path):
    factories.waiting(cast.reviewer, factories.call(), world=str(tmp_path / "w"))
    order = halt(cast)
    opened(hands)
    go(hands, step="agent:calls")
    view = opened(hands, "U0SADE")
    hands.choose("U0SADE", "release_step", selected_option={"value": options(view)["all"]})
    assert (top(hands, "U0SADE")["submit"]["text"], chosen(top(hands, "U0SADE"))) == ("Release", "All of it")
    assert "Asked for." in words(go(hands, "U0SADE").body) and not released(order) and Release.objects.count() == 2


def test_a_second_account_of_one_person_confirms_nothing(hands, cast, sade):
    one_person.same("ada", "olga", by=cast.admin, door="cli")
    people.ensure_person(username="omar", roles=["operators"])  # else they would be alone, and release alone
    order = halt(cast)
    opened(hands)
    go(hands)
    view = opened(hands, "U0SADE")
    assert view["submit"]["text"] == "Release" and "Confirm" not in words(view)
    assert "You have asked for this already" in words(go(hands, "U0SADE").body) and not released(order)


# -- old views --------------------------------------------------------------------------------------


def test_what_somebody_has_asked_since_is_shown_before_it_is_confirmed(hands, cast, sade):
    """Two who press Release at one moment have not agreed: the second reads the first one's reason, then confirms."""
    order = halt(cast)
    opened(hands)
    opened(hands, "U0SADE")
    go(hands, reason="no idea, really")
    answer = go(hands, "U0SADE")
    assert not released(order) and Release.objects.get().confirmed_at is None
    view = answer.body["view"]
    assert "olga has asked for this meanwhile: nothing goes on yet" in words(view) and "no idea, really" in words(view)
    assert (view["submit"]["text"], limits.view(view)) == ("Confirm", [])
    go(hands, "U0SADE")
    assert released(order)


def test_what_was_asked_an_hour_ago_is_not_confirmed(hands, cast, sade):
    order = halt(cast)
    opened(hands)
    go(hands)
    opened(hands, "U0SADE")
    with fakes.clock_moved(minutes=61):
        assert "counts no more" in words(go(hands, "U0SADE").body["view"]) and not released(order)
    assert Release.objects.count() == 1


def test_what_was_let_go_meanwhile_is_said(hands, cast, tmp_path):
    run, _ = factories.waiting(cast.reviewer, factories.call(), world=str(tmp_path / "w"))
    order = halt(cast, "agent", "calls")
    opened(hands)
    operations.release(order.pk, scope="run", target=str(run.pk), reason="page", by=cast.admin, door="web")
    assert "That goes on already" in words(go(hands, step=f"run:{run.pk}").body) and Release.objects.count() == 1


# -- who may not ------------------------------------------------------------------------------------


def test_nobody_else_releases_not_even_with_a_view_of_an_operators(hands, world, cast):
    order = halt(cast, "agent", "calls")
    for key, name, user in (("U0GONE", "lena", cast.locked), ("U0OTTO", "otto", cast.outsider), ("U0ALDO", "aldo", cast.auditor)):
        world.person(key, "T0HOME", name)
        SlackPerson.objects.create(team="T0HOME", slack_user=key, user=user)
    opened(hands)
    shown = hands.open_view("U0OLIVE")
    refusals = {"U0MEI": "Only operators", "U0ALDO": "Only operators", "U0STRANGE": "not linked", "U0GONE": "locked", "U0OTTO": "no role"}
    for user, why in refusals.items():
        assert why in hands.command(user, "C0AI", "/halt", "release").body["text"]
        shown.user = user
        assert why in words(go(hands, user).body)
        shown.view = {**shown.view, **opened(hands)}
        world.views[shown.id] = shown
    assert not released(order) and not Release.objects.exists() and not log.events(kind="slack.pressed").rows


def test_reasons_and_names_are_only_text(hands, cast, sade, world):
    halt(cast, "customer", "<!here> *c*", reason=HOSTILE)
    order = halt(cast, reason=HOSTILE)
    operations.release(order.pk, reason=HOSTILE, by=cast.operator, door="web")
    hands.home("U0SADE")
    for view in (
        opened(hands, "U0SADE"),
        opened(hands, "U0SADE", f"release {order.pk}"),
        opened(hands, "U0SADE", ""),
        world.homes["U0SADE"],
    ):
        said = words([block for block in view["blocks"] if words(block).count("mrkdwn")])
        assert "<!channel>" not in said and "<!here>" not in said and "<https://evil" not in said and " *b*" not in said
        assert "@here" not in words(view) and "\u202e" not in words(view) and "U+202E" in words(view)


# -- kept, and twice --------------------------------------------------------------------------------


def test_a_press_sent_twice_asks_once(hands, cast):
    order = halt(cast)
    opened(hands)
    go(hands)
    assert hands.again().status == 200 and Release.objects.count() == 1 and not released(order)
    opened(hands)  # and so does the same person who presses again
    assert "You have asked for this already" in words(go(hands).body) and not released(order)
    assert len(log.events(kind="slack.pressed").rows) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("closed", "late"), [(False, False), (True, False), (False, True)])
def test_a_release_that_cannot_be_done_in_time_is_kept_done_once_and_said(world, hands, cast, monkeypatch, closed, late):
    """A claim holds the lock it needs: it is stored with its answer and outlives the process. Not for ever: what was safe then may not be now."""
    order = halt(cast, "agent", "calls")
    opened(hands)
    with _kept(hands, monkeypatch) as answer:
        assert answer.status == 200 and "Kept. Nothing goes on yet" in words(answer.body) and stored() == 1 and not Release.objects.exists()
    if closed:
        world.close(hands.open_view("U0OLIVE").id, everything=True)
    with fakes.clock_moved(seconds=600 if late else 3):
        tasks.slack()
        tasks.slack()
    assert released(order) is not late and stored() == 0 and Release.objects.count() == (0 if late else 1)
    assert [e.data["click"]["slack_user"] for e in log.events(kind="slack.pressed").rows] == ([] if late else ["U0OLIVE"])
    shown = world.direct("T0HOME", "U0OLIVE").messages if closed else hands.open_view("U0OLIVE").view
    assert ("could not be decided in time" if late else "Released. Approvals given before") in words(shown)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("why", ["locked", "Released already by ada", "ada has asked for this meanwhile"])
def test_a_kept_release_that_may_not_be_done_is_said_too(world, hands, cast, monkeypatch, why):
    order = halt(cast, *(() if "asked" in why else ("agent", "calls")))
    opened(hands)
    with _kept(hands, monkeypatch):
        pass
    if why == "locked":
        people.deactivate(username=cast.operator.get_username(), by=SYSTEM)
    else:
        operations.release(order.pk, reason="on the page", by=cast.admin, door="web")
    with fakes.clock_moved(seconds=3):
        ((key, _about),) = slack_heard.left_over()
    assert approving.finish(key) and stored() == 0 and Release.objects.filter(by=cast.operator).count() == 0
    assert why in words(hands.open_view("U0OLIVE").view) and released(order) is ("Released" in why)
    assert queries.active_halts() or released(order)


@contextlib.contextmanager
def _kept(hands, monkeypatch):
    """A release of all of it while somebody holds the lock; the process dies with its answer."""
    inline = later.do
    monkeypatch.setattr(later, "do", lambda job, **_: None)
    with nobody_else(halts.HOLD_OFF):
        assert hands.submit("U0OLIVE", {"step": radio("0:all"), "reason": text(" ")}).body["errors"]["reason"] and stored() == 0
        yield go(hands)
    monkeypatch.setattr(later, "do", inline)


# -- alerts -----------------------------------------------------------------------------------------


def test_an_alert_of_halts_has_the_button_and_its_end_has_none(hands, world, cast):
    alerting.set_rule(name="auto_halts", slack="C0RISK", reason="so", by=cast.operator, door="web")
    order = halt(cast, "agent", "calls")
    alerting.observe({"auto_halts": [Reading(1, key=str(order.pk), about="agent calls")]})
    tick()
    (message,) = world.cards("C0RISK")
    hands.press("U0MEI", "C0RISK", message["ts"], "halt_release")
    assert "Only operators" in world.private("C0RISK", "U0MEI")[-1] and world.top("U0MEI") is None
    hands.press("U0OLIVE", "C0RISK", message["ts"], "halt_release")
    go(hands)
    assert released(order)
    hands.press("U0OLIVE", "C0RISK", message["ts"], "halt_release")
    assert "Nothing is halted" in world.private("C0RISK", "U0OLIVE")[-1]
    for minutes in (2, 3):
        with fakes.clock_moved(minutes=minutes):
            alerting.observe({"auto_halts": [Reading(0)]})
    tick(4)
    assert "halt_release" not in words(world.cards("C0RISK")[1]) and Halt.objects.filter(released_at=None).count() == 0
