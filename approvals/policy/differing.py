"""What differs between two things a policy asks, in words: a title for each field, and its values before and after. Pure.

A back-test keeps plain values (`asking`); doors say them with this.
"""

from collections.abc import Callable
from typing import Any

from approvals.policy import asking
from approvals.policy.basics import NeedRule, said_of, verdict_said
from approvals.policy.words import AND, AT_DEADLINE, COMMA, INVOLVED, OR, duration, people, told_by
from audit.sentences import chain, say

TITLES = {
    asking.LEVEL: say("Level"),
    asking.REFUSED: say("Refused by policy"),
    "need": say("Who decides"),
    "exclude": say("Who may not decide"),
    "verdicts": say("Verdicts"),
    "reason_for": say("Reason needed"),
    "deadline_s": say("Time to decide"),
    "execute_within_s": say("Time to use an approval"),
    "hold_s": say("Hold"),
    "rejections": say("Rejections that end it"),
    "remind": say("Reminders"),
    "escalate": say("Escalation"),
    "extend": say("Putting it off"),
    "delegates": say("Stand-ins"),
    "may_edit": say("Editing"),
    "tell": say("Told by"),
    "at_deadline": say("When nobody decides in time"),
    asking.HOURS: say("Working hours"),
    asking.QUIET: say("Quiet hours"),
    asking.CHANNELS: say("Slack channels"),
    asking.BUTTONS: say("Buttons in Slack"),
    asking.SHOWN: say("Arguments shown in Slack"),
}
WAYS = {asking.MORE: say("more"), asking.LESS: say("less"), asking.OTHER: say("otherwise")}


def title(field: str) -> str:
    """What a field is called."""
    return TITLES.get(field, field)


def sentence(field: str, was: Any, now: Any) -> str:
    """One difference in words."""
    before, after = value(field, was), value(field, now)
    if before == after:
        after = say("%(what)s, with other hours", what=after)
    return say("%(field)s: %(after)s instead of %(before)s", field=title(field), after=after, before=before)


def value(field: str, plain: Any) -> str:
    """The value of a field in words."""
    said = _SAID.get(field)
    return said(plain) if said else str(plain)


def _listed(names: list[str]) -> str:
    return chain(COMMA, names) or say("none")


_SAID: dict[str, Callable[[Any], str]] = {
    asking.LEVEL: said_of,
    asking.REFUSED: lambda v: say("yes") if v else say("no"),
    asking.BUTTONS: lambda v: say("yes") if v else say("no"),
    "need": lambda v: people([NeedRule(**n) for n in v]),
    "exclude": lambda v: chain(COMMA, [INVOLVED[name] for name in v]) or say("nobody"),
    "verdicts": lambda v: _listed([verdict_said(name) for name in v]),
    "reason_for": lambda v: _listed([verdict_said(name) for name in v]),
    "deadline_s": duration,
    "execute_within_s": duration,
    "hold_s": lambda v: duration(v) if v else say("none"),
    "remind": lambda v: say("after %(parts)s of the time", parts=chain(AND, v)) if v else say("none"),
    "escalate": lambda v: (
        chain(COMMA, [say("%(group)s after %(part)s of the time", part=r["after"], group=r["to"]) for r in v]) or say("none")
    ),
    "extend": lambda v: say("%(groups)s by %(time)s", groups=chain(OR, v["by"]), time=duration(v["at_most_s"])) if v else say("nobody may"),
    "delegates": lambda v: chain(OR, v) or say("nobody"),
    "may_edit": lambda v: say("allowed") if v else say("not allowed"),
    "tell": told_by,
    "at_deadline": lambda v: AT_DEADLINE[v],
    asking.HOURS: lambda v: v[0] or say("the wall clock"),
    asking.QUIET: lambda v: v[0] or say("none"),
    asking.CHANNELS: _listed,
    asking.SHOWN: _listed,
}
