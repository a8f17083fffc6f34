"""Whose request it is: an agent's key, a person's token, or the session of somebody signed in.

A key in a request wins over a session, also one that opens nothing. What a caller may do is asked by the operations, of the account; here only scopes are.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from agents.api.problems import TooMany
from approvals import permissions
from approvals.errors import NotAllowed
from approvals.live.waiting import AGAIN
from approvals.models.people import User
from approvals.operations import api_keys
from approvals.operations.api_keys import OF_AGENT, OF_PERSON
from approvals.web.sign_ins import sign_in_of
from audit.sentences import say

# What a browser sends by itself, to a proxy in front of this: no key of ours.
_BROWSERS = frozenset({"basic", "digest", "negotiate", "ntlm"})


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        agent: the agent whose key it is; "" for a person.
        sign_in: of a session, what it proves of the person; "" for a key, which proves nothing.
    """

    user: User
    scopes: frozenset[str]
    agent: str = ""
    key_id: int = 0
    sign_in: str = ""


class Key(HttpBearer):
    """`Authorization: Bearer cs_agent_…` or `cs_person_…`."""

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        again = bool(getattr(request, "scope", {}).get(AGAIN))
        found = api_keys.holder(token.strip(), again=again)
        if found is None:
            return None
        if found.calls > settings.API_RATE:
            seconds = max(1, int(found.left_s) + 1)
            raise TooMany(
                say("More than %(n)d requests in a minute with this key; go on in %(s)d s", n=settings.API_RATE, s=seconds),
                retry_after=seconds,
            )
        return Caller(found.user, found.scopes, found.agent, found.key_id)


class Session(APIKeyCookie):
    """Somebody signed in on the web; what changes something carries Django's CSRF token as well."""

    def __init__(self) -> None:
        self.param_name = settings.SESSION_COOKIE_NAME
        super().__init__(csrf=True)

    def _get_key(self, request: HttpRequest) -> str | None:
        if _sends_a_key(request) or not request.user.is_authenticated:
            return None  # a wrong key is not helped by a cookie; and without a session there is nothing to forge
        return super()._get_key(request)

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        user: Any = request.user
        return Caller(user, frozenset(OF_PERSON), sign_in=sign_in_of(request)) if key is not None and user.is_authenticated else None


def _sends_a_key(request: HttpRequest) -> bool:
    said = request.headers.get("Authorization", "").split()
    return bool(said) and said[0].lower() not in _BROWSERS


def caller(request: HttpRequest, scope: str) -> Caller:
    """Who asks, if their key was given this scope. Raises NotAllowed."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    if scope not in found.scopes:
        if found.agent and scope not in OF_AGENT:
            raise NotAllowed(say("This is the key of an agent: agents propose and read their own; only people decide and govern"))
        if not found.agent and scope not in OF_PERSON:
            raise NotAllowed(say("Only an agent's key proposes; make one on the agent's page"))
        raise NotAllowed(say("This key was not given the scope %(scope)s; make another one", scope=scope))
    return found


def reader(request: HttpRequest) -> Caller:
    """A caller that may read: an agent its own, a person with a role everything that their pages show. Raises NotAllowed."""
    found = caller(request, api_keys.READ)
    if not found.agent:
        permissions.check_read(found.user)
    return found
