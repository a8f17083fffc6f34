"""Signing in by a printed link: for the demo's cast and the first administrator."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from approvals.operations import people

BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@require_safe
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Sign the link's person in; a link that has run out is a sentence, not an error."""
    login(request, people.use_login_link(token), backend=BACKEND)
    return redirect("home")
