"""Answering one person: a private sentence where they pressed, or a view. After the acknowledgement, in a thread of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from approvals.notify.errors import NotSent
from approvals.queries import slack as queries
from approvals.slack import blocks as b
from approvals.slack import client, later, modals
from approvals.slack.people import part
from approvals.slack.text import safe


@dataclass(frozen=True)
class Place:
    """Where somebody pressed, for the private sentence."""

    team: int
    channel: str
    user: str
    trigger: str
    thread: str = ""

    def whisper(self, text: str, *, link: bool = False) -> None:
        whisper(
            self.team, channel=self.channel, user=self.user, text=text, thread=self.thread, trigger=self.trigger, link=link
        )  # fmt: skip


def whisper(team: int, *, channel: str, user: str, text: str, thread: str = "", trigger: str = "", link: bool = False) -> None:
    """A sentence only they see. Where the app cannot whisper (it is not in that channel) it is a small view."""

    def say() -> None:
        parts = [b.section(b.mrkdwn(safe(text)))]
        if link:
            parts.append(b.actions([b.button(_("I have a code"), "link", style="primary")], block_id="link"))
        try:
            more = {"thread_ts": thread} if thread else {}
            client.call(team, "chat.postEphemeral", channel=channel, user=user, text=safe(text), blocks=parts, **more)
        except NotSent as failure:
            if not failure.permanent or not trigger:
                raise
            client.call(team, "views.open", trigger_id=trigger, view=modals.sentence(text, bad=True))

    later.do(say)


def show(team: int, *, trigger: str, view: b.Block, over: bool = False) -> None:
    """A view. `over`: they pressed in a view that is open, so that this one lies on it."""
    later.do(lambda: client.call(team, "views.push" if over else "views.open", trigger_id=trigger, view=view))


def redraw(team: int, *, view_id: str, view: b.Block, seen: str = "") -> None:
    """Change an open view. `seen` is the one it was: a newer one is not overwritten."""
    more = {"hash": seen} if seen else {}
    later.do(lambda: client.call(team, "views.update", view_id=view_id, view=view, **more))


def workspace_of(payload: Mapping[str, Any]) -> int | None:
    """The workspace something was pressed in, for a sentence to somebody who is nobody here."""
    found = queries.team(str(part(payload, "team").get("id", "")))
    return found.id if found else None
