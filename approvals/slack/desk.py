"""A person's own desk from Slack: their Home tab, the shortcut, being away and back, when the digest comes. The page's operations each time."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.errors import BadRequest, NotFound
from approvals.operations import absences, policies, preferences, slack_clicks
from approvals.queries import reaching, stand_ins
from approvals.slack import blocks as b
from approvals.slack import client, home, later, modals, quick, replies
from approvals.slack.people import Hand, Refused, enterprise_of, hand, part, said_of
from approvals.slack.replies import Place
from approvals.slack.verifying import Click
from approvals.slack.views import beside, shows, values_of
from approvals.web.desks import lacking, lacks
from audit.languages import told

Json = Mapping[str, Any]
AWAY = "away"  # the view of leaving one's desk
DAYS = (1, 2, 3, 5, 7, 14, 21)


def opened(payload: Json, event: Json) -> None:
    """Somebody opened the app's tab: it is drawn for them, or says how to become somebody here."""
    if event.get("tab", "home") != "home":
        return
    user = str(event.get("user", ""))
    shaped = {
        "team": {"id": payload.get("team_id")}, "enterprise": {"id": enterprise_of(payload)},
        "user": {"id": user, "team_id": payload.get("team_id")},
    }  # fmt: skip
    try:
        who = hand(shaped)
    except Refused as refused:
        _stranger(str(payload.get("team_id", "")), user, refused)
        return
    home.publish_soon(who)


def shortcut(payload: Json, click: Click) -> Json:
    """`My approvals`, from anywhere in Slack: the same list as a view."""
    if payload.get("callback_id") != "my_approvals":
        return {}
    if workspace := replies.workspace_of(payload):
        user = str(part(payload, "user").get("id", ""))
        place = Place(workspace, user, user, str(payload.get("trigger_id", "")))
        later.do(lambda: replies.show_at(place, lambda: _mine(payload), url=f"{settings.PUBLIC_URL.rstrip('/')}/inbox/"), pool=later.VIEWS)
    return {}


def _mine(payload: Json) -> b.Block:
    try:
        who = hand(payload)
    except Refused as refused:
        return modals.refused(refused.sentence, may_link=refused.link, url=refused.url)
    return b.modal(_("My approvals"), home.queue(who.user), callback_id=modals.SAID)


def _stranger(team_id: str, user: str, refused: Refused) -> None:
    if workspace := replies.workspace_of({"team": {"id": team_id}}):
        view = home.stranger(refused.sentence, may_link=refused.link, url=refused.url)
        later.do(lambda: client.call(workspace, "views.publish", user_id=user, view=view))


def _leave(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    """Ask to whom and for how long."""
    who = hand(payload)
    if not stand_ins.possible(who.user, policies.in_force().data):
        raise NotFound(_("Nobody else who is here could decide what you are asked, so there is nobody to leave your desk to"))
    days = [b.option(ngettext("%(n)d day", "%(n)d days", n) % {"n": n}, str(n)) for n in DAYS]
    parts = [
        b.section(b.plain(_("What you hold goes to them at once, and what comes for you meanwhile, where the policy lets them."))),
        b.entry(_("Who stands in for you?"), b.external_select("delegate", placeholder=_("Type a name")), block_id="delegate"),
        b.entry(_("For how long?"), b.select("days", days), block_id="days", optional=True, hint=_("Nothing chosen: until you are back.")),
        b.entry(_("A word for them"), b.text_input("note", most=absences.MOST_WORDS), block_id="note", optional=True),
    ]
    view = b.modal(_("Leave my desk"), parts, callback_id=AWAY, submit=_("Leave"))
    replies.show_at(place, lambda: view)


def leave(view: Json, who: Hand, click: Click) -> Json:
    """The view of leaving was submitted."""
    values = values_of(view)
    days = values.get("days", "")
    if days and days not in map(str, DAYS):
        return beside("days", _("Choose one of these"))
    if not values.get("delegate"):
        return beside("delegate", _("Choose who stands in for you: type a part of their name, then pick them from the list"))
    try:
        done = quick.now(lambda: slack_clicks.beside(
            lambda made: _stream_of(made.absence), lambda: absences.go_away(
                by=who.user, delegate=values.get("delegate", ""), lasts=timedelta(days=int(days)) if days else None,
                note=values.get("note", ""), door="slack",
            ), what="away", by=who.user, click=said_of(who, click),
        ))  # fmt: skip
    except (BadRequest, NotFound) as error:
        return beside("delegate", told(error.message))
    except quick.Busy as busy:
        return beside("delegate", quick.again(busy.ended))
    home.publish_soon(who)
    return shows(modals.sentences(_gone(done), lacking(done.absence.delegate.get_username(), done.cover)))


def _gone(done: absences.Away) -> list[str]:
    """What became of what they held."""
    said = [_("You are away; %(name)s stands in for you.") % {"name": done.absence.delegate.get_username()}]
    if done.moved:
        said.append(
            ngettext("%(n)d action you held moved to them.", "%(n)d actions you held moved to them.", done.moved) % {"n": done.moved}
        )
    return [*said, *(_("One action went back to everybody: %(why)s") % {"why": told(why)} for _action, why in done.left[:5])]


def suggestions(who: Hand, typed: str) -> list[b.Block]:
    """Who may be left one's desk, with what each could not decide."""
    found = stand_ins.possible(who.user, policies.in_force().data)
    return [b.option(_named(one.name, lacks(one.cover)), one.name) for one in found if typed in one.name.lower()]


def _named(name: str, lack: str) -> str:
    return _("%(name)s (cannot decide: %(what)s)") % {"name": name, "what": lack} if lack else name


def _back(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    who = hand(payload)
    try:
        quick.now(lambda: slack_clicks.beside(
            _stream_of, lambda: absences.come_back(by=who.user, door="slack"), what="back", by=who.user, click=said_of(who, click)
        ))  # fmt: skip
    finally:  # whoever came back on the page meanwhile sees that here, too
        home.publish_soon(who)


def _stream_of(absence: Any) -> str:
    return f"person:{absence.user_id}"


def _digest(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    _digest_at(hand(payload), str(pressed.get("selected_time") or ""), click)


def _no_digest(payload: Json, pressed: Json, place: Place, click: Click) -> None:
    _digest_at(hand(payload), "", click)


def _digest_at(who: Hand, at: str, click: Click) -> None:
    """One of several choices that are kept together: the others stay as they are."""
    wants = reaching.wants(who.user)

    def said(moment: Any) -> str:
        return moment.isoformat("minutes") if moment else ""

    kept = {
        "matrix": wants.matrix, "quiet_from": said(wants.quiet_from), "quiet_to": said(wants.quiet_to), "loud": wants.loud,
        "zone": wants.zone, "digest": at,
    }  # fmt: skip
    try:
        quick.now(lambda: slack_clicks.beside(
            lambda _made: f"person:{who.user.pk}", lambda: preferences.choose(by=who.user, choices={"reach": kept}),
            what="digest", by=who.user, click=said_of(who, click), at=at,
        ))  # fmt: skip
    finally:  # the tab shows what holds
        home.publish_soon(who)


PRESSES: dict[str, Callable[[Json, Json, Place, Click], None]] = {
    home.AWAY: _leave, home.BACK: _back, home.DIGEST: _digest, home.NO_DIGEST: _no_digest,
}  # fmt: skip
