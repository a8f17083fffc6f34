"""Installing by OAuth: an administrator begins here, is asked by Slack, and comes back with a code and the state this session was given.

The state holds ten minutes, in this session only, and works once. Slack's page is reached by a link and not by the form's answer: forms of
ours may lead nowhere else (Content-Security-Policy).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from django.conf import settings
from django.contrib import messages as notes
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from approvals import permissions
from approvals.errors import BadRequest, NotFound
from approvals.notify.errors import NotSent
from approvals.operations import policies, slack_installs
from approvals.operations.clock import database_now
from approvals.queries import slack as queries
from approvals.slack import installing
from approvals.web.http import Request
from approvals.web.slack_places import with_another
from audit.sentences import cause, say

KEPT = "slack_oauth"
LASTS_S = 600


@require_POST
def begin(request: Request) -> HttpResponse:
    """The page with the way to Slack. Raises NotAllowed; BadRequest when this installation has no client of Slack's."""
    state = slack_installs.begin(by=request.user)
    if not (settings.SLACK_CLIENT_ID and settings.SLACK_CLIENT_SECRET):
        raise BadRequest(say("Set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET first: they stand on the app's page Basic Information"))
    request.session[KEPT] = {"state": state, "until": database_now().timestamp() + LASTS_S}
    context = {"url": installing.authorize_url(state), "minutes": LASTS_S // 60, "meaning": list(_meaning())}
    answer = render(request, "slack/install.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _meaning() -> Iterator[str]:
    """What one more workspace means for the cards that go somewhere now."""
    rule, teams = policies.in_force().data.slack, {team.team: team.name for team in queries.teams()}
    known = queries.homes([channel for _team, channel in rule.places(fallback=settings.SLACK_CHANNEL)])
    return with_another(rule, teams, known)


@require_safe
def back(request: Request) -> HttpResponse:
    """Slack sends the administrator back. Whatever is wrong with it, nothing is installed."""
    permissions.check_connect(permissions.standing(request.user))
    _check_state(request)
    if why := request.GET.get("error", ""):
        raise BadRequest(
            say("Slack was told not to add the app: nothing was changed")
            if why == "access_denied"
            else say("Slack did not add the app (%(why)s): begin again", why=repr(why[:80]))
        )
    try:
        team = installing.from_code(request.GET.get("code", "")[:500], by=request.user)
    except NotSent as failure:
        raise BadRequest(say("The installation could not be finished: %(why)s. Begin again", why=cause(failure))) from failure
    notes.success(request, _("Installed in %(name)s. What is missing still, manage.py slack_check says.") % {"name": team.name})
    return redirect("slack-messages")


@require_POST
def remove(request: Request, team_id: str) -> HttpResponse:
    """Take a workspace away. Raises NotAllowed, NotFound."""
    permissions.check_connect(permissions.standing(request.user))
    team = queries.team(team_id)
    if team is None:
        raise NotFound(say("This workspace is not connected (any more)"))
    installing.leave(team, by=request.user)
    notes.success(request, _("%(name)s is not connected any more. Decisions made there stay.") % {"name": team.name})
    return redirect("slack-messages")


def _check_state(request: Request) -> None:
    """The state of this session, in time and for the first time. Raises BadRequest; it is used up either way."""
    kept, came = request.session.pop(KEPT, None) or {}, request.GET.get("state", "")
    known = bool(came) and secrets.compare_digest(came.encode("utf-8", "replace"), str(kept.get("state", "")).encode())
    if not known or kept["until"] < database_now().timestamp() or not slack_installs.once(came):
        raise BadRequest(say("This does not belong to an installation begun here in the last ten minutes: begin again"))
