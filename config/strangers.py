"""Callers of the API without a good key: so many a minute from one address, counted in PostgreSQL by all web processes together.

Whoever has a key or a session costs no statement here; keys have a limit of their own. A wrong key is counted after it was refused, and beyond
the limit is told so instead: an address that many share is never shut for those with a good one.
"""

from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from agents.api.problems import TooMany
from audit.sentences import say
from config import shared

Answer = Callable[[HttpRequest], HttpResponse]
Refuse = Callable[..., HttpResponse]


def answer(request: HttpRequest, get_response: Answer, refuse: Refuse) -> HttpResponse:
    """The door's answer; 429 for a stranger beyond the limit."""
    if "Authorization" not in request.headers and settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return _too_many(request, refuse) or get_response(request)
    found = get_response(request)
    return (_too_many(request, refuse) or found) if found.status_code == 401 else found


def _too_many(request: HttpRequest, refuse: Refuse) -> HttpResponse | None:
    try:
        number, seconds = shared.count(f"api-stranger:{request.META.get('REMOTE_ADDR', '')}")
    except (OperationalError, InterfaceError):
        return None  # without its database the door says so itself
    if number <= settings.API_RATE_STRANGERS:
        return None
    sentence = say(
        "More than %(n)d requests in a minute from your address without a good key; go on in %(s)d s",
        n=settings.API_RATE_STRANGERS, s=seconds,
    )  # fmt: skip
    return refuse(request, TooMany.status, TooMany.code, sentence, retry_after=seconds)
