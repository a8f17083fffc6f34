"""Where the app is installed: beginning, keeping, renewing and forgetting a workspace. Tokens are sealed before they are stored, and in no event."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from approvals import permissions
from approvals.models import SlackMessage, SlackPause, SlackTeam, User
from approvals.notify import sealing
from approvals.operations import slack_heard
from approvals.states import SlackState
from audit import log
from audit.actors import SYSTEM
from audit.log import Entry

REFRESH_BEFORE = timedelta(minutes=30)
REFRESHING = timedelta(seconds=30)
INSTALL_AGAIN = "install the app again, by 'Add to a workspace' (a bot token of an app that rotates tokens lasts 12 hours)"
PAUSES = (2, 5, 10, 20, 30)  # seconds without a call after so many failures to reach it


@dataclass(frozen=True)
class Installed:
    """What an installation gives, as `auth.test` or OAuth says it."""

    team: str
    name: str
    bot_user: str
    token: str
    enterprise: str = ""
    app: str = ""
    scopes: str = ""
    refresh_token: str = ""
    expires_in: int = 0


@transaction.atomic
def install(found: Installed, *, by: User | None, door: str) -> SlackTeam:
    """Keep a workspace, or its new tokens when it is known. An event says who did it; never with which token."""
    values = {
        "enterprise": found.enterprise, "name": found.name, "api": settings.SLACK_API_URL, "app": found.app, "bot_user": found.bot_user, "token": sealing.seal(found.token),
        "refresh_token": sealing.seal(found.refresh_token), "scopes": found.scopes, "installed_by": by, "error": "", "not_renewed": "", "failures": 0,
        "token_until": Now() + timedelta(seconds=found.expires_in) if found.expires_in else None, "refreshing_until": None, "next_at": Now(),
        "installed_at": Now(),
    }  # fmt: skip
    row, _ = SlackTeam.objects.update_or_create(team=found.team, removed_at=None, defaults=values)
    _send_what_was_refused(row.pk)
    log.append(_entry(row, "slack.installed", by, door))
    return row


def _send_what_was_refused(team_id: int) -> None:
    """Whatever Slack refused it for under the old token. Private sentences stay: whoever pressed has done something else since."""
    rows = SlackMessage.objects.filter(channel__team=team_id, state=SlackState.FAILED).exclude(kind=SlackMessage.Kind.WHISPER)
    rows.update(state=SlackState.WAITING, due_at=Now(), attempts=0, changed_at=Now())


@transaction.atomic
def begin(*, by: User) -> str:
    """What the authorisation at Slack carries there and back, so that nobody can have somebody else's workspace installed here.

    The door keeps it in the session of whoever asked. Raises NotAllowed for whoever is no administrator.
    """
    permissions.check_connect(permissions.standing(by))
    return secrets.token_urlsafe(32)


def once(state: str) -> bool:
    """Whether it comes back for the first time; of two requests at once only one hears yes."""
    return slack_heard.state(state)


@transaction.atomic
def remove(team: str, *, by: User | None, door: str, at: int | None = None) -> bool:
    """Forget its tokens: it was taken away there, or here. False when it was not installed, or was installed anew since.

    Args:
        at: when it was taken away, in seconds as Slack counts them (it leaves off parts of a second). Slack's word of that can come late.
    """
    row = SlackTeam.objects.select_for_update().filter(team=team, removed_at=None).first()
    if row is None or (at is not None and at < int(row.installed_at.timestamp())):
        return False
    SlackTeam.objects.filter(pk=row.pk).update(removed_at=Now(), token="", refresh_token="")
    log.append(_entry(row, "slack.removed", by, door))
    return True


def begin_refresh(team_id: int) -> str:
    """The refresh token, for the one process that uses it up now; "" when it is not time, or another one is at it."""
    due = SlackTeam.objects.filter(pk=team_id, removed_at=None, token_until__lt=Now() + REFRESH_BEFORE).exclude(refresh_token="")
    due = due.exclude(refreshing_until__gt=Now())
    if not due.update(refreshing_until=Now() + REFRESHING):
        return ""
    return sealing.unseal(SlackTeam.objects.values_list("refresh_token", flat=True).get(pk=team_id))


@transaction.atomic
def refreshed(team_id: int, *, used: str, token: str, refresh_token: str, expires_in: int) -> bool:
    """Keep what Slack gave for the refresh token `used`. False when that is no longer the one of this workspace: it was taken away, or installed
    anew, while Slack answered; nothing is kept then, and whoever asked gives the token back. Raises Unsealable.
    """
    row = SlackTeam.objects.select_for_update().filter(pk=team_id, removed_at=None).exclude(refresh_token="").first()
    if row is None or sealing.unseal(row.refresh_token) != used:
        return False
    SlackTeam.objects.filter(pk=team_id).update(
        token=sealing.seal(token), refresh_token=sealing.seal(refresh_token), token_until=Now() + timedelta(seconds=expires_in),
        refreshing_until=None, not_renewed="", error="",
    )  # fmt: skip
    return True


def not_refreshed(team_id: int, why: str) -> None:
    """It is tried again when the time for one try is over; the operators see why it did not work, whatever else goes well or wrong meanwhile."""
    SlackTeam.objects.filter(pk=team_id).update(not_renewed=why[:500])


def why_not_renewed(team_id: int) -> str:
    """A token has ended, and there is no new one: why, and what to do."""
    row = SlackTeam.objects.get(pk=team_id)
    if not row.refresh_token:
        return f"Its token has ended, and there is none to renew it with: {INSTALL_AGAIN}"
    if row.not_renewed:
        return f"Its token has ended and could not be renewed: {row.not_renewed}"
    return "Its token has ended and is being renewed by another process: nothing to do"


def reached(team_id: int) -> None:
    """It answers (again)."""
    SlackTeam.objects.filter(pk=team_id).exclude(failures=0, error="").update(failures=0, error="")


def leave_alone(team_id: int, why: str, *, wait_s: float = 0) -> None:
    """Nothing is sent there for a while: so long as it said, or ever longer when it could not be reached."""
    row = SlackTeam.objects.filter(pk=team_id).values_list("failures", flat=True).first()
    pause = wait_s or PAUSES[min(row or 0, len(PAUSES) - 1)]
    failed = 0 if wait_s else 1
    until = Greatest(F("next_at"), Now() + timedelta(seconds=pause))
    SlackTeam.objects.filter(pk=team_id).update(next_at=until, failures=F("failures") + failed, error=why)


def pause(team_id: int, method: str, seconds: float) -> None:
    """Slack asks to leave one method alone for so long; the others go on."""
    SlackPause.objects.update_or_create(team_id=team_id, method=method, defaults={"until": Now() + timedelta(seconds=seconds)})


def paused(team_id: int, method: str) -> float:
    """For how many seconds a method is still to be left alone, 0 when it is not."""
    row = SlackPause.objects.filter(team_id=team_id, method=method, until__gt=Now()).annotate(now=Now()).values_list("until", "now").first()
    return float((row[0] - row[1]).total_seconds()) if row else 0.0


def reseal() -> int:
    """Every stored token under the newest key. Returns how many workspaces that was. Raises Unsealable."""
    rows = list(SlackTeam.objects.filter(removed_at=None))
    for row in rows:
        SlackTeam.objects.filter(pk=row.pk, token=row.token).update(
            token=sealing.reseal(row.token), refresh_token=sealing.reseal(row.refresh_token)
        )
    return len(rows)


def _entry(row: SlackTeam, kind: str, by: User | None, door: str) -> Entry:
    about = {"team": row.team, "enterprise": row.enterprise, "name": row.name}
    return Entry(stream=f"slack:{row.team}", kind=kind, by=by.actor if by else SYSTEM, door=door, data=about)
