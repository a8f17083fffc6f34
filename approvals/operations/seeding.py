"""Putting test actions among the real ones, and how often. `agents.operations.drilling` makes them out of real calls, `drills` ends them.

The log says whose doing it is: Countersign opened the action, never the agent; `drill.placed` says what is wrong with it, to
auditors and administrators.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest
from approvals.models import Action, Drill, DrillPlan, User
from approvals.operations import assessing, drills, opening, opinions, policies
from approvals.operations.notices import tell_action
from approvals.operations.proposals import Proposal
from approvals.operations.repeating import Earlier
from approvals.policy.risk import Assessment, assess
from approvals.queries import drills as drills_read
from approvals.queries.policies import rosters
from approvals.states import DrillKind, DrillState
from audit import log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import chain, say

LEAST_EVERY, MOST_EVERY, MOST_PER_DAY = 5, 1_000, 20
REST = timedelta(minutes=10)  # after a try that found no call to make one from


@transaction.atomic
def set_plan(*, group: str, active: bool, every: int, per_day: int, kinds: Sequence[str], by: User, door: str) -> DrillPlan:
    """Plan test actions for a group: about one for so many verdicts of its people, at most so many a day. Not active takes back what is open.

    Raises:
        NotAllowed: not an administrator. BadRequest: `fields` says what is wrong.
    """
    who = permissions.standing(by)
    permissions.check_plan_drills(who)
    _check(group, every, per_day, kinds)
    before = DrillPlan.objects.select_for_update().filter(group=group).first()
    chosen = sorted(dict.fromkeys(kinds))
    said = {"active": active, "every": every, "per_day": per_day, "kinds": chosen}
    if before and {name: getattr(before, name) for name in said} == said:
        return before
    fresh = {"gap": gap_of(every), "since": Now()} if before is None or (active and not before.active) or before.every != every else {}
    plan, _ = DrillPlan.objects.update_or_create(
        group=group, defaults={**said, **fresh, "not_before": Now(), "changed_by_name": who.user.get_username(), "changed_at": Now()}
    )
    log.append(_entry("drill.plan_changed", by=who.user.actor, door=door, group=group, **said))
    if not active:
        for action_id in Drill.objects.filter(group=group, state=DrillState.OPEN).values_list("action_id", flat=True):
            drills.take_back(action_id, by=who.user.actor, door=door)
    return plan


@transaction.atomic
def place(
    group: str, proposal: Proposal, *, kind: str, wrong: Sequence[Mapping[str, str]], based_on: UUID, since: datetime, door: str = "worker"
) -> Action | None:
    """Put a test action among the real ones. None when it would not be asked of this group, or another worker was faster.

    Args:
        proposal: as the agent would have made it, and wrong. wrong: where that shows ("path"), and what it is ("said").
        based_on: the real action it was made from. since: when the last one was placed, as the caller saw it.

    Raises:
        NotCanonical: the arguments have no canonical form.
    """
    plan = DrillPlan.objects.select_for_update().filter(group=group, active=True, since=since).first()
    if plan is None or Drill.objects.filter(group=group, state=DrillState.OPEN).exists():
        return None
    now, _, approvals_before, in_force, _, was, _ = assessing.look(proposal, "")
    policy = policies.known(in_force)
    facts = assessing.facts_of(proposal, policy, approvals_before, was)
    assessment = assess(policy.data, facts)
    if not asks(assessment, group):
        return None
    # The log names whose doing it is; the page shows the agent's name where it would stand.
    proposal = replace(proposal, by=SYSTEM, follows=None)
    action, requirement = opening.create(proposal, policy, facts, assessment, now, "", Earlier(), drill=drills_read.fresh_id())
    Drill.objects.create(action=action, group=group, kind=kind, wrong=[dict(w) for w in wrong], based_on=based_on)
    DrillPlan.objects.filter(pk=group).update(since=Now(), gap=gap_of(plan.every))
    placed = {"action": str(action.pk), "group": group, "template": kind, "wrong": [dict(w) for w in wrong], "based_on": str(based_on)}
    log.append(opening.opened_entry(action, requirement, proposal, door=door), _entry("drill.placed", by=SYSTEM, door=door, **placed))
    if opinions.asked_for(policy.data, assessment):
        opinions.want(action, policy.data, now=now)
    tell_action(action, "action.opened")
    return action


def put_off(group: str) -> None:
    """Nothing fitted: leave it for a while instead of looking every half minute."""
    DrillPlan.objects.filter(pk=group).update(not_before=Now() + REST)


def gap_of(every: int) -> int:
    """How many verdicts lie before the next one: anything from half to one and a half times what was planned."""
    return every // 2 + secrets.randbelow(every) + 1


def asks(assessment: Assessment, group: str) -> bool:
    """Whether policy puts such a call before this group, who could approve it."""
    rule = assessment.requirement
    return not assessment.denied and "approve" in rule.verdicts and any(n.group == group and n.stage == 1 for n in rule.need)


def _check(group: str, every: int, per_day: int, kinds: Sequence[str]) -> None:
    wrong: dict[str, str] = {}
    if not rosters().groups.get(group):
        wrong["group"] = say("Choose a group with people in it")
    if not LEAST_EVERY <= every <= MOST_EVERY:
        wrong["every"] = say("About one for so many verdicts: from %(least)d to %(most)d", least=LEAST_EVERY, most=MOST_EVERY)
    if not 1 <= per_day <= MOST_PER_DAY:
        wrong["per_day"] = say("At most so many a day: from 1 to %(most)d", most=MOST_PER_DAY)
    if not kinds or set(kinds) - {str(k) for k in DrillKind}:
        wrong["kinds"] = say("Choose at least one of %(kinds)s", kinds=", ".join(DrillKind))
    if wrong:
        raise BadRequest(chain("%(a)s. %(b)s", wrong.values()), fields=wrong)


def _entry(kind: str, *, by: Actor, door: str, **data: object) -> Entry:
    return Entry(stream="drill", kind=kind, by=by, door=door, data=data)
