"""Whether the policy in force asks for more than an approval was given under (reliability.md sections 1 and 2.7). Pure.

Asked at the claim, only of what was approved under another policy. It never decides again whether people are needed: what they
said stands, or goes back to them. `policy.strictness` compares requirements field by field; here only those fields count that still
matter once people have voted, and what the votes themselves make of them.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta

from approvals.envelopes import Envelope
from approvals.policy.basics import Level
from approvals.policy.replay import summed
from approvals.policy.risk import Assessment
from approvals.policy.strictness import less_of
from approvals.resolution import Vote
from approvals.states import Verdict
from audit.sentences import Frozen

# What is asked today, as the log keeps it.
NOT_AT_ALL = Frozen("it is not to be approved at all")
LEVEL_IS = Frozen("the level is %(level)s", parts=["level"])
MORE_PEOPLE = Frozen("more people are needed")
IN_TURN = Frozen("the groups are asked in turn")
EXCLUDED = Frozen("somebody who approved is excluded")
FEWER_REJECTIONS = Frozen("fewer rejections end it")
FEWER_STAND_IN = Frozen("fewer people may stand in for others")
FEWER_GROUPS = Frozen("fewer groups may fill empty places")
A_REASON = Frozen("a reason is needed")
HELD = Frozen("it is held for %(n)d s")


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
        return NOT_AT_ALL()
    if now.level.rank > Level(then.data["risk"]["level"]).rank:
        return LEVEL_IS(level=now.level.said)
    if less_of("need", rule.need, then.needs):
        sums = [dict(summed((n.group, n.count) for n in need)) for need in (rule.need, then.needs)]
        return MORE_PEOPLE() if any(count > sums[1].get(group, 0) for group, count in sums[0].items()) else IN_TURN()
    if any(v.person in excluded or v.instead_of in excluded for v in given):
        return EXCLUDED()
    if sum(v.verdict is Verdict.REJECT for v in given) >= rule.rejections:
        return FEWER_REJECTIONS()
    if any(v.instead_of for v in given) and less_of("delegates", rule.delegates, then.delegates):
        return FEWER_STAND_IN()
    if not set(then.escalated(len(then.moments))) <= {rung.to for rung in rule.escalate}:
        return FEWER_GROUPS()
    if rule.need and "approve" in rule.reason_for and "approve" not in then.reason_for:
        return A_REASON()
    if rule.need and rule.hold_s > then.hold.total_seconds() and held_for.total_seconds() < rule.hold_s:
        return HELD(n=rule.hold_s)
    return ""
