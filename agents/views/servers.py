"""The address at which an Agent Server says that something changed there. A hint and nothing more: what is so, we ask the server ourselves."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agents import operations


@csrf_exempt
@login_not_required
@never_cache
@require_POST
def hint(request: HttpRequest, server_id: int, secret: str) -> HttpResponse:
    """The body is not read. Whoever does not know the secret learns nothing, not even which servers there are."""
    known = operations.hint(server_id, secret)
    return HttpResponse(status=202 if known else 404)
