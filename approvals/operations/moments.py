"""What the clock does on the way to a deadline: reminds whoever is asked, and asks others as well. Each moment once, by the sweeper.

The moments are frozen in the envelope; the row counts how many have passed, in the UPDATE that also guards against doing one twice.
"""

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from approvals import envelopes
from approvals.covering import stopped
from approvals.entitling import turn_of
from approvals.envelopes import Envelope
from approvals.errors import Tampered
from approvals.models import Action, Requirement
from approvals.operations import events, policies
from approvals.operations.clock import database_now
from approvals.operations.notices import tell_action
from approvals.operations.staging import turn_words
from approvals.operations.telling import people_asked, tell_people
from approvals.policy.basics import Level
from approvals.policy.times import ESCALATE, Moment, put_off
from approvals.states import ActionState
from audit import log
from audit.actors import SYSTEM
from audit.log import Entry

# Asked first, by hand: most sweeps find nothing.
_DUE = """
SELECT EXISTS (SELECT 1 FROM approvals_action WHERE state = 'PENDING' AND next_at <= statement_timestamp())
    OR EXISTS (SELECT 1 FROM approvals_action WHERE reserved_until <= statement_timestamp())
    OR EXISTS (SELECT 1 FROM approvals_opinion WHERE state = 'WANTED' AND until <= statement_timestamp())
    OR EXISTS (SELECT 1 FROM approvals_snooze WHERE until <= statement_timestamp())
    OR EXISTS (SELECT 1 FROM approvals_absence WHERE ended_at IS NULL AND until <= statement_timestamp())
"""


def anything_due() -> bool:
    """Whether the clock has something to do for the desks: a moment, a reservation, an opinion, a snooze or an absence that is over."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE)
        found: bool = cursor.fetchone()[0]
    return found


def pass_due(*, limit: int = 200) -> int:
    """Do what is due. What is halted is left alone until it is released. Returns for how many actions something came."""
    due = Action.objects.filter(state=ActionState.PENDING, next_at__lte=Now(), expires_at__gt=Now()).exclude(stopped())
    return sum(_pass(pk) for pk in list(due.order_by("next_at").values_list("pk", flat=True)[:limit]))


@transaction.atomic
def _pass(pk: UUID) -> bool:
    due = Action.objects.select_for_update(skip_locked=True).filter(pk=pk, state=ActionState.PENDING, next_at__lte=Now())
    action = due.first()
    requirement = Requirement.objects.filter(action=pk, version=action.version).first() if action else None
    if action is None or requirement is None:
        return False
    try:
        envelope = envelopes.opened(action, requirement)
    except Tampered:
        Action.objects.filter(pk=pk).update(next_at=None)  # its page says so; nobody is asked to decide it
        return False
    moments, now, since = moments_of(action, envelope), database_now(), action.next_at or action.created_at
    first = action.passed
    action.passed += sum(m.at <= now for m in moments[first:])
    # Of those that had come before the deadline was put off, reminders come again; nobody is asked twice for the same place.
    come = [m for n, m in enumerate(moments) if m.at <= now and (n >= first or (m.kind != ESCALATE and m.at >= since))]
    action.next_at = next_of(action, moments, now)
    action.turn = turn_words(turn_of(envelope, stage=action.stage, passed=action.passed))
    done = Action.objects.filter(pk=pk, passed=first, version=action.version, state=ActionState.PENDING)
    if not done.update(passed=action.passed, next_at=action.next_at, turn=action.turn):
        return False
    log.append(*_entries(action, requirement, envelope, come))
    tell_action(action, "action.escalated" if any(m.kind == ESCALATE for m in come) else "action.reminded")
    return True


def moments_of(action: Action, envelope: Envelope) -> list[Moment]:
    """What the clock does until the deadline as it is now: put off, the same parts of a longer time."""
    quiet = policies.in_force().data.quiet if action.extended_s else None
    quiet = quiet if quiet and Level(action.level) in quiet.levels else None
    began = datetime.fromisoformat(envelope.data["created_at"])
    return put_off(envelope.moments, began=began, was=envelope.expires_at, until=action.expires_at, quiet=quiet, hours=envelope.hours)


def next_of(action: Action, moments: list[Moment], now: datetime) -> datetime | None:
    """When the next one comes, where `action.passed` have."""
    return min((m.at for n, m in enumerate(moments) if n >= action.passed or (m.kind != ESCALATE and m.at > now)), default=None)


def _entries(action: Action, requirement: Requirement, envelope: Envelope, come: list[Moment]) -> list[Entry]:
    """Tell people, and what is recorded of it. Of several reminders that are late, only the last is sent."""
    reminders = [m for m in come if m.kind != ESCALATE]
    entries = []
    for moment in come:
        if moment.kind == ESCALATE:
            told = tell_people(people_asked(action, envelope, groups=[moment.what]), action, "action.escalated")
            said = {"to": moment.what, "told": told}
            entries.append(events.entry(action, "action.escalated", by=SYSTEM, door="beat", requirement=requirement, **said))
        elif moment is reminders[-1]:
            told = tell_people(_reminded(action, envelope), action, f"action.reminded:{moment.what}")
            said = {"after": moment.what, "told": told}
            entries.append(events.entry(action, "action.reminded", by=SYSTEM, door="beat", requirement=requirement, **said))
    return entries


def _reminded(action: Action, envelope: Envelope) -> list[int]:
    """Whoever has it reserved; otherwise everybody who is asked."""
    asked = people_asked(action, envelope)
    return [action.reserved_by_id] if action.reserved_by_id in asked else asked
