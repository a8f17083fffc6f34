"""Single sign-on: who an identity provider says somebody is, and which groups here that makes them a member of, at every sign-in.

An identity is issuer and subject, never an e-mail address: a mail address given again must not become somebody else's account.
"""

from __future__ import annotations

from typing import Any

from allauth.account.utils import user_username
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal.flows import connect as connecting
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from approvals.models.people import User
from approvals.operations import people
from approvals.web.accounts import PROVED_AT
from approvals.web.sign_ins import may_manage, to_confirm


class SingleSignOn(DefaultSocialAccountAdapter):
    """Accounts come into being here, for people whom the provider puts into a group that means something to us."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Known already: give and take groups before anything else is done in their name."""
        sociallogin.email_addresses = []  # an address proves nothing here, and a taken one must not stop anybody
        if sociallogin.state.get("process") != "login":
            raise ImmediateHttpResponse(connect(request, sociallogin))
        if isinstance(at := claims(sociallogin).get("auth_time"), int):
            request.session[PROVED_AT] = at
        if sociallogin.is_existing:
            sync(sociallogin.user, sociallogin)
        elif not groups(sociallogin):
            raise ImmediateHttpResponse(refused(request))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> Any:
        user_username(sociallogin.user, user_username(sociallogin.user)[:100])
        user = super().save_user(request, sociallogin, form)
        sync(user, sociallogin)
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


def groups(sociallogin: SocialLogin) -> set[str]:
    """Our groups that theirs stand for. A claim that is no list of texts names none."""
    theirs = claims(sociallogin).get(settings.OIDC_GROUPS_CLAIM)
    named = theirs if isinstance(theirs, list) else [theirs]
    return {settings.OIDC_GROUPS[name] for name in named if isinstance(name, str) and name in settings.OIDC_GROUPS}


def sync(user: User, sociallogin: SocialLogin) -> None:
    people.sync_groups(user=user, named=groups(sociallogin), managed=set(settings.OIDC_GROUPS.values()))


def refused(request: HttpRequest) -> HttpResponse:
    return render(request, "socialaccount/no_group.html", {"provider": settings.OIDC_NAME}, status=403)
