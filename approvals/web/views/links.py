"""Signing in by a printed link: for the demo's cast and the first administrator. Whoever has a second factor is asked for it, too."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from approvals.operations import people
from approvals.web.confirming import take_after

BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@require_safe
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Sign the link's person in; a link that has run out is a sentence, not an error.

    Opened again by the person who is signed in already, it confirms that it is they, and leads back to where they were asked.
    """
    user = people.use_login_link(token)
    if request.user.is_authenticated and request.user.pk == user.pk:
        record_authentication(request, user, method="link", reauthenticated=True)
        return redirect(take_after(request) or reverse("home"))
    if request.user.is_authenticated:
        logout(request)
    user.backend = BACKEND  # Django's own way of saying who vouches
    record_authentication(request, user, method="link")
    answer: HttpResponse = perform_login(request, Login(user=user, redirect_url=reverse("home")))
    return answer
