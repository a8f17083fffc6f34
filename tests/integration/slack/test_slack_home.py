"""The Home tab, the shortcut, being away, the digest and reminders, and /halt: the page's operations, for those who are somebody here."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from approvals import operations, queries, tasks
from approvals.models import Absence, Action, Decision, Halt, Notification, SlackMessage, SlackPerson
from approvals.notify import words as words_of_mails
from approvals.operations import groups, people, preferences, slack_owing
from approvals.operations.telling import tell_people
from approvals.queries import reaching
from approvals.slack import home, noting, sending
from audit import queries as log
from audit.actors import SYSTEM
from audit.views.words import sentence_of
from tests import factories, fakes
from tests.fakes import policy_text
from tests.integration.slack.conftest import ROUTES
from tests.integration.slack.test_slack_cards import tick
from tests.integration.slack.test_slack_review import option, text
from tests.slack import limits

pytestmark = [pytest.mark.usefixtures("routed", "agents"), pytest.mark.django_db]
# A Wednesday morning far from now, so that clocks can be moved to it.
WEDNESDAY = datetime(2030, 1, 2, 9, 0, tzinfo=UTC)


def at(moment: datetime):
    return fakes.clock_moved(seconds=(moment - datetime.now(UTC)).total_seconds())


def direct(world, user: str = "U0MEI"):
    return world.cards(world.direct("T0HOME", user).id)


def words(view) -> str:
    return json.dumps(view, ensure_ascii=False)


# -- the tab --------------------------------------------------------------------------------------


def test_the_tab_shows_what_waits_for_me_and_a_button_opens_it(hands, world, cast):
    mine = factories.action()
    critical = factories.action("critical")
    hands.home("U0MEI")
    shown = world.homes["U0MEI"]
    assert "2 actions wait for you" in words(shown) and f"/actions/{critical.pk}/" in words(shown)
    hands.press_home("U0MEI", "review", value=f"{mine.pk}:{mine.digest[:12]}")
    hands.choose("U0MEI", "choice", selected_option={"value": "approve"})
    hands.submit("U0MEI", {"choice": option("approve"), "reason": text("")})
    assert Decision.objects.get().by == cast.reviewer
    assert "1 action waits for you" in words(world.homes["U0MEI"])  # it follows what is done from it


def test_a_hundred_actions_fit_into_the_tab_and_the_rest_is_linked(hands, world):
    for _ in range(30):
        factories.action()
    hands.home("U0MEI")
    shown = world.homes["U0MEI"]
    assert limits.view(shown) == [] and len(shown["blocks"]) < 100
    assert len([b for b in shown["blocks"] if b.get("block_id", "").startswith("row:")]) == 20 and "The others are in the inbox" in words(
        shown
    )


def test_agent_text_in_the_tab_is_only_text(hands, world, cast, monkeypatch):
    action = factories.action(args={"what": "<!channel> <https://evil.example|pay> *b* @here"})
    row = queries.inbox(limit=5).rows[0]
    assert row.id == str(action.pk)
    monkeypatch.setattr(home, "inbox", lambda **more: type("P", (), {"rows": [_with(row, "<!channel> <https://evil.example|pay> @here")]}))
    said = words(home.draw(cast.reviewer))
    assert "<!channel>" not in said and "<https://evil.example" not in said and "@here" not in said


def _with(row, summary):
    from dataclasses import replace

    return replace(row, summary=summary)


@pytest.mark.parametrize(("user", "sentence"), [("U0STRANGE", "not linked"), ("U0GONE", "locked")])
def test_whoever_is_nobody_here_sees_only_how_to_become_somebody(hands, world, cast, user, sentence):
    factories.action()
    world.person("U0GONE", "T0HOME", "lena")
    SlackPerson.objects.create(team="T0HOME", slack_user="U0GONE", user=cast.locked)
    hands.home(user)
    assert sentence in words(world.homes[user]) and "wait" not in words(world.homes[user])
    hands.shortcut(user, "my_approvals")
    assert sentence in words(hands.open_view(user).view)


def test_the_shortcut_opens_the_same_list_and_reviewing_lies_on_it(hands, world, cast):
    action = factories.action()
    hands.shortcut("U0MEI", "my_approvals")
    below = hands.open_view("U0MEI")
    assert "1 action waits for you" in words(below.view)
    hands.choose("U0MEI", "review", value=f"{action.pk}:{action.digest[:12]}")
    assert hands.open_view("U0MEI").above == below.id
    assert hands.shortcut("U0MEI", "something_else").status == 200


# -- away, digest time ----------------------------------------------------------------------------


def test_leaving_ones_desk_and_coming_back(hands, world, cast):
    hands.home("U0MEI")
    hands.press_home("U0MEI", "home_away")
    assert [o["value"] for o in hands.options("U0MEI", "delegate", "sa").body["options"]] == ["sam"]
    assert "delegate" in hands.submit("U0MEI", {"delegate": option("nobody"), "days": option("")}).body["errors"]
    assert "Choose who stands in for you" in hands.submit("U0MEI", {"delegate": option(""), "days": option("")}).body["errors"]["delegate"]
    assert "yourself" in hands.submit("U0MEI", {"delegate": option("rita"), "days": option("3")}).body["errors"]["delegate"]
    assert hands.submit("U0MEI", {"delegate": option("sam"), "days": option("999")}).body["errors"]["days"]
    hands.submit("U0MEI", {"delegate": option("sam"), "days": option("3"), "note": text("back soon")})
    absence = Absence.objects.get()
    assert (absence.user, absence.delegate, absence.note) == (cast.reviewer, cast.second, "back soon") and absence.until
    assert "sam stands in for you" in words(world.homes["U0MEI"])
    hands.press_home("U0MEI", "home_back")
    absence.refresh_from_db()
    assert absence.ended_at and "You are here" in words(world.homes["U0MEI"])
    clicks = [e.data for e in log.events(kind="slack.pressed").rows]
    assert "None" not in "".join(str(sentence_of(e)) for e in log.events(kind="slack.pressed").rows)
    assert {c["what"] for c in clicks} == {"away", "back"} and all(c["click"]["slack_user"] == "U0MEI" for c in clicks)


def in_group(name: str, *members: str) -> None:
    ada = people.ensure_person(username="ada", roles=["admins"])
    groups.create(name=name, by=ada, door="cli")
    for username in members:
        groups.add(group=name, username=username, by=ada, door="cli")


def test_only_people_who_could_decide_something_are_offered_and_what_they_cannot_is_said(hands, world, cast, policy):
    """Olga operates: left Rita's desk she could decide nothing of it. Sam reviews, but is not in treasury."""
    in_group("treasury", "rita", "lena")
    needs = [{"group": "reviewers", "count": 1}, {"group": "treasury", "count": 1, "stage": 2}]
    policy.write_text(policy_text(lambda data: data["requirements"]["high"].update(need=needs) or data.update(slack=ROUTES)))
    hands.home("U0MEI")
    hands.press_home("U0MEI", "home_away")
    offered = {o["value"]: o["text"]["text"] for o in hands.options("U0MEI", "delegate", "").body["options"]}
    assert "olga" not in offered and "lena" not in offered and offered["sam"] == "sam (cannot decide: treasury)"
    answer = hands.submit("U0MEI", {"delegate": option("sam"), "days": option("")})
    assert "sam cannot decide what is asked of treasury" in words(answer.body) and limits.view(answer.body["view"]) == []


def test_what_went_to_whoever_stands_in_and_what_did_not_is_said(hands, world, cast):
    held, other = factories.action(), factories.action(requested_by=cast.second)
    for action in (held, other):
        operations.reserve(action.pk, by=cast.reviewer, door="web")
    hands.home("U0MEI")
    hands.press_home("U0MEI", "home_away")
    said = words(hands.submit("U0MEI", {"delegate": option("sam"), "days": option("")}).body)
    assert "1 action you held moved to them" in said and "One action went back to everybody" in said and "cannot decide what" not in said


def test_somebody_who_can_decide_nothing_is_named_as_that_when_chosen_all_the_same(hands, world, cast):
    hands.home("U0MEI")
    hands.press_home("U0MEI", "home_away")
    assert "olga cannot decide what is asked of reviewers" in words(
        hands.submit("U0MEI", {"delegate": option("olga"), "days": option("")}).body
    )


def test_nobody_is_offered_where_nobody_could_decide(hands, world, cast):
    people.ensure_person(username="sam", roles=["auditors"], by=SYSTEM)
    hands.home("U0MEI")
    hands.press_home("U0MEI", "home_away")
    assert "nobody to leave your desk to" in words(hands.open_view("U0MEI").view)


def test_the_time_of_the_digest_is_chosen_there_and_the_other_choices_stay(hands, world, cast):
    preferences.choose(by=cast.reviewer, choices={"reach": {"zone": "Europe/Berlin", "quiet_from": "22:00", "quiet_to": "07:00"}})
    hands.home("U0MEI")
    hands.press_home("U0MEI", "home_digest", selected_time="09:15")
    wants = reaching.wants(cast.reviewer)
    assert (wants.digest.isoformat("minutes"), wants.zone, str(wants.quiet_to)) == ("09:15", "Europe/Berlin", "07:00:00")
    assert "09:15" in words(world.homes["U0MEI"])
    hands.press_home("U0MEI", "home_digest", selected_time="<script>")
    assert reaching.wants(cast.reviewer).digest.isoformat("minutes") == "09:15"
    hands.press_home("U0MEI", "home_no_digest")
    assert reaching.wants(cast.reviewer).digest is None and "No weekday digest" in words(world.homes["U0MEI"])
    clicks = list(log.events(kind="slack.pressed").rows)[::-1]  # of what was kept; the refused time changed nothing
    assert [(e.data["what"], e.data["at"], e.data["click"]["slack_user"]) for e in clicks] == [
        ("digest", "09:15", "U0MEI"), ("digest", "", "U0MEI"),
    ]  # fmt: skip
    assert all(e.stream == f"person:{cast.reviewer.pk}" and "digest comes" in str(sentence_of(e)) for e in clicks)


# -- digest, reminders ----------------------------------------------------------------------------


def test_the_digest_comes_once_on_a_weekday_morning_when_something_waits(world, cast):
    with at(WEDNESDAY):
        noting.owe_digests()
        sending.tick()
    assert direct(world) == []  # nothing waits
    with at(WEDNESDAY + timedelta(days=1)):
        factories.action()
        noting.owe_digests()
        noting.owe_digests()
    tick_at(WEDNESDAY + timedelta(days=1))
    assert ["1 action waits for you" in m["text"] for m in direct(world)] == [True]
    with at(WEDNESDAY + timedelta(days=3)):  # Saturday
        assert noting.owe_digests() == 0


def test_a_digest_of_very_many_says_that_there_may_be_more(world, cast, monkeypatch):
    monkeypatch.setattr(words_of_mails, "COUNTED", 3)
    for _ in range(4):
        factories.action()
    with at(WEDNESDAY):
        noting.owe_digests()
    tick_at(WEDNESDAY)
    assert [m["text"] for m in direct(world)] == ["3 or more actions wait for you"]


def tick_at(moment: datetime) -> None:
    for minutes in range(4):
        with at(moment + timedelta(minutes=minutes)):
            sending.tick()


def test_a_digest_that_is_late_by_a_day_is_not_sent_in_the_evening(world, cast):
    factories.action()
    with at(WEDNESDAY):
        noting.owe_digests()
    tick_at(WEDNESDAY + timedelta(hours=12))
    assert direct(world) == [] and set(SlackMessage.objects.filter(kind="note").values_list("state", flat=True)) == {"SKIPPED"}


def test_whoever_is_away_or_wants_none_gets_no_digest(world, cast):
    factories.action()
    preferences.choose(by=cast.second, choices={"reach": {"digest": ""}})
    operations.go_away(by=cast.reviewer, delegate="sam", door="web")
    with at(WEDNESDAY):
        assert noting.owe_digests() == 0


def remind(action: Action, user, kind: str = "action.reminded:50%") -> None:
    tell_people([user.pk], action, kind)
    tasks.reach()


def test_reminders_and_escalations_come_as_direct_messages_with_the_way_to_decide(world, hands, cast):
    action = factories.action()
    remind(action, cast.reviewer)
    remind(action, cast.reviewer, "action.escalated")
    tick(1)
    said = [m["text"] for m in direct(world)]
    assert any("50% of the time to decide is gone" in t for t in said) and any("escalated to you" in t for t in said)
    assert "this" not in words(direct(world)[0]["blocks"])  # no argument in it
    hands.press("U0MEI", direct(world)[0]["channel"] if "channel" in direct(world)[0] else world.direct("T0HOME", "U0MEI").id,
                direct(world)[0]["ts"], "review")  # fmt: skip
    assert "What do you want to do?" in words(hands.open_view("U0MEI").view)
    assert direct(world, "U0JORGE") == []


def test_a_burst_of_reminders_is_one_message_and_what_comes_soon_after_goes_with_the_next(world, hands, cast, settings):
    settings.MAIL_GAP_S = 120
    made = [factories.action() for _ in range(12)]
    for action in made:
        remind(action, cast.reviewer)
    factories.decide(made[3], cast.second)
    tick()
    (first,) = direct(world)
    assert (
        first["text"] == "11 actions wait for you" and "and 1 more" in words(first) and limits.message(first["blocks"], first["text"]) == []
    )
    assert "this" not in words(first["blocks"]) and "/inbox/" in words(first["blocks"])
    for press in [block["accessory"] for block in first["blocks"] if "accessory" in block][-2:]:  # each button is of its own action
        payload = {"actions": [{**press, "type": "button", "block_id": "b", "action_ts": "1.1"}]}
        hands.press("U0MEI", world.direct("T0HOME", "U0MEI").id, first["ts"], "review", payload=payload)
        assert "What do you want to do?" in words(hands.open_view("U0MEI").view)
        assert press["value"].split(":")[0] in hands.open_view("U0MEI").view["private_metadata"]
    later = [factories.action() for _ in range(5)]
    with fakes.clock_moved(seconds=20):
        for action in later:
            remind(action, cast.reviewer)
    tick(0.5)
    assert len(direct(world)) == 1
    factories.decide(later[0], cast.second)
    tick(2.5)
    assert [m["text"] for m in direct(world)[1:]] == ["A reminder of 4 of the 15 actions that wait for you"]
    assert not SlackMessage.objects.filter(kind="note", state="WAITING").exclude(action=later[0]).exists()


def test_what_does_not_wait_takes_the_others_along_but_not_what_quiet_hours_hold(world, cast, settings):
    settings.MAIL_GAP_S = 3_600
    remind(factories.action(), cast.reviewer)
    tick()
    remind(factories.action(), cast.reviewer)
    tick(1)
    assert len(direct(world)) == 1
    quiet = factories.action()
    remind(quiet, cast.reviewer)
    later = datetime.now(UTC) + timedelta(hours=3)
    SlackMessage.objects.filter(action=quiet, kind="note").update(due_at=later, body={**_note(quiet), "quiet": later.timestamp()})
    remind(factories.action("critical"), cast.reviewer)
    tick(1)
    assert [m["text"] for m in direct(world)[1:]] == ["A reminder of 2 of the 4 actions that wait for you"]
    assert SlackMessage.objects.get(action=quiet, kind="note").state == "WAITING"


def test_quiet_hours_set_after_a_reminder_was_owed_hold_it_all_the_same(world, cast):
    remind(action := factories.action(), cast.reviewer)
    now = datetime.now(UTC)
    begins, ends = (now - timedelta(hours=1)).strftime("%H:%M"), (now + timedelta(hours=2)).strftime("%H:%M")
    preferences.choose(by=cast.reviewer, choices={"reach": {"quiet_from": begins, "quiet_to": ends, "zone": "UTC"}})
    tick(1)
    note = SlackMessage.objects.get(action=action, kind="note")
    assert direct(world) == [] and note.state == "WAITING" and note.body["quiet"] == note.due_at.timestamp() > now.timestamp() + 3_600


def _note(action: Action) -> dict:
    return SlackMessage.objects.get(action=action, kind="note").body


def test_a_reminder_is_looked_at_again_before_it_goes(world, cast):
    action, other = factories.action(), factories.action()
    remind(action, cast.reviewer)
    remind(other, cast.reviewer)
    factories.decide(action, cast.reviewer)
    people.ensure_person(username="rita", roles=["auditors"], by=SYSTEM)
    tick(1)
    assert direct(world) == []


def test_quiet_hours_and_no_at_a_level_are_kept(world, cast):
    preferences.choose(by=cast.reviewer, choices={"reach": {"matrix": {"slack": {"medium": "off"}}}})
    remind(factories.action(), cast.reviewer)
    assert not SlackMessage.objects.filter(kind="note").exists()
    now = datetime.now(UTC)
    begins, ends = (now - timedelta(hours=1)).strftime("%H:%M"), (now + timedelta(hours=2)).strftime("%H:%M")
    preferences.choose(by=cast.reviewer, choices={"reach": {"quiet_from": begins, "quiet_to": ends}})
    remind(factories.action(), cast.reviewer)
    assert SlackMessage.objects.get(kind="note").due_at > now + timedelta(minutes=50)


def test_what_one_person_is_told_makes_no_second_card_in_the_channel(world, cast):
    action = factories.action()
    tick()
    remind(action, cast.reviewer)
    tick(1)
    assert len(world.cards("C0AI")) == 1 and Notification.objects.filter(channel="reach", sent_at=None).count() == 0


def test_a_note_with_words_of_its_own_goes_as_it_is(world, cast):
    person = SlackPerson.objects.get(slack_user="U0MEI")
    assert slack_owing.owe_note(person, "x", {"text": "hello"}) and not slack_owing.owe_note(person, "x", {"text": "again"})
    sending.tick()
    assert [m["text"] for m in direct(world)] == ["hello"]


# -- halting --------------------------------------------------------------------------------------


def halted(hands, scope: str, **fields):
    return hands.submit("U0OLIVE", {"scope": option(scope), "reason": text("looking into it"), "word": text(""), **fields})


def test_an_operator_halts_with_scope_reason_and_the_word(hands, world, cast):
    hands.command("U0OLIVE", "C0AI", "/halt", "")
    view = hands.open_view("U0OLIVE").view
    values = [o["value"] for b in view["blocks"] if b.get("block_id") == "scope" for o in b["element"]["options"]]
    assert values[-1] == "everything" and any(v.startswith("agent:") for v in values) and "stops" in words(view)
    assert "Type HALT" in halted(hands, "everything").body["errors"]["word"] and not Halt.objects.exists()
    assert halted(hands, "everything", reason=text(" "), word=text("HALT")).body["errors"]["reason"]
    assert "Halted" in words(halted(hands, "everything", word=text("HALT")).body)
    order = Halt.objects.get()
    assert (order.scope, order.by, order.door, order.reason) == ("everything", cast.operator, "slack", "looking into it")
    (click,) = [e.data["click"] for e in log.events(kind="slack.pressed").rows]
    assert click["slack_user"] == "U0OLIVE" and len(click["body_sha256"]) == 64
    hands.command("U0OLIVE", "C0AI", "/halt", "everything")
    assert "Everything is halted" in words(hands.open_view("U0OLIVE").view)
    assert "halted already" in words(halted(hands, "everything", word=text("HALT")).body)


def test_an_agent_is_halted_by_name_and_what_is_not_there_is_said(hands, world, cast):
    agent = next(v for v in _scopes(hands) if v.startswith("agent:"))
    hands.command("U0OLIVE", "C0AI", "/halt", f"agent {agent[6:]}")
    assert "Halted" in words(halted(hands, agent).body) and Halt.objects.get().target == agent[6:]
    for wrong in (
        "agent nobody",
        "run 12",
        "run 00000000-0000-0000-0000-000000000000",
        "agent",
        "now please stop",
        "run " + "9" * 5_000,
    ):
        answer = hands.command("U0OLIVE", "C0AI", "/halt", wrong)
        assert answer.status == 200 and answer.body["text"], wrong
    for wrong in ("agent:nobody", "run:1", "", "tool:x", "everything:x", "agent:" + "x" * 300):
        hands.command("U0OLIVE", "C0AI", "/halt", "")
        assert halted(hands, wrong, word=text("HALT")).status == 200
    assert Halt.objects.count() == 1


def _scopes(hands):
    hands.command("U0OLIVE", "C0AI", "/halt", "")
    return [o["value"] for b in hands.open_view("U0OLIVE").view["blocks"] if b.get("block_id") == "scope" for o in b["element"]["options"]]


@pytest.mark.parametrize("scope", ["tool", "customer"])
def test_what_has_a_long_name_is_halted_as_well(hands, cast, scope):
    """Slack refuses values of more than 150 characters, and a value that is cut is another name: two that differ at the end stay two."""
    long, other = (f"{'n' * 186}{end}" for end in ("-one", "-two"))
    for name in (long, other):
        factories.action(**({"tool": name} if scope == "tool" else {"args": {"customer_id": name, "what": "this"}}))
    hands.command("U0OLIVE", "C0AI", "/halt", f"{scope} {other}")
    view = hands.open_view("U0OLIVE").view
    (field,) = [block["element"] for block in view["blocks"] if block.get("block_id") == "scope"]
    assert field["initial_option"] == field["options"][0] and limits.view(view) == []
    assert field["initial_option"]["text"]["text"].endswith("-two") and other in words(view)
    assert "Halted" in words(halted(hands, field["initial_option"]["value"]).body)
    assert (Halt.objects.get().scope, Halt.objects.get().target) == (scope, other)


def test_a_name_longer_than_any_and_a_fingerprint_of_nothing_are_refused(hands, cast):
    assert "not the name" in hands.command("U0OLIVE", "C0AI", "/halt", "customer " + "n" * 201).body["text"]
    hands.command("U0OLIVE", "C0AI", "/halt", "")
    assert "Halted" not in words(halted(hands, "#" + "0" * 32).body) and not Halt.objects.exists()


def test_nobody_else_halts_not_even_with_a_view_of_an_operators(hands, world, cast):
    assert "Only operators" in hands.command("U0MEI", "C0AI", "/halt", "everything").body["text"]
    assert "not linked" in hands.command("U0STRANGE", "C0AI", "/halt", "").body["text"]
    hands.home("U0MEI")
    assert "home_halt" not in words(world.homes["U0MEI"])
    hands.command("U0OLIVE", "C0AI", "/halt", "")
    stolen = hands.open_view("U0OLIVE")
    stolen.user = "U0MEI"
    hands.submit("U0MEI", {"scope": option("everything"), "reason": text("x"), "word": text("HALT")})
    assert not Halt.objects.exists()


def test_the_button_of_the_tab_opens_the_same_view(hands, world, cast):
    hands.home("U0OLIVE")
    hands.press_home("U0OLIVE", "home_halt")
    assert hands.open_view("U0OLIVE").view["callback_id"] == "halt"
