"""Putting an action out of one's own sight for a while. It waits on for everybody else, and its deadline does not move."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from approvals import entitling, permissions
from approvals.errors import BadRequest, Conflict
from approvals.models import Action, Snooze, User
from approvals.operations import events, kept, staging
from approvals.operations.clock import database_now
from approvals.operations.pending import locked
from approvals.operations.reserving import pending
from approvals.operations.telling import tell_people
from approvals.states import ActionState
from audit import log
from audit.actors import SYSTEM
from audit.sentences import say

LONGEST = timedelta(days=7)


@transaction.atomic
def snooze(action_id: Any, *, by: User, seconds: int, door: str) -> Snooze:
    """Hide it from this person's inbox for so long; again for another time.

    Raises:
        BadRequest: no time, more than a week, or longer than it can wait: then it would never come back.
        NotAllowed: it is nothing of theirs: they are neither asked in any stage nor stand in for somebody who is.
    """
    if not 60 <= seconds <= LONGEST.total_seconds():
        raise BadRequest(say("Snooze for a minute at least and a week at most"))
    action, requirement, envelope = pending(action_id)
    who = permissions.standing(by)
    entitling.check_concerned(who, action, envelope, stage=staging.stage_of(action, envelope))
    until = database_now() + timedelta(seconds=seconds)
    if until >= action.expires_at:
        raise BadRequest(say("It runs out before that: snooze it for a shorter time, or extend it first"))
    row, _ = Snooze.objects.update_or_create(user=who.user, action=action, defaults={"until": until})
    log.append(events.entry(action, "action.snoozed", by=who.user.actor, door=door, requirement=requirement, until=until.isoformat()))
    return row


@transaction.atomic
def unsnooze(action_id: Any, *, by: User, door: str) -> None:
    """Back at once. Raises Conflict when it was not snoozed."""
    action, _ = locked(action_id)  # before its snooze, here and everywhere: its events are written by one at a time
    if not Snooze.objects.filter(user=by, action=action).delete()[0]:
        raise Conflict(say("You have not snoozed this"))
    log.append(events.entry(action, "action.unsnoozed", by=by.actor, door=door, why=kept.TAKEN_BACK()))


def end(action: Action, *, door: str) -> None:
    """A new version is not what somebody put aside, and may run out sooner: it is back at once. Under the caller's row lock."""
    rows = list(Snooze.objects.select_related("user").filter(action=action))
    for row in rows:  # nobody takes one away without the lock that we hold
        row.delete()
        log.append(events.entry(action, "action.unsnoozed", by=SYSTEM, door=door, why=kept.ASKED_ANEW(), person=row.user.get_username()))
    if rows:
        tell_people([row.user_id for row in rows], action, "action.back")


def wake_due(*, limit: int = 200) -> int:
    """Sweeper: what was snoozed until now is back, and its person is told when it still waits. Returns how many."""
    due = list(Snooze.objects.filter(until__lte=Now()).order_by("until").values_list("pk", "action")[:limit])
    return sum(_wake(pk, action_id) for pk, action_id in due)


@transaction.atomic
def _wake(pk: int, action_id: Any) -> bool:
    action = Action.objects.select_for_update(skip_locked=True).filter(pk=action_id).first()
    if action is None:
        return False  # somebody is at it: the next tick
    row = Snooze.objects.select_related("user").filter(pk=pk, until__lte=Now()).first()
    if row is None:
        return False  # taken back meanwhile, or put aside for longer
    row.delete()
    if action.state == ActionState.PENDING:
        log.append(events.entry(action, "action.unsnoozed", by=SYSTEM, door="beat", why=kept.TIME_IS_UP(), person=row.user.get_username()))
        tell_people([row.user_id], action, "action.back")
    return True
