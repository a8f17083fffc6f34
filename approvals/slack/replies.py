"""Answering one person: a private sentence where they pressed, or a view. After the acknowledgement, in a thread of its own."""

from django.utils.translation import gettext as _

from approvals.notify.errors import NotSent
from approvals.slack import blocks as b
from approvals.slack import client, later, modals
from approvals.slack.text import safe


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


def show(team: int, *, trigger: str, view: b.Block) -> None:
    later.do(lambda: client.call(team, "views.open", trigger_id=trigger, view=view))


def redraw(team: int, *, view_id: str, view: b.Block, seen: str = "") -> None:
    """Change an open view. `seen` is the one it was: a newer one is not overwritten."""
    more = {"hash": seen} if seen else {}
    later.do(lambda: client.call(team, "views.update", view_id=view_id, view=view, **more))
