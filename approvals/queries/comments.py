"""What people said to each other about an action."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.models import Comment

MOST = 200


@dataclass(frozen=True)
class CommentRow:
    id: int
    by: str
    text: str
    door: str
    at: datetime


def comments(action_id: Any) -> list[CommentRow]:
    """Oldest first; of very many the newest."""
    rows = list(Comment.objects.filter(action=action_id).select_related("by").order_by("-pk")[:MOST])
    return [CommentRow(c.pk, c.by.get_username(), c.text, c.door, c.created_at) for c in reversed(rows)]


def comment(comment_id: int) -> CommentRow | None:
    c = Comment.objects.filter(pk=comment_id).select_related("by").first()
    return CommentRow(c.pk, c.by.get_username(), c.text, c.door, c.created_at) if c else None
