"""The console: figures, live runs, health, what has just happened; the desk of unknown outcomes."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from agents import operations as agent_operations
from agents import overview
from agents.models import Effect, Run
from agents.models.runs import LIVE
from agents.operations import pulse
from agents.overview import Filters
from agents.tasks import sweep
from approvals import operations
from approvals.queries import preferences
from tests import factories
from tests.factories import call, decide

pytestmark = pytest.mark.usefixtures("agents", "shapes")


@pytest.fixture
def waiting(cast, world):
    return factories.waiting(cast.reviewer, call(), world=world)


def words(page):
    return " ".join(re.sub("<[^>]*>", " ", page).split())


def shown(as_, user, **query):
    answer = as_(user).get(reverse("console"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_console_says_whom_a_run_waits_for_and_leads_to_the_question(cast, as_, waiting):
    run, action = waiting
    page = shown(as_, cast.operator)
    assert reverse("run", args=[run.pk]) in page
    assert re.search(rf'href="{reverse("action", args=[action.pk])}">(<[^>]*>)?reviewers: ', page)
    assert "the oldest for" in page
    assert f"{reverse('halt')}?run={run.pk}" in page


def test_a_run_whose_call_is_being_made_runs(cast, as_, waiting):
    run, action = waiting
    assert (overview.standing().running, overview.live_runs(Filters(state="RUNNING")).rows) == (0, [])
    decide(action, cast.second)
    begun = {"state": "CLAIMED", "fence": 1, "attempts": 1, "claimed_at": Now(), "lease_until": Now() + timedelta(seconds=30)}
    assert Effect.objects.filter(pk=action.pk).update(**begun)
    assert [row.id for row in overview.live_runs(Filters(state="RUNNING")).rows] == [str(run.pk)]
    assert overview.standing().running == 1 and "Running 1" in words(shown(as_, cast.operator, part="figures"))
    assert "which is under way" in shown(as_, cast.operator, state="running")


@pytest.mark.parametrize(("name", "part"), [("console", "runs"), ("runs", "list")])
@pytest.mark.parametrize(("state", "there"), [("bogus", True), ("waiting", True), ("WAITING", True), ("ready", False), ("READY", False)])
def test_a_filter_is_a_state_in_whatever_letters_or_none(cast, as_, waiting, name, part, state, there):
    page = as_(cast.operator).get(reverse(name), {"state": state, "part": part}).content.decode()
    assert (str(waiting[0].pk) in page) is there
    assert ("bogus" in page) is False


def test_only_who_may_halt_is_offered_it(cast, as_, waiting):
    run, _action = waiting
    assert f"{reverse('halt')}?run={run.pk}" not in shown(as_, cast.reviewer)


def test_the_dialogs_are_for_whoever_may(cast, as_, waiting):
    order = operations.halt(scope="run", target=str(waiting[0].pk), reason="odd", by=cast.operator, door="web")
    for address in (reverse("halt"), reverse("halt-release", args=[order.pk])):
        answers = [as_(person).get(address) for person in (cast.operator, cast.reviewer, cast.auditor)]
        assert [one.status_code for one in answers] == [200, 403, 403] and "Only operators" in answers[1].text


def test_an_agents_card_says_that_its_version_is_halted(cast, as_, waiting):
    cards, mark = reverse("run-choose"), "state-halted"
    assert mark not in as_(cast.operator).get(cards).text
    operations.halt(scope="version", target=f"{waiting[0].agent_id}@1", reason="odd", by=cast.operator, door="web")
    assert [as_(cast.operator).get(address).text.count(mark) for address in (cards, reverse("agents"))] == [1, 1]


def test_a_halted_run_waits_for_a_release_and_is_not_offered_again(cast, as_, waiting):
    run, _action = waiting
    operations.halt(scope="run", target=str(run.pk), reason="odd", by=cast.operator, door="web")
    page = shown(as_, cast.operator, part="runs")
    assert "a release" in page
    assert f"?run={run.pk}" not in page
    figures = " ".join(re.sub("<[^>]*>", " ", shown(as_, cast.operator, part="figures")).split())
    assert "Halted 1 1 order in force" in figures and "0 more wait for a worker" in figures
    assert str(run.pk) in shown(as_, cast.operator, part="runs", state="HALTED")


def test_what_is_approved_and_kept_by_an_order_for_its_tool_waits_for_no_person(cast, as_, waiting):
    """It was said to wait for people, and its run counted among those that do."""
    run, action = waiting
    decide(action, cast.second)
    page = words(shown(as_, cast.operator, part="runs"))
    assert "an approved call that is to be made" in page
    operations.halt(scope="tool", target="append", reason="odd", by=cast.operator, door="web")
    page = shown(as_, cast.operator, part="runs")
    assert "a release" in words(page) and reverse("action", args=[action.pk]) not in page
    assert "nothing waits, 0 runs" in words(shown(as_, cast.operator, part="figures")), run.pk


@pytest.mark.parametrize(
    ("narrow", "found"),
    [
        ({"agent": "calls"}, True), ({"agent": "other"}, False), ({"state": "WAITING"}, True), ({"state": "RUNNING"}, False),
        ({"who": "{requester}"}, True), ({"who": "{customer}"}, True), ({"who": "nobody"}, False), ({"q": "CALLS"}, True),
        ({"q": "{id}"}, True), ({"q": "%"}, False), ({"state": "nonsense"}, True), ({"cursor": "nonsense"}, True),
    ],
)  # fmt: skip
def test_filters_narrow_the_live_runs(waiting, narrow, found):
    run, action = waiting
    action.refresh_from_db()
    said = {"requester": run.started_by.get_username(), "customer": action.customer, "id": str(run.pk)[:8].upper()}
    rows = overview.live_runs(Filters(**{name: value.format(**said) for name, value in narrow.items()})).rows
    assert ([row.id for row in rows] == [str(run.pk)]) is found


def test_pages_follow_each_other_without_gap_or_repetition(cast, world):
    made = {str(factories.waiting(cast.reviewer, call(label=str(n)), world=world)[0].pk) for n in range(5)}
    seen, cursor = [], ""
    while True:
        page = overview.live_runs(Filters(cursor=cursor), limit=2)
        seen += [row.id for row in page.rows]
        cursor = page.next
        if not cursor:
            break
    assert (len(seen), set(seen)) == (5, made)


def test_a_run_that_has_ended_is_not_there(cast, waiting):
    run, _action = waiting
    Run.objects.filter(pk=run.pk).update(state="CANCELLED")
    assert overview.live_runs(Filters()).rows == []


def test_the_live_runs_are_found_by_the_index_of_live_runs(waiting):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "run_live" in Run.objects.filter(state__in=LIVE).order_by("-created_at", "-pk").explain()


def test_a_view_of_the_console_is_kept_there_and_not_in_the_inbox(cast, as_):
    client = as_(cast.operator)
    kept = client.post(reverse("view-save"), {"place": "console", "name": "mine", "query": "state=WAITING&sort=oldest"})
    assert kept.headers["Location"] == f"{reverse('console')}?state=WAITING"
    client.post(reverse("view-save"), {"name": "mine", "query": "level=high"})
    views = preferences(cast.operator)
    assert [v.query for v in views.views_of("console")] == ["state=WAITING"]
    assert [v.query for v in views.views_of("inbox")] == ["level=high"]
    client.post(reverse("view-remove"), {"place": "console", "name": "mine"})
    assert [v.place for v in preferences(cast.operator).views] == ["inbox"]


def test_each_light_says_in_words_how_it_is_and_what_to_do(cast, as_, monkeypatch):
    monkeypatch.setattr(pulse, "_ask", lambda: [False, 0])
    page = shown(as_, cast.operator, part="health")
    assert "no tick in a day" in page
    assert "celery -A config beat" in page
    assert "no answer" in page
    sweep()
    assert "last tick 0 s ago" in shown(as_, cast.operator, part="health")


def test_the_feed_shows_what_has_just_happened(cast, as_, waiting):
    assert "Started a run" in shown(as_, cast.auditor, part="feed")


def test_the_desk_shows_a_call_of_unknown_outcome_with_its_arguments(cast, as_, waiting, world):
    _run, action = waiting
    factories.decide(action, cast.second)
    Effect.objects.filter(pk=action.pk).update(state="CLAIMED", claimed_at="2026-01-01T00:00Z")
    Effect.objects.filter(pk=action.pk).update(state="UNKNOWN", error="gone")
    page = as_(cast.operator).get(reverse("unknown")).content.decode()
    assert reverse("effect-resolve", args=[action.pk]) in page
    assert "gone" in page
    assert "1 call, the oldest first" in page
    assert reverse("effect-resolve", args=[action.pk]) not in as_(cast.reviewer).get(reverse("unknown")).content.decode()
    assert reverse("unknown") in shown(as_, cast.operator, part="figures")


def test_an_operator_switches_a_tool_and_it_is_shown_where_it_counts(cast, as_, waiting):
    run, action = waiting
    client = as_(cast.operator)
    said = {"what": f"tool:{action.tool}", "setting": "deny", "lasts": "3600", "reason": "bad day"}
    assert client.post(reverse("switches"), said).status_code == 302
    where = [reverse("switches"), reverse("console"), reverse("agent", args=[run.agent_id]), reverse("action", args=[action.pk])]
    for address in where:
        page = client.get(address).content.decode()
        assert "is switched off: proposals are refused" in page or address == reverse("console"), address
        assert "bad day" in page
    panel = words(shown(as_, cast.operator, part="panels"))
    assert re.search(rf"{action.tool} {cast.operator.username}: bad day \. Ends by itself in [^.]* \. Deny ", panel)
    assert client.post(reverse("switches"), {**said, "setting": "allow"}).status_code == 302
    assert "bad day" not in client.get(reverse("console"), {"part": "panels"}).content.decode()
    again = client.post(reverse("switches"), {**said, "setting": "allow"})
    assert (again.status_code, b"No switch is set there" in again.content) == (409, True)
    assert as_(cast.reviewer).post(reverse("switches"), said).status_code == 403


def test_an_operators_key_switches_over_the_api(cast, as_, waiting):
    said = {"scope": "tool", "target": "append", "setting": "ask", "reason": "so", "for_seconds": 60}
    client = as_(cast.operator)
    token = client.get(reverse("console")).wsgi_request.META.get("CSRF_COOKIE", "")
    answer = Client.post(client, "/api/v1/switches", said, content_type="application/json", headers={"X-CSRFToken": token})
    assert (answer.status_code, [s["setting"] for s in answer.json()["items"]]) == (200, ["ask"])
    assert client.get("/api/v1/switches").json()["items"][0]["target"] == "append"


def test_each_agent_and_tool_has_its_row_on_the_console_with_what_counts_there(cast, as_, waiting):
    run, action = waiting
    page = words(shown(as_, cast.operator, part="panels"))
    assert re.search(rf"{run.agent_id} By policy Live runs: 1 Waiting for people: 1 ", page)
    assert re.search(rf"{action.tool} By policy Waiting for people: 1 Switch", page)
    operations.halt(scope="agent", target=run.agent_id, reason="odd", by=cast.operator, door="web")
    assert f"{run.agent_id} Halted Live runs: 1" in words(shown(as_, cast.operator, part="panels"))
    assert reverse("switches") + "?agent=" not in shown(as_, cast.reviewer, part="panels")


def test_what_an_agent_spent_today_stands_against_its_budget(cast, as_, waiting):
    run, _action = waiting
    agent_operations.set_agent_budget(run.agent_id, money="2.00", tokens=None, reason="so", by=cast.operator, door="web")
    assert f"{run.agent_id} By policy Live runs: 1 Waiting for people: 1 0.00 of 2.00 USD" in words(
        shown(as_, cast.operator, part="panels")
    )


def test_a_run_is_paused_and_let_go_on_from_its_row_in_the_console(cast, as_, waiting):
    run, _action = waiting
    hold = f"{reverse('run-hold', args=[run.pk])}?back=console"
    assert hold in shown(as_, cast.operator, part="runs") and hold not in shown(as_, cast.reviewer, part="runs")
    client = as_(cast.operator)
    form = client.get(hold).content.decode()
    assert f'action="{reverse("run-pause", args=[run.pk])}"' in form and 'name="back" value="console"' in form
    assert client.post(reverse("run-pause", args=[run.pk]), {"reason": "wait", "back": "console"}).headers["Location"] == reverse("console")
    assert "Resume" in words(shown(as_, cast.operator, part="runs"))
    assert f'action="{reverse("run-go-on", args=[run.pk])}"' in client.get(hold).content.decode()
    client.post(reverse("run-go-on", args=[run.pk]), {"reason": "fine", "back": "console"})
    assert "Resume" not in words(shown(as_, cast.operator, part="runs"))


def test_the_switch_set_from_the_console_leads_back_there(cast, as_, waiting):
    run, _action = waiting
    client = as_(cast.operator)
    form = client.get(reverse("switches"), {"agent": run.agent_id, "back": "console"}, headers={"HX-Request": "true"}).content.decode()
    assert 'id="dialog-title"' in form and "<html" not in form and f'value="agent:{run.agent_id}" selected' in form
    said = {"what": f"agent:{run.agent_id}", "setting": "ask", "lasts": "900", "reason": "so", "back": "console"}
    assert client.post(reverse("switches"), said).headers["Location"] == reverse("console")
