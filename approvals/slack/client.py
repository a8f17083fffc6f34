"""The only one that calls Slack. Every failure becomes a `NotSent` that says what it means for whoever keeps the queue.

No retries in here: the queue knows when, and a second try of a lost answer would post twice. Nothing is ever called but the API's own
address: a `response_url` from outside is not used.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.error import URLError

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from approvals.notify import sealing
from approvals.notify.errors import NotSent
from approvals.notify.tls import trusted
from approvals.operations import slack_installs
from approvals.queries import slack as queries

ENDED = "token_expired"
WHOSE = "auth.test"  # whose token it is; its answer has `scopes` as well
LONGEST_S = 3_600.0  # after an hour it is asked again, whatever was said
NO_CLIENT = (
    "it is renewed with SLACK_CLIENT_ID and SLACK_CLIENT_SECRET, which are not set: set both, as the app's Basic Information page says"
)
# Every failure is a NotSent, which says what it means; the SDK would write it a second time, with what Slack answered.
_QUIET = logging.getLogger("slack_sdk.quiet")
_QUIET.setLevel(logging.CRITICAL)
GONE = {"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"}
AWAY = {"fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org", "ekm_access_denied"}
SENTENCES = {
    "not_in_channel": "The app is not in this channel: invite it there with /invite",
    "channel_not_found": "There is no such channel, or the app may not see it: invite it, or mend the policy's route",
    "is_archived": "This channel is archived",
    "invalid_auth": "Slack refuses our token: install the app again",
    "account_inactive": "The app was removed from this workspace: install it again",
    "token_revoked": "Slack has revoked our token: install the app again",
    ENDED: "This token of Slack's has ended: install the app again",
    "invalid_refresh_token": "Slack refuses what the token is renewed with (it works once, and was used or taken back): install the app again",
    "invalid_client_id": "Slack does not know SLACK_CLIENT_ID: set it as the app's Basic Information page says",
    "bad_client_secret": "SLACK_CLIENT_SECRET is not this app's: set it as the app's Basic Information page says",
    "missing_scope": "The app lacks a permission: compare its scopes with manage.py slack_manifest and install it again",
    "invalid_blocks": "Slack does not take this message's blocks",
}


def bare(token: str = "") -> WebClient:
    """A client for calls that belong to no workspace yet."""
    return WebClient(
        token=token, base_url=settings.SLACK_API_URL, timeout=settings.SLACK_TIMEOUT_S, ssl=trusted(), retry_handlers=[], logger=_QUIET
    )  # fmt: skip


def call(team_id: int, method: str, **args: Any) -> dict[str, Any]:
    """One method of the Web API as one workspace's app. Raises NotSent; also, without calling, while Slack has asked to leave that method alone."""
    if left := slack_installs.paused(team_id, method):
        raise NotSent(f"Slack asks to wait {left:.0f} s", wait_s=left, method=method)
    try:
        return _call(_token(team_id), method, args)
    except NotSent as failure:
        if failure.wait_s:
            slack_installs.pause(team_id, method, failure.wait_s)
            raise NotSent(failure.why, wait_s=failure.wait_s, method=method) from failure
        if ENDED not in failure.why:
            raise
        if not _refresh(team_id):  # another process is at it, or it fails for now: nothing is given up for that
            raise NotSent(slack_installs.why_not_renewed(team_id), down=True) from failure
        return _call(_token(team_id), method, args)


def once(token: str, method: str, **args: Any) -> dict[str, Any]:
    """One call with a token in hand. Raises NotSent."""
    return _call(token, method, args)


def _call(token: str, method: str, args: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = (
            bare(token).api_call(method, json=args) if "view" in args or "blocks" in args else bare(token).api_call(method, params=args)
        )
    except SlackApiError as error:
        raise _refused(error) from error
    except URLError as error:
        lost = isinstance(error.reason, TimeoutError)
        raise NotSent(f"Slack cannot be reached: {error.reason}", down=True, unsure=lost) from error
    except (OSError, SlackClientError, ValueError) as error:
        raise NotSent(f"Slack did not answer: {type(error).__name__}", down=True, unsure=True) from error
    found = dict(answer.data) if isinstance(answer.data, dict) else {}
    return {**found, "scopes": _scopes(answer.headers)} if method == WHOSE else found


def _scopes(headers: Mapping[str, Any]) -> str:
    """What a token may do, as OAuth writes it ("a,b"); Slack says it in a header. "" when it did not."""
    said = next((str(value) for name, value in headers.items() if name.lower() == "x-oauth-scopes"), "")
    return ",".join(scope.strip() for scope in said.split(",") if scope.strip())


def _refused(error: SlackApiError) -> NotSent:
    answer = error.response
    status = getattr(answer, "status_code", 0)
    code = str(answer.get("error", "")) if hasattr(answer, "get") else ""
    if status == 429 or code == "ratelimited":
        seconds = str(answer.headers.get("Retry-After", "1"))
        return NotSent(f"Slack asks to wait {seconds} s", wait_s=max(1.0, min(float(seconds), LONGEST_S)) if seconds.isdecimal() else 1.0)
    if status >= 500 or code in AWAY or code.startswith("Received a response in a non-JSON"):
        return NotSent(f"Slack answers {status}", down=True, unsure=True, answered=True)
    more = "; ".join((answer.get("response_metadata") or {}).get("messages") or [])
    said = SENTENCES.get(code, f"Slack says {code}") + (f" ({more[:300]})" if more else "")
    return NotSent(f"{said} [{code}]" if code in SENTENCES else said, permanent=True, gone=code in GONE)


def _token(team_id: int) -> str:
    sealed, api = queries.sealed_token(team_id)
    if api and api != settings.SLACK_API_URL:  # the demo's workspace, and then a real Slack: what is meant for one goes to no other
        raise NotSent("This workspace belongs to another Slack than SLACK_API_URL names: install the app again", permanent=True)
    if _refresh(team_id):
        sealed, _api = queries.sealed_token(team_id)
    try:
        return sealing.unseal(sealed)
    except sealing.Unsealable as error:
        raise NotSent(str(error), down=True) from error


def _refresh(team_id: int) -> bool:
    """Renew a token that is about to end. One process does it, for the refresh token is used up by it; the others go on with the old one.

    Raises NotSent when what is stored cannot be opened. What waits goes on once the app is installed anew, or the key is back.
    """
    try:
        token = slack_installs.begin_refresh(team_id)
    except sealing.Unsealable as error:
        slack_installs.not_refreshed(team_id, str(error))
        raise NotSent(str(error), down=True) from error
    if not token:
        return False
    if not (settings.SLACK_CLIENT_ID and settings.SLACK_CLIENT_SECRET):
        slack_installs.not_refreshed(team_id, NO_CLIENT)
        return False
    asked = {"grant_type": "refresh_token", "refresh_token": token, "client_id": settings.SLACK_CLIENT_ID}
    try:
        got = _call("", "oauth.v2.access", {**asked, "client_secret": settings.SLACK_CLIENT_SECRET})
    except NotSent as failure:
        slack_installs.not_refreshed(team_id, failure.why)  # the old one is good for some minutes still
        return False
    new, following, lasts = str(got["access_token"]), str(got["refresh_token"]), int(got["expires_in"])
    if slack_installs.refreshed(team_id, used=token, token=new, refresh_token=following, expires_in=lasts):
        return True
    with suppress(NotSent):  # taken away, or installed anew, meanwhile: no token of ours may live on that nobody knows of
        _call(new, "auth.revoke", {})
    return False
