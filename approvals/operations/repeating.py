"""The same thing proposed again in one run: answered from the earlier rejection, and a stop when it does not end (interop.md 2.24).

Only people's rejections count, and within one run. "Do not retry" widens one to every call of that tool. A question put again is put
again, unless "do not retry" was said of that very question: graphs rightly ask the same words many times.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from approvals.models import Action, Decision, Requirement
from approvals.operations import kept
from approvals.operations.resolving import conclude
from approvals.operations.stopping import LOOP, stop_run
from approvals.states import Verdict
from audit import canonical
from audit.actors import SYSTEM
from audit.log import Entry

# Part of the one look every T1 takes. What policy or an earlier rejection decided came through the door "worker".
EARLIER = """(SELECT json_build_object(
    'same', count(*) FILTER (WHERE e.tool = %(tool)s AND e.call_sha256 = %(call)s AND (e.kind = 'tool' OR e.state = 'REJECTED')),
    'calls', count(*) FILTER (WHERE e.kind = 'tool'), 'failures', count(*) FILTER (WHERE e.outcome ->> 'status' = 'failed'),
    'rejected', (array_agg(e.id ORDER BY e.resolved_at DESC) FILTER (WHERE e.tool = %(tool)s AND e.state = 'REJECTED' AND e.resolution ->> 'door' <> 'worker'
        AND (e.call_sha256 = %(call)s AND e.kind = 'tool' OR e.resolution #>> '{details,do_not_retry}' = 'true'
            AND (e.kind = 'tool' OR e.call_sha256 = %(call)s))))[1])::text
    FROM approvals_action AS e WHERE %(run)s <> '' AND e.run = %(run)s AND e.settled_at IS NOT NULL
        AND NOT e.drill)"""


@dataclass(frozen=True)
class Earlier:
    """What a run has proposed before.

    Attributes:
        same: how often this very call was settled in this run. rejected: the action whose rejection speaks of it.
        calls, failures: how many calls of this run were settled before, whatever the tool, and how many of them failed.
    """

    same: int = 0
    rejected: UUID | None = None
    calls: int = 0
    failures: int = 0


def call_sha256(tool: str, args: Any) -> str:
    """Fingerprint of a call: the same tool with the same validated arguments."""
    return canonical.fingerprint({"tool": tool, "args": args})


def earlier(found: str | None) -> Earlier:
    """What `EARLIER` gave."""
    told = json.loads(found or "{}")
    rejected = UUID(told["rejected"]) if told.get("rejected") else None
    return Earlier(told.get("same", 0), rejected, told.get("calls", 0), told.get("failures", 0))


def answered(action: Action, requirement: Requirement, before: Sequence[Entry], was: Earlier, *, most: int, reads: bool) -> bool:
    """Answer a proposal from the earlier rejection, or halt its run; False when it takes its usual way.

    A halted proposal takes its usual way too, and waits: once an operator has released the run, people decide it.

    Args:
        most: so many of the same call may be settled in a run; the next one halts it. reads: its tool changes nothing.
    """
    if was.same >= most and not reads:
        reason = kept.LOOP(tool=action.tool, n=was.same + 1, most=most)
        stop_run(action.run, rule=LOOP, reason=reason, door="worker")
        return False
    if was.rejected is None:
        return False
    conclude(action, requirement, _decision(action, was.rejected), before=before, by=SYSTEM)
    return True


def _decision(action: Action, rejected: UUID) -> Decision:
    """The earlier decision, given again by the system, with the link to it."""
    former = Decision.objects.filter(action=rejected, verdict=Verdict.REJECT).order_by("-pk")[:1].get()
    because = {"action": str(rejected), "decision": former.pk, "by": former.by_name}
    again = bool(former.details.get("do_not_retry"))
    said = (kept.NOT_AGAIN_WHY if former.reason else kept.NOT_AGAIN) if again else (kept.BEFORE_WHY if former.reason else kept.BEFORE)
    return Decision.objects.create(
        action=action,
        version=action.version,
        digest=action.digest,
        verdict=Verdict.REJECT,
        by=None,
        by_name=SYSTEM.name,
        person=f"again:{former.pk}",
        reason=said(who=former.by_name, why=former.reason),
        details={"because_of": because, **({"do_not_retry": True} if again else {})},
        door="worker",
        nonce=secrets.token_hex(16),
    )
