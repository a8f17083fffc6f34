"""T2: one person's verdict on the version they saw, and what the verdicts add up to."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from approvals import envelopes, permissions, standing_in
from approvals.entitling import Leave
from approvals.envelopes import Envelope
from approvals.errors import AlreadyDecided, Conflict
from approvals.models import Action, Decision, Requirement, User
from approvals.operations import drills, halts, staging, step_up, viewing
from approvals.operations.counting import counted, saying, verdict_of
from approvals.operations.notices import tell_action
from approvals.operations.pending import check_open, locked, receipt
from approvals.operations.resolving import conclude, recorded_entry
from approvals.operations.step_up import NO_PROOF, Proof
from approvals.operations.verdicts import NOTHING, Also, check_verdict, check_words, details_of, meant
from approvals.permissions import Standing
from approvals.states import ActionState, Verdict, word
from audit import log, rows
from audit.sentences import say

_ANY = "SELECT * FROM approvals_decision WHERE action_id = %s AND %s IN (person, instead_of_person) LIMIT 1"


@dataclass(frozen=True)
class Decided:
    """What came of a decision.

    Attributes:
        resolved: True when it settled the question; False when more people are needed.
        replayed: True when this very decision had been recorded before (a repeated request).
    """

    action: Action
    decision: Decision
    resolved: bool
    replayed: bool = False

    @property
    def too_late(self) -> bool:
        """Whether it ended without anybody's verdict: a repeated decision on what was withdrawn, or ran out."""
        return self.resolved and not (self.action.resolution or {}).get("verdict")

    @property
    def verdict(self) -> str:
        """What it came to: others' words may have ended it otherwise. Of what was closed without a verdict, one's own."""
        return str((self.resolved and (self.action.resolution or {}).get("verdict")) or self.decision.verdict)


@transaction.atomic
def decide(
    action_id: Any,
    *,
    by: User,
    verdict: str,
    seen_digest: str,
    reason: str = "",
    response: str = "",
    idempotency_key: str = "",
    looked: Mapping[str, int] | None = None,
    also: Also = NOTHING,
    proof: Proof = NO_PROOF,
    door: str,
) -> Decided:
    """Record a verdict; when the verdicts add up, resolve the action in the same transaction.

    Args:
        seen_digest: the full digest of what the person was shown; another one stored is refused.
        reason, response: the person's words; `response` is what a question is answered with.
        idempotency_key: the same key from the same person gives the recorded result again, if all else is the same, too.
        also: what goes with a rejection or a take-over beside its words.
        looked: what the door knows of the reading, such as folded parts there were and were opened; recorded, never judged here.
        proof: what the door knows of the person at it, for what the ladder asks at high and critical.

    Raises:
        NotFound, NotAllowed, BadRequest: no such action, the wrong person, a wrong or incomplete verdict.
        NotViewed: at high and critical, parts of this version that the person has not opened.
        StepUp: the right person, who has to show again that it is they.
        AlreadyDecided, Stale, Expired, Halted, Checking, Tampered: the action is not as the person saw it.
    """
    chosen = check_words(verdict, reason, response, idempotency_key)
    halts.hold_off()  # before the row: an order given meanwhile waits for us, or is seen below
    action, requirement = locked(action_id)
    who = permissions.standing(by)  # under the lock: a role taken away while we waited is gone
    envelope = envelopes.parse(requirement)
    if not envelope.needs and action.state != ActionState.PENDING:
        raise AlreadyDecided(receipt(action), state=str(action.state), resolution=action.resolution)
    before = rows.first(Decision, _ANY, [action.pk, who.person]) is not None
    mine = standing_in.latest(action, who.person, envelope) if before else None
    stage = staging.stage_of(action, envelope, mine)
    leave = standing_in.leave(who, action, envelope, stage=stage, mine=mine, verdict=chosen)
    if mine and mine.version == action.version and mine.person != who.person:
        mine = None  # theirs in this person's stead, who says no to it now
    if mine and (recorded := _recorded(action, mine, chosen, seen_digest, idempotency_key)):
        _check_same(recorded, reason, response, also)
        return _looked_again(recorded, requirement)
    check_open(action, seen_digest)
    if mine and mine.version == action.version:
        raise AlreadyDecided(say("You have decided this version already; it waits for somebody else"))
    envelope = envelopes.opened(action, requirement)
    check_verdict(action, envelope, chosen, reason, why=requirement.why)
    if chosen is Verdict.RESPOND:
        meant(response, envelope.answer_schema, also)
    details = details_of(action, chosen, also, response)
    viewed = viewing.check(action, requirement, envelope, who=who, verdict=chosen, door=door)
    proved = step_up.check(action, envelope, who=who, verdict=chosen, proof=proof)
    read = _read(looked, viewed)
    said = {"verdict": chosen, "reason": reason, "response": response, "details": details, "idempotency_key": idempotency_key}
    decision = _write(action, who, leave, stage=stage, again=before, read=read, door=door, proof=proved, viewed=viewed, **said)
    return _counted(action, requirement, envelope, decision, who.user, read or None)


def _write(action: Action, who: Standing, leave: Leave, *, stage: int, again: bool, read: Mapping[str, int], **said: Any) -> Decision:
    """The row of a decision on the version that waits.

    Args:
        leave: why they may. again: whether they have decided something of it before. said: columns as they are.
    """
    return Decision.objects.create(
        action=action,
        version=action.version,
        digest=action.digest,
        by=who.user,
        by_name=who.user.get_username(),
        person=who.person,
        groups=sorted(leave.groups),
        stage=stage,
        turn=action.turn,
        nth=Decision.objects.filter(action=action, version=action.version, person=who.person).count() if again else 0,
        **standing_in.named(leave),
        nonce=secrets.token_hex(16),
        looked_ms=read.get("ms"),
        saw_all=bool(read["saw_all"]) if "saw_all" in read else None,
        **said,
    )


def _read(looked: Mapping[str, int] | None, viewed: Collection[str]) -> dict[str, int]:
    """What is recorded of the reading. Parts that had to be opened were, or it had not come to this, whatever the door knows."""
    return {**(looked or {}), **({"parts": len(viewed), "opened": len(viewed), "saw_all": 1} if viewed else {})}


def _counted(
    action: Action, requirement: Requirement, envelope: Envelope, decision: Decision, by: User, looked: Mapping[str, int] | None
) -> Decided:
    """What the recorded decision comes to, with those before it: an end, another stage, or waiting for somebody else."""
    if action.drill:
        drills.end(action, requirement, decision, looked=looked)
        return Decided(action, decision, resolved=True)
    given = counted(action, envelope)
    verdict = verdict_of(action, envelope, given)
    if verdict is None:
        log.append(recorded_entry(action, requirement, decision, by=by.actor, looked=looked))
        if envelope.stages > 1:
            staging.move_on(action, requirement, envelope, by=by.actor, door=decision.door)
        staging.hand_over(action, decision)
        tell_action(action, "action.voted")
        return Decided(action, decision, resolved=False)
    if verdict == decision.verdict:
        conclude(action, requirement, decision, looked=looked)
    else:  # somebody whose word counts again said it before, and nobody has looked since
        log.append(recorded_entry(action, requirement, decision, by=by.actor, looked=looked))
        conclude(action, requirement, saying(action, verdict, given), recorded=True)
    return Decided(action, decision, resolved=True)


def _looked_again(recorded: Decided, requirement: Requirement) -> Decided:
    """A repeated decision may find that the votes suffice by now: somebody whose vote did not count was let in again."""
    action = recorded.action
    if recorded.resolved:
        return recorded
    check_open(action, recorded.decision.digest)
    if verdict_of(action, envelopes.opened(action, requirement)) != recorded.decision.verdict:
        return recorded
    conclude(action, requirement, recorded.decision, recorded=True)
    return replace(recorded, resolved=True)


def _recorded(action: Action, mine: Decision, verdict: Verdict, seen_digest: str, key: str) -> Decided | None:
    """The person's own latest decision, when this request is a repetition of it."""
    if key and mine.idempotency_key == key and mine.verdict != verdict:
        raise Conflict(say("This very request was recorded as %(verdict)s before; open the action again", verdict=word(mine.verdict)))
    if not ((key and mine.idempotency_key == key) or (mine.digest == seen_digest and mine.verdict == verdict)):
        return None
    if action.state == ActionState.PENDING and mine.version != action.version:
        return None  # it was about an earlier version: look again, decide again
    return Decided(action, mine, resolved=action.state != ActionState.PENDING, replayed=True)


def _check_same(recorded: Decided, reason: str, response: str, also: Also) -> None:
    """A repetition says the very same. Other words or choices would be lost without a word, so they are refused.

    Raises:
        AlreadyDecided: what this person said first stands. BadRequest: these parts do not go together.
    """
    action, mine = recorded.action, recorded.decision
    if (mine.reason, mine.response, mine.details) != (reason, response, details_of(action, Verdict(mine.verdict), also, response)):
        raise AlreadyDecided(
            say("You have decided this already, in other words or with other choices: those stand, and nothing of these was kept"),
            state=str(action.state),
            resolution=action.resolution,
        )
