"""How states of runs, effects and spans read: word, glyph, tone. Lookups only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Look:
    word: str
    icon: str
    tone: str


RUNS = {
    "CREATED": Look("Queued", "hourglass", "quiet"),
    "RUNNING": Look("Running", "loader", "running"),
    "WAITING": Look("Waiting", "hand", "waiting"),
    "READY": Look("Ready", "hourglass", "running"),
    "HALTED": Look("Halted", "octagon-pause", "halted"),
    "SUCCEEDED": Look("Succeeded", "circle-check", "done"),
    "PARTIAL": Look("In part", "circle-dot-dashed", "waiting"),
    "FAILED": Look("Failed", "circle-x", "failed"),
    "CANCELLED": Look("Cancelled", "circle-slash", "quiet"),
}
EFFECTS = {
    "READY": Look("Waits for a worker", "hourglass", "running"),
    "CLAIMED": Look("A worker runs it now", "loader", "running"),
    "DONE": Look("Done", "circle-check", "done"),
    "FAILED": Look("Failed", "circle-x", "failed"),
    "UNKNOWN": Look("Nobody knows whether it was done", "circle-question-mark", "waiting"),
    "COMPENSATED": Look("Undone", "undo-2", "quiet"),
}
SPANS = {
    "running": Look("running", "loader", "running"),
    "done": Look("", "", ""),
    "failed": Look("failed", "circle-x", "failed"),
    "paused": Look("asked people", "hand", "waiting"),
    "halted": Look("halted", "octagon-pause", "halted"),
}
HALTED = Look("Halted", "octagon-pause", "halted")
OFF = Look("Switched off", "circle-slash", "quiet")


def took(start: datetime | None, end: datetime | None) -> str:
    """A duration in the two largest units that matter."""
    if start is None or end is None:
        return ""
    seconds = max(0.0, (end - start).total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
