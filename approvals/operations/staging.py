"""Whose turn it is: a requirement of several stages asks one after the other, and what the clock will do is laid out when it is asked.

The columns written here are for lists and the sweeper. What counts is computed from the envelope and the votes.
"""

from approvals.entitling import turn_of
from approvals.envelopes import Envelope
from approvals.models import Action, Decision, Requirement
from approvals.operations import events
from approvals.operations.counting import votes
from approvals.operations.telling import people_asked, tell_people
from approvals.resolution import open_stage
from audit import log
from audit.actors import Actor

LAID_OUT = (
    "stage",
    "stages",
    "turn",
    "passed",
    "next_at",
    "extended_s",
    "reserved_by_id",
    "reserved_for_id",
    "reserved_until",
    "customer",
    "moved_by",
    "delegates",
    "apart",
)

RESERVATION = ("reserved_by", "reserved_for", "reserved_until")


def lay_out(action: Action, envelope: Envelope) -> None:
    """Begin a version at its first stage and its first moment (unsaved). Who had it reserved has to look anew."""
    action.stage, action.stages, action.passed, action.extended_s = 1, envelope.stages, 0, 0
    action.turn = turn_words(turn_of(envelope, stage=1, passed=0))
    moments = envelope.moments
    action.next_at = moments[0].at if moments else None
    action.reserved_by_id = action.reserved_for_id = action.reserved_until = None
    action.moved_by = []
    action.delegates, action.apart = sorted(envelope.delegates), sorted(envelope.excluded - envelope.editors)


def turn_words(groups: frozenset[str]) -> str:
    """Groups as the column holds them: found by a part of the text, whatever their names are."""
    return "".join(f"|{group}" for group in sorted(groups)) + "|" if groups else ""


def stage_of(action: Action, envelope: Envelope, mine: Decision | None = None) -> int:
    """The stage that is open; for somebody who has decided this version, the one they decided. One stage needs no statement."""
    if envelope.stages == 1:
        return 1
    if mine and mine.version == action.version:
        return mine.stage
    return _open(action, envelope)


def move_on(action: Action, requirement: Requirement, envelope: Envelope, *, by: Actor, door: str) -> bool:
    """When another stage is open than was (a vote completed it; whoever gave one counts no more), ask its people. Under the caller's row lock.
    Returns whether one is."""
    now_open = _open(action, envelope)
    if now_open == action.stage:
        return False
    before, action.stage = action.stage, now_open
    turn = turn_of(envelope, stage=now_open, passed=action.passed)
    action.turn = turn_words(turn)
    # Whoever had it reserved did so for the stage before.
    action.reserved_by_id = action.reserved_for_id = action.reserved_until = None
    action.save(update_fields=["stage", "turn", *RESERVATION])
    said = {"stage": now_open, "stages": envelope.stages, "before": before, "turn": sorted(turn)}
    log.append(events.entry(action, "action.stage_opened", by=by, door=door, requirement=requirement, **said))
    tell_people(people_asked(action, envelope), action, "action.your_turn")
    return True


def hand_over(action: Action, decision: Decision) -> None:
    """Whoever had it reserved and has decided is on it no more: it waits for somebody else. Under the caller's row lock.

    Whoever decided in somebody's stead holds it by that right, which a repetition of their request is held against.
    """
    if action.reserved_by_id and action.reserved_by_id == decision.by_id and not decision.instead_of_id:
        action.reserved_by_id = action.reserved_for_id = action.reserved_until = None
        action.save(update_fields=RESERVATION)


def _open(action: Action, envelope: Envelope) -> int:
    return open_stage(envelope.needs, votes(action, envelope), escalated=envelope.escalated(action.passed))
