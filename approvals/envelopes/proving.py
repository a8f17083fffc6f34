"""Proves that a stored action is what was proposed: its bytes give its digest, and its columns say what its bytes say."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from approvals.envelopes.reading import Envelope
from approvals.errors import Tampered
from approvals.models import Action, Requirement
from approvals.policy.times import later
from audit import canonical
from audit.sentences import say

DOMAIN = "hitl/action/v1"
NO_ENVELOPE = say("The stored arguments cannot be read: somebody changed the database. Nothing will run; tell an operator")
NO_VERSION = say(
    "The stored action names a version that was never written: somebody changed the database. Nothing will run; tell an operator"
)
# What is read of an envelope before it is proved.
KEYS = {
    "action_id",
    "args",
    "need",
    "exclude",
    "verdicts",
    "reason_for",
    "execute_within_s",
    "expires_at",
    "policy",
    "risk",
    "facts",
    "tool",
}


def parse(requirement: Requirement) -> Envelope:
    """The envelope as stored, unproved: for reading, and for asking who may look. `opened` proves it.

    Raises:
        Tampered: the bytes are no envelope at all.
    """
    return Envelope(_data(requirement))


def _data(requirement: Requirement) -> dict[str, Any]:
    try:
        data = canonical.parse(bytes(requirement.envelope))
    except canonical.NotCanonical as error:
        raise Tampered(NO_ENVELOPE) from error
    if not isinstance(data, dict) or not data.keys() >= KEYS or not _readable(Envelope(data)):
        raise Tampered(NO_ENVELOPE)
    return data


def _readable(envelope: Envelope) -> bool:
    """Whether everything that is read of it is there, also before it is proved: a page is to say that it was changed, not to break."""
    try:
        return _whole(envelope)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def digest_of(envelope: bytes) -> str:
    return canonical.digest(DOMAIN, envelope)


def opened(action: Action, requirement: Requirement) -> Envelope:
    """The envelope of an action, after proving that nobody changed the row behind it.

    Raises:
        Tampered: the bytes do not give the digest, or a column says something else than the bytes.
    """
    raw = bytes(requirement.envelope)
    if digest_of(raw) != requirement.digest or requirement.digest != action.digest:
        raise Tampered(
            say("The stored arguments do not match their digest: somebody changed the database. Nothing will run; tell an operator")
        )
    data = _data(requirement)
    try:
        same = _columns_say(action, data) and action.expires_at == _extended(Envelope(data), action.extended_s)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # every digest fits, and yet it is no envelope of ours
        raise Tampered(NO_ENVELOPE) from error
    if not same or canonical.fingerprint(requirement.preview) != data["preview_sha256"]:
        raise Tampered(
            say("The stored action does not match what was proposed: somebody changed the database. Nothing will run; tell an operator")
        )
    return Envelope(data)


def _whole(envelope: Envelope) -> bool:
    """Whether everything that is read of it later can be read, as what it is read as."""
    data = envelope.data
    texts = [data["policy"]["sha256"], data["tool"]["schema_sha256"], *data["exclude"], *envelope.verdicts, *envelope.reason_for]
    texts += [*envelope.tell, *envelope.delegates, *envelope.editors, *(text for m in envelope.moments for text in (m.kind, m.what))]
    counts = all(type(n.group) is str and type(n.count) is int and type(n.stage) is int for n in envelope.needs)
    counts = (
        counts
        and type(envelope.rejections) is int
        and envelope.put_off_s >= 0
        and (envelope.extend is None or envelope.extend.at_most_s > 0)
        and (envelope.hours is None or envelope.extend is not None)
    )
    return counts and all(type(t) is str for t in texts) and bool(envelope.execute_within)


def _columns_say(action: Action, data: Mapping[str, Any]) -> bool:
    columns = (
        str(action.pk),
        action.version,
        str(action.kind),
        action.summary,
        action.tool,
        action.agent,
        action.run,
        action.thread,
        action.tenant,
        action.level,
        action.score,
        action.drill,
        action.agent_version,
        action.customer,
    )
    said = (
        data["action_id"],
        data["version"],
        data["kind"],
        data["summary"],
        data["tool"]["name"],
        data["agent"],
        data["run"],
        data["thread"],
        data["tenant"],
        data["risk"]["level"],
        data["risk"]["score"],
        data.get("drill", False),
        data.get("agent_version", ""),
        data["facts"].get("customer", ""),
    )
    return columns == said


def _extended(envelope: Envelope, extended_s: int) -> datetime | None:
    """The deadline with what people put it off by; None when that is more than the policy ever allowed."""
    rule = envelope.extend if extended_s else None
    if extended_s and (rule is None or not 0 < extended_s <= rule.at_most_s):
        return None
    return later(envelope.expires_at, extended_s, envelope.hours) if extended_s else envelope.expires_at
