"""Buttons: of a card in a channel, and what acts at once in an open view. Translate in, one operation, a private sentence if it refuses.

The button carries an id and the beginning of a digest, and counts only on the copy that we keep true (`buttons`). Who may, what state it is in
and what is stored are asked of the database; the text of the message, names and hidden fields of the payload are never looked at.

What only opens or changes a view is acknowledged first: drawing it takes longer on a busy machine than Slack waits for an answer. What
opens it holds three seconds; whoever pressed is told when that was not enough.
"""

from collections.abc import Callable, Mapping
from typing import Any

from approvals.errors import ApprovalError
from approvals.operations import policies
from approvals.queries import ActionDetail, action_detail, desks
from approvals.slack import approving, buttons, cards, desk, halting, home, later, mistakes, modals, quick, releasing, replies
from approvals.slack import blocks as b
from approvals.slack.buttons import OldCopy
from approvals.slack.people import Hand, Refused, hand, met, page_url, part
from approvals.slack.replies import Place
from approvals.slack.verifying import Click
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
    if name in VIEWS:
        later.do(lambda: _do_later(name, payload, pressed, place, click), pool=later.VIEWS)
    else:
        _do(name, payload, pressed, place, click)
    return {}


def _do(name: str, payload: Json, pressed: Json, place: Place, click: Click) -> None:
    try:
        PRESSES[name](payload, pressed, place, click)
    except Refused as refused:
        place.whisper(refused.sentence, link=refused.link, url=refused.url)
    except OldCopy as old:
        old.tell(place)
    except ApprovalError as error:  # with the address: the same sentence about two cards is said twice, and one can see of which
        place.whisper(told(error.message), url=buttons.page_of(pressed))
    except quick.Busy as busy:
        place.whisper(quick.again(busy.ended), url=buttons.page_of(pressed))


def _do_later(name: str, payload: Json, pressed: Json, place: Place, click: Click) -> None:
    """After the acknowledgement nothing goes back with it: a mistake of ours is said here."""
    try:
        _do(name, payload, pressed, place, click)
    except Exception:
        mistakes.tell(payload)
        raise


def _review(payload: Json, pressed: Json, place: Place, click: Click, *, choice: str = "") -> None:
    who = hand(payload)
    action_id, prefix = buttons.value(pressed)
    buttons.check_copy(payload, place, action_id, opens=True)
    detail = action_detail(action_id, reader=who.user)
    if detail.row.state == "PENDING":
        buttons.check_prefix(detail, prefix)
    from_home = part(payload, "view").get("type") == "home"
    replies.show_at(place, lambda: drawn(detail, who, choice=choice, home=from_home), url=cards.url_of(str(action_id)))


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
    replies.redraw_seen(place, view_id=str(view.get("id", "")), view=view_of_it, seen=str(view.get("hash", "")))


def _link(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    met(payload)
    replies.show_at(place, modals.link_account, url=page_url())


PRESSES: dict[str, Callable[[Json, Json, Place, Click], None]] = {
    cards.APPROVE: approving.approve, cards.REJECT: _reject, cards.REVIEW: _review, modals.CHOICE: _choose, "link": _link,
    **desk.PRESSES, **halting.PRESSES, **releasing.PRESSES,
}  # fmt: skip
VIEWS = frozenset({cards.REJECT, cards.REVIEW, modals.CHOICE, "link", home.AWAY, home.HALT, *releasing.PRESSES})


def drawn(detail: ActionDetail, who: Hand, *, choice: str = "", home: bool = False) -> b.Block:
    """The view of an action for one person, as it is now. `home`: it was opened from their Home tab, which then follows."""
    own = desks.desk(detail.row.id, reader=who.user) if detail.row.state == "PENDING" else None
    return modals.review(detail, policies.in_force().data.slack, own, choice=choice, origin={"home": "1"} if home else None)


def _first(payload: Json) -> Json:
    found = payload.get("actions")
    return found[0] if isinstance(found, list) and found and isinstance(found[0], Mapping) else {}


def _place(payload: Json) -> Place:
    workspace, identity = met(payload)
    container, channel = part(payload, "container"), part(payload, "channel")
    message = payload.get("message") or {}
    thread = str(message.get("thread_ts") or "") if isinstance(message, Mapping) else ""
    where = str(channel.get("id") or container.get("channel_id") or identity.user)
    over, trigger = part(payload, "view").get("type") == "modal", str(payload.get("trigger_id", ""))
    return Place(workspace.id, where, identity.user, trigger, thread, workspace.team, workspace.bot_user, over)


def _stranger(payload: Json, refused: Refused) -> Json:
    workspace = replies.workspace_of(payload)
    user, channel = part(payload, "user").get("id"), part(payload, "channel").get("id")
    if workspace and user and channel:
        trigger = str(payload.get("trigger_id", ""))
        replies.whisper(workspace, channel=str(channel), user=str(user), text=refused.sentence, trigger=trigger, url=refused.url)
    return {}
