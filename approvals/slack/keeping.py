"""Looking in Slack whether what stands there is still ours: every card of the last day, every ten minutes.

A card that was deleted, or changed by somebody else, is posted again; the changed one loses its buttons. Every card is drawn once more in
any case, so that whatever was missed is mended. Also asks whether linked people are still full members.
"""

import time
from datetime import timedelta

from approvals.notify.errors import NotSent
from approvals.operations import slack_copies, slack_installs, slack_people, slack_queue
from approvals.operations.clock import database_now
from approvals.operations.slack_people import Identity
from approvals.queries import slack as queries
from approvals.slack import client
from approvals.slack.buttons import changed_by_another
from approvals.slack.members import why_no_member
from approvals.slack.sending import is_ours

LOOK = "conversations.history"
PEOPLE_EVERY = timedelta(days=1)


def sweep(*, seconds: float = 10.0) -> int:
    """Look at the cards nobody looked at for longest, for one stretch. Returns how many are posted again."""
    again, until = 0, time.monotonic() + seconds
    while time.monotonic() < until and (card := slack_queue.take_to_check(LOOK)):
        try:
            stands = _stands(card.channel.team_id, card.channel.channel, card.ts, card.pk, card.shown)
        except NotSent as failure:
            slack_queue.not_checked(card.pk)
            if not failure.wait_s:
                slack_installs.leave_alone(card.channel.team_id, failure.why)
            continue  # this workspace is left alone for a while; there may be others
        if not stands:
            again += slack_copies.anew(card.pk)
        else:
            slack_queue.checked(card.pk)
    return again


def _stands(team: int, channel: str, ts: str, number: int, shown: str) -> bool:
    """Whether the message is there and says what we made it say."""
    try:
        got = client.call(team, LOOK, channel=channel, latest=ts, oldest=ts, inclusive=True, limit=1, include_all_metadata=True)
    except NotSent as failure:
        if failure.permanent:
            return True  # we may not read there: then what we know has to do
        raise
    message = next((m for m in got.get("messages", []) if m.get("ts") == ts), None)
    if message is None or not is_ours(message, number):
        return False
    return bool(message["metadata"]["event_payload"].get("shown") == shown) and not changed_by_another(message)


def people(*, limit: int = 20) -> int:
    """Ask Slack about linked people who were not asked about for a day. Returns how many are members no more."""
    gone, now, left_alone = 0, database_now(), set[str]()
    for row in slack_people.to_ask_about(PEOPLE_EVERY, limit=limit):
        workspace = queries.team(row.team)
        if workspace is None or workspace.next_at > now or row.team in left_alone:
            continue
        try:
            why = why_no_member(workspace.id, row.team, row.slack_user)
        except NotSent as failure:
            left_alone.add(row.team)
            if failure.down:
                slack_installs.leave_alone(workspace.id, failure.why)
            continue
        if why:
            gone += slack_people.lost(Identity(row.enterprise, row.team, row.slack_user))
        else:
            slack_people.still_member(row.pk)
    return gone
