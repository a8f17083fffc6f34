"""Slash commands: answered at once with a sentence only the asker sees."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from approvals.errors import ApprovalError
from approvals.operations.slack_people import Identity
from approvals.queries.slack import TeamRow
from approvals.slack import blocks as b
from approvals.slack import halting, home, linking, replies
from approvals.slack.cards import url_of
from approvals.slack.people import Refused, hand, met
from approvals.slack.text import link, named, safe
from approvals.slack.verifying import Click
from audit.languages import told

Json = Mapping[str, Any]
MOST = 10


def command(payload: Json, click: Click) -> Json:
    """One command, as a form of Slack's gives it."""
    shaped = {
        "team": {"id": payload.get("team_id")}, "enterprise": {"id": payload.get("enterprise_id")},
        "user": {"id": payload.get("user_id"), "team_id": payload.get("team_id")},
    }  # fmt: skip
    known = COMMANDS.get(str(payload.get("command", "")))
    try:
        return known(payload, shaped) if known else said(_("There is no such command here"))
    except Refused as refused:
        return said(refused.sentence, url=refused.url)
    except ApprovalError as error:
        return said(told(error.message))


def _approvals(payload: Json, shaped: Json) -> Json:
    """`/approvals`: what waits for me. `/approvals link CODE`: this Slack account is mine."""
    words = str(payload.get("text", "")).split()
    if words[:1] == ["link"]:
        workspace, identity = met(shaped)
        return _link(" ".join(words[1:]), workspace, identity, str(payload.get("channel_id", "")), str(payload.get("trigger_id", "")))
    who = hand(shaped)
    rows, count = home.first_of(who.user, MOST)
    head = home.waiting(count)
    lines = [f"• *{safe(r.level)}* {link(url_of(r.id), named(r.tool))} {safe(named(r.agent))}" for r in rows]
    if count > MOST:
        lines.append(link(f"{settings.PUBLIC_URL.rstrip('/')}/inbox/", _("and more, in the inbox")))
    return {**said(head), "blocks": [b.section(b.mrkdwn("\n".join([head, *lines])))]}


def _link(code: str, workspace: TeamRow, identity: Identity, channel: str, trigger: str) -> Json:
    def tell(text: str, bad: bool, url: str = "") -> None:
        replies.whisper(workspace.id, channel=channel, user=identity.user, text=text, trigger=trigger, url=url)

    linking.typed(code, workspace=workspace.id, identity=identity, tell=tell)
    return said(_("Asking Slack who you are ..."))


COMMANDS: dict[str, Callable[[Json, Json], Json]] = {"/approvals": _approvals, "/halt": halting.command}


def said(text: str, *, url: str = "") -> dict[str, Any]:
    return {"response_type": "ephemeral", "text": f"{safe(text)}: {link(url, url)}" if url else safe(text)}
