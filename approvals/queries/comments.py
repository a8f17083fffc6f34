"""What people said to each other about an action."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.models import Comment
from audit import queries as log

MOST = 200
DELETED = "action.comment_deleted"  # in the place it was taken from; here it stays


@dataclass(frozen=True)
class CommentRow:
    """`deleted_at`: when the message it was taken from was deleted in Slack."""

    id: int
    by: str
    text: str
    door: str
    at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True)
class Said:
    """What was taken from a message of another place: whose it is, and about which action."""

    action: str
    by: int


def comments(action_id: Any) -> list[CommentRow]:
    """Oldest first; of very many the newest."""
    rows = list(Comment.objects.filter(action=action_id).select_related("by").order_by("-pk")[:MOST])
    gone = deleted_of(action_id) if any(c.key for c in rows) else {}
    return [CommentRow(c.pk, c.by.get_username(), c.text, c.door, c.created_at, gone.get(c.pk)) for c in reversed(rows)]


def comment(comment_id: int) -> CommentRow | None:
    c = Comment.objects.filter(pk=comment_id).select_related("by").first()
    return CommentRow(c.pk, c.by.get_username(), c.text, c.door, c.created_at) if c else None


def taken_from(key: str) -> Said | None:
    """The comment that was taken from this message elsewhere."""
    c = Comment.objects.filter(key=key).first() if key else None
    return Said(str(c.action_id), c.by_id) if c else None


def deleted_of(action_id: Any) -> dict[int, datetime]:
    """Which comments on an action were deleted in the place they were taken from, and when."""
    rows = log.events(kind=DELETED, action=str(action_id), limit=2 * MOST).rows
    return {int(event.data["comment"]): event.at for event in rows}
