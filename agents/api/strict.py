"""What a request may ask in its address. What nobody knows would be ignored: a list taken for a narrower one than it is, a `?dry_run=1` for a trial."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from django.http import HttpRequest
from ninja import Schema
from ninja.params.models import Body, Header, Path

from agents.api.problems import UnknownParameter
from audit.sentences import say

NO_BODY = frozenset({b"", b"{}", b"null"})
_ELSEWHERE = (Header, Path, Body)


def known_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse, with 422, what the view has no query parameter for, whatever the method. An empty `cursor` is what a client begins any list with."""
    known, bodiless = _asked(view), not _takes_a_body(view)

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        strange = [name for name, value in request.GET.items() if name not in known and (name, value) != ("cursor", "")]
        if strange:
            why = say("is none of %(known)s", known=", ".join(known)) if known else say("this address takes no parameters")
            said = say("%(name)s: %(why)s", name=strange[0][:80], why=why)
            raise UnknownParameter(said, fields={f"query.{name[:80]}": why for name in strange[:20]})
        if bodiless and request.method != "GET" and request.body.strip() not in NO_BODY:
            raise UnknownParameter(say("this address takes no body"), fields={"body": say("this address takes no body")})
        return view(request, *args, **kwargs)

    return checked


def _takes_a_body(view: Callable[..., Any]) -> bool:
    hints = get_type_hints(view)
    return any(isinstance(hint, type) and issubclass(hint, Schema) for hint in hints.values())


def _asked(view: Callable[..., Any]) -> list[str]:
    """Its query parameters: what has a default, and is neither a header, a body nor a part of the address."""
    found = inspect.signature(view).parameters.values()
    return [
        getattr(one.default, "alias", None) or one.name
        for one in found
        if one.default is not one.empty and not isinstance(one.default, _ELSEWHERE)
    ]
