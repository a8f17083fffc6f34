"""What a second model thinks of an action, as its page shows it. Its words stand fenced: whatever the agent had read may have led it to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.queries import OpinionRow
from approvals.render.reveal import Revealed, reveal
from audit.languages import told
from audit.sentences import say

CONCERNS = {
    "none": say("It has no doubts, which takes nothing away"),
    "doubtful": say("It finds this doubtful"),
    "dangerous": say("It finds this dangerous"),
}
EFFECTS = {
    "raised": say("More is asked because of it"),
    "asked": say("It was put before people because of it"),
    "kept": say("What is asked stays as it is"),
    "late": say("It came after the decision and changed nothing"),
    "passed": say("The policy passed it with that"),
}
# The demo's, whose name is the setting's: a list of signs says that it is one wherever its words stand.
SCRIPTED = "scripted"
NONE = say("It gave no opinion that could be used")


@dataclass(frozen=True)
class OpinionNote:
    """One opinion. `until` is set while it is awaited and something waits for it."""

    model: str
    waiting: bool
    until: datetime | None
    said: str
    effect: str
    points: str
    words: Revealed | None
    error: str
    grave: bool
    url: str


def note_of(action_id: str, rows: Sequence[OpinionRow]) -> OpinionNote | None:
    """The newest opinion on an action; None when none was asked for."""
    if not rows:
        return None
    row = rows[-1]
    waiting = row.state == "WANTED"
    given = row.state == "GIVEN"
    effect = "" if waiting or (row.state == "FAILED" and row.effect != "asked") else told(EFFECTS[row.effect])
    return OpinionNote(
        model=row.model if row.model != SCRIPTED else _("a script (a list of signs, no model)"),
        waiting=waiting,
        until=row.until if waiting and row.waits else None,
        said=told(CONCERNS[row.concern]) if given else "" if waiting else told(NONE),
        effect=effect,
        points=f"+{row.points}" if row.points else "",
        words=reveal(row.words) if given and row.words.strip() else None,
        error=told(row.error),
        grave=row.concern in {"doubtful", "dangerous"},
        url=reverse("action-opinion", args=[action_id]),
    )
