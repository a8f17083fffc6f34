"""The app's own tab of one person, and the same list as a view: what waits for them, whether they are away, when their digest comes;
of operators also what is halted.

Private to somebody who may read all of it on the page, so the author's summary stands here. Drawn from the database each time it is opened,
and again after what is done from it; in between it is as old as it is.
"""

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals import permissions
from approvals.models.people import User
from approvals.notify.words import how_many, level_name
from approvals.queries import Filters, InboxRow, desks, inbox, mine_count, reaching
from approvals.slack import blocks as b
from approvals.slack import cards, client, later, releasing
from approvals.slack.people import Hand
from approvals.slack.text import cut, date, link, named, person, safe, spelled

ROWS, HALTS = 20, 10
AWAY, BACK, DIGEST, NO_DIGEST, HALT = "home_away", "home_back", "home_digest", "home_no_digest", "home_halt"


def publish_soon(who: Hand) -> None:
    """Draw the tab of somebody we know anew."""
    later.do(lambda: client.call(who.workspace.id, "views.publish", user_id=who.identity.user, view=draw(who.user)))


def draw(user: User) -> b.Block:
    """The whole tab: at most 100 blocks."""
    parts = [b.header(_("What waits for you")), *queue(user), b.divider(), *_absence(user), *_digest(user)]
    if permissions.can_halt(user):
        halt = b.button(_("Halt ..."), HALT, style="danger")
        parts.append(b.section(b.plain(_("Stop agents: everything, one agent or one run")), block_id="home:halt", accessory=halt))
        parts += releasing.in_force(user, most=HALTS)
    return b.home([*parts, b.context(b.mrkdwn(_links()))])


def stranger(sentence: str, *, may_link: bool, url: str = "") -> b.Block:
    """For somebody who is nobody here (yet)."""
    way = [b.context(b.mrkdwn(link(url, url)))] if url else []
    more = [b.actions([b.button(_("I have a code"), "link", style="primary")], block_id="link")] if may_link else []
    return b.home([b.header("Countersign"), b.section(b.plain(sentence)), *way, *more])


def queue(user: User) -> list[b.Block]:
    """What this person may decide, soonest first, a button each."""
    rows, count = first_of(user, ROWS)
    if not rows:
        return [b.section(b.plain(_("Nothing needs you.")))]
    parts = [b.context(b.plain(waiting(count))), *(_row(row, n) for n, row in enumerate(rows))]
    if count > ROWS:
        parts.append(b.context(b.mrkdwn(link(f"{_site()}/inbox/", _("The others are in the inbox")))))
    return parts


def first_of(user: User, most: int) -> tuple[Sequence[InboxRow], int]:
    """So many of what this person may decide, soonest first, and how many there are."""
    mine = Filters(reader=user, mine=user)
    rows = inbox(filters=mine, limit=most).rows
    return rows, max(len(rows), mine_count(mine) if len(rows) == most else 0)


def waiting(count: int) -> str:
    """How many wait."""
    return ngettext("%(n)s action waits for you", "%(n)s actions wait for you", count) % {"n": how_many(count)}


def _row(row: InboxRow, number: int) -> b.Block:
    """Level, what and until when; critical is only linked."""
    title = f"*{safe(level_name(row.level))}* · {safe(cut(spelled(row.summary), 300))}"
    meta = f"{safe(named(row.agent))} · {_('expires')} {date(row.expires_at)}"
    if row.level == "critical":
        press = b.button(_("Open"), cards.WEB, url=cards.url_of(row.id))
    else:
        press = b.button(_("Review"), cards.REVIEW, value=f"{row.id}:{row.digest[: cards.SHORT]}")
    return b.section(b.mrkdwn(f"{title}\n{meta}"), block_id=f"row:{number}", accessory=press)


def _absence(user: User) -> list[b.Block]:
    found = desks.away(user)
    if found is None:
        text = _("You are here. When you leave, what you hold goes to somebody else.")
        return [b.section(b.plain(text), block_id="home:away", accessory=b.button(_("Leave my desk ..."), AWAY))]
    text = _("You are away; %(name)s stands in for you") % {"name": safe(person(found.delegate))}
    until = f", {_('until')} {date(found.until)}" if found.until else ""
    return [b.section(b.mrkdwn(f"{text}{until}"), block_id="home:away", accessory=b.button(_("I am back"), BACK, style="primary"))]


def _digest(user: User) -> list[b.Block]:
    wants = reaching.wants(user)
    at = wants.digest.isoformat("minutes") if wants.digest else ""
    text = _("Weekday digest at, in %(zone)s") % {"zone": wants.zone} if at else _("No weekday digest; choose a time for one")
    pick = b.time_picker(DIGEST, chosen=at, placeholder=_("A time"))
    parts = [b.section(b.plain(text), block_id="home:digest", accessory=pick)]
    return [*parts, b.actions([b.button(_("No digest"), NO_DIGEST)], block_id="home:no_digest")] if at else parts


def _links() -> str:
    pages = (("inbox/", _("Inbox")), ("preferences/notifications", _("Notifications")), ("preferences/slack", _("Linked accounts")))
    return " · ".join(link(f"{_site()}/{path}", label) for path, label in pages)


def _site() -> str:
    return str(settings.PUBLIC_URL).rstrip("/")
