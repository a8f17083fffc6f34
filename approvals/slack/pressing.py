"""Buttons: of a card in a channel, and what acts at once in an open view. Translate in, one operation, a private sentence if it refuses.

The button carries an id and the beginning of a digest. Who may, what state it is in and what is stored are asked of the database; the text
of the message, names and hidden fields of the payload are never looked at.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from approvals import operations
from approvals.errors import ApprovalError, Stale
from approvals.operations import policies, waking
from approvals.operations.step_up import Proof
from approvals.queries import ActionDetail, action_detail, desks
from approvals.slack import blocks as b
from approvals.slack import cards, desk, halting, modals, quick, replies
from approvals.slack.people import Hand, Refused, hand, met, part, said_of
from approvals.slack.replies import Place
from approvals.slack.showing import of_card, why_not_here
from approvals.slack.verifying import Click
from approvals.web.receipts import receipt_of
from audit.languages import told

Json = Mapping[str, Any]


def block_actions(payload: Json, click: Click) -> Json:
    """One press. Whatever is refused is said to the person alone."""
    pressed = _first(payload)
    name = str(pressed.get("action_id", ""))
    if name == cards.WEB or name not in PRESSES:
        return {}
    try:
        place = _place(payload)
    except Refused as refused:
        # Nobody we could whisper to through a workspace of ours; if there is one, its app says so.
        return _stranger(payload, refused)
    try:
        PRESSES[name](payload, pressed, place, click)
    except Refused as refused:
        place.whisper(refused.sentence, link=refused.link)
    except ApprovalError as error:
        place.whisper(told(error.message))
    return {}


def _approve(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    who = hand(payload)
    action_id, prefix = _value(pressed)

    def decide() -> None:
        try:
            place_said = _decided(action_id, prefix, who, click)
        except ApprovalError as error:
            place_said = told(error.message)
        if place_said:
            place.whisper(place_said)

    quick.now_or_later(decide)


def _decided(action_id: UUID, prefix: str, who: Hand, click: Click) -> str:
    """Approve by the card's own button; a sentence when there is something to say about it. Raises ApprovalError."""
    detail = action_detail(action_id, reader=who.user)
    if detail.row.state == "PENDING":
        check_prefix(detail, prefix)
        rule = policies.in_force().data.slack
        if why := why_not_here(detail, rule, of_card(detail, rule)):
            return _("%(why)s: %(url)s") % {"why": why, "url": cards.url_of(detail.row.id)}
    done = operations.decide(
        action_id, by=who.user, verdict="approve", seen_digest=detail.row.digest, door="slack",
        idempotency_key=key_of(click), proof=Proof(click=said_of(who, click)),
    )  # fmt: skip
    waking.soon(waking.SLACK)
    if done.replayed:
        return _("You have decided this already: %(what)s") % {"what": outcome(action_detail(action_id, reader=who.user))}
    return "" if done.resolved else _("Recorded. It waits for more people.")


def _review(payload: Json, pressed: Json, place: Place, click: Click, *, choice: str = "") -> None:
    who = hand(payload)
    action_id, prefix = _value(pressed)
    detail = action_detail(action_id, reader=who.user)
    if detail.row.state == "PENDING":
        check_prefix(detail, prefix)
    kind = (payload.get("view") or {}).get("type", "")
    replies.show(
        place.team, trigger=place.trigger, view=drawn(detail, who, choice=choice, home=kind == "home"), over=kind == "modal"
    )  # fmt: skip


def _reject(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    """Saying no asks for a reason: the view opens at it."""
    _review(payload, pressed, place, click, choice="reject")


def _choose(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    """In the open view somebody chose what to do: the inputs for it appear."""
    view = payload.get("view") or {}
    who = hand(payload)
    meta = modals.metadata(view)
    choice = str((pressed.get("selected_option") or {}).get("value", ""))
    detail = action_detail(meta.get("action", ""), reader=who.user)
    view_of_it = drawn(detail, who, choice=choice, home=bool(meta.get("home")))
    replies.redraw(place.team, view_id=str(view.get("id", "")), view=view_of_it, seen=str(view.get("hash", "")))


def _link(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    met(payload)
    over = (payload.get("view") or {}).get("type") == "modal"
    replies.show(place.team, trigger=place.trigger, view=modals.link_account(), over=over)


PRESSES: dict[str, Callable[[Json, Json, Place, Click], None]] = {
    cards.APPROVE: _approve, cards.REJECT: _reject, cards.REVIEW: _review, modals.CHOICE: _choose, "link": _link,
    **desk.PRESSES, **halting.PRESSES,
}  # fmt: skip


def drawn(detail: ActionDetail, who: Hand, *, choice: str = "", home: bool = False) -> b.Block:
    """The view of an action for one person, as it is now. `home`: it was opened from their Home tab, which then follows."""
    own = desks.desk(detail.row.id, reader=who.user) if detail.row.state == "PENDING" else None
    return modals.review(detail, policies.in_force().data.slack, own, choice=choice, origin={"home": "1"} if home else None)


def check_prefix(detail: ActionDetail, prefix: str) -> None:
    """The card that was pressed is of the version that waits now. Raises Stale."""
    if len(prefix) != cards.SHORT or detail.row.digest[: cards.SHORT] != prefix:
        raise Stale(_("This changed since that card was posted; look at the newer one, then decide"))


def outcome(detail: ActionDetail) -> str:
    """What became of it, in a line."""
    found = receipt_of(detail.row)
    if found is None:
        return _("it waits for more people")
    return f"{found.verb}{f' by {found.by}' if found.by else ''}{f', {found.door}' if found.door else ''}"


def key_of(click: Click) -> str:
    """The same bytes again are the same decision."""
    return f"slack:{click.body_sha256[:48]}"


def _value(pressed: Json) -> tuple[UUID, str]:
    key, _colon, prefix = str(pressed.get("value", "")).partition(":")
    try:
        return UUID(key), prefix
    except ValueError:
        raise Stale(_("That button is of no card of ours; look for the newer one")) from None


def _first(payload: Json) -> Json:
    found = payload.get("actions")
    return found[0] if isinstance(found, list) and found and isinstance(found[0], Mapping) else {}


def _place(payload: Json) -> Place:
    workspace, identity = met(payload)
    container, channel = part(payload, "container"), part(payload, "channel")
    message = payload.get("message") or {}
    thread = str(message.get("thread_ts") or "") if isinstance(message, Mapping) else ""
    where = str(channel.get("id") or container.get("channel_id") or identity.user)
    return Place(workspace.id, where, identity.user, str(payload.get("trigger_id", "")), thread)


def _stranger(payload: Json, refused: Refused) -> Json:
    workspace = replies.workspace_of(payload)
    user, channel = part(payload, "user").get("id"), part(payload, "channel").get("id")
    if workspace and user and channel:
        trigger = str(payload.get("trigger_id", ""))
        replies.whisper(workspace, channel=str(channel), user=str(user), text=refused.sentence, trigger=trigger)
    return {}
