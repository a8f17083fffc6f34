"""Switches per agent and per tool: an operator makes the product stricter than policy, for a while.

"deny" refuses new proposals and every claim, "ask" has people asked even where policy or a grant would let a call pass, "allow" goes back to
what policy says. None loosens: what policy demands is changed by policies alone, and those take two people where they loosen.

Setting one takes the halts' lock alone, as an order does: when it returns, no later claim can miss it (docs/adr/0009).
"""

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from approvals import permissions
from approvals.errors import BadRequest, Conflict
from approvals.models import Switch, User
from approvals.operations import halts
from approvals.operations.notices import Hint, tell
from audit import log
from audit.log import Entry
from audit.sentences import say

ALLOW = "allow"
LONGEST = timedelta(days=366)


@transaction.atomic
def switch(*, scope: str, target: str, setting: str, reason: str, by: User, door: str, lasts: timedelta | None = None) -> Switch | None:
    """Set a switch, in the place of the one there was; `allow` only ends that. It ends by itself after `lasts`.

    Returns:
        The switch in force; None after "allow".

    Raises:
        NotAllowed: not an operator. BadRequest: unknown scope or setting, no name, no reason, no possible time.
        Conflict: "allow" where nothing is set.
    """
    who = permissions.standing(by)
    permissions.check_operate(who)
    reason = halts.check_reason(reason)
    _check(scope, target, setting, lasts)
    halts.nobody_decides()
    name = who.user.get_username()
    before = Switch.objects.filter(scope=scope, target=target, ended_at=None).first()
    over = before is not None and Switch.objects.filter(pk=before.pk, until__lte=Now()).exists()
    if before:
        Switch.objects.filter(pk=before.pk, ended_at=None).update(ended_at=Now(), ended_by_name=name, end_reason=reason)
    if setting == ALLOW:
        if before is None or over:
            raise Conflict(say("No switch is set there: policy alone decides already"))
        log.append(_entry(before, "switch.ended", who.user, door, reason))
        tell(Hint("agents", "switch", str(before.pk), "switch.ended"))
        return None
    until = Now() + lasts if lasts else None
    made = Switch.objects.create(
        scope=scope, target=target, setting=setting, reason=reason, by=who.user, by_name=name, door=door, until=until
    )
    made.refresh_from_db()
    replaced = {"instead_of": before.pk} if before and not over else {}
    log.append(_entry(made, "switch.set", who.user, door, reason, until=made.until.isoformat() if made.until else None, **replaced))
    tell(Hint("agents", "switch", str(made.pk), "switch.set"))
    return made


def _check(scope: str, target: str, setting: str, lasts: timedelta | None) -> None:
    if scope not in Switch.Scope.values:
        raise BadRequest(say("%(scope)s has no switch; choose agent or tool", scope=repr(scope[:40])))
    if setting not in {*Switch.Setting.values, ALLOW}:
        raise BadRequest(say("A switch says allow, ask or deny"))
    if not target or len(target) > halts.MAX_TARGET or not target.isprintable():
        raise BadRequest(say("Say which agent or tool, by its name"))
    if lasts is not None and (setting == ALLOW or not timedelta(0) < lasts <= LONGEST):
        raise BadRequest(say("A switch ends after some seconds and at most a year; going back to policy takes no time"))


def _entry(switch: Switch, kind: str, user: User, door: str, reason: str, **more: object) -> Entry:
    said = {"switch": switch.pk, "scope": str(switch.scope), "target": switch.target, "setting": str(switch.setting), "reason": reason}
    agent = switch.target if switch.scope == Switch.Scope.AGENT else ""
    return Entry(stream="switch", kind=kind, by=user.actor, door=door, agent=agent, data={**said, **more})
