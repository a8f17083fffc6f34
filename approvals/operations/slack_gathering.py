"""Reminders that are owed to one person together: one direct message tells of them all, at most one in some minutes (`MAIL_GAP_S`, as mails).

What is told of is settled with the message that tells it, in one transaction: `slack_queue.record` calls `told`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from approvals.models import Action, SlackMessage, SlackPerson
from approvals.operations.clock import database_now
from approvals.queries.reaching import wants
from approvals.states import SlackState

MOST_TOGETHER = 50  # as of mails
SAID = "It was told together with others, in one message"


@dataclass(frozen=True)
class Reminder:
    """One of them: `kind` of the notice, of which version of which action."""

    id: int
    action: str
    version: int
    kind: str


def beside(message_id: int, channel_id: int) -> list[Reminder]:
    """What else waits to be told in this direct conversation, except what quiet hours hold back. Nobody sends it while `message_id` is being sent."""
    rows = SlackMessage.objects.filter(
        channel_id=channel_id, kind=SlackMessage.Kind.NOTE, state=SlackState.WAITING, ts="", body__what="told"
    )
    now = Q(due_at__lte=Now()) | Q(body__quiet__lte=database_now().timestamp())
    found = rows.filter(now).exclude(pk=message_id).order_by("pk").values_list("pk", "action_id", "body")[:MOST_TOGETHER]
    return [Reminder(pk, str(action), int(body.get("version", 0)), str(body.get("kind", ""))) for pk, action, body in found]


def put_off(row: SlackMessage) -> bool:
    """Whether this person's quiet hours hold a reminder that was owed before they were set; it waits for their end then."""
    if row.body.get("what") != "told" or row.action_id is None:
        return False
    linked = SlackPerson.objects.filter(team=row.channel.team.team, slack_user=row.channel.name, unlinked_at=None)
    person, action = linked.select_related("user").first(), Action.objects.filter(pk=row.action_id).first()
    now = database_now()
    until = wants(person.user).held_until(now, action.level) if person and action else now
    if until <= now:
        return False
    SlackMessage.objects.filter(pk=row.pk).update(due_at=until, body={**row.body, "quiet": until.timestamp()})
    return True


def told(ids: Collection[int], ts: str) -> None:
    """The message at `ts` tells of these as well: its buttons are theirs."""
    rows = SlackMessage.objects.filter(pk__in=ids, state=SlackState.WAITING)
    rows.update(state=SlackState.SKIPPED, ts=ts, error=SAID, changed_at=Now())


def last_told(user: int) -> datetime | None:
    """When this person was last reminded in Slack."""
    # The same id in two workspaces is two people.
    mine = SlackPerson.objects.filter(
        user=user, unlinked_at=None, slack_user=OuterRef("channel__name"), team=OuterRef("channel__team__team")
    )
    rows = SlackMessage.objects.filter(Exists(mine), kind=SlackMessage.Kind.NOTE, state=SlackState.SENT, body__what="told")
    found: datetime | None = rows.order_by("-changed_at").values_list("changed_at", flat=True).first()
    return found
