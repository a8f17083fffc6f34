"""What somebody is told when a mistake of ours came between: never silence, and never a view that closes as if all were well. The log has the rest."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from approvals.slack import modals, replies
from approvals.slack.people import part
from approvals.slack.views import shows

Json = Mapping[str, Any]


def sentence() -> str:
    return _("Something went wrong here, and nothing was recorded; those who run this find it in the log. Try again, or do it on the page")


def answer(kind: str, payload: Json) -> Json:
    """What goes back instead of the answer."""
    if kind == "view_submission":
        return shows(modals.sentence(sentence(), bad=True, url=settings.PUBLIC_URL))
    if kind == "command":
        return {"response_type": "ephemeral", "text": f"{sentence()}: {settings.PUBLIC_URL}"}
    if kind == "block_suggestion":
        return {"options": []}
    tell(payload)
    return {}


def tell(payload: Json) -> None:
    """The same privately, where they pressed."""
    user, container = str(part(payload, "user").get("id", "")), part(payload, "container")
    if not user or (workspace := replies.workspace_of(payload)) is None:
        return
    where = str(part(payload, "channel").get("id") or container.get("channel_id") or user)
    over = part(payload, "view").get("type") == "modal"
    trigger = str(payload.get("trigger_id", ""))
    replies.whisper(workspace, channel=where, user=user, text=sentence(), trigger=trigger, url=settings.PUBLIC_URL, over=over)
