"""Becoming the app of a workspace: by a bot token at hand, or by OAuth; and leaving it."""

import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from approvals.errors import BadRequest
from approvals.models.people import User
from approvals.notify.errors import NotSent
from approvals.operations import slack_installs
from approvals.operations.slack_installs import Installed
from approvals.queries import slack as queries
from approvals.queries.slack import TeamRow
from approvals.slack import client
from approvals.slack.manifest import SCOPES
from audit.sentences import say


def from_bot_token(token: str, *, by: User | None) -> TeamRow:
    """Ask Slack whose token this is, and keep it. Raises NotSent."""
    got = client.once(token, client.WHOSE)
    found = Installed(
        team=str(got["team_id"]),
        name=str(got.get("team", "")),
        bot_user=str(got["user_id"]),
        token=token,
        enterprise=str(got.get("enterprise_id") or ""),
        scopes=str(got["scopes"]),
    )
    return _kept(found, by=by, door="cli")


def redirect_uri() -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}/slack/oauth"


def authorize_url(state: str) -> str:
    """Where an administrator is asked by Slack itself."""
    asked = {"client_id": settings.SLACK_CLIENT_ID, "scope": ",".join(sorted(SCOPES)), "redirect_uri": redirect_uri(), "state": state}
    return f"{settings.SLACK_AUTHORIZE_URL}?{urlencode(asked)}"


def from_code(code: str, *, by: User) -> TeamRow:
    """What Slack gives for the code it sent back. Raises NotSent; BadRequest for what is no single workspace."""
    mine = {"client_id": settings.SLACK_CLIENT_ID, "client_secret": settings.SLACK_CLIENT_SECRET}
    got = client.once("", "oauth.v2.access", code=code, redirect_uri=redirect_uri(), **mine)
    team = got.get("team")
    if got.get("is_enterprise_install") or not isinstance(team, Mapping) or not team.get("id"):
        _give_back(str(got.get("access_token", "")))
        raise BadRequest(
            say("The app was added to a whole organisation, which is not supported: nothing was kept. Install it in one workspace of it")
        )
    return _kept(_installed(got, team), by=by, door="web")


def leave(team: TeamRow, *, by: User) -> None:
    """Give the token back, as far as Slack can be reached, and forget it here in any case."""
    with contextlib.suppress(NotSent):
        client.call(team.id, "auth.revoke")
    slack_installs.remove(team.team, by=by, door="web")


def _installed(got: Mapping[str, Any], team: Mapping[str, Any]) -> Installed:
    return Installed(
        team=str(team["id"]), name=str(team.get("name", "")), bot_user=str(got.get("bot_user_id", "")), token=str(got["access_token"]),
        enterprise=str((got.get("enterprise") or {}).get("id") or ""), app=str(got.get("app_id", "")), scopes=str(got.get("scope", "")),
        refresh_token=str(got.get("refresh_token") or ""), expires_in=int(got.get("expires_in") or 0),
    )  # fmt: skip


def _give_back(token: str) -> None:
    with contextlib.suppress(NotSent):
        client.once(token, "auth.revoke")


def _kept(found: Installed, *, by: User | None, door: str) -> TeamRow:
    slack_installs.install(found, by=by, door=door)
    kept = queries.team(found.team)
    if kept is None:  # it was removed this very moment
        raise RuntimeError("the workspace was removed while it was being installed")
    return kept
