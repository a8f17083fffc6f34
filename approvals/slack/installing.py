"""Becoming the app of a workspace: by a bot token at hand. OAuth brings the same facts by another way."""

from approvals.models.people import User
from approvals.operations import slack_installs
from approvals.operations.slack_installs import Installed
from approvals.queries import slack as queries
from approvals.queries.slack import TeamRow
from approvals.slack import client


def from_bot_token(token: str, *, by: User | None) -> TeamRow:
    """Ask Slack whose token this is, and keep it. Raises NotSent."""
    got = client.once(token, "auth.test")
    found = Installed(
        team=str(got["team_id"]),
        name=str(got.get("team", "")),
        bot_user=str(got["user_id"]),
        token=token,
        enterprise=str(got.get("enterprise_id") or ""),
    )
    slack_installs.install(found, by=by, door="cli")
    kept = queries.team(found.team)
    if kept is None:  # it was removed this very moment
        raise RuntimeError("the workspace was removed while it was being installed")
    return kept
