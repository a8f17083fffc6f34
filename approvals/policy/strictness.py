"""Whether one requirement asks for less than another, field by field. Pure.

Sound before it is clever: "" is said only of what provably asks as much or more. `comparing` asks it of policies, `replay` of past calls.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from approvals.policy.basics import ExtendRule, NeedRule, RequirementRule, Rung, verdict_said
from approvals.policy.ruleset import Require
from audit.sentences import Frozen

# How long people have belongs to a level: whatever rises gets the time of where it rises to.
OF_TIME = frozenset({"deadline_s", "execute_within_s", "extend", "calendar"})

FEWER_PEOPLE = Frozen("asks fewer people")
NO_LONGER_EXCLUDES = Frozen("no longer excludes the %(who)s")
ALSO_ALLOWS = Frozen("also allows %(verdicts)s", parts=["verdicts"])
NO_REASON = Frozen("no longer asks a reason to %(verdicts)s", parts=["verdicts"])
WAITS = Frozen("waits %(n)d seconds for people instead of %(before)d")
LEAVES = Frozen("leaves an approval %(n)d seconds to be used instead of %(before)d")
HOLDS = Frozen("holds %(n)d seconds instead of %(before)d")
OTHER_ORDER = Frozen("asks in another order")
REJECTIONS = Frozen("needs %(n)d rejections to end it instead of %(before)d")
ESCALATES = Frozen("escalates to %(groups)s, who may then decide")
STAND_IN = Frozen("lets people of %(groups)s stand in")
CALENDAR = Frozen("counts time by the calendar %(calendar)s")
PUT_OFF = Frozen("lets %(groups)s put the deadline off by %(n)d seconds")
NO_WAY_TO_REJECT = Frozen("leaves people no way to reject")
EDITS = Frozen("lets people edit the arguments")
TELLS = Frozen("tells of it in Slack")
RUNS_ON = Frozen("lets the run go on when nobody decides in time")
ANOTHER = Frozen("has another %(what)s")


def less(old: RequirementRule, new: RequirementRule, *, but: frozenset[str] = frozenset()) -> Iterator[str]:
    """What the new one asks less of, a sentence's end each."""
    for name in RequirementRule.model_fields:
        if name not in but and (said := less_of(name, getattr(old, name), getattr(new, name))):
            yield said


def less_of(name: str, old: Any, new: Any) -> str:
    """What is less in this field; a field this module does not know is less when it is different."""
    known = _LESS.get(name)
    if known is None:
        return ANOTHER(what=name) if old != new else ""
    return known(old, new)


def requires_as_much(old: Require | None, new: Require | None) -> bool:
    """Whether what is asked on top is at least as much, part by part."""
    if old is None:
        return True
    if new is None:
        return False
    counts = {(n.group, n.stage): n.count for n in new.need}
    return (
        all(counts.get((n.group, n.stage), 0) >= n.count for n in old.need)
        and _no_later(old.rejections, new.rejections)
        and set(old.exclude) <= set(new.exclude)
        and set(old.reason_for) <= set(new.reason_for)
        and _within(old.verdicts, new.verdicts)
        and _no_later(old.deadline_s, new.deadline_s)
        and _no_later(old.execute_within_s, new.execute_within_s)
        and (new.hold_s or 0) >= (old.hold_s or 0)
        and (old.may_edit is not False or new.may_edit is False)
        and (old.at_deadline != "stop_run" or new.at_deadline == "stop_run")
    )


def _within(old: Sequence[str] | None, new: Sequence[str] | None) -> bool:
    return old is None or (new is not None and set(new) <= set(old))


def _no_later(old: int | None, new: int | None) -> bool:
    return old is None or (new is not None and new <= old)


def _people(old: Sequence[NeedRule], new: Sequence[NeedRule]) -> str:
    """Place by place: people of a group in another stage are not provably as many, as rules join needs by stage."""
    there = {(n.group, n.stage): n.count for n in new}
    if all(there.get((n.group, n.stage), 0) >= n.count for n in old):
        return ""
    sums = [{g: sum(n.count for n in need if n.group == g) for g in {n.group for n in need}} for need in (old, new)]
    return FEWER_PEOPLE() if any(sums[1].get(group, 0) < count for group, count in sums[0].items()) else OTHER_ORDER()


def _excluded(old: Sequence[str], new: Sequence[str]) -> str:
    gone = sorted(set(old) - set(new))
    return NO_LONGER_EXCLUDES(who=" and the ".join(gone)) if gone else ""


def _verdicts(old: Sequence[str], new: Sequence[str]) -> str:
    if more := sorted(set(new) - set(old)):
        return ALSO_ALLOWS(verdicts=", ".join(map(verdict_said, more)))
    return NO_WAY_TO_REJECT() if "reject" in old and "reject" not in new else ""


def _reasons(old: Sequence[str], new: Sequence[str]) -> str:
    gone = sorted(set(old) - set(new))
    return NO_REASON(verdicts=", ".join(map(verdict_said, gone))) if gone else ""


def _escalates(old: Sequence[Rung], new: Sequence[Rung]) -> str:
    more = sorted({r.to for r in new if r not in old})
    return ESCALATES(groups=", ".join(more)) if more else ""


def _delegates(old: Sequence[str], new: Sequence[str]) -> str:
    more = sorted(set(new) - set(old))
    return STAND_IN(groups=", ".join(more)) if more else ""


def _extends(old: ExtendRule | None, new: ExtendRule | None) -> str:
    if new is None or (old is not None and new.at_most_s <= old.at_most_s and set(new.by) <= set(old.by)):
        return ""
    return PUT_OFF(groups=", ".join(new.by), n=new.at_most_s)


_LESS: dict[str, Callable[[Any, Any], str]] = {
    "need": _people,
    "exclude": _excluded,
    "verdicts": _verdicts,
    "reason_for": _reasons,
    "deadline_s": lambda old, new: WAITS(n=new, before=old) if new > old else "",
    "execute_within_s": lambda old, new: LEAVES(n=new, before=old) if new > old else "",
    "hold_s": lambda old, new: HOLDS(n=new, before=old) if new < old else "",
    "rejections": lambda old, new: REJECTIONS(n=new, before=old) if new > old else "",
    "remind": lambda old, new: "",  # whoever is not reminded is asked all the same
    "escalate": _escalates,
    "extend": _extends,
    "delegates": _delegates,
    "may_edit": lambda old, new: EDITS() if new and not old else "",
    "tell": lambda old, new: (
        TELLS() if "slack" in new and "slack" not in old else ""
    ),  # what leaves the house; who is not told is asked all the same
    "at_deadline": lambda old, new: RUNS_ON() if old == "stop_run" != new else "",
    "calendar": lambda old, new: CALENDAR(calendar=new) if new and new != old else "",
}
