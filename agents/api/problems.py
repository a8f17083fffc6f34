"""Refusals as RFC 9457 problem details. Imports no framework of the API, so that the middleware may use it for what never gets that far."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse

from approvals.errors import ApprovalError
from audit.languages import told
from audit.sentences import Sentence, say

PREFIX = "/api/"
CONTENT_TYPE = "application/problem+json"


class TooMany(ApprovalError):
    """Details: `retry_after`, in seconds."""

    code, status = "too_many_requests", 429


class Unreadable(ApprovalError):
    code, status = "unreadable", 400


class UnknownParameter(ApprovalError):
    """Details: `fields`, by parameter."""

    code, status = "bad_request", 422


def problem(request: HttpRequest, status: int, code: str, sentence: str, **details: Any) -> JsonResponse:
    """One refusal, told in the reader's language. Details that JSON has no form for are left out."""
    body = {
        "type": f"urn:countersign:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": told(sentence),
        "instance": request.path[:200],
        **{name: _plain(value) for name, value in details.items() if isinstance(value, str | int | dict | list | tuple)},
    }
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="countersign"'
    if "retry_after" in details:
        headers["Retry-After"] = str(details["retry_after"])
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


NO_KEY = say("Send a key of this installation as Authorization: Bearer cs_…, or be signed in; keys are made under API keys on the web")
NO_ADDRESS = say("There is nothing at this address; see /api/v1/docs for what there is")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return told(value) if isinstance(value, Sentence) else value if isinstance(value, str | int | float | None) else str(value)
