"""A record for every request, as django-structlog writes it, but for what a log must not know: codes and states of sign-ins and installations."""

from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

SECRETS = frozenset({"code", "state", "token", "key", "session_state", "id_token", "access_token"})


class RequestLog(RequestMiddleware):
    """The address of each request, with the values of such fields left out."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        query = request.META.get("QUERY_STRING", "")
        if not query:
            return f"{request.method} {request.get_full_path()}"
        try:
            fields = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
        except ValueError:
            return f"{request.method} {request.path}?..."
        if not any(name.lower() in SECRETS for name, _value in fields):
            return f"{request.method} {request.get_full_path()}"
        kept = urlencode([(name, "..." if name.lower() in SECRETS else value) for name, value in fields])
        return f"{request.method} {request.path}?{kept}"
