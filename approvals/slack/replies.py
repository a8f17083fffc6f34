"""Answering one person: a private sentence where they pressed, or a view. After the acknowledgement, in a thread of its own.

A private sentence goes through the queue of messages (`whispers`). A view does not: what opens it holds three seconds.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from approvals.notify.errors import NotSent
from approvals.operations import slack_heard, slack_owing
from approvals.queries import slack as queries
from approvals.slack import blocks as b
from approvals.slack import client, later, members, whispers
from approvals.slack.people import part

log = structlog.get_logger("approvals.slack")


@dataclass(frozen=True)
class Place:
    """Where somebody pressed, for the private sentence. `team` is the workspace's row, `workspace` what Slack calls it; `over`: in a view."""

    team: int
    channel: str
    user: str
    trigger: str
    thread: str = ""
    workspace: str = ""
    bot_user: str = ""
    over: bool = False

    def whisper(self, text: str, *, link: bool = False, url: str = "") -> None:
        whisper(
            self.team, channel=self.channel, user=self.user, text=text, thread=self.thread, trigger=self.trigger, link=link, url=url,
            over=self.over,
        )  # fmt: skip


def whisper(
    team: int, *, channel: str, user: str, text: str, thread: str = "", trigger: str = "", link: bool = False, url: str = "",
    over: bool = False,
) -> None:  # fmt: skip
    """A sentence only they see, the same one once in some seconds. Where the app cannot whisper (it is not in that channel) it is a small view.

    Args:
        link: with the button to type a code. url: an address of ours or of Slack's, to be followed.
    """
    pressed = {"user": user, "text": text, "thread": thread, "link": link, "url": url}

    def say() -> None:
        if not slack_heard.first_for_a_while(f"{team}:{channel}:{json.dumps(pressed, sort_keys=True)}"):
            return  # they pressed again and again: it stands there already
        whispers.say(team, channel=channel, body=_for_guests(team, pressed), trigger=trigger, over=over)

    later.do(say)


def _for_guests(team: int, body: dict[str, Any]) -> dict[str, Any]:
    """Whoever could link themselves, and is a guest, is told that guests cannot."""
    if not body["link"] or not members.is_guest(team, str(body["user"])):
        return body
    return {**body, "text": members.guests_decide_on_the_page(), "link": False, "url": settings.PUBLIC_URL}


def show(place: Place, *, view: b.Block, url: str) -> None:
    """A view for whoever wrote a command; what does not open is said."""
    later.do(lambda: show_at(place, lambda: view, url=url), pool=later.VIEWS)


def show_at(place: Place, draw: Callable[[], b.Block], *, url: str = "") -> None:
    """Draw a view and open it, in a thread that comes after the acknowledgement. What does not open is said, for they wait for it.

    Args:
        url: where it is done without a view.
    """
    try:
        client.call(place.team, "views.push" if place.over else "views.open", trigger_id=place.trigger, view=draw())
    except NotSent as failure:
        log.warning("slack_not_opened", why=failure.why)
        text = _("If nothing has opened, try again: Slack did not open it, or too late. Nothing was done")
        if failure.wait_s:
            text = _("Slack opens nothing at the moment: try again in %(n)d seconds. Nothing was done")
            text %= {"n": -(-round(failure.wait_s) // 30) * 30}  # in steps, so that who tries meanwhile reads it once
        whisper(place.team, channel=place.channel, user=place.user, text=text, thread=place.thread, url=url)


def redraw(team: int, *, view_id: str, view: b.Block) -> None:
    """Change an open view."""
    later.do(lambda: client.call(team, "views.update", view_id=view_id, view=view))


def redraw_seen(place: Place, *, view_id: str, view: b.Block, seen: str) -> None:
    """Change the view in which something was chosen; that it could not be is said. A newer one than what was `seen` is not overwritten."""

    def draw() -> None:
        try:
            client.call(place.team, "views.update", view_id=view_id, view=view, **({"hash": seen} if seen else {}))
        except NotSent as failure:
            if "hash_conflict" in failure.why:
                return  # they have chosen something else meanwhile
            place.whisper(
                _("If nothing has changed in the view, press its button, or choose again: Slack did not take it. Nothing was done")
            )

    later.do(draw)


def tell_surely(place: Place, text: str, *, view_id: str, view: b.Block) -> None:
    """Change an open view; whoever has closed it has it as a direct message."""

    def say() -> None:
        try:
            client.call(place.team, "views.update", view_id=view_id, view=view)
        except NotSent:
            slack_owing.owe_said(place.team, place.user, text)

    later.do(say)


def workspace_of(payload: Mapping[str, Any]) -> int | None:
    """The workspace something was pressed in, for a sentence to somebody who is nobody here. Slack may name theirs, in a shared channel."""
    found = queries.team(str(part(payload, "team").get("id", ""))) or queries.team_of(str(part(payload, "channel").get("id", "")))
    return found.id if found else None
