"""Asking Slack who somebody is: only full members of the workspace may be linked, and stay so."""

from typing import Any

from django.utils.translation import gettext as _

from approvals.notify.errors import NotSent
from approvals.slack import client


def why_no_member(team: int, team_id: str, slack_user: str) -> str:
    """Why this is nobody who may decide here: "" for a full member of the workspace. Raises NotSent."""
    got = _asked(team, slack_user)
    if got.get("is_bot") or slack_user == "USLACKBOT":
        return _("Bots decide nothing here")
    if _guest(got):
        return guests_decide_on_the_page()
    if got.get("deleted"):
        return _("That account is no longer active")
    if got.get("is_stranger") or got.get("team_id") not in {team_id, None}:
        return _("You belong to another workspace: use the page, signed in")
    return ""


def is_guest(team: int, slack_user: str) -> bool:
    """Whether Slack says so now; when it says nothing, nobody is called one."""
    try:
        return _guest(_asked(team, slack_user))
    except NotSent:
        return False


def guests_decide_on_the_page() -> str:
    return _("Guests of a workspace decide nothing here: use the page, signed in")


def _asked(team: int, slack_user: str) -> dict[str, Any]:
    return client.call(team, "users.info", user=slack_user).get("user") or {}


def _guest(user: dict[str, Any]) -> bool:
    return bool(user.get("is_restricted") or user.get("is_ultra_restricted"))
