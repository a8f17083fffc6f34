"""The message about one action, drawn from the database: what is asked and the way to decide it, or what became of it.

Everything that comes from an agent stands in plain text. The buttons carry an id and the beginning of a digest, nothing else.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from approvals.notify.words import Item, name
from approvals.policy.factors import of_no_argument
from approvals.policy.slack import SlackRule
from approvals.queries import ActionDetail, active_halts
from approvals.queries import slack as queries
from approvals.slack import blocks as b
from approvals.slack import refusing
from approvals.slack.showing import Showing, of_card, titled, why_not_here
from approvals.slack.text import broken, cut, date, link, named, person, safe, spelled
from approvals.states import ActionState
from approvals.web.ladder import halted
from approvals.web.receipts import Receipt, fate_of, receipt_of
from approvals.web.scoring import factor_lines
from approvals.web.story import quorum_of

ACTIONS_BLOCK = "act"
APPROVE, REJECT, REVIEW, WEB = "approve", "reject", "review", "web"
SHORT = 12  # of a digest, as people see it


@dataclass(frozen=True)
class Drawn:
    """A message ready to be sent; `sha256` tells whether it is what stands there already, `along` which other messages need not go for it."""

    text: str
    blocks: list[b.Block]
    version: int
    along: tuple[int, ...] = ()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps([self.text, self.blocks], sort_keys=True).encode()).hexdigest()


def url_of(action_id: str) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}/actions/{action_id}/"


def value_of(detail: ActionDetail) -> str:
    """What a button carries."""
    return f"{detail.row.id}:{detail.row.digest[:SHORT]}"


def draw(detail: ActionDetail, rule: SlackRule, pressed: Collection[str] = ()) -> Drawn:
    """The card while it waits, the receipt afterwards. `pressed`: who has pressed a button that is being dealt with."""
    receipt = receipt_of(detail.row)
    content = _receipt(detail, receipt, rule) if receipt else _waiting(detail, rule, pressed)
    return Drawn(summary(detail, receipt), content, detail.row.version)


def draw_old(detail: ActionDetail) -> Drawn:
    """A copy that counts no more: it says so, and has no buttons."""
    said = _("An earlier copy of this card: it shows nothing and decides nothing. The newer one, or the page, says how it stands.")
    text = _("An earlier copy: %(what)s") % {"what": summary(detail)}
    return Drawn(text, [b.section(b.plain(said)), b.context(b.mrkdwn(_foot(detail)))], detail.row.version)


def draw_left(detail: ActionDetail) -> Drawn:
    """A card in a channel that the policy routes its action to no longer: it says so, with no argument and no button."""
    said = _("The policy does not send this here any more: it is decided where it belongs, or on the page.")
    return Drawn(
        summary(detail, receipt_of(detail.row)), [b.section(b.plain(said)), b.context(b.mrkdwn(_foot(detail)))], detail.row.version
    )


def summary(detail: ActionDetail, receipt: Receipt | None = None) -> str:
    """The one line of notifications and old clients. No argument is in it."""
    what = _("%(level)s risk: %(tool)s by %(agent)s") % _names(detail)
    return broken(f"{receipt.verb}: {what}" if receipt else what)


def _names(detail: ActionDetail) -> dict[str, str]:
    return {"level": detail.row.level.capitalize(), "tool": name(detail.row.tool), "agent": name(detail.row.agent)}


def _waiting(detail: ActionDetail, rule: SlackRule, pressed: Collection[str]) -> list[b.Block]:
    showing = of_card(detail, rule)
    stopped = halted(detail, active_halts())
    why = stopped or why_not_here(detail, rule, showing)
    # The author's summary is made of arguments: it stands here only where all of them may.
    title = spelled(detail.row.summary) if showing.whole else named(detail.row.tool)
    parts = [b.header(titled(detail.row.level, title))]
    parts.append(b.fields(_facts(detail)))
    parts += arguments(showing)
    parts.append(b.context(b.plain(_why(detail, rule, whole=showing.whole), 300)))
    if asked := _standing(detail):
        parts.append(b.context(b.plain(asked, 300)))
    if refused := queries.last_refused(detail.row.id, detail.row.version):
        parts.append(b.context(b.plain(cut(refusing.line(refused, rule), 600), 600)))
    if pressed:
        who = ", ".join(person(name) for name in pressed)
        parts.append(b.section(b.plain(cut(_("Processing… (pressed by %(who)s)") % {"who": who}, 300))))
    else:
        parts.append(b.actions(_buttons(detail, rule, why), block_id=ACTIONS_BLOCK))
    parts.append(b.context(b.mrkdwn(_foot(detail)), *([b.plain(cut(why, 400))] if why else [])))
    return parts


def _facts(detail: ActionDetail) -> list[b.Block]:
    row = detail.row
    pairs = [(_("Agent"), named(row.agent)), (_("For"), person(row.requested_by) if row.requested_by else _("nobody named"))]
    pairs.append((_("Resource"), named(f"{row.tool} ({row.environment})" if row.environment else row.tool)))
    found = [b.plain(f"{label}\n{value}", b.FIELD) for label, value in pairs]
    return [*found, b.mrkdwn(f"{_('Expires')}\n{date(row.expires_at)}")]


def arguments(showing: Showing) -> list[b.Block]:
    """At most two sections."""
    found = [b.plain(_argument(f.path, f.text, f.cut), b.FIELD) for f in showing.fields]
    return [b.fields(found[at : at + b.FIELDS]) for at in range(0, len(found), b.FIELDS)]


def _argument(path: str, text: str, missing: int) -> str:
    more = " " + _("(and %(n)s more characters)") % {"n": f"{missing:,}"} if missing else ""
    return f"{path}\n{text}{more}"


def _why(detail: ActionDetail, rule: SlackRule, *, whole: bool) -> str:
    """The strongest reason of the score, and the policy it was scored with.

    Its sentence stands here only where what it speaks of may: figures are values of the call, paths are names in it, and what a rule is
    about its author wrote for reviewers. Otherwise its name and its points.
    """
    strongest = max(detail.factors, key=lambda f: f.points, default=None)
    reason = ""
    if strongest and strongest.points > 0:
        open_here = whole or of_no_argument(strongest) or (not strongest.rule and strongest.name in rule.safe_fields(detail.row.tool))
        line = factor_lines([strongest])[0]
        reason = f"{named(line.why, 160) if open_here else f'{named(line.name)} {line.points}'} · "
    return _("%(reason)sscore %(score)d · policy %(policy)s") % {"reason": reason, "score": detail.row.score, "policy": detail.policy}


def _standing(detail: ActionDetail) -> str:
    """Votes so far, who has it, what is being checked."""
    quorum = quorum_of(detail)
    said = [f"{quorum.short}: {', '.join(f'{person(g.by)} {g.words}' for g in quorum.given)}"] if quorum.given else []
    if detail.row.reserved_by:
        said.append(held(detail))
    if detail.checking:
        said.append(_("Edited arguments are being checked"))
    if detail.row.version > 1:
        said.append(_("version %(n)d") % {"n": detail.row.version})
    return " · ".join(said)


def held(detail: ActionDetail) -> str:
    """Who has it, and whose place they take where it was passed on to them."""
    on_it, instead_of = person(detail.row.reserved_by), person(detail.row.reserved_for)
    return (
        _("%(who)s is on it, for %(whom)s") % {"who": on_it, "whom": instead_of} if instead_of else _("%(who)s is on it") % {"who": on_it}
    )


def _buttons(detail: ActionDetail, rule: SlackRule, why: str) -> list[b.Block]:
    value = value_of(detail)
    if detail.row.level == "critical":
        return [b.button(_("Open to review"), WEB, url=url_of(detail.row.id))]
    if why or detail.checking or detail.row.kind == "question":
        return [b.button(_("Open to review"), REVIEW, value=value)]
    found = []
    if "approve" in detail.verdicts and "approve" not in detail.reason_for:
        found.append(b.button(_("Approve"), APPROVE, value=value, style="primary"))
    if "reject" in detail.verdicts:
        found.append(b.button(_("Reject"), REJECT, value=value, style="danger"))
    return [*found, b.button(_("Review"), REVIEW, value=value)]


def _foot(detail: ActionDetail) -> str:
    return f"{link(url_of(detail.row.id), _('Open in Countersign'))} · {safe(detail.row.digest[:SHORT])}"


def _receipt(detail: ActionDetail, receipt: Receipt, rule: SlackRule) -> list[b.Block]:
    showing = of_card(detail, rule)
    title = spelled(detail.row.summary) if showing.whole else named(detail.row.tool)
    parts = [b.header(cut(f"{receipt.verb} · {title}", b.HEADER)), b.section(b.mrkdwn(receipt_line(receipt)))]
    if receipt.reason and detail.row.state == ActionState.ANSWERED:  # it takes the call's place, as its arguments would
        parts.append(b.section(b.plain(_("What was answered stands on the page"))))
    elif receipt.reason:
        parts.append(b.section(b.plain(cut(spelled(receipt.reason), 1_000))))
    if note := _note(receipt, whole=showing.whole):
        parts.append(b.context(b.plain(cut(note, 600), 600)))
    if len(given := quorum_of(detail).given) > 1:  # the line above names whoever was last
        parts.append(b.context(b.plain(cut(", ".join(f"{person(g.by)} {g.words}" for g in given), 300))))
    parts.append(
        b.context(b.plain(_("Agent %(agent)s · %(level)s risk, score %(score)d") % {**_names(detail), "score": detail.row.score}, 300))
    )
    if fate := fate_of(detail.row):
        parts.append(b.context(b.plain(fate.title, 300)))
    parts.append(b.context(b.mrkdwn(_foot(detail))))
    return parts


def _note(receipt: Receipt, *, whole: bool) -> str:
    """What stands beneath it. What was wrong with a test action is made of its arguments: it stands here only where all of them may."""
    if receipt.test and not whole:
        return _("%(told)s What was wrong with it stands in Countersign.") % {"told": receipt.test.told}
    return receipt.note


def receipt_line(receipt: Receipt) -> str:
    """Verb, name, time and door, in mrkdwn."""
    verb = f"*{safe(receipt.verb)}*"
    said = _("%(verb)s by %(by)s") % {"verb": verb, "by": safe(spelled(receipt.by))} if receipt.by else verb
    door = f", {safe(receipt.door)}" if receipt.door else ""
    at = f", {date(receipt.at)}" if receipt.at else ""
    return f"{said}{door}{at}"


def item_of(detail: ActionDetail) -> Item:
    """As mails tell of it."""
    row = detail.row
    return Item(row.id, row.level, row.score, row.tool, row.agent, row.requested_by, row.expires_at)


def note(text: str, content: list[dict[str, Any]] | None = None) -> Drawn:
    """A message that is no card."""
    return Drawn(text, content or [], 0)
