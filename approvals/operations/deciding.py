"""T2: one person's verdict on the version they saw, and what the verdicts add up to."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from approvals import envelopes, permissions, standing_in
from approvals.covering import stopped_sql
from approvals.doors import DOORS
from approvals.envelopes import Envelope
from approvals.errors import AlreadyDecided, BadRequest, Checking, Conflict, Expired, Halted, NotFound, Stale, Tampered
from approvals.models import Action, Decision, Requirement, User
from approvals.operations import drills, halts, staging, step_up, viewing
from approvals.operations.counting import verdict_of
from approvals.operations.halts import covering
from approvals.operations.notices import tell_action
from approvals.operations.resolving import conclude, recorded_entry
from approvals.operations.step_up import NO_PROOF, Proof
from approvals.operations.verdicts import ALLOWED, NOTHING, WORDS_GO_IN_THE_RESPONSE, Also, details_of, meant
from approvals.queries.stops import undecidable
from approvals.states import ActionState, Verdict, word
from audit import canonical, log, rows
from audit.actors import spoken
from audit.sentences import cause, chain, say

_LOCKED = f"""
SELECT {rows.columns(Action, "a")}, {rows.columns(Requirement, "r")}
FROM approvals_action a LEFT JOIN approvals_requirement r ON r.action_id = a.id AND r.version = a.version
WHERE a.id = %s FOR UPDATE OF a
"""  # noqa: S608  names of ours only
_REQUIREMENT = "SELECT * FROM approvals_requirement WHERE action_id = %s AND version = %s"
_MINE = "SELECT * FROM approvals_decision WHERE action_id = %s AND %s IN (person, instead_of_person) ORDER BY id DESC LIMIT 1"
_STANDING = f"""
SELECT clock_timestamp(), {stopped_sql("%(agent)s", "%(run)s", tool="%(tool)s", customer="%(customer)s", versions="%(agent_version)s")},
    EXISTS (SELECT 1 FROM approvals_edit WHERE action_id = %(id)s AND state = 'WANTED')
"""  # noqa: S608  names of ours only
MAX_REASON = 2_000
MAX_RESPONSE = 20_000
MAX_KEY = 200


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
        raise AlreadyDecided(_receipt(action), state=str(action.state), resolution=action.resolution)
    mine = rows.first(Decision, _MINE, [action.pk, who.person])
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
    _check_verdict(action, envelope, chosen, reason, why=requirement.why)
    if chosen is Verdict.RESPOND:
        meant(response, envelope.answer_schema, also)
    details = details_of(action, chosen, also, response)
    viewed = viewing.check(action, requirement, envelope, who=who, verdict=chosen, door=door)
    proved = step_up.check(action, envelope, who=who, verdict=chosen, proof=proof)
    decision = Decision.objects.create(
        action=action,
        version=action.version,
        digest=action.digest,
        verdict=chosen,
        by=who.user,
        by_name=who.user.get_username(),
        person=who.person,
        groups=sorted(leave.groups),
        stage=stage,
        **standing_in.named(leave),
        reason=reason,
        response=response,
        door=door,
        nonce=secrets.token_hex(16),
        details=details,
        idempotency_key=idempotency_key,
        looked_ms=(looked or {}).get("ms"),
        saw_all=True if viewed else bool(looked["saw_all"]) if looked and "saw_all" in looked else None,
        proof=proved,
        viewed=viewed,
    )
    if viewed:
        looked = {**(looked or {}), "parts": len(viewed), "opened": len(viewed), "saw_all": 1}
    return _counted(action, requirement, envelope, decision, who.user, looked)


def _counted(
    action: Action, requirement: Requirement, envelope: Envelope, decision: Decision, by: User, looked: Mapping[str, int] | None
) -> Decided:
    """What the recorded decision comes to, with those before it: an end, another stage, or waiting for somebody else."""
    if action.drill:
        drills.end(action, requirement, decision, looked=looked)
        return Decided(action, decision, resolved=True)
    if verdict_of(action, envelope) is None:
        log.append(recorded_entry(action, requirement, decision, by=by.actor, looked=looked))
        if envelope.stages > 1:
            staging.move_on(action, requirement, envelope, by=by.actor, door=decision.door)
        staging.hand_over(action, decision)
        tell_action(action, "action.voted")
        return Decided(action, decision, resolved=False)
    conclude(action, requirement, decision, looked=looked)
    return Decided(action, decision, resolved=True)


def _looked_again(recorded: Decided, requirement: Requirement) -> Decided:
    """A repeated decision may find that the votes suffice by now: somebody whose vote did not count was let in again."""
    action = recorded.action
    if recorded.resolved:
        return recorded
    check_open(action, recorded.decision.digest)
    if verdict_of(action, envelopes.opened(action, requirement)) != recorded.decision.verdict:
        return recorded
    conclude(action, requirement, recorded.decision)
    return replace(recorded, resolved=True)


def check_words(verdict: str, reason: str, response: str, key: str = "") -> Verdict:
    """The verdict asked for. Raises BadRequest for an unknown one, or words the log could not hold."""
    try:
        chosen = Verdict(verdict)
    except ValueError:
        raise BadRequest(say("%(verdict)s is not a verdict; send %(allowed)s", verdict=repr(verdict[:40]), allowed=ALLOWED)) from None
    for name, text, limit in ((say("reason"), reason, MAX_REASON), (say("answer"), response, MAX_RESPONSE), (say("key"), key, MAX_KEY)):
        if len(text) > limit:
            raise BadRequest(say("The %(name)s has %(n)d characters; at most %(limit)d are kept", name=name, n=len(text), limit=limit))
        try:
            canonical.dumps(text)
        except canonical.NotCanonical as error:
            raise BadRequest(say("The %(name)s cannot be kept: %(why)s", name=name, why=cause(error))) from error
    return chosen


def locked(action_id: Any) -> tuple[Action, Requirement]:
    """The action, its row locked until the transaction ends, and its current requirement."""
    try:
        found = rows.pair(Action, Requirement, _LOCKED, [UUID(str(action_id))])
    except ValueError:
        found = None
    if found is None:
        raise NotFound(say("There is no such action; it may belong to another installation"))
    action, requirement = found
    if requirement is None:  # while we waited for the lock, a new version came: the join had looked for the old one's
        requirement = rows.first(Requirement, _REQUIREMENT, [action.pk, action.version])
    if requirement is None:
        raise Tampered(envelopes.NO_VERSION)
    return action, requirement


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


def check_open(action: Action, seen_digest: str) -> None:
    if action.state != ActionState.PENDING:
        raise AlreadyDecided(_receipt(action), state=str(action.state), resolution=action.resolution)
    now, halted, checking = _standing(action)
    if halted and (stops := covering(action)):
        raise Halted(undecidable(stops[0].scope, stops[0].target, who=stops[0].by_name, why=stops[0].reason))
    if action.expires_at <= now:
        raise Expired(say("The time to decide this has passed; the agent is told that it expired"))
    if checking:
        raise Checking(say("Edited arguments are being checked; wait a moment and look at the new version"))
    if not secrets.compare_digest(seen_digest.encode("utf-8", "replace"), action.digest.encode()):
        raise Stale(say("This changed since you opened it; look at what will run now, then decide"))


def _standing(action: Action) -> tuple[datetime, bool, bool]:
    """The database's clock, whether a stop order covers the action, and whether an edit of it is being checked."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {name: getattr(action, name) for name in ("id", "agent", "run", "tool", "customer", "agent_version")})
        now, halted, checking = cursor.fetchone()
    return now, halted, checking


def _check_verdict(action: Action, envelope: Envelope, verdict: Verdict, reason: str, *, why: str) -> None:
    if action.kind == Action.Kind.QUESTION and verdict in {Verdict.APPROVE, Verdict.TAKE_OVER}:
        raise BadRequest(say("This is a question: answer it, or reject it"))
    if verdict is Verdict.APPROVE and envelope.only_edited and why != "edited":
        raise BadRequest(say("This agent takes no plain yes to it: change a value and approve that, or reject it"))
    if str(verdict) not in envelope.verdicts:
        raise BadRequest(
            say(
                "The policy does not allow %(verdict)s here; allowed: %(names)s",
                verdict=word(verdict),
                names=chain("%(a)s, %(b)s", map(word, envelope.verdicts)),
            )
        )
    if str(verdict) in envelope.reason_for and verdict not in WORDS_GO_IN_THE_RESPONSE and not reason.strip():
        raise BadRequest(say("Say why: at this level the policy asks for a reason to %(verdict)s", verdict=word(verdict)))


def _receipt(action: Action) -> str:
    if action.drill:
        return drills.OVER
    resolution = action.resolution or {}
    state, who, door = word(action.state), spoken(str(resolution.get("by") or "")), resolution.get("door", "")
    door = DOORS.get(door, door)
    if not who:
        return say("Already %(state)s", state=state)
    return (
        say("Already %(state)s by %(who)s, %(door)s", state=state, who=who, door=door)
        if door
        else say("Already %(state)s by %(who)s", state=state, who=who)
    )
