"""Several near-identical actions decided together: each by the very same `decide`, in its own transaction, with its own Decision.

A set is frozen by the digests a person was shown. What changed or ended meanwhile is left out and named; nothing high or critical
is ever decided here, whatever a form says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.errors import ApprovalError, BadRequest
from approvals.models import User
from approvals.operations.deciding import decide
from approvals.operations.undoing import undo
from approvals.operations.verdicts import check_words
from approvals.queries import bulk
from approvals.queries.bulk import MOST, Member
from audit.sentences import say

VERDICTS = ("approve", "reject")  # an answer is written for one action


@dataclass(frozen=True)
class Result:
    """What came of one member.

    Attributes:
        said: "decided", "waits" (for more people) or "left out".
        why: for what was left out, the sentence of its refusal.
        held_until: until when an approval may be taken back.
    """

    action_id: str
    summary: str
    said: str
    why: str = ""
    held_until: datetime | None = None


def decide_together(seen: Sequence[tuple[str, str]], *, by: User, verdict: str, reason: str = "", key: str = "", door: str) -> list[Result]:
    """Decide every member of a frozen set, one after the other; the results come in the order of the set.

    Args:
        seen: (action id, digest that was shown) of each.
        reason: one for all, recorded on each.
        key: of the whole request; each member has its own made of it, so that a repeated request repeats nothing.

    Raises:
        BadRequest: an empty or too large set, a verdict that is not for several, words that cannot be kept.
    """
    check_words(verdict, reason, "", key)
    if verdict not in VERDICTS:
        raise BadRequest(say("Several actions are approved or rejected together; an answer is written for one"))
    if not seen:
        raise BadRequest(say("Choose at least one action"))
    if len(seen) > MOST or len({action for action, _ in seen}) < len(seen):
        raise BadRequest(say("At most %(most)d different actions are decided together", most=MOST))
    members = bulk.members([action for action, _ in seen])
    first = next((m for action, digest in seen if (m := members.get(action)) and m.digest == digest and not bulk.alone(m)), None)
    results = []
    for action, digest in seen:
        member = members.get(action)
        if member is None:
            results.append(Result(action, "", "left out", say("There is no such action")))
            continue
        results.append(_one(member, first, digest, by=by, verdict=verdict, reason=reason, key=key, door=door))
    return results


def _one(member: Member, first: Member | None, digest: str, *, by: User, verdict: str, reason: str, key: str, door: str) -> Result:
    """The digest a member was read with pins its level, tool and policy: `decide` refuses any other under the row's lock."""
    if member.digest == digest and (why := bulk.alone(member) or (bulk.unlike(first, member) if first else "")):
        return Result(member.id, member.summary, "left out", why)
    try:
        done = decide(member.id, by=by, verdict=verdict, seen_digest=digest, reason=reason, idempotency_key=_key(key, member.id), door=door)
    except ApprovalError as error:
        return Result(member.id, member.summary, "left out", error.message)
    return Result(member.id, member.summary, "decided" if done.resolved else "waits", held_until=done.action.hold_until)


def undo_together(ids: Sequence[str], *, by: User, door: str) -> list[Result]:
    """Take back what was decided together, as far as it is held; each by itself. Raises BadRequest for an empty or too large set."""
    if not ids or len(ids) > MOST:
        raise BadRequest(say("At most %(most)d different actions are decided together", most=MOST))
    members = bulk.members(ids)
    return [_back(action, members.get(action), by=by, door=door) for action in dict.fromkeys(ids)]


def _back(action: str, member: Member | None, *, by: User, door: str) -> Result:
    if member is None:
        return Result(action, "", "left out", say("There is no such action"))
    try:
        undo(member.id, by=by, door=door)
    except ApprovalError as error:
        return Result(member.id, member.summary, "left out", error.message)
    return Result(member.id, member.summary, "taken back")


def _key(key: str, action: Any) -> str:
    return f"{key[:60]}:{action}" if key else ""
