"""Two requirements together: of each part the stricter one. Pure. `risk` joins what rules ask to what a level asks, and what was asked before."""

from collections.abc import Sequence

from approvals.policy.basics import NeedRule, RequirementRule
from approvals.policy.ruleset import Instead, Require
from approvals.policy.strictness import less_of


def stricter(asked: RequirementRule, more: Require | Instead | RequirementRule) -> RequirementRule:
    """Of each part that a rule may ask more of the stricter one."""
    verdicts = tuple(v for v in asked.verdicts if more.verdicts is None or v in more.verdicts)
    return asked.model_copy(
        update={
            "need": joined(asked.need, more.need or ()),
            "exclude": tuple(dict.fromkeys((*asked.exclude, *(more.exclude or ())))),
            "verdicts": verdicts or ("reject",),
            "reason_for": tuple(dict.fromkeys((*asked.reason_for, *(more.reason_for or ())))),
            "deadline_s": min(asked.deadline_s, more.deadline_s or asked.deadline_s),
            "execute_within_s": min(asked.execute_within_s, more.execute_within_s or asked.execute_within_s),
            "hold_s": max(asked.hold_s, more.hold_s or 0),
            "rejections": min(asked.rejections, more.rejections or asked.rejections),
            "may_edit": asked.may_edit and more.may_edit is not False,
            "at_deadline": "stop_run" if more.at_deadline == "stop_run" else asked.at_deadline,
        }
    )


def nothing_less(asked: RequirementRule, before: RequirementRule) -> RequirementRule:
    """What is asked and what was asked before, with nobody let in who was not: no stand-in, no stair, no putting off, no Slack that is new."""
    extend = asked.extend if not less_of("extend", before.extend, asked.extend) else before.extend
    groups = {rung.to for rung in before.escalate}
    return stricter(asked, before).model_copy(
        update={
            "delegates": tuple(group for group in asked.delegates if group in before.delegates),
            "escalate": tuple(rung for rung in asked.escalate if rung.to in groups),
            "extend": extend,
            "tell": tuple(way for way in asked.tell if way != "slack" or way in before.tell),
        }
    )


def joined(one: Sequence[NeedRule], other: Sequence[NeedRule]) -> tuple[NeedRule, ...]:
    """Both: every group of either in each stage, with the larger count. Stages that would be empty close up."""
    counts: dict[tuple[str, int], int] = {}
    for need in (*one, *other):
        place = (need.group, need.stage)
        counts[place] = max(need.count, counts.get(place, 0))
    order = sorted({stage for _, stage in counts})
    return tuple(NeedRule(group=group, count=count, stage=order.index(stage) + 1) for (group, stage), count in counts.items())
