"""Events: somebody opens the Home tab, replies in threads become comments, deleted and changed cards are posted again, the app is invited or removed, somebody becomes a guest."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.errors import ApprovalError, BadRequest
from approvals.operations import commenting, slack_copies, slack_installs, slack_people, slack_queue, waking
from approvals.operations.slack_people import Identity
from approvals.queries import slack as queries
from approvals.slack import desk, quick, replies
from approvals.slack.buttons import changed_by_another
from approvals.slack.people import enterprise_of, page_url, part
from approvals.slack.quick import BUSY_MS, WHOLE_MS
from approvals.slack.text import as_read
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
        _changed(team, event)
    elif kind in SAID and not event.get("bot_id") and event.get("thread_ts"):
        _reply(payload, team, event)


def _gone(team: str, channel: str, ts: str) -> None:
    if slack_copies.anew_at(team, channel, ts):
        waking.soon(waking.SLACK)


def _changed(team: str, event: Json) -> None:
    """Our own updates come back as events, too; only somebody else's change is news."""
    message = event.get("message") or {}
    workspace = queries.team(team)
    if workspace and isinstance(message, Mapping) and changed_by_another(message, workspace.bot_user):
        _gone(team, str(event.get("channel", "")), str(message.get("ts", "")))


def _reply(payload: Json, team: str, event: Json) -> None:
    """A reply under a card is a comment, of somebody who is linked. Whatever it says, it decides nothing."""
    channel, thread, ts = (str(event.get(name, "")) for name in ("channel", "thread_ts", "ts"))
    action = queries.action_at(team=team, channel=channel, ts=thread)
    workspace = queries.team(team)
    if not action or workspace is None:
        return
    files = _files(event)
    own = str(event.get("user_team") or event.get("team") or next((f.get("user_team") for f in files), "") or "")
    user = str(event.get("user", ""))
    who = queries.person(enterprise=enterprise_of(payload), team=own, slack_user=user) if own == team else None
    if who is None:
        stays = _("Your reply stays in Slack: link your account to have it on the page as well")
        replies.whisper(workspace.id, channel=channel, user=user, text=stays, thread=thread, url=page_url())
        return
    try:
        text, key = _words(event, len(files)), f"{team}:{channel}:{ts}"
        write = partial(commenting.comment, action, by=who, text=text, door="slack", key=key)
        if not quick.within(BUSY_MS, write, whole_ms=WHOLE_MS):
            raise quick.Busy  # by its key it is one comment, however often Slack sends it
    except ApprovalError as error:
        replies.whisper(workspace.id, channel=channel, user=user, text=told(error.message), thread=thread)
    else:
        waking.soon(waking.SLACK)


def _files(event: Json) -> list[Json]:
    found = event.get("files")
    return [file for file in found if isinstance(file, Mapping)] if isinstance(found, list) else []


def _words(event: Json, files: int) -> str:
    """What was written, and that something was attached, which stays in Slack. Raises BadRequest for files alone."""
    text = as_read(str(event.get("text") or "")).strip()
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
    "member_joined_channel": _joined,
}  # fmt: skip
