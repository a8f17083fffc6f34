"""Messages owed to Slack: what is to be posted where, and which copies are no longer true. Each row is its own queue.

1. `slack_owing` writes a row, or makes one wait again when what it shows has changed.
2. `claim`: one message of a conversation that may be written to now becomes SENDING; its bucket is emptied. This commits.
3. `approvals.slack.sending` renders it from the database and calls Slack.
4. `record`: SENT; or WAITING again, later; or FAILED; or SKIPPED. What changed meanwhile waits again at once.
A worker that dies in between leaves SENDING behind: `take_over` ends that. Nothing here is ever waited for by a decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now

from approvals.errors import BadRequest, NotFound
from approvals.models import SlackChannel, SlackMessage, SlackPause
from approvals.notify.errors import NotSent
from approvals.operations import slack_copies, slack_gathering, slack_installs
from approvals.operations.delivering import pause
from approvals.states import ActionState, SlackState, word
from audit.sentences import say

MOST_TRIES = 8
OF_MESSAGES = ("", "chat.postMessage", "chat.update")  # what Slack says of these, it says of the whole queue
NO_THREAD = "thread_not_found"
MAYBE_SAID = "It may have been said already, for Slack gave no answer; a private sentence cannot be looked for, and is not said twice"
LEASE = timedelta(seconds=60)
# Slack takes about one posted message a second and conversation; of updates a few may come together.
POST_EVERY_S, UPDATE_EVERY_S, UPDATES_TOGETHER = 1.1, 0.5, 4
LOOK_BACK = timedelta(days=1)  # cards of what was decided longer ago are history
CHECK_EVERY = timedelta(minutes=10)

# First what stands there and is no longer true, then what somebody waits for who has just pressed, then what somebody has to decide, then what was said of it.
_CLAIM = """
SELECT m.id FROM approvals_slackmessage m JOIN approvals_slackchannel c ON c.id = m.channel_id JOIN approvals_slackteam t ON t.id = c.team_id
WHERE m.state = 'WAITING' AND m.due_at <= clock_timestamp() AND (%(only)s::bigint[] IS NULL OR m.id = ANY(%(only)s)) AND t.removed_at IS NULL AND t.next_at <= clock_timestamp()
  AND CASE WHEN m.ts = '' THEN c.post_at <= clock_timestamp() ELSE c.update_at <= clock_timestamp() END
  AND (m.card_id IS NULL OR EXISTS (SELECT 1 FROM approvals_slackmessage k WHERE k.id = m.card_id AND k.ts <> ''))
  AND NOT EXISTS (SELECT 1 FROM approvals_slackmessage o WHERE o.channel_id = c.id AND o.state = 'SENDING')
ORDER BY m.ts = '', m.kind <> 'whisper', m.kind = 'reply', m.due_at, m.id LIMIT 1 FOR UPDATE OF m, c SKIP LOCKED
"""
# How long until something that waits may be written: its own time, its conversation's bucket, its workspace's.
_DUE_IN = """
SELECT extract(epoch FROM min(greatest(m.due_at, t.next_at, CASE WHEN m.ts = '' THEN c.post_at ELSE c.update_at END)) - clock_timestamp())
FROM approvals_slackmessage m JOIN approvals_slackchannel c ON c.id = m.channel_id JOIN approvals_slackteam t ON t.id = c.team_id
WHERE m.state = 'WAITING' AND t.removed_at IS NULL
  AND (m.card_id IS NULL OR EXISTS (SELECT 1 FROM approvals_slackmessage k WHERE k.id = m.card_id AND k.ts <> ''))
"""
LEAST_PAUSE_S = 0.1
_BUCKET = f"""
UPDATE approvals_slackchannel SET
  post_at = CASE WHEN %(post)s THEN clock_timestamp() + interval '{POST_EVERY_S} s' ELSE post_at END,
  update_at = CASE WHEN %(post)s THEN update_at
    ELSE GREATEST(update_at, clock_timestamp() - interval '{UPDATE_EVERY_S * (UPDATES_TOGETHER - 1)} s') + interval '{UPDATE_EVERY_S} s' END
WHERE id = %(channel)s
"""  # noqa: S608  numbers of ours


@dataclass(frozen=True)
class Claimed:
    """A message in one worker's hand.

    Attributes:
        told: what it had heard of when it was taken.
        thread: for a reply, the card it belongs under.
        since: it is owed since then; it was not posted before.
        stood: it stood there before; somebody deleted or changed it since.
    """

    id: int
    team: int
    channel: int
    name: str
    address: str
    kind: str
    key: str
    action: str
    ts: str
    shown: str
    thread: str
    comment: int | None
    body: dict[str, Any]
    lost: bool
    told: int
    since: datetime
    stood: bool


@transaction.atomic
def claim(*, only: Sequence[int] | None = None) -> Claimed | None:
    """Take the message that is due first; None when nothing may be sent now, or a worker sends already.

    Args:
        only: of these messages, also while a worker sends into another conversation (see `wake`).
    """
    if only is None and SlackMessage.objects.filter(state=SlackState.SENDING, changed_at__gt=Now() - LEASE).exists():
        return None
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"only": list(only) if only is not None else None})
        found = cursor.fetchone()
    if found is None:
        return None
    row = SlackMessage.objects.select_related("channel", "card").get(pk=found[0])
    if row.ts and row.body.get("anew"):
        slack_copies.begin_again(row)
        return claim(only=only)
    if slack_gathering.put_off(row):
        return claim(only=only)
    with connection.cursor() as cursor:
        cursor.execute(_BUCKET, {"post": not row.ts, "channel": row.channel_id})
    SlackMessage.objects.filter(pk=row.pk).update(state=SlackState.SENDING, attempts=F("attempts") + 1, changed_at=Now())
    return Claimed(
        row.pk, row.channel.team_id, row.channel_id, row.channel.name, row.channel.channel, row.kind, row.key, str(row.action_id or ""), row.ts,
        row.shown, row.card.ts if row.card else "", row.comment_id, row.body, row.lost, row.told, row.created_at,
        row.version > 0,
    )  # fmt: skip


def due_in() -> float | None:
    """Seconds until a message that waits may be sent, at least a tenth; None when none waits."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE_IN)
        found = cursor.fetchone()[0]
    return None if found is None else max(LEAST_PAUSE_S, float(found))


def wake(action_id: UUID, *, most: int) -> list[int]:
    """Make the copies of an action's card wait to be drawn again now, the newest of them. Returns which."""
    cards = SlackMessage.objects.filter(action_id=action_id, kind=SlackMessage.Kind.CARD).exclude(ts="").order_by("-pk")
    found = list(cards.values_list("pk", flat=True)[:most])
    SlackMessage.objects.filter(pk__in=found, state=SlackState.SENT).update(state=SlackState.WAITING, due_at=Now(), attempts=0)
    return found


def opened(channel_id: int, address: str) -> None:
    """A direct conversation was opened: what Slack calls it."""
    SlackChannel.objects.filter(pk=channel_id).update(channel=address)


@transaction.atomic
def record(taken: Claimed, failure: NotSent | None, *, ts: str = "", shown: str = "", version: int = 0, along: Sequence[int] = ()) -> None:
    """Write down what became of a message; `ts` and `shown` are what stands there now, `along` which others it told of as well."""
    mine = SlackMessage.objects.select_for_update().filter(pk=taken.id, state=SlackState.SENDING)
    row = mine.first()
    if row is None:
        return  # it took so long that it was taken over
    if failure is None:
        news = row.told > taken.told or "anew" in row.body  # it changed while it was being drawn: once more, from the beginning
        state = SlackState.WAITING if news else SlackState.SENT
        mine.update(
            state=state,
            ts=ts,
            shown=shown,
            version=version,
            error="",
            attempts=0,
            lost=False,
            due_at=Now(),
            changed_at=Now(),
            checked_at=Now(),
        )
        slack_gathering.told(along, ts)
        SlackChannel.objects.filter(pk=taken.channel).exclude(error="").update(error="")
        if not taken.ts:  # counted from when it arrived, however long that took
            SlackChannel.objects.filter(pk=taken.channel).update(post_at=Greatest(F("post_at"), Now() + timedelta(seconds=POST_EVERY_S)))
        slack_installs.reached(taken.team)
        return
    _failed(taken, row, failure)


def _failed(taken: Claimed, row: SlackMessage, failure: NotSent) -> None:
    mine = SlackMessage.objects.filter(pk=taken.id, state=SlackState.SENDING)
    whisper = taken.kind == SlackMessage.Kind.WHISPER
    if failure.gone and row.card_id and NO_THREAD in failure.why:  # the card it belongs under was deleted: it waits for the new one
        slack_copies.anew(row.card_id)
    if failure.gone and taken.ts and taken.kind == SlackMessage.Kind.REPLY:  # somebody took it away, and there is nothing to decide on it
        mine.update(state=SlackState.SKIPPED, error=failure.why, changed_at=Now())
        return
    if failure.gone and not whisper:  # nobody has it any more: posted anew
        mine.update(state=SlackState.WAITING, ts="", shown="", due_at=Now(), error=failure.why, changed_at=Now())
        return
    waits = failure.wait_s or failure.down or failure.unsure
    aside = bool(failure.wait_s) and failure.method not in OF_MESSAGES  # only what this one needed is to be left alone
    if not waits and (failure.permanent or row.attempts >= MOST_TRIES):
        mine.update(state=SlackState.FAILED, error=failure.why, changed_at=Now())
        SlackChannel.objects.filter(pk=taken.channel).update(error=failure.why)
        _nothing_under(taken)
    elif whisper and failure.unsure and not failure.answered:
        mine.update(state=SlackState.SKIPPED, error=f"{failure.why}. {MAYBE_SAID}", changed_at=Now())
    else:
        # While the whole of Slack is away nothing is given up: the workspace waits, the message goes when it is back.
        due = Now() if waits else Now() + pause(row.attempts)
        due = Now() + timedelta(seconds=failure.wait_s) if aside else due
        lost = row.lost or (failure.unsure and not taken.ts and not whisper)
        mine.update(state=SlackState.WAITING, error=failure.why, due_at=due, lost=lost, changed_at=Now())
    if waits and not aside:
        slack_installs.leave_alone(taken.team, failure.why, wait_s=failure.wait_s)


@transaction.atomic
def skip(taken: Claimed, why: str) -> None:
    """It is not sent after all."""
    SlackMessage.objects.filter(pk=taken.id, state=SlackState.SENDING).update(state=SlackState.SKIPPED, error=why, changed_at=Now())
    _nothing_under(taken)


def _nothing_under(taken: Claimed) -> None:
    """What waits to be said under a card that is not posted waits no more; it does again when the card is posted after all (`slack_owing`)."""
    under = SlackMessage.objects.filter(card_id=taken.id, card__ts="", state=SlackState.WAITING)
    under.update(state=SlackState.SKIPPED, error="Its card does not stand here", changed_at=Now())


@transaction.atomic
def take_over() -> int:
    """End what a dead worker left half-way: look for what it may have posted, then go on. Returns how many."""
    left = SlackMessage.objects.filter(state=SlackState.SENDING, changed_at__lte=Now() - LEASE)
    return left.update(
        state=SlackState.WAITING, lost=True, due_at=Now(), changed_at=Now(), error="The worker died while it was sending this"
    )


@transaction.atomic
def take_to_check(method: str) -> SlackMessage | None:
    """The card that nobody has looked at in Slack for longest, if for ten minutes: of what is open, or was lately decided.

    It counts as looked at from now on, so that two workers look at two; `not_checked` gives it back.

    Args:
        method: what looking is done with; no card of a workspace that has asked to leave that alone.
    """
    kept = Q(action__state=ActionState.PENDING) | Q(action__resolved_at__gt=Now() - LOOK_BACK)
    rows = SlackMessage.objects.filter(kept, kind=SlackMessage.Kind.CARD, state=SlackState.SENT, checked_at__lt=Now() - CHECK_EVERY)
    rows = rows.filter(channel__team__removed_at=None, channel__team__next_at__lte=Now())
    rows = rows.exclude(channel__team__in=SlackPause.objects.filter(method=method, until__gt=Now()).values("team"))
    row = rows.select_related("channel").select_for_update(of=("self",), skip_locked=True).order_by("checked_at").first()
    if row:
        SlackMessage.objects.filter(pk=row.pk).update(checked_at=Now())
    return row


def not_checked(message_id: int) -> None:
    """Slack did not say: the next sweep asks again."""
    SlackMessage.objects.filter(pk=message_id).update(checked_at=Now() - CHECK_EVERY)


def checked(message_id: int) -> None:
    """It is there. It is drawn once more all the same; Slack is only called when that gives something else."""
    rows = SlackMessage.objects.filter(pk=message_id, state=SlackState.SENT)
    rows.update(state=SlackState.WAITING, due_at=Now(), attempts=0, changed_at=Now(), checked_at=Now())


def again(message_id: int) -> bool:
    """Draw it once more, whatever stands there."""
    rows = SlackMessage.objects.filter(pk=message_id, state__in=[SlackState.SENT, SlackState.FAILED])
    return bool(rows.update(state=SlackState.WAITING, shown="", due_at=Now(), attempts=0, changed_at=Now(), checked_at=Now()))


def send_again(message_id: int) -> None:
    """A person wants a failed one tried once more. Raises NotFound, BadRequest."""
    row = SlackMessage.objects.filter(pk=message_id).first()
    if row is None:
        raise NotFound(say("There is no such message"))
    if row.state != SlackState.FAILED or not again(row.pk):
        raise BadRequest(say("This message is %(state)s; only what failed is sent again", state=word(row.state)))


def let_in(team: str, channel: str) -> int:
    """The app was invited into a conversation, or it is archived no more: what could not be posted there goes now. Returns how many."""
    rows = SlackMessage.objects.filter(channel__team__team=team, channel__team__removed_at=None, channel__channel=channel)
    out = Q(error__contains="[not_in_channel]") | Q(error__contains="[channel_not_found]") | Q(error__contains="[is_archived]")
    return rows.filter(out, state=SlackState.FAILED).update(state=SlackState.WAITING, due_at=Now(), attempts=0, changed_at=Now())


def forget_old(*, limit: int = 5_000) -> int:
    """Messages older than ninety days of what is long decided, and private sentences of the day before; Slack keeps its own."""
    old = SlackMessage.objects.filter(created_at__lt=Now() - timedelta(days=90)).exclude(action__state=ActionState.PENDING)
    said = SlackMessage.objects.filter(kind=SlackMessage.Kind.WHISPER, created_at__lt=Now() - LOOK_BACK)
    found = [pk for rows in (old, said) for pk in rows.values_list("pk", flat=True)[:limit]]
    count, _ = SlackMessage.objects.filter(pk__in=found).delete()
    return count
