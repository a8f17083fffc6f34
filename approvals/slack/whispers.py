"""A private sentence: a message of the queue like any other, so that it keeps to the bucket of its conversation; said at once where that has room.

Once for each cause, as far as Slack lets us: it keeps no list in which a private sentence could be looked for, so one whose answer was lost
is not repeated. What Slack refuses, or says has failed, goes later, for some minutes.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from django.utils.translation import gettext as _

from approvals.notify.errors import NotSent
from approvals.operations import slack_owing, slack_queue, waking
from approvals.operations.slack_queue import Claimed
from approvals.slack import blocks as b
from approvals.slack import client, modals
from approvals.slack.text import link as linked
from approvals.slack.text import safe

log = structlog.get_logger("approvals.slack")


def say(team: int, *, channel: str, body: dict[str, Any], trigger: str = "", over: bool = False) -> None:
    """Owe it, and say it now if the conversation may be written to; otherwise a worker does when it may.

    Args:
        trigger: opens a small view instead where the app cannot write: it is not in that channel, or they pressed on the Home tab or in a
            view (`over`: then it lies on that), where no conversation is.
    """
    if trigger and _a_person(channel) and _in_a_view(team, trigger, body, over=over):
        return None
    taken = slack_queue.claim(only=[slack_owing.owe_whisper(team, channel, body)])
    if taken is None:
        return waking.soon(waking.SLACK)
    try:
        slack_queue.record(taken, None, ts=put(taken))
    except NotSent as failure:
        if failure.permanent and trigger and _in_a_view(team, trigger, body, over=over):
            return slack_queue.skip(taken, _("It was shown in a view: %(why)s") % {"why": failure.why})
        slack_queue.record(taken, failure)
    except Exception:  # a mistake of ours in one sentence must not hold up all that waits behind it
        log.exception("slack_not_said", message=taken.id)
        slack_queue.record(taken, NotSent(_("It could not be said; see the log"), permanent=True))
    return None


def put(taken: Claimed) -> str:
    """Say it. Returns Slack's name of it. Raises NotSent."""
    return str(client.call(taken.team, "chat.postEphemeral", channel=address_of(taken), **spoken(taken.body)).get("message_ts") or "-")


def address_of(taken: Claimed) -> str:
    """What Slack calls the conversation of a message; a direct one is opened. Raises NotSent."""
    if taken.address:
        return taken.address
    address = str(client.call(taken.team, "conversations.open", users=taken.name)["channel"]["id"])
    slack_queue.opened(taken.channel, address)
    return address


def spoken(body: Mapping[str, Any]) -> dict[str, Any]:
    """A private sentence as `chat.postEphemeral` takes it."""
    text, url = safe(str(body["text"])), str(body.get("url") or "")
    said = f"{text}: {linked(url, url)}" if url else text
    parts = [b.section(b.mrkdwn(said))]
    if body.get("link"):
        parts.append(b.actions([b.button(_("I have a code"), "link", style="primary")], block_id="link"))
    more = {"thread_ts": body["thread"]} if body.get("thread") else {}
    return {"user": body["user"], "text": said, "blocks": parts, **more}


def _a_person(channel: str) -> bool:
    return channel[:1] in {"U", "W"}


def _in_a_view(team: int, trigger: str, body: Mapping[str, Any], *, over: bool) -> bool:
    view = modals.sentence(str(body["text"]), bad=True, url=str(body["url"]))
    try:
        client.call(team, "views.push" if over else "views.open", trigger_id=trigger, view=view)
    except NotSent:
        return False
    return True
