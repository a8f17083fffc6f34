"""Direct messages to one person: the weekday digest, reminders, escalations, their turn, a refused edit. Owed by a row, drawn when they go.

Looked at again then, as mails are: what is decided, not theirs any more, or not wanted, is not sent. Of what waits together one message tells.
No argument is in any of them.
"""

from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals import permissions
from approvals.models.people import User
from approvals.notify import words
from approvals.operations import policies, slack_gathering, slack_owing
from approvals.operations.clock import database_now
from approvals.operations.slack_gathering import Reminder
from approvals.operations.slack_queue import Claimed
from approvals.queries import ActionDetail, Filters, action_detail, mine_count, reaching
from approvals.queries import slack as queries
from approvals.slack import blocks as b
from approvals.slack import cards, home, refusing
from approvals.slack.cards import Drawn
from approvals.slack.text import date, link, named, safe

LISTED = 10


def owe_digests() -> int:
    """To everybody who is linked, whose morning it is and who is not away. Returns how many are new."""
    if not slack_owing.installed():
        return 0
    now = database_now()
    days = {reader.id: str(day) for reader in reaching.readers(None) if (day := reader.wants.digest_day(now))}
    return slack_owing.owe_digests(days.__getitem__, days.keys()) if days else 0


def draw(taken: Claimed) -> Drawn | None:
    """What a row asks for; None when it is not sent after all."""
    if "what" not in taken.body:
        return cards.note(taken.body.get("text", ""), taken.body.get("blocks"))
    user = queries.person_at(taken.team, taken.name)
    if user is None or not permissions.roles(user) or reaching.away(user):
        return None
    if taken.body["what"] == "refused":
        return _refused(int(taken.body["edit"]), user)
    return _digest(user) if taken.body["what"] == "digest" else _told(taken, user)


def _digest(user: User) -> Drawn | None:
    if reaching.wants(user).digest_day(database_now()) is None:
        return None  # Slack was away all morning
    rows, count = home.first_of(user, LISTED)
    if not rows:
        return None
    head = home.waiting(count)
    lines = [
        f"• *{safe(words.level_name(r.level))}* {link(cards.url_of(r.id), named(r.tool))} {safe(named(r.agent))}, {date(r.expires_at)}"
        for r in rows
    ]
    foot = link(f"{settings.PUBLIC_URL.rstrip('/')}/inbox/", _("All of them in the inbox"))
    return Drawn(head, [b.section(b.plain(head)), b.section(b.mrkdwn("\n".join(lines))), b.context(b.mrkdwn(foot))], 0)


def _refused(edit: int, user: User) -> Drawn | None:
    """That their edit was not taken, where the channel may not say why. Nor is it said here: a reason repeats arguments."""
    found = queries.refused_edit(edit)
    if found is None or refusing.may_stand(found, policies.in_force().data.slack):
        return None
    detail = action_detail(found.action, reader=user)
    said = {"tool": named(found.tool), "where": refusing.where(detail.row.level)}
    text = (
        _("Your edit of %(tool)s was refused, and the call stands as it was. Why is not told in Slack's channels: %(where)s says it.")
        % said
    )
    press = [b.actions([_press(detail)], block_id=cards.ACTIONS_BLOCK)] if detail.row.state == "PENDING" else []
    return Drawn(
        text, [b.section(b.plain(text)), *press, b.context(b.mrkdwn(link(cards.url_of(found.action), _("Open in Countersign"))))], 0
    )


def _told(taken: Claimed, user: User) -> Drawn | None:
    """What one row reminds of, and with it what else this person is to be reminded of now."""
    mine = Reminder(taken.id, taken.action, int(taken.body.get("version", 0)), str(taken.body.get("kind", "")))
    if (detail := _waits(mine, user)) is None:
        return None
    found, along = {mine.action: detail}, []
    whys = {mine.action: [words.happened(mine.kind)]}
    for one in slack_gathering.beside(taken.id, taken.channel):
        if one.action not in found and (other := _waits(one, user)):
            found[one.action] = other
        if one.action in found and one.version == found[one.action].row.version:
            whys.setdefault(one.action, []).append(words.happened(one.kind))
            along.append(one.id)
    said = [(each, "; ".join(dict.fromkeys(filter(None, whys[key])))) for key, each in found.items()]
    return replace(_one(*said[0]) if len(said) == 1 else _several(said, user), along=tuple(along))


def _waits(one: Reminder, user: User) -> ActionDetail | None:
    """The action, if they can still decide what they are to be reminded of."""
    detail = action_detail(one.action, reader=user)
    over = detail.row.state != "PENDING" or detail.row.version != one.version or detail.cannot or detail.mine
    return None if over else detail


def _one(detail: ActionDetail, why: str) -> Drawn:
    text = _line(detail, why)
    foot = f"{link(cards.url_of(detail.row.id), _('Open in Countersign'))} · {_('expires')} {date(detail.row.expires_at)}"
    return Drawn(text, [b.section(b.plain(text)), b.actions([_press(detail)], block_id=cards.ACTIONS_BLOCK), b.context(b.mrkdwn(foot))], 0)


def _several(said: Sequence[tuple[ActionDetail, str]], user: User) -> Drawn:
    count = mine_count(Filters(reader=user, mine=user))
    head = home.waiting(count)
    if count > len(said):  # a reminder is seldom of all that waits
        head = _("A reminder of %(n)d of the %(all)s actions that wait for you") % {"n": len(said), "all": words.how_many(count)}
    parts = [b.section(b.plain(head))]
    parts += [b.section(b.plain(_line(detail, why)), accessory=_press(detail)) for detail, why in said[:LISTED]]
    if (more := len(said) - LISTED) > 0:
        parts.append(b.context(b.plain(ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more})))
    foot = link(f"{settings.PUBLIC_URL.rstrip('/')}/inbox/", _("All of them in the inbox"))
    return Drawn(head, [*parts, b.context(b.mrkdwn(foot))], 0)


def _line(detail: ActionDetail, why: str) -> str:
    return cards.summary(detail) + (f": {why}" if why else "")


def _press(detail: ActionDetail) -> b.Block:
    if detail.row.level == "critical":
        return b.button(_("Open to review"), cards.WEB, url=cards.url_of(detail.row.id))
    return b.button(_("Open to review"), cards.REVIEW, value=cards.value_of(detail))
