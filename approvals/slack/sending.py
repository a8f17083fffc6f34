"""Posting and updating, one message at a time: draw it from the database, call Slack, write down what became of it.

Called by a worker's tick for one stretch; nothing waits for it. A lost answer to a post is looked for by the message's own number
(its metadata) before a second one is made.
"""

import time
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.errors import ApprovalError
from approvals.notify.errors import NotSent
from approvals.operations import policies, slack_following, slack_heard, slack_owing, slack_queue
from approvals.operations.clock import database_now
from approvals.operations.slack_queue import Claimed
from approvals.policy.slack import SlackRule
from approvals.queries import ActionDetail, action_detail
from approvals.slack import cards, client, noting, threads, whispers
from approvals.slack.cards import Drawn
from approvals.slack.text import safe

log = structlog.get_logger("approvals.slack")
COPIES = 4  # as many updates as a conversation takes together
RECEIPTS_STAND = timedelta(days=7)  # a receipt that somebody deletes or changes after that is not posted again
A_PAGE, PAGES = 200, 20  # of messages that are looked through for one whose answer was lost
CLOCKS_S = 300  # by so much Slack's clock may differ from the database's
EVENT_TYPE = "countersign_message"
_since: int | None = None


def tick(*, seconds: float = 2.0, waits: bool = False) -> int:
    """What is due, for one stretch. Returns how many messages were dealt with.

    Args:
        waits: for what becomes due within the stretch as well: a tick that ended at the first full bucket would halve what Slack takes.
    """
    global _since
    if not slack_owing.installed():
        return 0
    slack_queue.take_over()
    since = _since if _since is not None else slack_following.begin()
    with transaction.atomic():  # what was heard is heard once: all that follows from it is owed with it
        news = slack_following.follow(since)
        rule = policies.in_force().data.slack  # after that: a policy it has heard of is the one that is drawn with
        slack_owing.owe_replies(news.actions)
        if rule.direct:
            slack_owing.owe_directs(news.taken_on)
    _since = news.last
    slack_owing.catch_up(rule, fallback=settings.SLACK_CHANNEL)
    done, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        if taken := slack_queue.claim():
            send(taken, rule)
            done += 1
        elif not waits or (pause := slack_queue.due_in()) is None or time.monotonic() + pause > until:
            break
        else:
            time.sleep(pause)
    return done


def at_once(action_id: UUID) -> None:
    """Draw the copies of one action again now, as far as their conversations may be written to; the ticks do what is left.

    For what somebody has just done in Slack: its buttons are gone, or say that they are dealt with, before anybody presses again.
    """
    only = slack_queue.wake(action_id, most=COPIES)
    rule = policies.in_force().data.slack
    for _copy in only:
        if (taken := slack_queue.claim(only=only)) is None:
            return
        send(taken, rule)


def send(taken: Claimed, rule: SlackRule) -> None:
    """One message, to its end."""
    if taken.kind == "whisper" and taken.lost:  # a process died while it was saying this
        return slack_queue.skip(taken, slack_queue.MAYBE_SAID)
    try:
        drawn = _drawn(taken, rule)
    except ApprovalError as error:
        return slack_queue.skip(taken, error.message)
    except Exception:  # a mistake of ours in one message must not keep all the others waiting behind it
        log.exception("slack_not_drawn", message=taken.id)
        return slack_queue.record(taken, NotSent(_("It could not be drawn; see the worker's log"), permanent=True))
    if drawn is None:
        return slack_queue.skip(taken, _("It was over before it could be posted, or belongs elsewhere by now"))
    if taken.ts and drawn.sha256 == taken.shown:
        return slack_queue.record(taken, None, ts=taken.ts, shown=taken.shown, version=drawn.version)
    try:
        ts = _put(taken, drawn)
    except NotSent as failure:
        return slack_queue.record(taken, failure)
    except Exception:  # nor may one that is left SENDING: it would be taken up again for ever
        log.exception("slack_not_sent", message=taken.id)
        return slack_queue.record(taken, NotSent(_("It could not be sent; see the worker's log"), permanent=True))
    slack_queue.record(taken, None, ts=ts, shown=drawn.sha256, version=drawn.version, along=drawn.along)
    if taken.kind == "card" and not taken.ts:
        slack_owing.owe_replies([UUID(taken.action)], posted=True)  # what was said and decided while it waited to be posted
    return None


def _drawn(taken: Claimed, rule: SlackRule) -> Drawn | None:
    """What it says now; None when there is no point in it any more."""
    if taken.kind == "card":
        detail = action_detail(UUID(taken.action), reader=None)
        if not taken.ts and not taken.lost and detail.row.state != "PENDING" and not (taken.stood and _recent(detail)):
            return None
        if _left(taken, detail, rule):
            return cards.draw_left(detail) if taken.ts else None
        return cards.draw(detail, rule, slack_heard.pressed_by(UUID(taken.action)))
    if taken.kind == "old":  # nobody has it any more: there is nothing to take away from
        return cards.draw_old(action_detail(UUID(taken.action), reader=None)) if taken.ts else None
    if taken.kind == "whisper":
        said = whispers.spoken(taken.body)
        return Drawn(said["text"], said["blocks"], 0) if database_now().timestamp() < taken.body["until"] else None
    if taken.kind == "reply":
        return _reply(taken, rule) if taken.thread else None
    return noting.draw(taken)


def _recent(detail: ActionDetail) -> bool:
    """Whether its receipt is worth a second message: who cleans a channel up is not answered with what was decided long ago."""
    return bool(detail.row.resolved_at and detail.row.resolved_at > database_now() - RECEIPTS_STAND)


def _reply(taken: Claimed, rule: SlackRule) -> Drawn | None:
    """What stands already under a card that belongs elsewhere by now shows no argument either; nothing more is said there."""
    if not _left(taken, action_detail(UUID(taken.action), reader=None), rule):
        return threads.draw(taken.key, rule)
    return threads.draw(taken.key, SlackRule()) if taken.ts else None


def _left(taken: Claimed, detail: ActionDetail, rule: SlackRule) -> bool:
    """Whether the policy in force sends this action to another channel. A direct message is somebody's who has it."""
    if taken.name[:1] in {"U", "W"}:
        return False
    row = detail.row
    return not rule.leads_to(taken.name, level=row.level, agent=row.agent, tool=row.tool, fallback=settings.SLACK_CHANNEL)


def _put(taken: Claimed, drawn: Drawn) -> str:
    """Post it, or make what stands there say this. Returns Slack's name of it. Raises NotSent."""
    if taken.kind == "whisper":
        return whispers.put(taken)
    channel = whispers.address_of(taken)
    metadata = {"event_type": EVENT_TYPE, "event_payload": {"message": taken.id, "shown": drawn.sha256, "site": settings.PUBLIC_URL}}
    said = {"channel": channel, "text": safe(drawn.text), "blocks": drawn.blocks, "metadata": metadata}
    ts = taken.ts or (_found(taken, channel) if taken.lost else "")
    if ts:
        client.call(taken.team, "chat.update", ts=ts, **said)
        return ts
    thread = {"thread_ts": taken.thread} if taken.thread else {}
    quiet = {"unfurl_links": False, "unfurl_media": False}
    return str(client.call(taken.team, "chat.postMessage", **said, **thread, **quiet)["ts"])


def _found(taken: Claimed, channel: str) -> str:
    """A message of ours that was posted although its answer was lost, "" when there is none. It is as old as its row, at most."""
    where = {"channel": channel, "oldest": f"{taken.since.timestamp() - CLOCKS_S:.6f}", "limit": A_PAGE, "include_all_metadata": True}
    method = "conversations.replies" if taken.thread else "conversations.history"
    where |= {"ts": taken.thread} if taken.thread else {}
    cursor = ""
    for _page in range(PAGES):
        got = client.call(taken.team, method, **where, **({"cursor": cursor} if cursor else {}))
        if ts := next((str(m["ts"]) for m in got.get("messages", []) if is_ours(m, taken.id)), ""):
            return ts
        cursor = str((got.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            break
    return ""


def is_ours(message: dict[str, object], number: int) -> bool:
    """Whether this is the message with that number, of this installation."""
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    return isinstance(payload, dict) and payload.get("message") == number and payload.get("site") == settings.PUBLIC_URL
