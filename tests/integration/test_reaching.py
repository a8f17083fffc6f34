"""Who is owed what: notices become deliveries by role, exclusion and choice, once, and never in the way of deciding."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Action, Delivery, Device, Notification, User
from approvals.operations import delivering, preferences, reaching
from approvals.operations.clock import database_now
from approvals.queries.reaching import delivery_standing
from tests import factories, fakes


@pytest.fixture(autouse=True)
def _addresses(cast):
    User.objects.filter(username__in=["rita", "sam", "olga", "lena"]).update(email="someone@example.org")


def owed() -> list[tuple[str, str]]:
    return sorted(Delivery.objects.values_list("user__username", "level"))


def choose(user: User, **reach) -> None:
    preferences.choose(by=user, choices={"reach": reach})


def test_those_who_may_decide_are_owed_a_mail_and_nobody_else(cast):
    factories.action("high", requested_by=cast.second)
    assert reaching.spread() == 1
    assert owed() == [("rita", "high")]  # not the requester, the operator, or the locked reviewer


def test_a_notice_is_a_row_of_the_same_statement_as_the_hint(cast):
    with CaptureQueriesContext(connection) as run:
        factories.action()
    writes = [q["sql"] for q in run.captured_queries if "approvals_notification" in q["sql"]]
    assert len(writes) == 1 and Notification.objects.filter(channel="reach", sent_at=None).count() == 1
    factories.action("low")  # passed by policy: nobody is told
    assert Notification.objects.filter(channel="reach").count() == 1


def test_the_same_notice_is_spread_once_however_often_and_by_however_many(cast):
    factories.action()
    assert [reaching.spread(), reaching.spread()] == [1, 0]
    Notification.objects.filter(channel="reach").update(sent_at=None)  # as if the mark had been lost
    assert reaching.spread() == 1 and Delivery.objects.count() == 2


def test_what_is_decided_before_anybody_looked_is_owed_to_nobody(cast):
    for _ in range(3):
        factories.decide(factories.action(), cast.reviewer)
    with CaptureQueriesContext(connection) as run:
        assert reaching.spread() == 0
    assert len(run) == 2 and not Notification.objects.filter(channel="reach", sent_at=None).exists()


def test_choices_say_who_is_told_and_when(cast):
    choose(cast.reviewer, matrix={"email": {"medium": "digest", "high": "now"}})
    hour = database_now().hour
    choose(cast.second, quiet_from=f"{hour:02}:00", quiet_to=f"{(hour + 3) % 24:02}:00")
    factories.action("medium")
    factories.action("critical")
    reaching.spread()
    rows = {(d.user.username, d.level): d.next_at - d.created_at for d in Delivery.objects.select_related("user")}
    assert set(rows) == {("rita", "critical"), ("sam", "medium"), ("sam", "critical")}
    assert rows["sam", "critical"] < timedelta(seconds=5)
    assert rows["sam", "medium"] > timedelta(hours=1)


def test_quiet_hours_set_after_a_mail_was_owed_hold_it_all_the_same(cast):
    """The page says that what is on its way is looked at again."""
    action, hour = factories.action("medium"), database_now().hour
    reaching.spread()
    for person in (cast.reviewer, cast.second):
        choose(person, quiet_from=f"{hour:02}:00", quiet_to=f"{(hour + 3) % 24:02}:00", zone="UTC")
    assert delivering.claim("email") is None
    waits = Delivery.objects.filter(channel="email", state="WAITING")
    assert len(waits) == 2 and all(d.next_at - d.created_at > timedelta(hours=1) for d in waits)
    choose(cast.second, quiet_from="", quiet_to="")
    waits.update(next_at=action.created_at)
    parcel = delivering.claim("email")
    assert parcel and Delivery.objects.get(pk=parcel.first).user == cast.second and delivering.claim("email") is None


def test_a_burst_is_one_mail_now_and_one_later_but_critical_does_not_wait(cast, settings):
    settings.MAIL_GAP_S = 300
    factories.action(agent="one")
    reaching.spread()
    parcel = delivering.claim("email")
    assert parcel
    delivering.record(parcel, None)
    factories.action(agent="two")
    factories.action("critical", agent="three")
    reaching.spread()
    told = Delivery.objects.filter(state="SENT").get().user_id
    due = Delivery.objects.filter(user=told, state="WAITING")
    wait = {d.level: (d.next_at - d.created_at).total_seconds() for d in due}
    assert wait["critical"] < 5 and 250 < wait["medium"] <= 300


def test_a_mail_does_not_wait_for_others_until_it_is_too_late(cast, settings):
    settings.MAIL_GAP_S = 3_600
    factories.action(agent="one")
    reaching.spread()
    parcel = delivering.claim("email")
    assert parcel
    delivering.record(parcel, None)
    action = factories.action(agent="two", deadline_s=120)
    reaching.spread()
    waits = Delivery.objects.filter(state="WAITING", action=str(action.pk))
    assert max((d.next_at - d.created_at).total_seconds() for d in waits) < 31


def test_an_edit_is_told_as_the_new_version_and_the_old_one_is_not_sent(cast):
    first = factories.action()
    reaching.spread()
    Delivery.objects.filter(user=cast.second).delete()
    Action.objects.filter(pk=first.pk).update(version=2)
    assert delivering.claim("email") is None
    assert "newer version" in Delivery.objects.get().error


def test_a_digest_is_owed_on_the_morning_once(cast):
    choose(cast.reviewer, digest="08:30", zone="UTC")
    choose(cast.second, digest="")
    now = database_now()
    tuesday = (now + timedelta(days=(1 - now.weekday()) % 7 or 7)).replace(hour=9)
    with fakes.clock_moved(seconds=(tuesday - now).total_seconds()):
        assert (reaching.digests(), reaching.digests()) == (1, 0)
        assert delivering.claim("email") is None and Delivery.objects.get(kind="digest").error == "Nothing waited"
    with fakes.clock_moved(seconds=(tuesday + timedelta(days=4) - now).total_seconds()):
        assert reaching.digests() == 0  # Saturday


def test_standing_tells_what_is_late_and_what_failed(cast):
    factories.action()
    reaching.spread()
    Delivery.objects.filter(user=cast.second).update(attempts=4, error="451 later")
    found = delivery_standing()
    assert (found.waiting, found.late, found.failed, found.last_error) == (2, 1, 0, "451 later")


def test_policy_says_where_people_may_be_told(cast, policy):
    policy.write_text(fakes.policy_text(lambda data: data["requirements"]["medium"].update(tell=["push"])))
    Device.objects.create(user=cast.reviewer, endpoint="https://push.example.org/1", p256dh="p", auth="a", name="phone")
    factories.action("medium")
    factories.action("high")
    reaching.spread()
    found = {(d.user.username, d.channel) for d in Delivery.objects.filter(level="medium").select_related("user")}
    assert found == {("rita", "push")} and Delivery.objects.filter(level="high", channel="email").count() == 2
