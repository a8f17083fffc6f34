"""One action as its page shows it: what will run, why it scored so, who is asked, what led here.

Belongs here: the presenter from `queries.ActionDetail` and the log's story to one frozen `Card`. Finished values only.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.policy.lowering import Lower
from approvals.queries import ActionDetail, Stop
from approvals.queries.desks import Desk
from approvals.queries.switches import SwitchRow
from approvals.queries.viewing import RISKY
from approvals.render.arguments import MANY, Line
from approvals.render.changes import with_before
from approvals.render.parts import as_object, folded
from approvals.render.preview import PreviewCard, preview_of
from approvals.render.reveal import Revealed, reveal
from approvals.web.desks import DeskCard, desk_card
from approvals.web.grants import GrantNote, note_of
from approvals.web.ladder import Bar, bar_of
from approvals.web.opinions import OpinionNote
from approvals.web.opinions import note_of as opinion_note
from approvals.web.receipts import Fate, Receipt, fate_of, receipt_of, receipt_of_vote, with_undo
from approvals.web.scoring import FactorLine, factor_lines, would_lower
from approvals.web.since import SinceLast, since_last
from approvals.web.story import Moment, Past, Quorum, past_of, quorum_of, stands, story_of
from approvals.web.switches import SwitchLine, switch_line
from approvals.web.words import figure_words
from audit.languages import told
from audit.queries import EventRow
from audit.sentences import say

MARKS = {"reopened": say("asked again"), "raised": say("raised after a second opinion")}
EVIDENCE_ICONS = {"ticket": "mail", "mail": "mail", "tool": "wrench", "message": "message-square"}


@dataclass(frozen=True)
class Evidence:
    icon: str
    who: str
    text: Revealed


@dataclass(frozen=True)
class Card:
    """Everything `approvals/_pane.html` shows."""

    id: str
    version: int
    state: str
    pending: bool
    url: str
    back_url: str
    back_label: str
    title: str
    summary: str
    level: str
    score: int
    agent: str
    agent_url: str
    requester: str
    expires_at: datetime
    run_url: str
    run_name: str
    what_title: str
    tool: str
    marks: tuple[str, ...]
    digest: str
    flags: tuple[str, ...]
    lines: tuple[Line, ...]
    more_lines: tuple[Line, ...]
    policy: str
    factors: tuple[FactorLine, ...]
    would_lower: tuple[Lower, ...]
    policy_url: str
    denied: str
    says: Revealed | None
    evidence: tuple[Evidence, ...]
    blast: tuple[tuple[str, str], ...]
    quorum: Quorum
    similar: tuple[Past, ...]
    timeline: tuple[Moment, ...]
    receipts: tuple[Receipt, ...]
    fate: Fate | None
    effect_url: str
    preview: PreviewCard | None
    bar: Bar | None
    changed_url: str
    what_url: str
    led_url: str
    viewing_url: str
    idempotency_key: str
    checking: bool
    edit_errors: tuple[tuple[str, str], ...]
    folds: tuple[str, ...]
    opened: frozenset[str]
    opened_url: str
    grant: GrantNote | None
    desk: DeskCard | None
    desk_url: str
    opinion: OpinionNote | None = None
    since: SinceLast | None = None
    held_url: str = ""
    follows_url: str = ""
    asks_url: str = ""
    state_url: str = ""
    stops_run: bool = False
    switches: tuple[SwitchLine, ...] = ()


def card_of(
    detail: ActionDetail,
    *,
    halts: list[Stop],
    switches: Sequence[SwitchRow] = (),
    story: Sequence[EventRow] = (),
    focus: bool = False,
    desk: Desk | None = None,
) -> Card:
    """The card of one action for the reader the detail was read for."""
    row = detail.row
    # The digest a decision carries is the one of the very arguments drawn here, never a newer one.
    shown = detail.versions[-1]
    lines = with_before(as_object(detail.args), _args_before(detail))
    preview = preview_of(detail.preview)
    return Card(
        id=row.id,
        version=shown.version,
        state=row.state,
        pending=row.state == "PENDING",
        url=reverse("action", args=[row.id]),
        back_url=reverse("inbox") if row.state == "PENDING" else reverse("decided"),
        back_label=_("Inbox") if row.state == "PENDING" else _("Decided"),
        title=row.summary,
        summary=row.summary,
        level=row.level,
        score=row.score,
        agent=row.agent,
        agent_url=reverse("agent", args=[row.agent]),
        requester=row.requested_by,
        expires_at=row.expires_at,
        run_url=reverse("run", args=[row.run]) if row.run else "",
        run_name=_("run %(id)s") % {"id": row.run[:8]} if row.run else "",
        what_title=_what_title(detail),
        tool=row.tool,
        marks=_marks(detail),
        digest=shown.digest,
        flags=_flags(detail, lines),
        lines=lines[:MANY],
        more_lines=lines[MANY:],
        policy=detail.policy,
        factors=factor_lines(detail.factors),
        would_lower=would_lower(detail.facts, detail.policy_sha256),
        policy_url=reverse("policy", args=[detail.policy_id]) if detail.policy_id else "",
        denied=told(detail.denied),
        says=reveal(detail.rationale) if detail.rationale.strip() else None,
        evidence=tuple(_evidence(item) for item in detail.evidence),
        blast=_blast(detail),
        quorum=quorum_of(detail),
        similar=tuple(past_of(r) for r in detail.similar),
        timeline=story_of(story, nameless=row.test is not None),
        receipts=_receipts(detail, focus=focus),
        fate=fate_of(row, by_agent=bool(detail.agent_takes)),
        effect_url=reverse("action-effect", args=[row.id]) if row.state == "APPROVED" and row.kind == "tool" else "",
        preview=preview,
        bar=bar_of(detail, halts=halts),
        switches=tuple(switch_line(s) for s in switches),
        changed_url=f"{reverse('action-changed', args=[row.id])}?version={shown.version}&state={row.state}&stands={stands(detail)}",
        what_url=reverse("action-what", args=[row.id]),
        led_url=reverse("action-led", args=[row.id]),
        viewing_url=reverse("action-viewing", args=[row.id]),
        idempotency_key=secrets.token_hex(16),
        checking=detail.checking,
        edit_errors=tuple(detail.edit_errors.items()),
        folds=tuple(part.name for part in folded(lines, preview)),
        opened=detail.opened,
        opened_url=reverse("action-opened", args=[row.id]) if row.state == "PENDING" and row.level in RISKY else "",
        grant=note_of(detail),
        stops_run=detail.stops_run and bool(row.run),
        state_url=reverse("action-state", args=[row.id]) if row.run else "",
        asks_url=reverse("action-asks", args=[row.id]) if row.run and row.level != "low" else "",
        opinion=opinion_note(row.id, detail.opinions),
        since=since_last(detail),
        held_url=reverse("action-undo", args=[row.id]) if row.held else "",
        follows_url=reverse("action", args=[row.follows]) if row.follows else "",
        desk=desk_card(desk, now=datetime.now(UTC)) if desk else None,
        desk_url=reverse("action-desk", args=[row.id]),
    )


def _args_before(detail: ActionDetail) -> dict[str, Any] | None:
    """The version before, when this one was edited: its values stand struck through."""
    if detail.why != "edited" or len(detail.versions) < 2:
        return None
    return as_object(detail.versions[-2].args)


def _what_title(detail: ActionDetail) -> str:
    if detail.row.kind == "question":
        return _("What is asked")
    return _("What will run") if detail.row.state == "PENDING" else _("What was decided on")


def _marks(detail: ActionDetail) -> tuple[str, ...]:
    marks = [_("version %(n)s") % {"n": detail.row.version}] if detail.row.version > 1 else []
    by = detail.versions[-1].edited_by if detail.versions else ""
    return (*marks, *([_("edited by %(who)s") % {"who": by}] if by else []), *([told(MARKS[detail.why])] if detail.why in MARKS else []))


def _flags(detail: ActionDetail, lines: Sequence[Line]) -> tuple[str, ...]:
    unseen = sum(line.marked for line in lines)
    opaque = sum(not line.inspectable for line in lines)
    found = [told(detail.tampered)] if detail.tampered else []
    if unseen:
        found.append(
            ngettext(
                "%(n)d value holds characters that do not show themselves: they are marked",
                "%(n)d values hold characters that do not show themselves: they are marked",
                unseen,
            ) % {"n": unseen}
        )  # fmt: skip
    if opaque:
        found.append(
            ngettext(
                "%(n)d value is not inspectable: look at what it decodes to",
                "%(n)d values are not inspectable: look at what they decode to",
                opaque,
            ) % {"n": opaque}
        )  # fmt: skip
    return tuple(found)


def _evidence(item: dict[str, Any]) -> Evidence:
    title, text = str(item.get("title", "") or _("Entry")), item.get("text", "")
    icon = next((icon for word, icon in EVIDENCE_ICONS.items() if word in title.lower()), "file-text")
    return Evidence(icon, told(title), reveal(text if isinstance(text, str) else str(text)))


def _blast(detail: ActionDetail) -> tuple[tuple[str, str], ...]:
    if detail.row.kind == "question":
        return ((_("Runs"), _("nothing: it is a question")),)
    # What the tool found out about this call; of a tool that is not here, what its owner declared to be counted.
    facts = detail.preview.get("facts") or dict(detail.facts.figures)
    figures = [(name.replace("_", " ").capitalize(), figure_words(value)) for name, value in facts.items()]
    unknown, reads = detail.tool_class == "unknown", detail.tool_class == "read"
    if not figures and not reads:
        figures.append((_("Reach"), _("not declared: how many records, recipients or how much money, nobody has said")))
    if (cost := detail.facts.estimated_cost) is not None:
        figures.append((_("Costs"), _("%(cost)s dollars") % {"cost": f"{cost:g}"}))
    undo = _("can be undone") if detail.reversible else _("not declared") if unknown else _("cannot be undone")
    where = [(_("Environment"), detail.row.environment)] if detail.row.environment else []
    runs = [(_("Runs"), _("the agent itself, once it is told"))] if detail.agent_takes and detail.row.kind != "question" else []
    return (*runs, (_("Kind"), _("not declared") if unknown else detail.tool_class), *figures, *where, (_("Undo"), undo))


def _receipts(detail: ActionDetail, *, focus: bool) -> tuple[Receipt, ...]:
    if final := with_undo(receipt_of(detail.row, focus=focus), detail.row, may=not detail.cannot):
        return (final,)
    votes = [v for v in detail.votes if v.version == detail.row.version]
    return tuple(receipt_of_vote(v, digest=detail.row.digest) for v in votes)
