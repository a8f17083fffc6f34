"""What a GET may ask in its address. A filter that nobody knows would be ignored, and the answer taken for a narrower one than it is."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from ninja.params.models import Header, Path

from agents.api.problems import UnknownParameter
from audit.sentences import say

_ELSEWHERE = (Header, Path)


def known_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse, with 422, what the view has no query parameter for. An empty `cursor` is what a client begins any list with."""
    known = _asked(view)

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        strange = [name for name, value in request.GET.items() if name not in known and (name, value) != ("cursor", "")]
        if strange and request.method == "GET":
            why = say("is none of %(known)s", known=", ".join(known)) if known else say("this address takes no parameters")
            said = say("%(name)s: %(why)s", name=strange[0][:80], why=why)
            raise UnknownParameter(said, fields={f"query.{name[:80]}": why for name in strange[:20]})
        return view(request, *args, **kwargs)

    return checked


def _asked(view: Callable[..., Any]) -> list[str]:
    """Its query parameters: what has a default, and is neither a header nor a part of the address."""
    found = inspect.signature(view).parameters.values()
    return [
        getattr(one.default, "alias", None) or one.name
        for one in found
        if one.default is not one.empty and not isinstance(one.default, _ELSEWHERE)
    ]
