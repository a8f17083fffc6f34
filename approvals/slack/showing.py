"""What Slack may show of an action, and whether it may decide it: only what it shows whole, and never above medium. Pure.

Rule 5 of reliability.md section 8: no truncation, at most two sections of arguments, no part that cannot be inspected, no character that
does not show itself, level at most medium. Asked again, from the database, when somebody presses.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from approvals.legible.paths import walk
from approvals.policy.slack import SlackRule
from approvals.queries import ActionDetail
from approvals.render.arguments import line_of
from approvals.slack.text import broken, shown, spelled, valued

MOST_FIELDS = 20  # two sections of ten
MOST_IN_NAME = 200
MOST_IN_TITLE, MOST_IN_SUMMARY = 150, 600  # of a card (Slack's own limit), and of the view
MOST_IN_BLOCK = 1_900  # Slack's own limit of a field is 2,000
MOST_IN_FIELD = 1_200  # what still reads in half a column; longer is shown cut, and so decides nothing


@dataclass(frozen=True)
class Shown:
    """One argument as Slack shows it. `cut`: by how many characters; `odd`: why it is not as plain as it looks."""

    path: str
    text: str
    cut: int = 0
    odd: str = ""


@dataclass(frozen=True)
class Showing:
    """The arguments that are shown. `whole` is everything there is, in full; else `why` says what is missing."""

    fields: tuple[Shown, ...]
    whole: bool
    why: str = ""


def of_card(detail: ActionDetail, rule: SlackRule) -> Showing:
    """In a channel: only arguments that the policy calls safe there."""
    found = _showing(detail, rule.safe_fields(detail.row.tool), preview=rule.shows_preview(detail.row.tool))
    title = titled(detail.row.level, spelled(detail.row.summary))
    return _titled(found, fits=len(broken(title)) <= MOST_IN_TITLE)


def of_modal(detail: ActionDetail) -> Showing:
    """In the view of one person who may decide it: all of them, and what the tool's own preview says."""
    return _titled(_showing(detail, None, preview=True), fits=len(spelled(detail.row.summary)) <= MOST_IN_SUMMARY)


def titled(level: str, what: str) -> str:
    """What stands at the top of a card."""
    return _("%(level)s risk · %(what)s") % {"level": level.capitalize(), "what": what}


def _titled(showing: Showing, *, fits: bool) -> Showing:
    """A cut title may end before the word that matters: then what is beneath it is not all there is either."""
    return showing if fits or not showing.whole else replace(showing, whole=False, why=_("Its summary is longer than fits here"))


def why_not_here(detail: ActionDetail, rule: SlackRule, showing: Showing) -> str:
    """Why this is decided on the page and not in Slack, "" when Slack may. Who may decide is not asked here."""
    if not rule.may_decide(detail.row.level):
        return _("At level %(level)s it is decided on the web") % {"level": detail.row.level}
    if detail.tampered:
        return detail.tampered
    return "" if showing.whole else showing.why


def _showing(detail: ActionDetail, safe: Collection[str] | None, *, preview: bool) -> Showing:
    args = detail.args if isinstance(detail.args, dict) else {"value": detail.args}
    kept = args if safe is None else {name: value for name, value in args.items() if name in safe}
    found = _found_out(detail.preview)
    shown_too = {"preview": found} if found and preview else {}
    leaves = [*(walk(kept) if kept else ()), *(walk(shown_too) if shown_too else ())]
    fields = tuple(_field(path, value) for path, value in leaves[:MOST_FIELDS])
    hidden = bool(found) and not shown_too
    return Showing(fields, *_whole(fields, missing=len(args) - len(kept), more=len(leaves) - len(fields), hidden=hidden))


def _found_out(preview: Mapping[str, Any]) -> Any:
    """All that a tool's preview says: its line, its figures and its details, side by side where their names allow it."""
    more = {name: preview[name] for name in ("summary", "facts") if preview.get(name)}
    details = _by_column(preview["details"]) if preview.get("details") else None
    if not (more and details):
        return more or details
    return {**more, **details} if isinstance(details, dict) and not more.keys() & details.keys() else {**more, "details": details}


def _by_column(details: Any) -> Any:
    """A preview's table with the name of its column at every value, as far as that says the same."""
    columns = details.get("columns") if isinstance(details, dict) else None
    sides = [side for side in ("before", "after") if isinstance(details, dict) and side in details]
    if not (isinstance(columns, list) and sides and all(isinstance(c, str) for c in columns) and len(set(columns)) == len(columns)):
        return details
    rows = [row for side in sides for row in (details[side] if isinstance(details[side], list) else [None])]
    if not rows or not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        return details
    tables = {side: [dict(zip(columns, row, strict=True)) for row in details[side]] for side in sides}
    rest = {name: value for name, value in details.items() if name != "columns"}
    return {**rest, **{side: table[0] if len(table) == 1 else table for side, table in tables.items()}}


def _whole(fields: Collection[Shown], *, missing: int, more: int, hidden: bool) -> tuple[bool, str]:
    if missing:
        return False, _("Its arguments stay out of the channel")
    if more:
        return False, _("It has %(n)d more values than fit here") % {"n": more}
    if odd := next((f for f in fields if f.odd), None):
        return False, f"{odd.path}: {odd.odd}"
    if cut := next((f for f in fields if f.cut), None):
        return False, _("%(path)s is longer than fits here") % {"path": cut.path}
    if hidden:  # made of arguments and of data that is not the channel's
        return False, _("Its preview stays out of the channel")
    return True, ""


def _field(path: str, value: Any) -> Shown:
    line = line_of(path, value)
    text, name = valued(value, shown(line.value)), shown(line.path)
    odd = "; ".join(line.flags) or (_("holds characters that do not show themselves") if line.marked else "")
    # A name is cut as well, and what keeps mentions from being any makes a text longer: whatever does not stand there is counted.
    missing = max(0, len(text) - MOST_IN_FIELD) + max(0, len(name) - MOST_IN_NAME)
    missing = missing or max(0, len(broken(f"{name}\n{text}")) - MOST_IN_BLOCK)
    return Shown(name[:MOST_IN_NAME], text[:MOST_IN_FIELD], missing, odd)
