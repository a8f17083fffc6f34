"""Whoever is not signed in (any more): a page leads to signing in and back; what htmx or a script asks is told so, in the page it asks for."""

from __future__ import annotations

import inspect
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from approvals.web.confirming import safe

CODE = "signed_out"


class SignedInOnly(LoginRequiredMiddleware):
    """Django's, but that a press of a button in an open page is not answered with another page, which htmx would follow and throw away."""

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> HttpResponse | None:
        refused = super().process_view(request, view_func, view_args, view_kwargs)
        return sign_in_first(request) if refused else None


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """401 to what stays on its page, whose buttons and words stay as they are; to a browser the page to sign in on."""
    login = f"{reverse('account_login')}?{urlencode({'next': page_of(request)})}"
    if not within_a_page(request):
        return redirect(login)
    sentence = _("You are signed out: sign in again.")
    if request.method == "POST":
        sentence = _("You are signed out: sign in again to decide. Nothing was recorded; what you wrote is still here, to be copied first.")
    if wants_json(request):
        return JsonResponse({"status": 401, "code": CODE, "detail": sentence}, status=401)
    return render(request, "_problem.html", {"code": CODE, "sentence": sentence, "details": {"page": login}}, status=401)


def within_a_page(request: HttpRequest) -> bool:
    """Whether a page that is open asks, by htmx or a script, and stays."""
    return request.headers.get("HX-Request") == "true" or wants_json(request)


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def page_of(request: HttpRequest) -> str:
    """The page that somebody looks at, to come back to. Never an address that only takes what a form sends."""
    if request.method in {"GET", "HEAD"} and not within_a_page(request):
        return request.get_full_path()
    try:
        there = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    except ValueError:  # the header is whatever was sent
        return reverse("home")
    page = _page_at_or_above(there.path) if there.netloc == request.get_host() else reverse("home")
    return safe(request, f"{page}?{there.query}" if there.query and page == there.path else page)


def _page_at_or_above(path: str) -> str:
    """A form without script is answered at its own address (/actions/ID/decide): its page is the one above (/actions/ID/)."""
    while len(path) > 1 and not _is_page(path):
        path = path[: path.rstrip("/").rfind("/") + 1]
    return path or reverse("home")


def _is_page(path: str) -> bool:
    try:
        view = inspect.unwrap(resolve(path).func, stop=_names_methods)
    except Resolver404:
        return False
    return not _names_methods(view) or "GET" in inspect.getclosurevars(view).nonlocals["request_method_list"]


def _names_methods(view: object) -> bool:
    """Whether it is what `require_POST` and its like make of a view."""
    return inspect.isfunction(view) and "request_method_list" in view.__code__.co_freevars
