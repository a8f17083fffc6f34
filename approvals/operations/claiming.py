"""T3: the executor's last question before it acts. No claim, no call."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

from django.db import connection, transaction

from approvals import envelopes
from approvals.covering import ACTION, stopped_since_sql
from approvals.envelopes import Envelope
from approvals.errors import ApprovalError, Conflict, Expired, Halted, Held, NotFound, Overtaken, SwitchedOff, Tampered
from approvals.models import Action, Requirement
from approvals.operations import events, halts, kept, on_record, policies, under_switch
from approvals.operations.clock import database_now
from approvals.operations.counting import counted, verdict_of
from approvals.operations.freezing import people_excluded
from approvals.operations.pending import locked
from approvals.operations.reopening import Anew, reopen
from approvals.policy.risk import assess
from approvals.states import ActionState, Verdict, word
from approvals.stricter import asks_more
from approvals.switched import by_people_sql, switched_sql
from audit import log
from audit.actors import SYSTEM
from audit.sentences import say

# Everything that must still be true is in the one statement that takes the action. `again` is a second
# claim of a tool declared idempotent, after a crash: it was in time once, so only a halt stops it.
_CLAIM = f"""
UPDATE approvals_action AS a SET claimed_at = clock_timestamp()
WHERE a.id = %(id)s AND NOT a.drill AND a.state = 'APPROVED' AND a.settled_at IS NULL AND a.digest = %(digest)s
  AND (a.hold_until IS NULL OR a.hold_until <= clock_timestamp())
  AND (%(again)s AND a.claimed_at IS NOT NULL OR a.claimed_at IS NULL AND a.claim_by > clock_timestamp())
  AND NOT {stopped_since_sql(**ACTION, versions="a.agent_version, %(version)s", moment="(CASE WHEN %(again)s THEN 'infinity' ELSE a.resolved_at END)")}
  AND NOT {switched_sql("deny", "a.agent", "a.tool")}
  AND (%(again)s OR NOT {switched_sql("ask", "a.agent", "a.tool")} OR {by_people_sql("a")})
RETURNING a.id
"""  # noqa: S608  names of ours only


@dataclass(frozen=True)
class Claim:
    """Leave to act once: the approved arguments, taken from the bytes that were digested."""

    action_id: UUID
    agent: str
    run: str
    tool: str
    tool_schema_sha256: str
    args: Any
    digest: str
    proposal_digest: str
    environment: str
    asked_for_sha256: str
    estimated_cost: float | None = None


class Reopened(Conflict):
    """What was approved would be asked differently today: it went back to the people. Nothing may run."""

    code = "reopened"


def claim(action_id: UUID, *, digest: str, again: bool = False, version: str = "") -> Claim:
    """Take an approved action for execution, inside the caller's transaction (which also marks the effect).

    Args:
        version: the version of the agent whose tool would run, beside the one that asked: an order for either stops it.

    Raises:
        Reopened: the policy became stricter or an approver lost standing; the caller commits and stops.
        Halted, Expired, Tampered, Conflict: it must not run (now, any more, or at all).
    """
    halts.hold_off()
    action, requirement = locked(action_id)
    if action.state == ActionState.APPROVED and action.settled_at:
        raise Conflict(say("This was claimed before and is over: what came of it is on record, and nothing is done again"))
    if action.state != ActionState.APPROVED:
        raise Conflict(say("The action is %(state)s, not approved", state=word(action.state)))
    envelope = envelopes.opened(action, requirement)
    if action.drill:
        raise Conflict(say("This is a test action: it never runs"))
    if digest != action.digest:
        raise Tampered(say("The effect was prepared for another version of this action"))
    if action.claimed_at and not again:  # whatever became of its approval since: it was used
        raise _why_not(action, version)
    if not again:
        _check_still_enough(action, requirement, envelope)
    # The hold is the approved one, whatever a column says: it is in the bytes that were digested.
    held = envelope.hold + envelope.execute_within
    if (
        action.claim_by is None
        or action.resolved_at is None
        or action.claim_by - action.resolved_at != held
        or not _hold_stands(action, envelope)
    ):
        raise Tampered(say("The time allowed for executing this was changed in the database. Nothing will run; tell an operator"))
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"id": action.pk, "digest": digest, "again": again, "version": version})
        taken = cursor.fetchone() is not None
    if not taken:
        _back_to_the_people(action, version, again=again)
        if not halts.covering(action, version):
            _switched(action, envelope, again=again)
        raise _why_not(action, version)
    return _leave(action, envelope)


def unclaim(action_id: UUID, *, digest: str, why: str, version: str = "", door: str = "worker") -> None:
    """Undo a claim that was certainly not used, inside the caller's transaction (which has taken the effect back): the approval is as it was.

    One that was given before a halt, released since, goes back to the people at once; under an order or a switch, the next claim says so.

    Raises:
        NotFound. Conflict: it is not claimed, or its outcome is known.
    """
    halts.hold_off()
    action, requirement = locked(action_id)
    unused = Action.objects.filter(pk=action.pk, state=ActionState.APPROVED, digest=digest, claimed_at__isnull=False, settled_at=None)
    if not unused.update(claimed_at=None):
        raise Conflict(say("The action changed while its claim was taken back"))
    action.claimed_at = None
    log.append(events.entry(action, "action.unclaimed", by=SYSTEM, door=door, requirement=requirement, why=why))
    if halts.voided(action, version) and not halts.covering(action, version):
        with suppress(Tampered):  # the next claim refuses it, and says so
            reopen(action, why=kept.BEFORE_A_HALT(), by=SYSTEM, door=door)


def approved(action_id: UUID) -> Claim:
    """What was approved and acted on, for whoever reverses it. Raises NotFound, Tampered."""
    action = Action.objects.filter(pk=action_id).first()
    if action is None:
        raise NotFound(say("There is no such action"))
    return claimed(action)


def given_again(action: Action) -> Claim:
    """The leave that was given before, for whoever lost the answer; under the lock of the halts and of the row.

    Raises:
        Overtaken: an order or a switch stops it now, or an order did since it was claimed. Tampered.
    """
    switch, _ = under_switch.at_claim(action.pk)
    if halts.covering(action) or halts.voided(action, since=action.claimed_at) or (switch and switch.denies):
        raise Overtaken(
            say("An operator has stopped this since it was claimed: do not begin it. If nothing was done yet, report it as failed")
        )
    return claimed(action)


def claimed(action: Action) -> Claim:
    """The leave that was given before, again; the caller knows to whom. Raises Tampered."""
    requirement = Requirement.objects.get(action=action, version=action.version)
    return _leave(action, envelopes.opened(action, requirement))


def _leave(action: Action, envelope: Envelope) -> Claim:
    return Claim(
        action_id=action.pk,
        agent=action.agent,
        run=action.run,
        tool=action.tool,
        tool_schema_sha256=envelope.data["tool"]["schema_sha256"],
        args=envelope.args,
        digest=action.digest,
        proposal_digest=action.proposal_digest,
        environment=envelope.facts.environment,
        asked_for_sha256=envelope.asked_for_sha256,
        estimated_cost=envelope.facts.estimated_cost,
    )


@transaction.atomic
def report_tampering(action_id: UUID, *, seen: str, door: str = "worker") -> None:
    """Put a refused execution on record: what is stored is not what people approved."""
    action = Action.objects.select_for_update().get(pk=action_id)
    requirement = Requirement.objects.filter(action=action, version=action.version).first()
    log.append(events.entry(action, "action.tampered", by=SYSTEM, door=door, requirement=requirement, seen=seen))


def _check_still_enough(action: Action, requirement: Requirement, envelope: Envelope) -> None:
    """The opposite check of reliability.md 2.7: not "does it need review?" again, only "did it become stricter?"."""
    policy, given = policies.in_force(), counted(action, envelope)
    if policy.sha256 != envelope.data["policy"]["sha256"]:
        now = assess(policy.data, envelope.facts)
        excluded = people_excluded(now, action.requested_by, action.owner, envelope.editors)
        held_for = database_now() - (action.resolved_at or database_now())
        more = asks_more(now, envelope, given, excluded=excluded, held_for=held_for)
        if more:
            _ask_again(action, kept.ASKS_MORE_OF(now=policy.version, then=requirement.policy, what=more))
    if verdict_of(action, envelope, given) is not Verdict.APPROVE:
        _ask_again(action, kept.NO_LONGER_ENOUGH())
    if on_record.unproved(action, envelope):
        _ask_again(action, kept.PROVE_MORE())


def _ask_again(action: Action, why: str, anew: Anew | None = None) -> NoReturn:
    reopen(action, why=why, by=SYSTEM, door="worker", anew=anew)
    raise Reopened(say("%(why)s. The action went back to the people", why=why))


def _hold_stands(action: Action, envelope: Envelope) -> bool:
    if not envelope.hold:
        return action.hold_until is None
    return action.resolved_at is not None and action.hold_until == action.resolved_at + envelope.hold


def _back_to_the_people(action: Action, version: str, *, again: bool) -> None:
    """What the claim refused because it was approved before a halt, released since, is asked again."""
    if not again and action.claimed_at is None and halts.voided(action, version):
        _ask_again(action, kept.BEFORE_A_HALT())


def _switched(action: Action, envelope: Envelope, *, again: bool) -> None:
    """A switch may be why: it denies, or has people asked about what nobody had looked at. Raises SwitchedOff, Reopened."""
    switch, by_people = under_switch.at_claim(action.pk)
    if switch and switch.denies:
        said = {"who": switch.who, "what": switch.target, "why": switch.why}
        raise SwitchedOff(say("%(who)s switched %(what)s off: %(why)s. It stays approved as long as the approval lasts", **said))
    if switch and not (by_people or again or action.claimed_at):
        policy = policies.in_force()
        assessment = under_switch.stricter(policy.data, assess(policy.data, envelope.facts), switch)
        _ask_again(action, switch.words, Anew(policy, envelope.facts, assessment))


def _why_not(action: Action, version: str) -> ApprovalError:
    if halts.covering(action, version):
        return Halted(say("An operator has halted this; it stays approved until the halt is released"))
    if action.hold_until and action.hold_until > database_now():
        return Held(say("The approval is held: it may still be taken back, and nothing runs before that is over"))
    if action.claimed_at:
        return Conflict(say("Another worker has claimed this"))
    if action.claim_by is None or action.claim_by <= database_now():
        return Expired(say("The approval ran out before a worker could act on it"))
    return Conflict(say("The action changed while it was being claimed"))
