"""What a person wants to be told, through which channel and when. Pure: choices as they are kept in, answers out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from audit.sentences import say

LEVELS = ("low", "medium", "high", "critical")
EMAIL, PUSH, SLACK = "email", "push", "slack"
NOW, DIGEST, OFF = "now", "digest", "off"
# The ways of each channel; a push that comes tomorrow is none. In Slack it is about what comes to one person: reminders, escalations,
# one's turn (cards in channels are the policy's).
WAYS: dict[str, tuple[str, ...]] = {EMAIL: (NOW, DIGEST, OFF), PUSH: (NOW, OFF), SLACK: (NOW, OFF)}
USUAL: dict[str, dict[str, str]] = {
    EMAIL: {"low": OFF, "medium": NOW, "high": NOW, "critical": NOW},
    PUSH: {"low": OFF, "medium": NOW, "high": NOW, "critical": NOW},
    SLACK: {"low": OFF, "medium": NOW, "high": NOW, "critical": NOW},
}
# A digest that could not be sent in its hours is not sent in the evening.
DIGEST_WITHIN = timedelta(hours=6)
WEEKEND = (5, 6)
NAMES = ("matrix", "quiet_from", "quiet_to", "loud", "zone", "digest")


class BadChoice(ValueError):
    """A choice that does not exist; the sentence says which there are. `field` names the one that is wrong."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.field = name


@dataclass(frozen=True)
class Wants:
    """A person's choices, complete.

    Attributes:
        matrix: way by channel and level.
        quiet_from, quiet_to: local times between which nothing is sent; both or none. They may span midnight.
        loud: whether critical comes through quiet hours.
        digest: the local time of the weekday digest; None for none.
    """

    matrix: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: USUAL)
    quiet_from: time | None = None
    quiet_to: time | None = None
    loud: bool = True
    zone: str = "UTC"
    digest: time | None = time(8, 30)

    def way(self, channel: str, level: str) -> str:
        return self.matrix.get(channel, {}).get(level, OFF)

    def held_until(self, now: datetime, level: str) -> datetime:
        """When a message of this level may go: now, or when the quiet hours end."""
        if self.quiet_from is None or self.quiet_to is None or (self.loud and level == "critical"):
            return now
        local = now.astimezone(_zone(self.zone))
        begins, ends, at = self.quiet_from, self.quiet_to, local.time()
        spans = begins > ends
        if not (at >= begins or at < ends) if spans else not begins <= at < ends:
            return now
        day = local.date() + timedelta(days=1 if spans and at >= begins else 0)
        end = datetime.combine(day, ends, tzinfo=_zone(self.zone))
        return (end if end > now else end.replace(fold=1)).astimezone(UTC)  # of an hour that comes twice, the second

    def digest_day(self, now: datetime) -> date | None:
        """The day whose digest is due now, where this person is; None when none is."""
        local = now.astimezone(_zone(self.zone))
        if self.digest is None or local.weekday() in WEEKEND:
            return None
        due = datetime.combine(local.date(), self.digest, tzinfo=local.tzinfo)
        return local.date() if due <= local < due + DIGEST_WITHIN else None


def wants(choices: Mapping[str, Any]) -> Wants:
    """A person's choices as they are kept; what was never chosen, or cannot be read any more, is the usual."""
    kept = choices.get("reach")
    try:
        return _made(checked(kept)) if isinstance(kept, Mapping) else Wants()
    except BadChoice:
        return Wants()


def checked(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The choices as they are kept. Raises BadChoice for one that does not exist."""
    matrix = wanted.get("matrix") or {}
    table = {channel: {level: _way(matrix, channel, level) for level in LEVELS} for channel in WAYS}
    begins, ends = _time(wanted, "quiet_from"), _time(wanted, "quiet_to")
    if bool(begins) != bool(ends):
        raise BadChoice("quiet_from", say("Quiet hours need a beginning and an end; leave both empty for none"))
    if begins and begins == ends:
        raise BadChoice("quiet_from", say("Quiet hours that end when they begin would last for ever or not at all"))
    zone = str(wanted.get("zone") or "UTC")
    if zone not in _zones():
        raise BadChoice("zone", say("%(zone)s is no time zone; write one such as Europe/Berlin", zone=repr(zone[:40])))
    return {
        "matrix": table, "quiet_from": begins, "quiet_to": ends, "loud": bool(wanted.get("loud", True)), "zone": zone,
        "digest": _time(wanted, "digest"),
    }  # fmt: skip


def _made(kept: Mapping[str, Any]) -> Wants:
    def at(name: str) -> time | None:
        return time.fromisoformat(kept[name]) if kept[name] else None

    return Wants(kept["matrix"], at("quiet_from"), at("quiet_to"), kept["loud"], kept["zone"], at("digest"))


def _way(matrix: Mapping[str, Any], channel: str, level: str) -> str:
    way = (matrix.get(channel) or {}).get(level, USUAL[channel][level])
    if way not in WAYS[channel]:
        raise BadChoice(
            "matrix",
            say(
                "%(what)s is no way for %(channel)s; there are %(names)s",
                what=repr(str(way)[:40]),
                channel=channel,
                names=", ".join(WAYS[channel]),
            ),
        )
    return str(way)


def _time(wanted: Mapping[str, Any], name: str) -> str:
    """A time of day to the minute, or "" for none."""
    text = str(wanted.get(name) or "").strip()
    if not text:
        return ""
    try:
        return datetime.strptime(text[:5], "%H:%M").time().isoformat("minutes")  # noqa: DTZ007  a time of day, not a moment
    except ValueError:
        raise BadChoice(name, say("%(text)s is no time of day; write it like 08:30", text=repr(text[:20]))) from None


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
