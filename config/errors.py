"""The pages for what goes wrong outside any view: each says in a sentence what to do."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from agents.api.problems import NO_ADDRESS, PREFIX, problem
from approvals.web.signed_out import page_of, sign_in_first, within_a_page
from audit.languages import told
from audit.sentences import say
from config.middleware import recover_connections, refusal, unavailable, within


def _page(request: HttpRequest, template: str, status: int, code: str, said: str, **context: str) -> HttpResponse:
    """Rendered outside the view, where nobody else mends a connection that a restarted server has cut; a page that is open is told in a sentence."""
    if within_a_page(request):
        return within(request, status, code, told(said))
    try:
        return render(request, template, context, status=status)
    except (OperationalError, InterfaceError):
        recover_connections()
    try:
        return render(request, template, context, status=status)
    except (OperationalError, InterfaceError):
        return unavailable(request)


@login_not_required
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, "400.html", 400, "bad_request", say("The request could not be read; nothing was changed. Reload the page"))


@login_not_required
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    why = str(exception or "")
    return _page(
        request,
        "403.html",
        403,
        "forbidden",
        why or say("Your account does not have the permission for that; nothing was changed"),
        sentence=why,
    )


@login_not_required
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if request.path.startswith(PREFIX):
        return problem(request, 404, "not_found", NO_ADDRESS)
    return _page(
        request, "404.html", 404, "not_found", say("That is not there, or others alone may see it; nothing was changed. Reload the page")
    )


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The token is from before somebody signed in (again, in another tab). A page that stays open says so itself, beside what was written."""
    if within_a_page(request):
        if not request.user.is_authenticated and getattr(request.resolver_match and request.resolver_match.func, "login_required", True):
            return sign_in_first(request)
        sentence = say("This form was too old: reload the page. Nothing was recorded; what you wrote is still here, to be copied first.")
        return refusal(request, 403, "old_form", sentence, page=page_of(request))
    return _page(request, "403_csrf.html", 403, "old_form", "")


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    """Whatever nobody caught. A database that went away between session and view is said to be away, not broken."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        recover_connections()
        return unavailable(request)
    if request.path.startswith(PREFIX):
        return problem(request, 500, "broken", say("Something is broken here; it is in the log of the server"))
    if within_a_page(request):
        return within(
            request,
            500,
            "broken",
            _(
                "This failed here; the error is recorded with its request number. Reload the page to see what was recorded before you press again"
            ),
        )
    return HttpResponse(render_to_string("500.html"), status=500)
