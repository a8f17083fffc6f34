"""Which copy of a card counts in a conversation, and what becomes of one that does not: it is owed a last change that takes its buttons away.

Imports models only; `slack_queue` uses it when it takes a card that somebody changed while it was being sent.
"""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from approvals.models import SlackMessage
from approvals.operations.once import once
from approvals.states import SlackState

CARD, OLD = SlackMessage.Kind.CARD, SlackMessage.Kind.OLD


@transaction.atomic
def anew(message_id: int) -> bool:
    """It is gone, or somebody changed it: post it again, and make what stood there an old copy. False when there is nothing to do."""
    row = SlackMessage.objects.select_for_update().filter(pk=message_id, kind=CARD).exclude(ts="").first()
    if row is None:
        return False
    if row.state == SlackState.SENDING:  # a worker has it in hand: whoever takes it next does this
        SlackMessage.objects.filter(pk=row.pk).update(body={"anew": True})
    else:
        begin_again(row)
    return True


def begin_again(row: SlackMessage) -> None:
    """For a locked row that nobody is sending: what stands there counts no more, and it is to be posted."""
    retire(row, row.ts)
    SlackMessage.objects.filter(pk=row.pk).update(
        state=SlackState.WAITING, ts="", shown="", body={}, due_at=Now(), attempts=0, changed_at=Now(), checked_at=Now()
    )  # fmt: skip


def anew_at(team: str, channel: str, ts: str) -> bool:
    """Slack tells that the message at this place is gone or was changed by somebody else."""
    where: dict[str, Any] = {"channel__team__team": team, "channel__team__removed_at": None, "channel__channel": channel}
    row = SlackMessage.objects.filter(**where, ts=ts, kind=CARD).first()
    return bool(row and anew(row.pk))


def retire(card: SlackMessage, ts: str) -> None:
    """The copy that stands at `ts` beside this card loses its buttons; drawn again also when that was done before."""
    values = {"kind": OLD, "action_id": card.action_id, "ts": ts}
    row, new = once(SlackMessage, {"channel_id": card.channel_id, "key": f"old:{ts}"}, **values)
    if not new:
        done = SlackMessage.objects.filter(pk=row.pk, state__in=[SlackState.SENT, SlackState.SKIPPED, SlackState.FAILED])
        done.update(state=SlackState.WAITING, shown="", due_at=Now(), attempts=0, changed_at=Now())


@transaction.atomic
def retire_at(team: int, channel: str, ts: str, action_id: Any) -> None:
    """Somebody pressed a copy that counts no more. Of an action that has no card in this conversation nothing is touched, nor is the card
    of another action that stands there: the press paired one's value with the other's message."""
    if SlackMessage.objects.filter(channel__team_id=team, channel__channel=channel, ts=ts, kind=CARD).exclude(action_id=action_id).exists():
        return
    card = SlackMessage.objects.filter(channel__team_id=team, channel__channel=channel, action_id=action_id, kind=CARD).first()
    if card and ts and card.ts != ts:
        retire(card, ts)
