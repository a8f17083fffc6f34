"""A record for every request, as django-structlog writes it, but for what a log must not know: codes and states of sign-ins and installations, links
that sign somebody in, secrets that stand in an address. Django's own records of refused requests go through the same (`WithoutSecrets`).
"""

import logging
import re
from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.encoding import escape_uri_path
from django_structlog.middlewares import RequestMiddleware

SECRETS = frozenset({"code", "state", "token", "key", "session_state", "id_token", "access_token", "secret"})
LONG = 20  # no part of an address of ours is so long by itself
ADDRESS = re.compile(r"(https?://[^/?#]*)(/.*)", re.DOTALL)
NAMED = re.compile(r"<(?:\w+:)?(\w+)>")


class RequestLog(RequestMiddleware):
    """The address of each request, with the values of such fields left out."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        query, path = request.META.get("QUERY_STRING", ""), escape_uri_path(path_of(request))
        if not query:
            return f"{request.method} {path}"
        kept = _query_of(query)
        return f"{request.method} {path}?{request.get_full_path().partition('?')[2] if kept == query else kept}"


class WithoutSecrets(logging.Filter):
    """Django names the path of each request it refuses; here it is the one above."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            named = {request.path, request.path.encode("unicode_escape").decode("ascii")}
            record.args = tuple(path_of(request) if arg in named else arg for arg in record.args)
        return True


def path_of(request: HttpRequest) -> str:
    """The path without the secrets in it."""
    return _without_secrets(request.path_info, shown=request.path)


def _query_of(query: str) -> str:
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return "..."
    kept = [(name, _value_of(name, value)) for name, value in fields]
    return query if kept == fields else urlencode(kept)


def _value_of(name: str, value: str) -> str:
    """Of a field's value; one that is an address, such as `next`, is treated as such."""
    if name.lower() in SECRETS:
        return "..."
    site, path = (found[1], found[2]) if (found := ADDRESS.match(value)) else ("", value)
    where, mark, more = path.partition("?")
    if not where.startswith("/"):
        return value
    return f"{site}{_without_secrets(where, shown=where)}{mark}{_query_of(more) if more else ''}"


def _without_secrets(path: str, *, shown: str) -> str:
    """One that leads nowhere is perhaps a link with a letter too many: nothing long of it is kept."""
    try:
        found = resolve(path)
    except Resolver404:
        return "/".join(part if len(part) <= LONG else "..." for part in shown.split("/"))
    if SECRETS.isdisjoint(found.kwargs):
        return shown
    return "/" + NAMED.sub(lambda name: "..." if name[1] in SECRETS else str(found.kwargs.get(name[1], "")), found.route)
