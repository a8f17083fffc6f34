"""What one person is told by the clock or by others reaches them outside too: by their choices, once, visible, in nobody's way."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals import operations, tasks
from approvals.models import Action, Delivery, Notification, User
from approvals.operations import devices, preferences, reaching, snoozing, telling
from approvals.operations.clock import database_now
from tests import factories, servers
from tests.factories import decide
from tests.fakes import clock_moved, policy_text

STAGED = [{"group": "reviewers", "count": 1}, {"group": "operators", "count": 1, "stage": 2}]


@pytest.fixture
def smtp(settings, cast):
    with servers.running(servers.MailServer()) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 3
        for name in ("rita", "sam", "olga", "ada"):
            User.objects.filter(username=name).update(email=f"{name}@example.org")
        yield server


def asking(policy, level="medium", **more):
    policy.write_text(policy_text(lambda data: data["requirements"][level].update(more)))


def mailed(server) -> list[tuple[str, str]]:
    """(to whom, subject) of what arrived since the last look."""
    found = sorted((mail["To"].partition("@")[0], str(mail["Subject"])) for mail in server.mails)
    server.mails.clear()
    return found


def became() -> dict[tuple[str, str], tuple[str, str]]:
    return {(d.user.username, d.kind): (d.state, d.error) for d in Delivery.objects.select_related("user")}


def test_half_and_four_fifths_of_the_time_are_mailed_to_whoever_can_still_decide(smtp, cast, policy):
    asking(policy, need=[{"group": "reviewers", "count": 2}])
    action = factories.action()
    tasks.reach()
    assert [who for who, _ in mailed(smtp)] == ["rita", "sam"]
    decide(action, cast.reviewer)
    for minutes, part in ((16, "50%"), (25, "80%")):
        with clock_moved(minutes=minutes):
            tasks.sweep()
            tasks.reach()
            tasks.reach()
        assert mailed(smtp) == [("sam", f"{part} of the time is gone: Medium risk, do_it by somebody waits for you")]
    assert became()["sam", "action.reminded:80%"] == ("SENT", "")


def test_an_escalation_reaches_the_group_that_is_asked_then_and_by_nothing_before(smtp, cast, policy):
    asking(policy, escalate=[{"after": "60%", "to": "admins"}], remind=[])
    factories.action()
    tasks.reach()
    assert [who for who, _ in mailed(smtp)] == ["rita", "sam"]
    with clock_moved(minutes=19):
        tasks.sweep()
        tasks.reach()
    assert mailed(smtp) == [("ada", "Escalated to you: Medium risk, do_it by somebody")]


def test_a_later_stage_is_told_when_it_opens_and_a_passed_on_action_to_whom_it_went(smtp, cast, policy):
    asking(policy, need=STAGED)
    first, second = factories.action(), factories.action()
    tasks.reach()
    assert [who for who, _ in mailed(smtp)] == ["rita", "sam"]
    decide(first, cast.reviewer)
    operations.pass_on(second.pk, by=cast.reviewer, to="sam", door="web")
    Delivery.objects.update(next_at=database_now())
    with clock_moved(minutes=3):
        tasks.reach()
    assert [who for who, _ in mailed(smtp)] == ["olga", "sam"]
    assert {kind for _, kind in became()} == {"action.opened", "action.your_turn", "action.passed_on"}


def test_whoever_is_away_is_left_in_peace_and_who_stands_in_is_told(smtp, cast):
    operations.go_away(by=cast.reviewer, delegate="sam", door="web")
    factories.action()
    tasks.reach()
    assert [who for who, _ in mailed(smtp)] == ["sam"]


def test_who_leaves_between_the_notice_and_its_mail_is_left_in_peace_too(smtp, cast):
    """Here the delegate is asked only in their stead: the notice that was spread before they left finds them all the same."""
    User.objects.get(username="sam").groups.clear()
    User.objects.get(username="sam").groups.add(*cast.operator.groups.all())
    factories.action()
    assert reaching.spread() == 1
    operations.go_away(by=cast.reviewer, delegate="olga", door="web")
    another = factories.another_reviewer(email="another@example.org")
    tasks.reach()
    tasks.reach()
    assert [who for who, _ in mailed(smtp)] == ["another"]
    assert became()["rita", "action.opened"] == ("SKIPPED", "Away: whoever stands in is told instead")
    assert ("another", "action.opened") not in became() and became()[another.username, "action.opened"][0] == "SENT"


def test_who_stands_in_for_two_is_told_while_one_of_their_places_is_open(smtp, cast, policy, settings):
    settings.MAIL_GAP_S = 0
    asking(policy, need=[{"group": "reviewers", "count": 3}], delegates=["operators"])
    factories.another_reviewer()
    action = factories.action()
    for person in (cast.reviewer, cast.second):
        operations.go_away(by=person, delegate="olga", door="web")
    reaching.spread()
    decide(action, cast.reviewer)
    tasks.reach()
    assert "olga" in [who for who, _ in mailed(smtp)]
    later = factories.action()
    reaching.spread()
    for person in (cast.reviewer, cast.second):
        decide(later, person)
    tasks.reach()
    assert not smtp.mails and Delivery.objects.get(user=cast.operator, action=str(later.pk)).error == "Has decided it"


def test_an_absent_person_gets_no_digest_and_a_trial_all_the_same(smtp, cast):
    now = database_now()
    for user in (cast.reviewer, cast.second):
        preferences.choose(by=user, choices={"reach": {"digest": f"{now.hour:02}:00", "zone": "UTC"}})
    operations.go_away(by=cast.reviewer, delegate="sam", door="web")
    with clock_moved(days=(7 - now.weekday()) % 7):  # a Monday
        assert reaching.digests() == 1
        reaching.want_trial(by=User.objects.get(username="rita"), channel="email")
        tasks.reach()
    assert "rita" in [who for who, _ in mailed(smtp)]
    assert Delivery.objects.get(kind="digest").user == cast.second


def test_excluded_people_and_other_stages_are_never_mailed(smtp, cast, policy):
    asking(policy, need=STAGED, exclude=["requester", "owner"])
    factories.action(requested_by=cast.reviewer, owner=cast.operator)
    tasks.reach()
    assert [who for who, _ in mailed(smtp)] == ["sam"]
    decide(Action.objects.get(), cast.second)
    with clock_moved(minutes=3):
        tasks.reach()
    assert mailed(smtp) == []  # the only operator owns the agent


def test_the_matrix_and_quiet_hours_hold_for_reminders_too(smtp, cast):
    hour = database_now().hour
    quiet = {"quiet_from": f"{hour:02}:00", "quiet_to": f"{(hour + 4) % 24:02}:00"}
    preferences.choose(by=cast.reviewer, choices={"reach": {"matrix": {"email": {"medium": "off"}}}})
    preferences.choose(by=cast.second, choices={"reach": quiet})
    action = factories.action()
    with clock_moved(minutes=16):
        tasks.sweep()
        tasks.reach()
        held = Delivery.objects.get(kind="action.reminded:50%")
        assert (held.user, held.state) == (cast.second, "WAITING") and held.next_at > database_now()
    with clock_moved(hours=4):  # the morning: it has run out by then, and that is what the list says
        tasks.reach()
    assert mailed(smtp) == [] and became()["sam", "action.reminded:50%"] == ("SKIPPED", "Its time ran out")
    assert Action.objects.get(pk=action.pk).state == "PENDING"


def test_what_was_read_in_the_product_is_not_mailed_and_two_notices_of_one_action_are_one_item(smtp, cast):
    action = factories.action()
    with clock_moved(minutes=16):
        tasks.sweep()
        telling.read(by=cast.reviewer)
        tasks.reach()
    (rita, sam) = mailed(smtp)
    assert rita == ("rita", "Medium risk: do_it by somebody waits for you")
    assert sam == ("sam", "50% of the time is gone: Medium risk, do_it by somebody waits for you")
    assert became()["rita", "action.reminded:50%"] == ("SKIPPED", "Read in the product already")
    assert Delivery.objects.filter(action=str(action.pk), user=cast.second, state="SENT").count() == 2


def test_a_mail_server_that_is_away_is_tried_again_and_keeps_nobody_from_deciding(smtp, cast, settings):
    action = factories.action("high")
    tasks.reach()
    mailed(smtp)
    settings.EMAIL_PORT = 9
    with clock_moved(minutes=31):
        tasks.sweep()
        tasks.reach()
    row = Delivery.objects.filter(kind="action.reminded:50%").order_by("pk")[0]
    assert (row.state, row.attempts) == ("WAITING", 1) and "cannot be reached" in row.error
    settings.EMAIL_PORT = smtp.port
    with clock_moved(minutes=36):
        tasks.reach()
    assert len(mailed(smtp)) == 2
    with clock_moved(minutes=37):
        assert decide(action, cast.reviewer).resolved


def test_back_from_a_snooze_calls_the_phone_that_put_it_aside(cast, settings, tmp_path):
    settings.PUSH_HOSTS, settings.VAPID_PRIVATE_KEY, settings.VAR_DIR = ["127.0.0.1"], "", tmp_path
    with servers.running(servers.PushService()) as service:
        keys = servers.browser_keys()
        devices.add(by=cast.reviewer, endpoint=service.endpoint, name="A phone", door="web", **keys)
        action = factories.action()
        operations.snooze(action.pk, by=cast.reviewer, seconds=600, door="web")
        tasks.reach()
        service.got.clear()
        with clock_moved(minutes=11):
            assert snoozing.wake_due() == 1
            tasks.reach()
        assert len(service.got) == 1 and became()["rita", "action.back"] == ("SENT", "")


def test_telling_costs_the_one_statement_it_cost_before(cast, policy):
    asking(policy, need=STAGED)
    action = factories.action()
    with CaptureQueriesContext(connection) as run:
        decide(action, cast.reviewer)
    writes = [q["sql"] for q in run.captured_queries if q["sql"].startswith("INSERT INTO") and "approvals_notification" in q["sql"]]
    assert len(writes) == 3  # for the desk and outside, that pages look at it, that it was voted on: as before
    assert Notification.objects.filter(channel="reach", recipient=str(cast.operator.pk), kind="action.your_turn").count() == 1


def test_a_notice_that_is_not_of_this_world_breaks_nothing(cast):
    action = factories.action()
    Notification.objects.create(
        channel="reach", topic="desk", recipient="999999", object="action", object_id=str(action.pk), version=1, kind="x"
    )
    tasks.reach()
    assert not Notification.objects.filter(channel="reach", sent_at=None).exists()


def test_keepers_see_reminders_and_escalations_by_name(smtp, cast, client, policy):
    asking(policy, escalate=[{"after": "60%", "to": "admins"}])
    factories.action()
    with clock_moved(minutes=19):
        tasks.sweep()
        tasks.reach()
    client.force_login(cast.operator, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/deliveries/").content.decode()
    assert "Reminder, 50% gone" in page and "Escalated" in page
