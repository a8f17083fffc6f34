"""What a pressed button carries, and whether the copy it stands on is the one that counts. Of the message only its place is looked at.

A press on any other copy (changed by somebody, posted anew meanwhile, of an earlier installation) does nothing but say so.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from approvals.errors import Stale
from approvals.notify.errors import NotSent
from approvals.operations import slack_copies, waking
from approvals.queries import ActionDetail
from approvals.queries import slack as queries
from approvals.slack import cards, client, later
from approvals.slack.people import part
from approvals.slack.replies import Place
from approvals.slack.verifying import Click

Json = Mapping[str, Any]


class OldCopy(Exception):
    """The press came from a copy that counts no more. `newest`: where the one that counts stands, "" while it is being posted."""

    def __init__(self, action_id: UUID, newest: str, *, known: bool) -> None:
        super().__init__(newest)
        self.action_id, self.newest, self.known = action_id, newest, known

    def tell(self, place: Place) -> None:
        """The private sentence, with the way to the card that counts."""
        later.do(lambda: place.whisper(self._sentence(), url=self._url(place)))

    def _sentence(self) -> str:
        if not self.known:
            return _("This is no card of ours in this conversation: nothing was done. Decide it on the page")
        if not self.newest:
            return _("This card is being posted anew: nothing was done. Press the new one in a moment, or decide it on the page")
        return _("This card shows an earlier version: nothing was done. The new one is here")

    def _url(self, place: Place) -> str:
        page = cards.url_of(str(self.action_id))
        if not (self.known and self.newest):
            return page
        try:
            found = client.call(place.team, "chat.getPermalink", channel=place.channel, message_ts=self.newest)
        except NotSent:
            return page
        return str(found.get("permalink") or page)


def value(pressed: Json) -> tuple[UUID, str]:
    """The action and the beginning of its digest. Raises Stale."""
    key, _colon, prefix = str(pressed.get("value", "")).partition(":")
    try:
        return UUID(key), prefix
    except ValueError:
        raise Stale(_("That button is of no card of ours; look for the newer one")) from None


def page_of(pressed: Json) -> str:
    """Where it is decided as it is now, of whatever was pressed."""
    try:
        return cards.url_of(str(value(pressed)[0]))
    except Stale:
        return f"{settings.PUBLIC_URL.rstrip('/')}/inbox/"


def check_prefix(detail: ActionDetail, prefix: str) -> None:
    """The card that was pressed is of the version that waits now. Raises Stale."""
    if len(prefix) != cards.SHORT or detail.row.digest[: cards.SHORT] != prefix:
        raise Stale(_("This changed since that card was posted; look at the newer one, then decide"))


def check_copy(payload: Json, place: Place, action_id: UUID, *, opens: bool = False) -> None:
    """The press came from the copy that counts. Any other one loses its buttons. Raises OldCopy.

    Args:
        opens: it only opens the view: that is also done from a direct message, and from a view, which was drawn for whoever presses in it.
    """
    container, message = part(payload, "container"), part(payload, "message")
    if opens and container.get("type") == "view":
        return
    ts = str(container.get("message_ts") or "")
    found = queries.copy_at(place.team, channel=place.channel, ts=ts, action=action_id)
    changed = changed_by_another(message, place.bot_user)
    if (found.card or (opens and found.note)) and not changed:
        return
    if found.card:  # Slack's event about the change is still on its way
        slack_copies.anew_at(place.workspace, place.channel, ts)
    else:
        slack_copies.retire_at(place.team, place.channel, ts, action_id)
    waking.soon(waking.SLACK)
    raise OldCopy(action_id, "" if found.card else found.newest, known=found.known)


def changed_by_another(message: Mapping[str, Any], bot_user: str = "") -> bool:
    """Whether somebody else has changed a message of ours. Our own updates name our user, or our app's other name."""
    edited = message.get("edited")
    by = edited.get("user") if isinstance(edited, Mapping) else None
    return bool(by) and by not in {bot_user or message.get("user"), message.get("bot_id")}


def key_of(click: Click) -> str:
    """The same bytes again are the same decision."""
    return f"slack:{click.body_sha256[:48]}"
