"""Signing in by a printed link: for the demo's cast and the first administrator. Whoever has a second factor is asked for it, too."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from approvals.operations import people
from approvals.web.confirming import take_after

BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Sign the link's person in; a link that is over is a sentence, not an error.

    Opening it asks; only pressing the button uses it up, so that neither a preview in a chat nor a page of somebody else can sign anybody
    in or out. The demo's links work at once and again. Used by the person who is signed in, it confirms that it is they, and leads back.
    """
    if request.method != "POST" and not settings.DEMO:
        other = request.user.get_username() if request.user.is_authenticated else ""
        user = people.whose_login_link(token)
        return render(request, "account/link.html", {"person": user, "other": other if other != user.get_username() else ""})
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
