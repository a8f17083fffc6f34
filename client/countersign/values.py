"""What comes back, frozen. A field the server adds later stands in `raw`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Action:
    """One proposal. `next` says what its proposer does now: "wait", "claim", "report" or "done".

    Attributes:
        edit: the newest edit anybody wanted, as `{"id", "version", "state", "errors"}`: WANTED, APPLIED (there is a new version) or REFUSED.
        hears_reason: whether its agent can be told why it was rejected.
    """

    id: str
    tool: str
    summary: str
    state: str
    next: str
    level: str
    digest: str
    url: str
    args: dict[str, Any]
    expires_at: datetime
    decided_by: str = ""
    reason: str = ""
    response: str = ""
    outcome: dict[str, Any] | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    edit: dict[str, Any] | None = None
    hears_reason: bool = True

    @property
    def is_over(self) -> bool:
        """Whether the same call would be another one: it was done, or the question is answered. One that was refused, or of which nobody knows, is not."""
        return self.state == "ANSWERED" or (self.outcome or {}).get("status") == "done"

    @classmethod
    def of(cls, raw: dict[str, Any]) -> "Action":
        said = raw.get("resolution") or {}
        return cls(
            raw["id"], raw["tool"], raw["summary"], raw["state"], raw["next"], raw["level"], raw["digest"], raw["url"], raw["args"],
            datetime.fromisoformat(raw["expires_at"]), said.get("by", ""), said.get("reason", ""), said.get("response", ""), raw.get("outcome"), raw,
            raw.get("edit"), raw.get("hears_reason", True),
        )  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What was proposed under a key: its action, and the SHA-256 of the arguments that were proposed (RFC 8785), "" where that is not known."""

    action: str
    args_sha256: str


@dataclass(frozen=True)
class Claim:
    """Leave to act once, with exactly these arguments."""

    action: str
    tool: str
    args: dict[str, Any]
    digest: str
    idempotency_key: str

    @classmethod
    def of(cls, raw: dict[str, Any]) -> "Claim":
        return cls(raw["action"], raw["tool"], raw["args"], raw["digest"], raw["idempotency_key"])


Which = str | Action | Claim


def id_of(which: Which) -> str:
    """The id of the action that is meant: by its id, or by what `request` or `claim` gave. Raises TypeError."""
    found = which.id if isinstance(which, Action) else which.action if isinstance(which, Claim) else which
    if not isinstance(found, str):
        raise TypeError(f"Give an action, as `request` returns it, or its id as text, not {type(found).__name__}")
    return found
