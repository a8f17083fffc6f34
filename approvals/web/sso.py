"""Single sign-on: who an identity provider says somebody is, and which groups here that makes them a member of, at every sign-in.

An identity is issuer and subject, never an e-mail address: a mail address given again must not become somebody else's account.
"""

from __future__ import annotations

import time
from typing import Any

from allauth.account.utils import user_username
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal.flows import connect as connecting
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from approvals.models.people import User
from approvals.operations import identities, people
from approvals.web.accounts import PROVED_AT
from approvals.web.sign_ins import may_manage, to_confirm

CLOCKS_APART_S = 300


class Provider(OpenIDConnectProvider):
    """The one provider. What it is asked is decided here: nothing of it comes from the address in somebody's browser."""

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Whoever is signed in is confirming, or connecting: the provider is to ask them again, whatever session it has of them.

        `max_age` also obliges it to say when they were there (`auth_time`, OpenID Connect Core 3.1.2.1).
        """
        if request.user.is_authenticated:
            return {"prompt": "login", "max_age": "0"}
        return {"max_age": str(settings.SESSION_COOKIE_AGE)}

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        scope: list[str] = self.get_scope()
        return scope


class SingleSignOn(DefaultSocialAccountAdapter):
    """Accounts come into being here, for people whom the provider puts into a group that means something to us."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Known already: give and take groups before anything else is done in their name."""
        sociallogin.email_addresses = []  # an address proves nothing here, and a taken one must not stop anybody
        if sociallogin.state.get("process") != "login":
            raise ImmediateHttpResponse(connect(request, sociallogin))
        request.session[PROVED_AT] = auth_time(sociallogin)
        if sociallogin.is_existing:
            sync(sociallogin.user, sociallogin)
        elif not groups(sociallogin):
            raise ImmediateHttpResponse(refused(request))

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        found = super().get_provider(request, provider, client_id=client_id)
        return Provider(request, app=found.app) if isinstance(found, OpenIDConnectProvider) else found

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> Any:
        user_username(sociallogin.user, user_username(sociallogin.user)[:100])
        user = super().save_user(request, sociallogin, form)
        sync(user, sociallogin)
        identities.came(user=user, verified=claims(sociallogin).get("email_verified") is True)
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return "/security/"


def connect(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    """What came back becomes a way into the account that is signed in, and its source of roles: asked for as freshly as a new factor.

    Asked again here, though nobody was let go there without it: what comes back may be another browser tab's, or ten minutes later.
    """
    if sociallogin.state.get("process") != "connect" or not request.user.is_authenticated:
        return redirect("account_login")
    if not may_manage(request):
        return to_confirm(reverse("security"))
    with transaction.atomic():  # with its event: `web.sign_ins` hears that it was done
        answer: HttpResponse = connecting.connect(request, sociallogin)
    return answer


def claims(sociallogin: SocialLogin) -> dict[str, Any]:
    """What the provider says, the signed token first and what its user info adds."""
    data = sociallogin.account.extra_data
    return {**(data.get("userinfo") or {}), **(data.get("id_token") or {})}


def auth_time(sociallogin: SocialLogin) -> int | None:
    """When the person was last there in person, by the signed token; None when it does not say so in a way that can be true.

    A time ahead of ours by more than clocks differ, such as one in milliseconds, would make every proof a fresh one.
    """
    at = (sociallogin.account.extra_data.get("id_token") or {}).get("auth_time")
    if not isinstance(at, int) or isinstance(at, bool) or not 0 < at <= time.time() + CLOCKS_APART_S:
        return None
    return at


def groups(sociallogin: SocialLogin) -> set[str]:
    """Our groups that theirs stand for. A claim that is no list of texts names none."""
    theirs = claims(sociallogin).get(settings.OIDC_GROUPS_CLAIM)
    named = theirs if isinstance(theirs, list) else [theirs]
    return {settings.OIDC_GROUPS[name] for name in named if isinstance(name, str) and name in settings.OIDC_GROUPS}


def sync(user: User, sociallogin: SocialLogin) -> None:
    people.sync_groups(user=user, named=groups(sociallogin), managed=set(settings.OIDC_GROUPS.values()))


def refused(request: HttpRequest) -> HttpResponse:
    return render(request, "socialaccount/no_group.html", {"provider": settings.OIDC_NAME}, status=403)
