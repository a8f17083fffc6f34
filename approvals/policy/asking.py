"""All that a policy asks of one call, as one value that can be compared with what another policy asks. Pure.

Only what takes effect is in it: of a call that policy refuses, that it is refused; of one that nobody is asked about, how long its approval
may be used. Values are kept as plain data, so that a back-test can store them and a door can say them (`differing`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.policy.basics import Level, RequirementRule
from approvals.policy.matching import Facts
from approvals.policy.risk import Assessment
from approvals.policy.rules import PolicyData
from approvals.policy.strictness import less_of

LESS, MORE, OTHER = "less", "more", "other"
# Of what is compared, what is no field of a requirement: it stands elsewhere in the policy, or follows from the score.
PREVIEW = "(preview)"  # among arguments shown: no argument can be read as that
LEVEL, REFUSED, HOURS, QUIET, CHANNELS, BUTTONS, SHOWN = "level", "refused", "calendar", "quiet", "channels", "buttons", "shown"
ALONE = ("execute_within_s",)  # what is left of a requirement that asks nobody


@dataclass(frozen=True)
class Asked:
    """What policy makes of a call.

    Attributes:
        parts: everything that takes effect, by the name of its field; as compared, not as stored.
    """

    level: str
    requirement: RequirementRule
    denied: bool
    parts: Mapping[str, Any]

    @property
    def people(self) -> int:
        """How many approvals it asks for."""
        return 0 if self.denied else self.requirement.people

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Asked) and self.parts == other.parts

    __hash__ = None  # type: ignore[assignment]  # compared, never looked up


@dataclass(frozen=True)
class Difference:
    """One field that differs: plain values before and after, and whether less is asked, more, or neither can be said."""

    field: str
    was: Any
    now: Any
    way: str


def asked(policy: PolicyData, assessment: Assessment, facts: Facts) -> Asked:
    """All that this policy asks of a call it has scored."""
    return whole(policy, str(assessment.level), assessment.requirement, bool(assessment.denied), facts)


def whole(policy: PolicyData, level: str, rule: RequirementRule, denied: bool, facts: Facts) -> Asked:
    """The same from its parts; calendars, quiet hours and Slack are taken from the policy."""
    parts: dict[str, Any] = {LEVEL: level, REFUSED: denied}
    if not denied and rule.need:
        parts |= {name: getattr(rule, name) for name in RequirementRule.model_fields}
        parts |= _elsewhere(policy, level, rule, facts)
    elif not denied:
        parts |= {name: getattr(rule, name) for name in ALONE}
    return Asked(level, rule, denied, parts)


def differences(was: Asked, now: Asked) -> Iterator[Difference]:
    """The fields that differ. What only one of the two has, because the other asks nobody or refuses, is not named."""
    for name, before in was.parts.items():
        if name in now.parts and before != (after := now.parts[name]):
            yield Difference(name, _plain(before), _plain(after), _way(name, before, after))
    for one, other, turned in ((was, now, False), (now, was, True)):
        if "need" in one.parts and "need" not in other.parts and not other.denied:
            need = one.parts["need"]
            yield Difference("need", [] if turned else _plain(need), _plain(need) if turned else [], MORE if turned else LESS)


def _elsewhere(policy: PolicyData, level: str, rule: RequirementRule, facts: Facts) -> dict[str, Any]:
    slack, quiet = policy.slack, policy.quiet
    routes = slack.routes(level=level, agent=facts.agent, tool=facts.tool, groups={n.group for n in rule.need})
    calendar = policy.calendars.get(rule.calendar)
    disturbs = quiet if quiet and Level(level) in quiet.levels and (rule.remind or rule.escalate) else None
    return {
        HOURS: (rule.calendar, _fingerprint(calendar)),
        QUIET: (f"{quiet.begins:%H:%M}-{quiet.ends:%H:%M} {quiet.zone}", _fingerprint(quiet)) if disturbs and quiet else ("", ""),
        CHANNELS: tuple(sorted(r.channel for r in routes)),
        BUTTONS: slack.may_decide(level),
        SHOWN: (*sorted(slack.safe_fields(facts.tool)), *([PREVIEW] if slack.shows_preview(facts.tool) else [])) if routes else (),
    }


def _way(name: str, was: Any, now: Any) -> str:
    if name == LEVEL:
        return MORE if Level(now).rank > Level(was).rank else LESS
    if name == REFUSED:
        return MORE if now else LESS
    if name not in RequirementRule.model_fields or name == HOURS:
        return OTHER
    less, more = bool(less_of(name, was, now)), bool(less_of(name, now, was))
    return OTHER if less is more else LESS if less else MORE


def _fingerprint(value: Any) -> str:
    return hashlib.sha256(value.model_dump_json().encode()).hexdigest()[:16] if value else ""


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value
