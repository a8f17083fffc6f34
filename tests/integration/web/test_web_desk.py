"""A person's own desk: filters in the address, saved views, preferences that hold, who else is looking, what led here."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from approvals import operations, queries
from approvals.models import Action, Preference
from approvals.operations import groups, people, telling
from approvals.queries import searching
from approvals.queries.urgency import ordered
from approvals.web import grants as grant_words
from approvals.web.rows import grouped, news_words, row_of
from tests import factories, fakes
from tests.factories import decide
from tests.fakes import clock_moved, policy_text

HTMX = {"HTTP_HX_REQUEST": "true"}
RUN = "00000000-0000-4000-8000-000000000001"


def listed(client, **query) -> str:
    return client.get(reverse("inbox-list"), query).content.decode()


def shows(page: str, action: Action) -> bool:
    return f'id="row-{action.pk}"' in page


def test_chips_narrow_the_list_and_live_in_the_address(web, cast):
    medium, high = factories.action(agent="one", tool="a"), factories.action("high", agent="two", tool="b")
    assert shows(listed(web), medium) and shows(listed(web), high)
    for query, seen, unseen in (
        ({"level": "high"}, high, medium),
        ({"agent": "one"}, medium, high),
        ({"tool": "b"}, high, medium),
        ({"q": "two"}, high, medium),
        ({"q": "TWO b"}, high, medium),
        ({"q": str(high.pk)[:9]}, high, medium),
    ):
        page = listed(web, **query)
        assert shows(page, seen) and not shows(page, unseen), query
    page = web.get(reverse("inbox"), {"agent": "one", "level": "high"}).content.decode()
    assert 'href="/inbox/?agent=one"' in page and 'href="/inbox/?level=high"' in page  # each chip takes itself away
    assert "Nothing matches" in page


SEARCHED: dict[str, Any] = {"tool": "refund", "summary": "Refund 120 % to order_77", "args": {"customer": "Müller & Co"}}


@pytest.mark.parametrize("q", ["order_77", "refund müller", "MÜLLER", "120 %", "ref 77", "the id", "{id}"])
def test_words_of_the_summary_the_customer_and_an_id_are_found_in_the_inbox_and_among_decided(web, cast, q):
    wanted, other = factories.action(**SEARCHED), factories.action(summary="Refund 1200 to order18", tool="other", agent="other")
    q = str(wanted.pk).replace("-", "")[:6].upper() if q == "the id" else q.format(id=wanted.pk)
    page = listed(web, q=q)
    assert shows(page, wanted) and not shows(page, other)
    news = web.get(reverse("inbox-news"), {"q": q, "ids": f"{wanted.pk},{other.pk}"}).content.decode()
    assert news.startswith("1 new")
    for action in (wanted, other):
        factories.decide(action, cast.reviewer)
    page = web.get(reverse("decided"), {"q": q}).content.decode()
    assert shows(page, wanted) and not shows(page, other)


def test_what_was_decided_long_ago_is_found_by_its_id_and_words_say_how_far_back_they_look(web, cast, monkeypatch):
    monkeypatch.setattr(searching, "LOOKED_THROUGH", 1)
    old, new = factories.action(summary="An old one"), factories.action(summary="A new one")
    for action in (old, new):
        factories.decide(action, cast.reviewer)
    page = web.get(reverse("decided"), {"q": "one"}).content.decode()
    assert shows(page, new) and not shows(page, old) and "the newest 1" in page
    assert shows(web.get(reverse("decided"), {"q": str(old.pk)[:8]}).content.decode(), old)


@pytest.mark.parametrize("q", ["%", "\\", "'", "\x00", "a" * 300, "zz zz " * 60])
def test_what_is_typed_is_never_a_pattern(web, q):
    action = factories.action(summary="Do this")
    assert not shows(listed(web, q=q), action)


def test_mine_leaves_out_what_i_asked_for_and_what_i_decided(web, as_, cast):
    own = factories.action("high", requested_by=cast.reviewer)
    own_medium = factories.action("medium", requested_by=cast.reviewer)
    voted, free = factories.action("critical"), factories.action("critical")
    factories.decide(voted, cast.reviewer)
    page = listed(web, mine="1")
    assert shows(page, free) and not any(shows(page, one) for one in (own, own_medium, voted))
    assert shows(listed(web), own)
    assert "data-row=" not in listed(as_(cast.auditor), mine="1")


def test_what_runs_out_within_two_minutes_comes_before_everything_and_pages_are_cut_by_that(web):
    high, critical = factories.action("high"), factories.action("critical")
    low, medium = factories.action(deadline_s=100), factories.action(deadline_s=60)
    wanted = [str(a.pk) for a in (medium, low, high, critical)]
    assert [r.id for r in queries.inbox().rows] == wanted
    found, cursor = [], ""
    for _ in range(5):
        page = queries.inbox(limit=1, cursor=cursor)
        found += [r.id for r in page.rows]
        cursor = page.next
        if not cursor:
            break
    assert found == wanted
    assert '<section class="row-group" aria-label="Due soon, or critical">' in listed(web)


def test_expiring_is_what_ends_within_the_hour(web):
    soon, later = factories.action(), factories.action("critical")
    page = listed(web, due="1")
    assert shows(page, soon) and not shows(page, later)


def test_rows_say_how_many_approvals_are_needed_where_one_is_not_enough(web, cast):
    one, two = factories.action(), factories.action("critical")
    assert (queries.inbox_row(one.pk).wanted, queries.inbox_row(two.pk).wanted) == (1, 2)
    page = listed(web)
    assert page.count("0 of 2 approved") == 1 and "of 1 approved" not in page
    factories.decide(two, cast.second)
    assert "1 of 2 approved" in listed(web)


def test_decided_is_what_people_decided_at_whatever_level_and_never_what_the_policy_passed(web, cast, policy):
    passed, asked = factories.action("low"), factories.action()
    factories.decide(asked, cast.reviewer)
    Action.objects.filter(pk=asked.pk).update(level="low")
    for state in ("", "APPROVED"):
        page = web.get(reverse("decided"), {"state": state}).content.decode()
        assert shows(page, asked) and not shows(page, passed)
    assert {row.id for row in queries.decided(state="APPROVED", passed=True).rows} == {str(passed.pk), str(asked.pk)}


def placed(level: str, **ends: float) -> Action:
    """A waiting action of this level that ends so much from now."""
    made = factories.action("medium" if level == "low" else level)
    Action.objects.filter(pk=made.pk).update(level=level, expires_at=datetime.now(UTC) + timedelta(**ends))
    return made


def forenoon() -> str:
    """A zone where today has hours left."""
    return "Etc/GMT-12" if datetime.now(UTC).hour >= 12 else "UTC"


def test_groups_are_due_soon_today_and_later_with_the_riskiest_first(cast):
    zone = forenoon()
    soon = [placed("low", minutes=20), placed("medium", minutes=50), placed("high", minutes=59)]
    today, later = [placed("low", hours=2), placed("high", hours=3)], [placed("low", days=2), placed("high", days=3)]

    def found() -> list:
        rows = [row_of(r, reader="x") for r in queries.inbox(zone=zone).rows]
        return [(str(g.title), [r.id for r in g.rows]) for g in grouped(rows, by_due=True, zone=zone)]

    ids = [[str(a.pk) for a in reversed(part)] for part in (soon, today, later)]
    assert found() == [("Due soon", ids[0]), ("Today", ids[1]), ("Later", ids[2])]
    whenever = placed("critical", days=9)
    assert found()[0] == ("Due soon, or critical", [ids[0][0], str(whenever.pk), *ids[0][1:]])


def test_a_heading_stands_only_where_it_tells_one_group_from_another(web, cast):
    """ "Due soon" stood over everything while nothing else was there."""
    title = 'class="row-group-title"'
    soon = placed("low", minutes=20)
    assert shows(listed(web), soon) and title not in listed(web)
    placed("low", days=2)
    assert listed(web).count(title) == 2 and title not in listed(web, sort="newest")


def test_pages_are_cut_by_due_and_risk_and_no_critical_stands_behind_a_page_of_lows(cast):
    """By deadline alone it stood on the third page."""
    made = [placed("low", minutes=5 + n) for n in range(9)] + [placed("medium", hours=30 + n) for n in range(4)]
    made += [critical := placed("critical", days=6), placed("high", minutes=58)]
    pages: list[list[str]] = []
    cursor = ""
    while not pages or cursor:
        page = queries.inbox(limit=3, cursor=cursor)
        assert len(page.rows) <= 3
        pages, cursor = [*pages, [r.id for r in page.rows]], page.next
    seen = [pk for page in pages for pk in page]
    assert seen == [r.id for r in queries.inbox(limit=100).rows] and sorted(seen) == sorted(str(a.pk) for a in made)
    assert pages[0][:2] == [str(made[-1].pk), str(critical.pk)]


def test_a_page_begins_where_the_one_before_ended_although_time_went_on(cast):
    """What came within the hour meanwhile is neither shown twice nor passed over: all pages speak of the moment of the first."""
    made = [placed("low", minutes=30), placed("low", minutes=61), placed("low", minutes=62), placed("medium", minutes=63)]
    first = queries.inbox(limit=2, zone=forenoon())
    with fakes.clock_moved(minutes=10):
        second = queries.inbox(limit=2, cursor=first.next, zone=forenoon())
    assert [r.id for r in (*first.rows, *second.rows)] == [str(made[n].pk) for n in (0, 3, 1, 2)]
    assert queries.inbox(limit=2, cursor=first.next[:-9] + "x").rows[0].id == str(made[0].pk)  # no cursor of ours: from the beginning


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "now", ""])
def test_a_cursor_that_no_page_gave_begins_at_the_beginning(web, cast, moment):
    action = factories.action()
    place = f"0~2026-01-01T00:00:00+00:00~{action.pk}"
    assert shows(listed(web, cursor=f"{place}~{moment}"), action)
    assert shows(listed(web, cursor=f"99~{place[2:]}~2026-01-01T00:00:00+00:00"), action)


def nests(page: str) -> list[tuple[int, set[str]]]:
    """Where a header stands for several: so many rows, and what its link would decide."""
    found = page.split("data-nest>")[1:]
    return [
        (part.split("</details>")[0].count("data-row="), set(re.findall(r"id=([0-9a-f-]{36})", part.split("</a>")[0]))) for part in found
    ]


def test_alike_ones_of_one_turn_are_one_row_that_leads_to_deciding_them_together(web, cast):
    """Forty near-identical letters were forty rows."""
    alike = [factories.action(agent="one", run=RUN, args={"to": f"{n}@a.example"}) for n in range(3)]
    other_shape = factories.action(agent="one", run=RUN, args={"to": "d@a.example", "all": True})
    another_run = factories.action(agent="one", run=RUN[:-1] + "2", args={"to": "e@a.example"})
    risky = factories.action("high", agent="one", run=RUN)
    page = listed(web)
    assert nests(page) == [(3, {str(a.pk) for a in alike})]
    assert "3 alike, asked in one turn" in page and all(shows(page, a) for a in (*alike, other_shape, another_run, risky))
    link = re.search(r'href="(/[^"]*)" data-nest-link', page)[1].replace("&amp;", "&")
    assert "3 actions together" in web.get(link).content.decode()
    for sort in ("newest", "oldest"):
        assert len(nests(listed(web, sort=sort))) == 1
    # One that is open stands in an open nest, so that it is seen.
    assert "nest-rows" in (opened := web.get(reverse("inbox"), {"item": str(alike[1].pk)}).content.decode()) and 'nest-rows" open' in opened


def test_what_was_asked_in_another_turn_or_is_decided_by_itself_stands_alone(web, cast):
    first, later = (factories.action(agent="one", run=RUN, args={"to": f"{n}@a.example"}) for n in range(2))
    assert len(nests(listed(web))) == 1
    Action.objects.filter(pk=first.pk).update(created_at=later.created_at - timedelta(seconds=30))
    assert nests(listed(web)) == []
    factories.action(agent="one", run=RUN, args={"to": "c\u202e@a.example"})  # seen by itself
    assert nests(listed(web)) == []


def test_the_pill_counts_what_passes_the_filters_and_names_what_is_heavy(web):
    actions = [factories.action(agent="one"), factories.action("high", agent="one"), factories.action("critical", agent="two")]
    ids = ",".join(str(a.pk) for a in actions)
    said = lambda **query: web.get(reverse("inbox-news"), {"ids": ids, **query}).content.decode()  # noqa: E731
    assert said() == "3 new, 1 critical, 1 high"
    assert said(agent="one") == "2 new, 1 high"
    assert said(agent="nobody") == ""
    assert web.get(reverse("inbox-news"), {"ids": "x,'; DROP,\u202e"}).content == b""
    assert news_words([]) == ""


def test_a_saved_view_is_there_for_its_owner_only_and_can_be_removed(web, as_, cast):
    sent = {"name": "Risky  refunds", "query": "level=high&agent=refunds&cursor=x&evil=1"}
    answer = web.post(reverse("view-save"), sent)
    assert answer.status_code == 302 and answer.url == "/inbox/?level=high&agent=refunds"
    page = web.get(answer.url).content.decode()
    assert "Risky refunds" in page and 'aria-current="true" data-command="View: Risky refunds"' in page
    assert "Risky refunds" not in as_(cast.second).get(reverse("inbox")).content.decode()
    again = web.post(reverse("view-save"), {**sent, "query": "level=low"}, follow=True).content.decode()
    assert "the one before is gone" in again and "the one before is gone" not in page
    web.post(reverse("view-remove"), {"name": "Risky refunds"})
    assert "Risky refunds" not in web.get(reverse("inbox")).content.decode()


@pytest.mark.parametrize("name", ["", "   ", "a\u202eb", "x" * 3 + "\x00"])
def test_a_view_needs_a_name_that_can_be_read(web, name):
    assert web.post(reverse("view-save"), {"name": name, "query": "level=high"}).status_code == 400
    assert not Preference.objects.exclude(views=[]).exists()


def test_views_do_not_pile_up_without_end(web):
    answers = [web.post(reverse("view-save"), {"name": f"v{i}", "query": "mine=1"}).status_code for i in range(31)]
    assert answers == [302] * 30 + [400]


def choices(**more) -> dict[str, str]:
    return {"theme": "dark", "density": "compact", "keys_on": "1", **more}


def test_preferences_hold_on_every_page(web):
    assert web.post(reverse("preferences"), choices(**{"key-approve": "y"})).status_code == 302
    page = web.get(reverse("inbox")).content.decode()
    assert 'data-theme="dark" data-theme-kept data-density="compact"' in page
    kept = json.loads(page.split('data-keys="')[1].split('"')[0].replace("&quot;", '"'))
    assert kept == {"off": False, "map": {"a": "", "y": "a"}}
    assert 'value="Y"' in web.get(reverse("preferences")).content.decode()


def test_keys_can_be_switched_off(web):
    web.post(reverse("preferences"), {"theme": "light", "density": "comfortable"})
    assert "&quot;off&quot;: true" in web.get(reverse("inbox")).content.decode()


@pytest.mark.parametrize(
    ("more", "word"),
    [({"theme": "pink"}, "is no theme"), ({"key-approve": "r"}, "Taken twice"), ({"key-edit": "é"}, "One letter, digit or mark")],
)
def test_preferences_that_cannot_be_are_said_beside_their_field(web, more, word):
    answer = web.post(reverse("preferences"), choices(**more))
    assert answer.status_code == 422 and word in answer.content.decode()
    assert not Preference.objects.exclude(choices={}).exists()


def test_the_menu_keeps_a_theme_and_sends_nobody_elsewhere(web):
    assert web.post(reverse("preferences-theme"), {"theme": "dark"}, **HTMX).status_code == 204
    answer = web.post(reverse("preferences-theme"), {"theme": "light"}, HTTP_REFERER="https://evil.example//evil.example/x")
    assert answer.url == "/"
    assert queries.preferences(Preference.objects.get().user).theme == "light"


def test_whoever_is_left_a_desk_reads_it_and_may_decline(web, as_, cast):
    second = as_(cast.second)
    web.post(reverse("away"), {"delegate": "sam", "note": "on leave"})
    told = second.get(reverse("notices")).content.decode()
    assert "You stand in for somebody who is away" in told and "rita" in told
    page = second.get(reverse("preferences")).content.decode()
    assert "Do not stand in for rita" in page and "you decide in your own right" in page
    assert second.post(reverse("decline"), {"username": "rita"}, follow=True).status_code == 200
    assert "You stand in for" not in second.get(reverse("preferences")).content.decode()
    told = web.get(reverse("notices")).content.decode()
    assert "this person does not stand in for you" in told and "sam" in told
    for name in ("rita", "\x00", "nobody"):
        assert second.post(reverse("decline"), {"username": name}).status_code in {400, 409}


def test_every_notice_that_all_read_takes_away_can_be_looked_at(web, cast):
    waiting = [factories.action() for _ in range(5)]
    for action in waiting:
        telling.tell_people([cast.reviewer.pk], action, "action.escalated")
    strip = web.get(reverse("notices")).content.decode()
    head, more = strip.split("<details", 1)
    assert [head.count("Escalated to your group: "), more.count("Escalated to your group: ")] == [3, 2]
    assert "2 more" in more and "All 5 read" in more
    assert all(reverse("action", args=[action.pk]) in strip for action in waiting)


def test_who_else_looks_is_shown_and_keeps_nobody_from_deciding(web, as_, cast):
    action = factories.action()
    url = reverse("action-viewing", args=[action.pk])
    second = as_(cast.second)
    assert "viewing" not in second.post(url, **HTMX).content.decode().replace("viewing-names", "")
    assert "sam is viewing" in web.post(url, **HTMX).content.decode()
    assert "rita is viewing" in second.post(url, **HTMX).content.decode()
    factories.decide(action, cast.reviewer)
    other = factories.action()
    second.post(reverse("action-viewing", args=[other.pk]), **HTMX)
    assert "sam" not in web.post(url, **HTMX).content.decode()


def test_the_rows_of_the_list_say_who_else_has_them_open(web, as_, cast):
    action, other = factories.action(), factories.action()
    as_(cast.second).post(reverse("action-viewing", args=[action.pk]))
    rows = web.get(reverse("inbox")).content.decode().split('data-row="')[1:]
    assert {row[:36]: "sam is viewing" in row for row in rows} == {str(action.pk): True, str(other.pk): False}
    assert "sam is viewing" in web.get(reverse("inbox-row", args=[action.pk])).content.decode()
    row = reverse("action-viewers", args=[action.pk])
    seen = web.get(row).content.decode()
    assert "sam is viewing" in seen and "every 20s" in seen and f"live:presence:{action.pk}" in seen
    assert "viewing" not in as_(cast.second).get(row).content.decode()  # oneself is no news
    Preference.objects.update(viewing_at=datetime.now(UTC) - timedelta(seconds=50))
    gone = web.get(row).content.decode()
    assert "sam" not in gone and "every 20s" not in gone and "sam" not in web.get(reverse("inbox")).content.decode()
    assert as_(cast.outsider).get(row).status_code == 403


def test_who_stopped_looking_is_forgotten(web, as_, cast):
    action = factories.action()
    as_(cast.second).post(reverse("action-viewing", args=[action.pk]))
    Preference.objects.update(viewing_at=datetime.now(UTC) - timedelta(seconds=50))
    assert "sam" not in web.post(reverse("action-viewing", args=[action.pk])).content.decode()


def test_looking_needs_a_role_and_an_action(as_, cast, web):
    action = factories.action()
    assert as_(cast.outsider).post(reverse("action-viewing", args=[action.pk])).status_code == 403
    assert web.post(reverse("action-viewing", args=["00000000-0000-0000-0000-000000000007"])).status_code == 404


def test_what_the_run_did_before_is_fenced_and_links_to_its_step(web, cast, agents, world):
    run, action = factories.waiting(cast.operator, factories.call("look"), factories.call(), world=world)
    page = web.get(reverse("action", args=[action.pk])).content.decode()
    assert reverse("action-led", args=[action.pk]) in page
    led = web.get(reverse("action-led", args=[action.pk]), **HTMX).content.decode()
    anchor = led.split(f"/runs/{run.pk}/#")[1].split('"')[0]
    assert f'id="{anchor}"' in web.get(reverse("run", args=[run.pk])).content.decode()
    assert "fenced" in led


def test_an_action_of_no_run_has_nothing_before_it(web):
    led = web.get(reverse("action-led", args=[factories.action().pk]), **HTMX).content.decode()
    assert "had done nothing" in led


def test_similar_decisions_tell_outcome_edit_and_reason_to_copy(web, cast):
    factories.decide(factories.action("high"), cast.second, "reject", reason="Wrong target: not this one")
    page = web.get(reverse("action", args=[factories.action("high").pk])).content.decode()
    assert "Similar decisions" in page and 'data-reason="Wrong target: not this one"' in page


def test_what_ran_out_is_no_similar_decision(web, cast):
    """Five that nobody had looked at stood in the place of those that people had decided."""
    factories.decide(factories.action(), cast.second, "reject", reason="Wrong target: not this one")
    for _ in range(6):
        factories.action()
    with clock_moved(minutes=31):
        assert operations.expire_due() == 6
    page = web.get(reverse("action", args=[factories.action().pk])).content.decode()
    assert "Wrong target: not this one" in page and "ran out" not in page


def test_an_empty_desk_says_what_was_decided_last(web, cast):
    factories.approved(cast.second)
    page = web.get(reverse("inbox")).content.decode()
    assert "Nothing needs you" in page and "Decided last:" in page and "See what is running" in page


def test_today_and_the_hours_of_a_grant_are_those_of_the_readers_own_clock(web, cast):
    now = datetime(2026, 5, 4, 13, 30, tzinfo=UTC)  # in Tokyo it is 22:30
    made = factories.action()
    for minutes, title in ((70, "Today"), (110, "Later")):
        Action.objects.filter(pk=made.pk).update(expires_at=now + timedelta(minutes=minutes))
        rows = [
            replace(row, urgency=r)
            for row in queries.inbox().rows
            for r in ordered(Action.objects.all(), moment=now, zone="Asia/Tokyo", after=None).values_list("urgency", flat=True)
        ]
        (group,) = grouped([row_of(row, reader="x") for row in rows], by_due=True, zone="Asia/Tokyo")
        assert (str(group.title), group.zone) == (title, "Asia/Tokyo" if title == "Today" else "")
    labels = {c.label: datetime.fromisoformat(c.value) for c in grant_words.ends(now, zone="Asia/Tokyo")}
    assert labels["tomorrow at 17:00 (Tue 17:00 Asia/Tokyo)"] == datetime(2026, 5, 5, 8, 0, tzinfo=UTC)
    assert labels["at the end of today (Tue 00:00 Asia/Tokyo)"] == datetime(2026, 5, 4, 15, 0, tzinfo=UTC)
    web.post(reverse("notifications"), {"zone": "Asia/Tokyo"})
    like = factories.action(tool_class="write")
    decide(like, cast.reviewer)
    assert "Asia/Tokyo" in web.get(reverse("grant-new", args=[like.pk])).content.decode()


def test_only_who_could_decide_something_is_offered_as_a_stand_in_and_what_they_cannot_is_said(web, cast, policy):
    """Olga operates: she was offered, moved nothing, and nobody said so. Sam reviews, but is not in treasury."""
    ada = people.ensure_person(username="ada", roles=["admins"])
    groups.create(name="treasury", by=ada, door="cli")
    groups.add(group="treasury", username="rita", by=ada, door="cli")
    need = [{"group": "reviewers", "count": 1}, {"group": "treasury", "count": 1, "stage": 2}]
    page = web.get(reverse("preferences")).content.decode()
    assert '<option value="sam">sam</option>' in page and 'value="olga"' not in page
    groups.add(group="treasury", username="lena", by=ada, door="cli")  # whose account is locked
    policy.write_text(policy_text(lambda data: data["requirements"]["high"].update(need=need)))
    page = web.get(reverse("preferences")).content.decode()
    assert "sam (cannot decide: treasury)" in page and 'value="lena"' not in page
    said = web.post(reverse("away"), {"delegate": "sam"}, follow=True).content.decode()
    assert said.count("sam cannot decide what is asked of treasury") == 2  # once in the message, and as long as it lasts
    web.post(reverse("back"))
    said = web.post(reverse("away"), {"delegate": "olga"}, follow=True).content.decode()
    assert "olga cannot decide what is asked of reviewers, treasury" in said


def test_where_nobody_could_decide_nobody_is_offered(web, cast):
    people.ensure_person(username="sam", roles=["operators"])
    page = web.get(reverse("preferences")).content.decode()
    assert "nobody to leave your desk to" in page and 'name="delegate"' not in page
