"""Events: somebody opens the Home tab, replies in threads become comments (edited ones a second), deleted and changed cards are posted again, the app is invited or removed, somebody becomes a guest."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.errors import ApprovalError, BadRequest
from approvals.operations import commenting, slack_copies, slack_installs, slack_people, slack_queue, waking
from approvals.operations.slack_people import Identity
from approvals.queries import comments
from approvals.queries import slack as queries
from approvals.slack import desk, quick, replies
from approvals.slack.buttons import changed_by_another
from approvals.slack.people import enterprise_of, page_url, part
from approvals.slack.quick import BUSY_MS, WHOLE_MS
from approvals.slack.text import as_read, mentioned
from approvals.slack.verifying import Click
from audit.languages import told

Json = Mapping[str, Any]
# Messages that somebody wrote: plain, "also sent to the channel", and with a file.
SAID = (None, "", "thread_broadcast", "file_share")


def event_callback(payload: Json, click: Click) -> Json:
    event = payload.get("event")
    if isinstance(event, Mapping) and (heard := EVENTS.get(str(event.get("type")))):
        heard(payload, event)
    return {}


def _message(payload: Json, event: Json) -> None:
    kind = event.get("subtype")
    team = str(payload.get("team_id", ""))
    if kind == "message_deleted":
        _gone(team, str(event.get("channel", "")), str(event.get("deleted_ts", "")))
    elif kind == "message_changed":
        _changed(payload, team, event)
    elif kind in SAID and not event.get("bot_id") and not _reply(payload, team, event) and event.get("channel_type") == "im":
        _to_the_app(team, event)


def _to_the_app(team: str, event: Json) -> None:
    """Somebody writes to the app itself: nobody reads that, and they are told where it would be read."""
    workspace, user = queries.team(team), str(event.get("user", ""))
    if workspace and user and user != workspace.bot_user:
        text = _("Nobody reads this here: reply in the thread under a card, and it becomes a comment. /approvals lists what waits for you")
        replies.whisper(workspace.id, channel=str(event.get("channel", "")), user=user, text=text, thread=str(event.get("thread_ts") or ""))


def _gone(team: str, channel: str, ts: str) -> None:
    """A message was deleted, by whoever may: a card is posted again, a comment that was taken from it stays and says so."""
    if slack_copies.anew_at(team, channel, ts):
        waking.soon(waking.SLACK)
    elif comments.taken_from(f"{team}:{channel}:{ts}"):
        said = partial(commenting.deleted_there, f"{team}:{channel}:{ts}", door="slack")
        if not quick.within(BUSY_MS, said, whole_ms=WHOLE_MS):
            raise quick.Busy


def _changed(payload: Json, team: str, event: Json) -> None:
    """Our own updates come back as events, too; only somebody else's change is news."""
    message, channel = part(event, "message"), str(event.get("channel", ""))
    workspace = queries.team(team)
    if workspace and changed_by_another(message, workspace.bot_user):
        _card_changed(team, channel, str(message.get("ts", "")))
    if message.get("subtype") in SAID and not message.get("bot_id") and message.get("thread_ts") and _edited(event):
        _reply(payload, team, {**message, "channel": channel}, edited=str(part(message, "edited").get("ts", "")))


def _card_changed(team: str, channel: str, ts: str) -> None:
    if slack_copies.anew_at(team, channel, ts):
        waking.soon(waking.SLACK)


def _edited(event: Json) -> bool:
    """Whether its author wrote something else: Slack tells of a preview that was added, or a reaction, by the same event."""
    message, before = part(event, "message"), part(event, "previous_message")
    by = part(message, "edited").get("user")
    return bool(by) and by == message.get("user") and message.get("text") != before.get("text")


def _reply(payload: Json, team: str, event: Json, *, edited: str = "") -> bool:
    """A reply under a card is a comment, of somebody who is linked. Whatever it says, it decides nothing. False when it is under no card.

    Args:
        edited: it was written before, and changed at this time of Slack's: what was taken stays, and a second comment says what it says now.
            One that was not taken then (its author was not linked yet, it was too long) is taken now.
    """
    channel, thread, ts = (str(event.get(name) or "") for name in ("channel", "thread_ts", "ts"))
    action = queries.action_at(team=team, channel=channel, ts=thread) if thread else ""
    workspace = queries.team(team)
    if not action or workspace is None:
        return False
    files = _files(event)
    own = str(event.get("user_team") or event.get("team") or next((f.get("user_team") for f in files), "") or "")
    user = str(event.get("user", ""))
    who = queries.person(enterprise=enterprise_of(payload), team=own, slack_user=user) if own == team else None
    if who is None:
        stays = _("Your reply stays in Slack: link your account to have it on the page as well")
        replies.whisper(workspace.id, channel=channel, user=user, text=stays, thread=thread, url=page_url())
        return True
    try:
        text, key = _words(team, event, len(files)), f"{team}:{channel}:{ts}"
        if edited and (taken := comments.taken_from(key)):
            if taken.by != who.pk:
                return True  # their Slack account was somebody else's here when they wrote it
            text, key = _("Edited in Slack, it says now: %(text)s") % {"text": text}, f"{key}:edited:{edited}"
        write = partial(commenting.comment, action, by=who, text=text, door="slack", key=key)
        if not quick.within(BUSY_MS, write, whole_ms=WHOLE_MS):
            raise quick.Busy  # by its key it is one comment, however often Slack sends it
    except ApprovalError as error:
        replies.whisper(workspace.id, channel=channel, user=user, text=told(error.message), thread=thread)
    else:
        waking.soon(waking.SLACK)
    return True


def _files(event: Json) -> list[Json]:
    found = event.get("files")
    return [file for file in found if isinstance(file, Mapping)] if isinstance(found, list) else []


def _words(team: str, event: Json, files: int) -> str:
    """What was written, with people by their names here, and that something was attached, which stays in Slack. Raises BadRequest for files alone."""
    written = str(event.get("text") or "")
    text = as_read(written, queries.names_of(team, mentioned(written))).strip()
    if not files:
        return text
    if not text:
        raise BadRequest(_("Your file stays in Slack: only words become comments. Reply with what it shows."))
    more = ngettext("(%(n)d file was attached to this in Slack)", "(%(n)d files were attached to this in Slack)", files) % {"n": files}
    return f"{text}\n{more}"


def _joined(payload: Json, event: Json) -> None:
    """Somebody came into a channel; when it is the app, cards that could not be posted there go now."""
    team = str(payload.get("team_id", ""))
    workspace = queries.team(team)
    if workspace and event.get("user") == workspace.bot_user and slack_queue.let_in(team, str(event.get("channel", ""))):
        waking.soon(waking.SLACK)


def _unarchived(payload: Json, event: Json) -> None:
    if slack_queue.let_in(str(payload.get("team_id", "")), str(event.get("channel", ""))):
        waking.soon(waking.SLACK)


def _removed(payload: Json, event: Json) -> None:
    """Of whatever stands there now only when that is not newer: Slack sends an event again for an hour, and it may have been installed anew."""
    at = payload.get("event_time")
    slack_installs.remove(str(payload.get("team_id", "")), by=None, door="slack", at=at if isinstance(at, int) else None)


def _revoked(payload: Json, event: Json) -> None:
    if (event.get("tokens") or {}).get("bot"):
        _removed(payload, event)


def _user_changed(payload: Json, event: Json) -> None:
    user = part(event, "user")
    if user.get("deleted") or user.get("is_restricted") or user.get("is_ultra_restricted"):
        slack_people.lost(Identity("", str(user.get("team_id") or payload.get("team_id", "")), str(user.get("id", ""))))


EVENTS: dict[str, Callable[[Json, Json], None]] = {
    "message": _message, "app_home_opened": desk.opened, "app_uninstalled": _removed, "tokens_revoked": _revoked, "user_change": _user_changed,
    "member_joined_channel": _joined, "channel_unarchive": _unarchived, "group_unarchive": _unarchived,
}  # fmt: skip
