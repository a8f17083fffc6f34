"""Whose hand it is: three ids to an account here, or a private sentence that says what to do. No address, no name, no fallback."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.errors import NotAllowed
from approvals.models.people import User
from approvals.operations.slack_people import Identity
from approvals.queries import slack as queries
from approvals.queries.slack import TeamRow
from approvals.slack.verifying import Click
from audit.languages import told


class Refused(Exception):
    """Not somebody who may act from here. `sentence` is for them alone; `link` whether they may link themselves; `url` where to go instead."""

    def __init__(self, sentence: str, *, link: bool = False, url: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.link, self.url = sentence, link, url


@dataclass(frozen=True)
class Hand:
    """Somebody in Slack at a known workspace; `user` is who they are here."""

    workspace: TeamRow
    identity: Identity
    user: User


def page_url() -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}/preferences/slack"


def met(payload: Mapping[str, Any]) -> tuple[TeamRow, Identity]:
    """The workspace the app was used in, and who used it. Raises Refused for an unknown workspace, or somebody of another one."""
    team, user = part(payload, "team"), part(payload, "user")
    workspace = queries.team(str(team.get("id", "")))
    if workspace is None:
        raise Refused(
            _("Countersign is not installed in your workspace (any more): decide it on the page, signed in"), url=settings.PUBLIC_URL
        )
    own = str(user.get("team_id") or "")
    # In a shared channel people of other workspaces can press the same button. Missing is not the same either.
    if own != workspace.team:
        raise Refused(_("You belong to another workspace: decide it on the page, signed in"), url=settings.PUBLIC_URL)
    enterprise = str(part(payload, "enterprise").get("id") or "")
    return workspace, Identity(enterprise, own, str(user.get("id", "")))


def hand(payload: Mapping[str, Any]) -> Hand:
    """Who it is here. Raises Refused."""
    workspace, identity = met(payload)
    found = queries.person(enterprise=identity.enterprise, team=identity.team, slack_user=identity.user)
    if found is None:
        raise Refused(
            _("This Slack account is not linked to an account here: nothing was done. Get a code on the page, signed in"),
            link=True,
            url=page_url(),
        )
    if not found.is_active:
        raise Refused(_("Your account is locked; ask an administrator"))
    try:  # as every page does before it shows anything of an action
        permissions.check_read(found)
    except NotAllowed as error:
        raise Refused(told(error.message)) from None
    return Hand(workspace, identity, found)


def said_of(who: Hand, click: Click) -> dict[str, str]:
    """Proof of the click, with whose it was."""
    identity = who.identity
    return click.said(enterprise=identity.enterprise, team=identity.team, slack_user=identity.user)


def enterprise_of(payload: Mapping[str, Any]) -> str:
    """Of an event: at its top, or of the installation that Slack tells it to (Enterprise Grid)."""
    told_to = payload.get("authorizations")
    first = told_to[0] if isinstance(told_to, list) and told_to and isinstance(told_to[0], Mapping) else {}
    return str(payload.get("enterprise_id") or first.get("enterprise_id") or "")


def part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a delivery that is an object; an empty one when it is not there, or is something else."""
    found = payload.get(name)
    return found if isinstance(found, Mapping) else {}
