"""Actions of agents that act themselves, outside of any run of ours: proposed once, claimed once, and what came of it (docs/adr/0032).

1. `propose`: T1 under the caller's own id: the same id is the same action.
2. People decide, as ever.
3. `claim`: T3. The very checks of our executor; whoever has not claimed has no leave to act, whatever an action's state says.
4. `report`: T4. What the caller says came of it becomes the settled fact. `give_up` ends what nobody ever reported.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from approvals.errors import ApprovalError, BadRequest, Conflict, Moved, NotFound, Tampered
from approvals.models import Action, OutsideClaim
from approvals.operations import claiming, events, halts, kept
from approvals.operations.claiming import Claim, Reopened, report_tampering
from approvals.operations.halts import check_reason
from approvals.operations.notices import tell_action
from approvals.operations.opening import open_action
from approvals.operations.proposals import Proposal
from approvals.operations.settling import close, settle
from approvals.states import ActionState, word
from audit import canonical, log
from audit.actors import Actor
from audit.sentences import say

DONE, FAILED, UNKNOWN = "done", "failed", "unknown"
REPORTED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Proposed:
    """What came of a proposal: the action, and whether it was opened just now."""

    action: Action
    created: bool


@dataclass(frozen=True)
class Among:
    """Of the proposer's ids that begin so, how many it knows of: something new is opened only where there are no others."""

    begin: str
    known: int


@transaction.atomic
def propose(proposal: Proposal, *, among: Among | None = None, door: str = "api") -> Proposed:
    """Open an action under the proposer's own id, or give the one it has.

    Raises:
        Conflict: this id was used for something else. Moved: others than `among` says were proposed.
        NotCanonical: see `open_action`.
    """
    # Two requests with one id at one moment: the second waits and finds the first one's action. So do two of one beginning, in this order.
    for locked in (*([among.begin] if among else []), proposal.interrupt_id):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 14))", [f"{proposal.thread} {locked}"])
    if before := proposed(thread=proposal.thread, key=proposal.interrupt_id, digest=proposal.proposal_digest):
        return before
    if among and _count(proposal.thread, among.begin) != among.known:
        raise Moved(say("Others were proposed meanwhile under ids that begin so: look at what is known now"))
    return Proposed(open_action(proposal, door=door), created=True)


def _count(thread: str, begin: str) -> int:
    return Action.objects.filter(thread=thread, run="", interrupt_id__startswith=begin, index=0).count()


def proposed(*, thread: str, key: str, digest: str) -> Proposed | None:
    """What was proposed under this id before, whatever its agent's declarations say by now. Raises Conflict: that was something else."""
    found = Action.objects.filter(thread=thread, checkpoint_ns="", interrupt_id=key, index=0).first()
    if found is not None and found.proposal_digest != digest:
        raise Conflict(say("This key was used for another proposal before; use a new key for a new proposal"), action=str(found.pk))
    return Proposed(found, created=False) if found else None


def claim(action_id: UUID, *, agent: str, key_id: int, claim_key: str, by: Actor, door: str = "api") -> Claim:
    """Leave to act on an approved action, once. The same `claim_key` (not empty) from the same key is the same claim.

    Raises:
        NotFound: no such action of this agent. Conflict: it belongs to a run, is not approved, or was claimed already.
        Reopened, Halted, Held, Expired, Tampered: as for our executor; it must not be done (now, any more, or at all). Overtaken: nor on leave that was given before.
    """
    try:
        with transaction.atomic():
            taken = _claim(action_id, agent=agent, key_id=key_id, claim_key=claim_key, by=by, door=door)
    except Tampered as error:
        report_tampering(action_id, seen=error.message, door=door)
        raise
    if isinstance(taken, ApprovalError):
        raise taken  # its new version is written by now
    return taken


def _claim(action_id: UUID, *, agent: str, key_id: int, claim_key: str, by: Actor, door: str) -> Claim | Reopened:
    halts.hold_off()  # before the row, as `claiming.claim` takes them
    action = _own(action_id, agent, lock=True)
    before = OutsideClaim.objects.filter(action=action).first()
    if before and action.settled_at is None and claim_key and (before.claim_key, before.api_key_id) == (claim_key, key_id):
        return claiming.given_again(action)
    try:
        taken = claiming.claim(action.pk, digest=action.digest)
    except Reopened as reopened:
        return reopened
    OutsideClaim.objects.create(action=action, api_key_id=key_id, claim_key=claim_key, digest=taken.digest)
    log.append(events.entry(action, "action.claimed", by=by, door=door, key=key_id))
    tell_action(action, "action.claimed")
    return taken


@transaction.atomic
def report(action_id: UUID, *, agent: str, status: str, result: Any, reason: str, by: Actor, door: str = "api") -> Action:
    """What came of a claimed action, as the caller says it. The same report again changes nothing.

    Raises:
        NotFound. BadRequest: unknown status. Conflict: not claimed, or something else was reported before.
    """
    if status not in {DONE, FAILED, UNKNOWN}:
        raise BadRequest(say("An outcome is done, failed or unknown"))
    action = _own(action_id, agent, lock=True)
    if not OutsideClaim.objects.filter(action=action).exists():
        raise Conflict(say("Claim it before you act: nothing can be reported of an action that was not claimed"))
    outcome = canonical.storable({"status": status, "result": result if status == DONE else None, "reason": reason, "reported": True})
    if action.settled_at:
        if action.outcome == outcome:
            return action
        raise Conflict(say("Its outcome is on record already, and does not change"))
    settle(action.pk, outcome, by=by, door=door)
    action.refresh_from_db()
    return action


@transaction.atomic
def withdraw(action_id: UUID, *, agent: str, reason: str, by: Actor, door: str = "api") -> Action:
    """The agent no longer wants it; withdrawn again, it stays so. Raises NotFound, BadRequest without a reason, Conflict when it is too late."""
    action = _own(action_id, agent)
    if action.state == ActionState.CANCELLED and (action.resolution or {}).get("by") == by.name:
        return action
    if not close(action.pk, ActionState.CANCELLED, reason=check_reason(reason), by=by, door=door):
        action.refresh_from_db()
        raise Conflict(say("It cannot be withdrawn any more: it is %(state)s", state=word(action.state)), state=str(action.state))
    action.refresh_from_db()
    return action


def give_up(*, limit: int = 200) -> int:
    """Settle what was claimed a day ago and never reported: nobody knows whether it was done. Returns how many."""
    old = OutsideClaim.objects.filter(created_at__lt=Now() - REPORTED_WITHIN, action__settled_at=None).order_by("created_at")
    ids = list(old.values_list("action_id", flat=True)[:limit])
    return sum(settle(pk, {"status": UNKNOWN, "result": None, "reason": kept.NEVER_REPORTED()}, door="beat") for pk in ids)


def _own(action_id: UUID, agent: str, *, lock: bool = False) -> Action:
    """An action this agent proposed from outside. Raises NotFound; Conflict for one of a run, which is executed here."""
    rows = Action.objects.select_for_update() if lock else Action.objects
    action = rows.filter(pk=action_id, agent=agent, drill=False).first()
    if action is None:
        raise NotFound(say("There is no such action of this agent"))
    if action.run:
        raise Conflict(say("This action belongs to a run: it is executed here, and its run is told"))
    return action
