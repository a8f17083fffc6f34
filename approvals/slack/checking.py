"""What is missing for Slack to work, a sentence each. Asks Slack itself; nothing is changed."""

from collections.abc import Iterator

from django.conf import settings

from approvals.notify.errors import NotSent
from approvals.operations import policies, slack_installs
from approvals.policy.slack import home_of
from approvals.queries import slack as queries
from approvals.queries.slack import Standing, TeamRow
from approvals.slack import client
from approvals.slack.manifest import SCOPES
from approvals.web.slack_places import nowhere


def problems() -> Iterator[str]:
    """Nothing when all is well."""
    if not settings.SLACK_SIGNING_SECRET and not settings.SLACK_APP_TOKEN:
        yield "Neither SLACK_SIGNING_SECRET nor SLACK_APP_TOKEN is set: nothing from Slack is taken. Set one, from the app's Basic Information page"
    real = settings.SLACK_API_URL.startswith("https://")  # the demo's Slack calls any address
    if real and settings.SLACK_SIGNING_SECRET and not settings.SLACK_APP_TOKEN and not settings.PUBLIC_URL.startswith("https://"):
        yield f"PUBLIC_URL is {settings.PUBLIC_URL}: Slack calls https addresses only. Set it, or use Socket Mode (SLACK_APP_TOKEN)"
    if settings.SLACK_APP_TOKEN:
        yield from _app_token()
    teams = queries.teams()
    if not teams:
        yield "The app is installed in no workspace: set SLACK_BOT_TOKEN and run manage.py slack_install, or install it by OAuth"
    for team in teams:
        yield from _team(team)
    yield from _routes(teams)
    yield from _messages(queries.standing())


def _messages(standing: Standing) -> Iterator[str]:
    if standing.last_error and (standing.failed or standing.late):
        yield f"{standing.failed} messages failed and {standing.late} are late (last: {standing.last_error}): see the page Deliveries, Slack"
    elif standing.late:
        yield f"{standing.late} messages are late, and nothing says why: is a worker running? See the page Deliveries, Slack"
    elif standing.failed:
        yield f"{standing.failed} messages failed: see the page Deliveries, Slack"


def _app_token() -> Iterator[str]:
    try:
        client.once(settings.SLACK_APP_TOKEN, "apps.connections.open")
    except NotSent as failure:
        yield f"Socket Mode cannot connect ({failure.why}): is SLACK_APP_TOKEN an app-level token with connections:write?"


def _team(team: TeamRow) -> Iterator[str]:
    try:
        got = client.call(team.id, client.WHOSE)
    except NotSent as failure:
        yield f"{team.name}: {failure.why}"
        return
    if team.error:
        yield f"{team.name}: {team.error}"
    if ends := team.token_until and f"{team.token_until:%Y-%m-%d %H:%M} UTC":
        if not team.renewable:
            yield f"{team.name}: its token ends at {ends}, and there is none to renew it with: {slack_installs.INSTALL_AGAIN}"
        elif team.not_renewed:
            yield f"{team.name}: its token ends at {ends} and could not be renewed so far: {team.not_renewed}"
    granted = {scope for scope in (got["scopes"] or team.scopes).split(",") if scope}
    if granted and (missing := sorted(set(SCOPES) - granted)):
        yield f"{team.name}: the app lacks {', '.join(missing)}: compare with manage.py slack_manifest and install it again"


def _routes(teams: list[TeamRow]) -> Iterator[str]:
    rule = policies.in_force().data.slack
    places = rule.places(fallback=settings.SLACK_CHANNEL)
    if not places:
        yield "No card goes anywhere: the policy names no channel (slack: channels) and SLACK_CHANNEL is not set"
    there = {team.team: team for team in teams}
    known = queries.homes([channel for _team, channel in places])
    yield from nowhere(rule, there, known)
    for place in places:
        if home := home_of(place, there, known):
            yield from _channel(there[home], place[1])


def _channel(team: TeamRow, channel: str) -> Iterator[str]:
    try:
        found = client.call(team.id, "conversations.info", channel=channel)["channel"]
    except NotSent as failure:
        yield f"{team.name}, channel {channel}: {failure.why}"
        return
    if found.get("is_archived"):
        yield f"{team.name}, channel {channel}: it is archived; mend the policy's route"
    elif not found.get("is_member"):
        yield f"{team.name}, #{found.get('name', channel)}: the app is not in it; write /invite @Countersign there"
