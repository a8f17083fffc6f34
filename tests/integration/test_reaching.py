"""Who is owed what: notices become deliveries by role, exclusion and choice, once, and never in the way of deciding."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Action, Delivery, Device, Notification, User
from approvals.notify import words
from approvals.notify.choices import Wants
from approvals.operations import delivering, preferences, reaching, telling
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


def all_mails(who: str) -> list[delivering.Parcel]:
    """What is sent now, as a worker does it: one after the other until nothing may go."""
    sent = []
    while parcel := delivering.claim("email"):
        delivering.record(parcel, None)
        sent.append(parcel)
    return [parcel for parcel in sent if Delivery.objects.get(pk=parcel.first).user.username == who]


@pytest.fixture
def few(monkeypatch, settings):
    """So few are looked at one by one that a small burst is one; only rita is mailed."""
    settings.MAIL_GAP_S = 120
    monkeypatch.setattr(delivering, "MOST_TOGETHER", 3)


def test_of_a_burst_that_is_owed_at_once_one_mail_tells_and_says_how_many(cast, few):
    """It made a mail of each fifty, back to back: 31 in 17 seconds."""
    for _ in range(9):
        factories.action()
    critical = factories.action("critical")
    decided, read = factories.action(), factories.action()
    reaching.spread()
    factories.decide(decided, cast.second)
    telling.tell_people([cast.reviewer.pk], read, "action.your_turn")
    Delivery.objects.filter(user=cast.reviewer, action=str(read.pk)).update(kind="action.your_turn")
    telling.read(by=cast.reviewer)
    (mail,) = all_mails("rita")
    assert (mail.total, mail.waiting, len(mail.items)) == (10, 11, 3) and mail.items[0].id == str(critical.pk)
    rows = Delivery.objects.filter(user=cast.reviewer)
    assert rows.filter(state="SENT").count() == 10
    with fakes.clock_moved(seconds=121):  # then what went with no mail is looked at, and skipped with its reason
        assert all_mails("rita") == []
        assert {d.error for d in rows.filter(state="SKIPPED")} == {"Already approved", "Read in the product already"}
    said = words.mail(mail.items, total=mail.total, waiting=mail.waiting, site="https://ours.test", zone="UTC")
    assert said.subject == "10 actions wait for you, the riskiest: Critical" and "Waiting for you in all: 11" in said.body


@pytest.mark.parametrize("quiet", [False, True])
def test_while_a_burst_goes_on_there_is_one_mail_in_a_gap(cast, few, quiet):
    """What was owed before the first had gone did not wait for anything. At the end of quiet hours likewise."""
    User.objects.filter(pk=cast.second.pk).update(email="")
    for _ in range(8):
        factories.action()
        reaching.spread()  # owed while nothing was sent
    if quiet:
        Delivery.objects.update(next_at=database_now() - timedelta(seconds=1))
    late = Delivery.objects.order_by("pk")[5:]
    Delivery.objects.filter(pk__in=[d.pk for d in late]).update(attempts=1, next_at=database_now() + timedelta(seconds=3))
    assert [mail.total for mail in all_mails("rita")] == [5]
    with fakes.clock_moved(seconds=4):
        assert all_mails("rita") == []
    with fakes.clock_moved(seconds=121):
        factories.action()
        reaching.spread()
        assert [mail.total for mail in all_mails("rita")] == [4]


def test_what_does_not_wait_takes_along_what_waits_only_to_go_together(cast, few):
    User.objects.filter(pk=cast.second.pk).update(email="")
    factories.action()
    reaching.spread()
    assert len(all_mails("rita")) == 1
    for _ in range(5):
        factories.action()
    reaching.spread()
    assert all_mails("rita") == []
    critical = factories.action("critical")
    reaching.spread()
    (mail,) = all_mails("rita")
    assert (mail.total, mail.items[0].id, mail.level) == (6, str(critical.pk), "critical")


def test_a_mail_on_its_way_counts_as_the_last(cast, few):
    User.objects.filter(pk=cast.second.pk).update(email="")
    factories.action()
    reaching.spread()
    assert delivering.claim("email")
    factories.action()
    reaching.spread()  # nothing is sent yet: owed at once
    assert Delivery.objects.get(state="WAITING").next_at <= database_now() and delivering.claim("email") is None


def test_a_put_off_mail_waits_for_a_quarter_of_its_time_and_no_longer(cast, few):
    User.objects.filter(pk=cast.second.pk).update(email="")
    factories.action(deadline_s=120)
    first, short = factories.action(), factories.action(deadline_s=120)
    reaching.spread()
    Delivery.objects.filter(action=str(short.pk)).update(attempts=1, next_at=database_now() + timedelta(seconds=2))
    assert first and len(all_mails("rita")) == 1
    for seconds, mails in ((5, 0), (20, 0), (31, 1)):
        with fakes.clock_moved(seconds=seconds):
            assert len(all_mails("rita")) == mails


def test_a_burst_calls_a_phone_once_in_a_while(cast, few):
    Device.objects.create(user=cast.reviewer, endpoint="https://push.example.org/1", p256dh="p", auth="a", name="phone")
    totals = []
    for seconds in (0, 1, 5, 21):
        with fakes.clock_moved(seconds=seconds):
            for _ in range(5):
                factories.action()
            reaching.spread()
            while parcel := delivering.claim("push"):
                totals.append(words.push(parcel.items, parcel.total)["title"])
                delivering.record(parcel, None)
    assert totals == ["5 actions wait, the riskiest: Medium", "15 actions wait, the riskiest: Medium"]


@pytest.mark.parametrize("most", [4, 10_000])
def test_a_digest_says_how_many_wait_or_that_there_are_more(cast, monkeypatch, most):
    monkeypatch.setattr(words, "COUNTED", most)
    monkeypatch.setattr(import_module("approvals.queries.inbox"), "COUNTED", most)
    choose(cast.reviewer, digest="00:00", zone="UTC")
    for _ in range(5):
        factories.action()
    monkeypatch.setattr(delivering, "MOST_LISTED", 2)
    monkeypatch.setattr(Wants, "digest_day", lambda wanted, now: now.date())
    Delivery.objects.create(key="digest:today", user=cast.reviewer, channel="email", kind="digest")
    parcel = delivering.claim("email")
    said = words.digest(parcel.items, parcel.total, site="https://ours.test", zone="UTC")
    many = "4 or more" if most == 4 else "5"
    assert said.subject == f"{many} actions wait for you" and f"Waiting for you now: {many}. Due first:" in said.body


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
