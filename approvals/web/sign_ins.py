"""The browser's side of a sign-in: noticed when it begins, is proved again or ends; asked for before somebody changes their own factors.

Hears what Django and allauth say, and calls `operations.sign_ins`. The middleware costs no statement, except one a minute per session.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import authentication_step_completed, password_changed, password_reset, password_set
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.signals import social_account_added
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from approvals import ladder
from approvals.models.people import User
from approvals.operations import identities, people
from approvals.operations import sign_ins as operations
from approvals.web.accounts import PROVED_AT
from approvals.web.signed_out import sign_in_first

ID = "sign_in"
SEEN_EVERY_S = 60.0
# What changes how one signs in. The pages that only show it, and those by which one confirms that it is oneself, are open.
GUARDED = ("mfa_", "account_email", "account_change", "account_set", "socialaccount_connections")
OPEN = {
    "mfa_index", "mfa_list_webauthn", "mfa_authenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_login_webauthn",
}  # fmt: skip

FACTORS = {"webauthn": ladder.PASSKEY_PROOF, "totp": ladder.CODE}

_seen: dict[tuple[str, int, str], float] = {}


class SignIns:
    """Keeps a session and its sign-in together."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user = getattr(request, "user", None)
        if request.path.startswith("/health/") or user is None or not user.is_authenticated:
            return None
        if not _still(request, user):
            logout(request)
            if not getattr(view, "login_required", True):
                return None  # a door that asks by itself, such as the API: it answers an ended session as it answers nobody
            return sign_in_first(request)
        name = (request.resolver_match and request.resolver_match.url_name) or ""
        if _changes_ways_in(request, name) and not may_manage(request):
            return to_confirm(request.get_full_path() if request.method == "GET" else reverse("security"))
        return None


def _changes_ways_in(request: HttpRequest, name: str) -> bool:
    """Whether a page changes how somebody signs in. Connecting an identity elsewhere does; signing in by one goes to the same address."""
    if name == "openid_connect_login":
        return "connect" in (request.POST.get("process"), request.GET.get("process"))
    return name.startswith(GUARDED) and name not in OPEN


def sign_in_of(request: HttpRequest) -> str:
    """The id of the sign-in this request comes from."""
    return str(request.session.get(ID, ""))


def may_manage(request: HttpRequest) -> bool:
    user: Any = request.user
    return operations.may_manage(sign_in_of(request), user=user, within_s=settings.FRESH_ACCOUNT_S)


def to_confirm(after: str) -> HttpResponse:
    """Off to confirm that it is you, and back."""
    return redirect(f"{reverse('confirm')}?{urlencode({'next': after})}")


def _still(request: HttpRequest, user: User) -> bool:
    """Looked up at most once a minute: ending a sign-in deletes its session, so that this is only the second net."""
    own, now, key = sign_in_of(request), time.monotonic(), str(request.session.session_key)
    if not own:  # a session of before there were sign-ins
        request.session[ID] = operations.begin(user=user, session_key=key, device=_device(request), proof="")
        return True
    if now - _seen.get((own, user.pk, key), -SEEN_EVERY_S) < SEEN_EVERY_S:
        return True
    if len(_seen) > 20_000:
        _seen.clear()
    if not operations.seen(own, user=user, session_key=key):
        return False
    _seen[own, user.pk, key] = now  # only a yes is remembered
    return True


def _began(sender: Any, request: HttpRequest, user: User, **more: Any) -> None:
    """Django signed somebody in."""
    if request.session.session_key is None:
        request.session.create()
    by_provider = any(record.get("method") == "socialaccount" for record in get_authentication_records(request, user))
    # A moment, not a length: Django would count a length anew whenever the session is written.
    request.session.set_expiry(datetime.now(UTC) + timedelta(seconds=settings.OIDC_SESSION_S) if by_provider else None)
    proof, at = _dated(_proof(request, user), request.session.pop(PROVED_AT, None))
    request.session[ID] = operations.begin(
        user=user, session_key=str(request.session.session_key), device=_device(request), proof=proof, at=at, instead_of=sign_in_of(request)
    )


def _dated(proof: str, at: Any) -> tuple[str, datetime | None]:
    """Single sign-on proves what it says, of when it says. What is shown here (a factor after it, a password) is shown now."""
    if proof != ladder.SSO:
        return proof, None
    return (proof, datetime.fromtimestamp(at, UTC)) if isinstance(at, int) else (ladder.UNDATED, None)


def _proof(request: HttpRequest, user: User) -> str:
    """The last thing they showed: with a second factor that is the factor."""
    records = get_authentication_records(request, user)
    return _named(records[-1]) if records else str(getattr(request, "proof", ""))


def _named(record: dict[str, Any]) -> str:
    method = record.get("method")
    if method == "mfa":
        return FACTORS.get(str(record.get("type")), ladder.RECOVERY)
    return {"password": ladder.PASSWORD, "socialaccount": ladder.SSO, "link": ladder.LINK}.get(str(method), "")


def _proved(sender: Any, request: HttpRequest, user: User, method: str, **more: Any) -> None:
    """Somebody who is signed in showed again that it is they."""
    if more.get("reauthenticated") and request.user == user:
        operations.prove(sign_in_of(request), user=user, proof=_named({"method": method, **more}))


def _left(sender: Any, request: HttpRequest, user: User | None, **more: Any) -> None:
    if user is not None and sign_in_of(request):
        operations.left(sign_in_of(request), user=user)


def _password_changed(sender: Any, request: HttpRequest, user: User, **more: Any) -> None:
    """Every other session is over, as Django has it; this one has another key now, by which alone it can be ended."""
    own = sign_in_of(request) if request.user == user else ""
    if own:
        operations.seen(own, user=user, session_key=str(request.session.session_key))
    people.password_changed(user=user)
    operations.end_all(user=user, by=user.actor, but=own)


def _factor_changed(what: str) -> Callable[..., None]:
    def tell(sender: Any, request: HttpRequest, user: User, authenticator: Any, **more: Any) -> None:
        people.factor_changed(user=user, what=what, factor=str(authenticator.type))
        if what == "added" and request.user == user and (named := FACTORS.get(str(authenticator.type))):
            # They were asked to confirm a moment ago, and have just used this very factor: their recovery codes come next.
            operations.prove(sign_in_of(request), user=user, proof=named)
        if what == "added" and authenticator.type == Authenticator.Type.TOTP:
            authenticator.wrap().validate_code(request.POST.get("code", ""))  # which marks it as used: a code is taken once

    return tell


def _connected(sender: Any, request: HttpRequest, sociallogin: SocialLogin, **more: Any) -> None:
    user: Any = request.user
    identities.connected(user=user, subject=str(sociallogin.account.uid), by=user.actor)


def _device(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "").encode("utf-8", "replace").decode("utf-8", "replace").replace("\x00", "")


def listen() -> None:
    """Called once, when Django starts."""
    user_logged_in.connect(_began, dispatch_uid="sign-in-began")
    user_logged_out.connect(_left, dispatch_uid="sign-in-left")
    authentication_step_completed.connect(_proved, dispatch_uid="sign-in-proved")
    for password in (password_changed, password_set, password_reset):
        password.connect(_password_changed, dispatch_uid="password-changed")
    social_account_added.connect(_connected, dispatch_uid="identity-connected")
    for name, signal in (("added", mfa_signals.authenticator_added), ("removed", mfa_signals.authenticator_removed),
                         ("renewed", mfa_signals.authenticator_reset)):  # fmt: skip
        signal.connect(_factor_changed(name), dispatch_uid=f"factor-{name}", weak=False)
