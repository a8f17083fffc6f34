"""Whether the policy in force asks for more than an approval was given under (reliability.md sections 1 and 2.7). Pure.

Asked at the claim, only of what was approved under another policy. It never decides again whether people are needed: what they
said stands, or goes back to them.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta

from approvals.envelopes import Envelope
from approvals.policy.basics import Level
from approvals.policy.replay import summed
from approvals.policy.risk import Assessment
from approvals.resolution import Vote
from approvals.states import Verdict


def asks_more(now: Assessment, then: Envelope, given: Sequence[Vote], *, excluded: Collection[str], held_for: timedelta) -> str:
    """What is asked today that was not given then, in words; "" when the approval would be enough today.

    Args:
        now: the frozen facts assessed under the policy in force.
        given: the votes that count, oldest first.
        excluded: the persons who can never count under the policy in force.
        held_for: how long ago the approval was given: so long it could be taken back, whatever hold was promised then.
    """
    rule = now.requirement
    if now.denied or "approve" not in rule.verdicts:
        return "it is not to be approved at all"
    if now.level.rank > Level(then.data["risk"]["level"]).rank:
        return f"the level is {now.level}"
    before = dict(summed((n.group, n.count) for n in then.needs))
    if any(count > before.get(group, 0) for group, count in summed((n.group, n.count) for n in rule.need)):
        return "more people are needed"
    if max((n.stage for n in rule.need), default=1) > then.stages:
        return "the groups are asked in turn"
    if any(v.person in excluded or v.instead_of in excluded for v in given):
        return "somebody who approved is excluded"
    if sum(v.verdict is Verdict.REJECT for v in given) >= rule.rejections:
        return "fewer rejections end it"
    if any(v.instead_of for v in given) and not then.delegates <= set(rule.delegates):
        return "fewer people may stand in for others"
    if not set(then.escalated(len(then.moments))) <= {rung.to for rung in rule.escalate}:
        return "fewer groups may fill empty places"
    if rule.need and "approve" in rule.reason_for and "approve" not in then.reason_for:
        return "a reason is needed"
    if rule.need and rule.hold_s > then.hold.total_seconds() and held_for.total_seconds() < rule.hold_s:
        return f"it is held for {rule.hold_s} s"
    return ""
