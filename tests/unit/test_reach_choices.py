"""What a person wants to be told: quiet hours and digests where they are, and choices that do not exist."""

from datetime import UTC, date, datetime

import pytest

from approvals.notify import choices, words
from approvals.notify.choices import BadChoice, Wants
from approvals.notify.words import Item
from approvals.policy.calendars import Quiet


def kept(**more) -> Wants:
    return choices.wants({"reach": choices.checked(more)})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-05-04 19:59", "2026-05-04 19:59"),  # 21:59 in Berlin
        ("2026-05-04 20:00", "2026-05-05 05:00"),  # begins at 22:00, ends at 07:00 the next day
        ("2026-05-05 02:00", "2026-05-05 05:00"),
        ("2026-05-05 05:00", "2026-05-05 05:00"),
        ("2026-10-24 21:00", "2026-10-25 06:00"),  # the night the clocks go back is an hour longer
    ],
)
def test_quiet_hours_hold_a_message_until_they_end_where_the_person_is(now, until):
    quiet = kept(quiet_from="22:00", quiet_to="07:00", zone="Europe/Berlin")
    assert quiet.held_until(at(now), "high") == at(until)


def test_critical_comes_through_quiet_hours_unless_the_person_says_no():
    night = at("2026-05-05 02:00")
    assert kept(quiet_from="22:00", quiet_to="07:00").held_until(night, "critical") == night
    assert kept(quiet_from="22:00", quiet_to="07:00", loud=False).held_until(night, "critical") > night


def test_quiet_hours_within_a_day():
    lunch = kept(quiet_from="12:00", quiet_to="13:00")
    assert lunch.held_until(at("2026-05-04 12:30"), "high") == at("2026-05-04 13:00")
    assert lunch.held_until(at("2026-05-04 13:00"), "high") == at("2026-05-04 13:00")


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-05-03 22:00", None),  # Monday 7:00 in Tokyo: too early
        ("2026-05-03 23:30", date(2026, 5, 4)),  # Sunday here, Monday 8:30 there
        ("2026-05-04 06:00", None),  # the afternoon
        ("2026-05-08 23:30", None),  # Saturday there
    ],
)
def test_the_digest_is_due_on_weekday_mornings_where_the_person_is(now, day):
    assert kept(zone="Asia/Tokyo", digest="08:30").digest_day(at(now)) == day


def test_choices_that_do_not_exist_are_refused_with_what_there_is():
    for wrong, field in (
        ({"matrix": {"push": {"low": "digest"}}}, "matrix"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"quiet_from": "22:00"}, "quiet_from"),
        ({"quiet_from": "22:00", "quiet_to": "22:00"}, "quiet_from"),
        ({"digest": "25:00"}, "digest"),
    ):
        with pytest.raises(BadChoice) as refused:
            choices.checked(wrong)
        assert refused.value.field == field


def test_what_cannot_be_read_any_more_is_the_usual():
    assert choices.wants({"reach": {"zone": "Gone/Zone"}}) == Wants() == choices.wants({})
    assert choices.wants({"reach": choices.checked({})}) == Wants(matrix=choices.USUAL, digest=None)


def item(**more) -> Item:
    values = {
        "id": "1",
        "level": "high",
        "score": 60,
        "tool": "pay",
        "agent": "a",
        "starter": "m.chen",
        "expires_at": at("2026-05-04 10:00"),
    }
    return Item(**{**values, **more})


def test_no_name_in_a_mail_becomes_a_link_or_hides_itself():
    hostile = item(tool="https://evil.example/x", agent="www.evil.com\u202e\r\nBcc: x@y.z", why=("see http://evil.example",))
    message = words.mail([hostile], site="https://ours.test", zone="UTC")
    assert "evil.example" not in message.body and "http://" not in message.body and "www.evil" not in message.body
    assert "\n" not in message.subject and "\u202e" not in message.subject + message.body
    links = [line for line in message.body.split() if "://" in line]
    assert links and all(link.startswith(("https://ours.test/", "[://]", "https[://]", "http[://]")) for link in links)


def test_times_are_the_persons_own_and_the_riskiest_comes_first():
    message = words.mail([item(level="medium", tool="b"), item(tool="c")], site="https://ours.test", zone="Europe/Berlin")
    assert "12:00 CEST" in message.body and message.body.index("c by") < message.body.index("b by")


def test_a_push_says_level_tool_and_agent_only():
    assert set(words.push([item()])) == {"title", "body", "url", "tag", "level"}
    assert "m.chen" not in str(words.push([item(), item()]))


@pytest.mark.parametrize("clock", ["01:30", "02:00", "02:29"])
def test_quiet_hours_that_end_in_the_hour_that_comes_twice_end_once(clock):
    """Clocks in Berlin show 02:30 at 00:30 and at 01:30 UTC; who is in the second of those hours has not slept enough."""
    quiet = kept(quiet_from="22:00", quiet_to="02:30", zone="Europe/Berlin")
    first, second = (datetime.fromisoformat(f"2026-10-25T{clock}:00+0{offset}:00") for offset in (2, 1))
    assert quiet.held_until(first, "high") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    policy = Quiet.model_validate({"zone": "Europe/Berlin", "begins": "22:00", "ends": "02:30"})
    if clock != "01:30":  # that comes once
        assert quiet.held_until(second, "high") == policy.after(second) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
