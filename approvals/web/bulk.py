"""Several actions side by side: what is the same in all of them, and what differs in each. Finished values only."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.legible.paths import walk
from approvals.models.people import User
from approvals.operations.bulk import Result
from approvals.queries import bulk
from approvals.queries.bulk import Member
from approvals.render.arguments import Line, line_of
from approvals.render.preview import PreviewCard, preview_of
from approvals.render.reveal import Revealed, line, reveal
from approvals.web.rows import approved_words
from approvals.web.words import figure_words
from audit.sentences import say

SAID = {
    ("decided", "approve"): (say("Approved"), "check", "approved"),
    ("decided", "reject"): (say("Rejected"), "x", "rejected"),
    ("waits", "approve"): (say("Approved by you, waits for more people"), "hourglass", "neutral"),
    ("waits", "reject"): (say("Recorded, waits for more people"), "hourglass", "neutral"),
}
LEFT_OUT = (say("Left out"), "circle-slash", "neutral")
TAKEN_BACK = (say("Taken back: it waits again"), "undo-2", "neutral")


@dataclass(frozen=True)
class Together:
    """One member: `values` are its arguments that are not the same in all, with their paths, in the order of `columns`.

    `preview` is all that the tool found out about it, `figures` what the policy counted, `quorum` how many have approved of those needed
    where one is not enough, `flags` what hides in the values that differ, with their paths.
    """

    id: str
    name: str
    value: str
    url: str
    summary: str
    level: str
    score: int
    requester: str
    expires_at: datetime
    values: tuple[tuple[str, Revealed], ...]
    preview: PreviewCard | None
    figures: tuple[tuple[str, str], ...]
    customer: str
    quorum: str
    flags: tuple[tuple[Revealed, str], ...]


@dataclass(frozen=True)
class LeftOut:
    summary: str
    url: str
    why: str


@dataclass(frozen=True)
class Sheet:
    """A frozen set on its page."""

    tool: str
    agent: str
    same: tuple[Line, ...]
    columns: tuple[Revealed, ...]
    members: tuple[Together, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Outcome:
    summary: str
    url: str
    verb: str
    icon: str
    tone: str
    why: str
    id: str = ""
    held_until: datetime | None = None
    undo_url: str = ""


def sheet_of(
    members: Sequence[Member], *, reader: User, approvals: Mapping[Any, tuple[int, int]], halted: Mapping[str, str] | None = None
) -> Sheet:
    """The largest set that may be decided together, begun with the first that may; everything else is named with its reason.

    Args:
        approvals: given and needed of each, by the action's key (`queries.quorums`). halted: why those that a stop order covers are left out.
    """
    stopped = halted or {}
    able = {m.id: bulk.alone(m) or bulk.not_for(m, reader) or stopped.get(m.id, "") for m in members}
    first = next((m for m in members if not able[m.id]), None)
    why = {m.id: able[m.id] or (bulk.unlike(first, m) if first else "") for m in members}
    taken = [m for m in members if not why[m.id]]
    leaves = {m.id: dict(walk(m.args if isinstance(m.args, dict) else {"value": m.args})) for m in taken}
    paths = list(dict.fromkeys(path for m in taken for path in leaves[m.id]))
    differs = [path for path in paths if len({_text(leaves[m.id], path) for m in taken}) > 1]
    same = [path for path in paths if path not in differs] if taken else []
    return Sheet(
        tool=first.tool if first else "",
        agent=first.agent if first else "",
        same=tuple(line_of(path, leaves[taken[0].id][path]) for path in same),
        columns=tuple(reveal(path) for path in differs),
        members=tuple(_together(m, leaves[m.id], differs, approvals.get(m.row.pk, (0, 0))) for m in taken),
        left_out=tuple(LeftOut(m.summary, reverse("action", args=[m.id]), why[m.id]) for m in members if why[m.id]),
    )


def outcomes_of(results: Sequence[Result], *, verdict: str) -> tuple[Outcome, ...]:
    return tuple(_outcome(result, verdict) for result in results)


def _outcome(result: Result, verdict: str) -> Outcome:
    said = TAKEN_BACK if result.said == "taken back" else SAID.get((result.said, verdict), LEFT_OUT)
    held = result.held_until if result.held_until and result.held_until > timezone.now() else None
    return Outcome(
        result.summary or result.action_id[:40], _url(result.action_id), *said, result.why, result.action_id, held,
        reverse("action-undo", args=[result.action_id]) if held else "",
    )  # fmt: skip


def _url(action_id: str) -> str:
    found = bulk.as_uuid(action_id)
    return reverse("action", args=[found]) if found else ""


def _together(member: Member, leaves: dict[str, Any], differs: Sequence[str], approved: tuple[int, int]) -> Together:
    facts = member.preview.get("facts") or {}
    figures = tuple((name.replace("_", " "), figure_words(value)) for name, value in facts.items())
    return Together(
        member.id, f"m-{member.id}", member.digest, reverse("action", args=[member.id]), member.summary, member.level, member.score,
        member.requested_by, member.expires_at, tuple((path, reveal(_text(leaves, path))) for path in differs),
        preview_of(member.preview), figures, member.customer if member.customer != settings.TENANT else "",
        approved_words(*approved), _flags(leaves, differs, member.tainted),
    )  # fmt: skip


def _flags(leaves: dict[str, Any], differs: Sequence[str], tainted: Collection[str]) -> tuple[tuple[Revealed, str], ...]:
    """What its own page says of its values, by their paths: the cells of a table have no room for it."""
    hides = tuple((line(path), flag) for path in differs if path in leaves for flag in line_of(path, leaves[path]).flags)
    return (*hides, *((line(path), say("repeats text from outside")) for path in sorted(tainted)))


def _text(leaves: dict[str, Any], path: str) -> str:
    """A leaf as it is compared and shown; a missing one is not an empty one."""
    return json.dumps(leaves[path], ensure_ascii=False) if path in leaves else _("(not there)")
