"""Saying by which figures Countersign halts by itself. What it then counts and stops is in `agents.operations.auto_halts`."""

from django.db import transaction
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest
from approvals.models import HaltRule, User
from approvals.operations import halts
from approvals.operations.notices import Hint, tell
from approvals.queries.halt_rules import KINDS, WITH_SHARE, Rule, rule_for, rules
from audit import log
from audit.log import Entry
from audit.sentences import listed, say

LONGEST_S, SHORTEST_S = 86_400, 60
MOST = 10**15


@transaction.atomic
def set_rule(
    *, kind: str, agent: str = "", active: bool, most: int, share: int = 0, window_s: int, reason: str, by: User, door: str
) -> Rule:  # fmt: skip
    """Have a rule count from now on, for one agent or for all that have none of their own.

    Raises:
        NotAllowed: not an operator. BadRequest: no such rule, no possible figures, no reason.
    """
    who = permissions.standing(by)
    permissions.check_operate(who)
    reason = halts.check_reason(reason)
    _check(kind, agent, most, share, window_s)
    before = rule_for(rules(), kind, agent)
    figures = {"active": active, "most": most, "share": share if kind in WITH_SHARE else 0, "window_s": window_s}
    row, _new = HaltRule.objects.update_or_create(
        kind=kind, agent=agent, defaults={**figures, "reason": reason, "by_name": who.user.get_username(), "changed_at": Now()}
    )
    was = {name: getattr(before, name) for name in figures}
    data = {"rule": kind, "of": agent, **figures, "before": was, "reason": reason}
    log.append(Entry(stream="halt", kind="halt.rule_set", by=who.user.actor, door=door, agent=agent, data=data))
    tell(Hint("halts", "halt", f"rule:{row.pk}", "halt.rule_set"))
    return rule_for(rules(), kind, agent)


def _check(kind: str, agent: str, most: int, share: int, window_s: int) -> None:
    if kind not in KINDS:
        raise BadRequest(say("There is no rule %(kind)s; there are %(kinds)s", kind=repr(kind[:40]), kinds=listed(KINDS)))
    if len(agent) > halts.MAX_TARGET or not agent.isprintable():
        raise BadRequest(say("That is not the name of an agent"))
    if not 1 <= most <= MOST or not 0 <= share <= 100:
        raise BadRequest(say("A rule halts from at least 1 on, and a share is 0 to 100 percent"))
    if not SHORTEST_S <= window_s <= LONGEST_S:
        raise BadRequest(say("A rule looks back over at least a minute and at most a day"))
