"""The four addresses Slack calls. Whatever is not proved to be Slack's is 401; what is, is acknowledged at once.

Plain HTTP: no session, no cookie, no CSRF token; the signature is all there is.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from approvals.slack.handling import Malformed, answered, shaped
from approvals.slack.quick import Busy, counted
from approvals.slack.verifying import NotFromSlack, verified


@csrf_exempt
@login_not_required
def interactivity(request: HttpRequest) -> HttpResponse:
    return _answered(request, "interactive")


@csrf_exempt
@login_not_required
def options(request: HttpRequest) -> HttpResponse:
    return _answered(request, "interactive")


@csrf_exempt
@login_not_required
def events(request: HttpRequest) -> HttpResponse:
    return _answered(request, "events")


@csrf_exempt
@login_not_required
def commands(request: HttpRequest) -> HttpResponse:
    return _answered(request, "commands")


def _answered(request: HttpRequest, door: str) -> HttpResponse:
    """What was not done in time was not heard either, and Slack sends it again for anything but 200."""
    try:
        with counted():
            return _done(request, door)
    except Busy:
        return HttpResponse("Not now; send it again.", status=503, content_type="text/plain")


@transaction.atomic
def _done(request: HttpRequest, door: str) -> HttpResponse:
    """One transaction, so that a press is one commit; a request that fails is not counted as seen, and Slack's retry does it."""
    try:
        body, click = verified(request)
    except NotFromSlack:
        return HttpResponse("This is not signed by Slack.", status=401, content_type="text/plain")
    try:
        kind, payload = _payload(body, door)
    except Malformed:
        return HttpResponse("That is not what Slack sends here.", status=400, content_type="text/plain")
    if kind == "url_verification":
        return JsonResponse({"challenge": str(payload.get("challenge", ""))[:500]})
    answer = answered(kind, payload, click)
    return JsonResponse(dict(answer)) if answer else HttpResponse(status=200)


def _payload(body: bytes, door: str) -> tuple[str, Mapping[str, Any]]:
    """The kind and content of a delivery. Raises Malformed."""
    try:
        if door == "events":
            found = json.loads(body)
        else:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100))
            found = fields if door == "commands" else json.loads(fields.get("payload", ""))
    except (ValueError, RecursionError) as error:
        raise Malformed from error
    if not isinstance(found, dict):
        raise Malformed
    return ("command" if door == "commands" else str(found.get("type", ""))), shaped(found)
