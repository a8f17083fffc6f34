"""Agent Servers: registered with their assistants, reached or not.

Only whoever has a shell here names a server, so its address may be a private one (docs/adr/0037). Keys lie sealed, as Slack's tokens do.
"""

import ipaddress
import json
import re
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now
from django.utils.text import slugify

from agents.errors import BadInput, ServerTrouble
from agents.models import Agent, AgentVersion, Server
from agents.operations.declaring import NO_MODEL
from agents.operations.hinting import unsealed
from agents.remote.calling import Connection, connected
from agents.remote.reading import Assistant
from approvals.notify import sealing
from approvals.operations import Hint, people, policies, tell
from audit import canonical, log
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import say

PERIOD_S, LONGEST_S = 15, 300  # between two looks; while it cannot be reached, twice as long after each try
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


def add_server(
    *,
    url: str,
    headers: Mapping[str, str],
    tells: bool = False,
    prefix: str = "",
    owner_username: str = "",
    by: Actor = SYSTEM,
    door: str = "cli",
) -> tuple[Server, list[Agent]]:
    """Register a server and every assistant it has; again, to change its keys or find new assistants.

    Args:
        headers: sent with every request; none keeps those it was registered with.
        tells: the runs we resume there are given our address as their webhook. prefix: put before the names of its agents.

    Raises:
        BadInput: an address or a header that cannot be used; a name that another agent has.
        ServerTrouble: it cannot be reached, or is no Agent Server.
    """
    url = _checked(url, headers)
    known = Server.objects.filter(url=url).first()
    sent = dict(headers) or (_headers(known) if known else {})
    with connected(url, sent) as there:
        version, assistants = there.version(), there.assistants()
    with transaction.atomic():
        server, created = Server.objects.get_or_create(url=url, defaults={"hook": sealing.seal(secrets.token_urlsafe(32))})
        server = Server.objects.select_for_update().get(pk=server.pk)
        server.hook = _hook(server)
        server.headers = sealing.seal(json.dumps(sent)) if sent else ""
        server.tells, server.version, server.tries, server.error = tells, version, 0, ""
        server.save()
        Server.objects.filter(pk=server.pk).update(reached_at=Now(), look_at=Now())
        agents = [_agent(server, one, prefix, owner_username, by, door) for one in assistants]
        data = {"url": url, "version": version, "agents": [a.slug for a in agents], "headers": sorted(sent)}
        log.append(Entry(f"server:{server.pk}", "server.registered" if created else "server.changed", by, door, data=data))
    return server, agents


@contextmanager
def opened(server: Server) -> Iterator[Connection]:
    """A connection with the server's own keys. Raises ServerTrouble when they cannot be unsealed."""
    with connected(server.url, _headers(server)) as there:
        yield there


@transaction.atomic
def reached(server: Server, version: str, note: str = "") -> None:
    """It answered; told once, when it had not before, and what is wrong there, when that changed."""
    found = Server.objects.select_for_update().get(pk=server.pk)
    Server.objects.filter(pk=server.pk).update(reached_at=Now(), tries=0, error="", version=version, note=note)
    if found.note != note:
        log.append(Entry(f"server:{server.pk}", "server.noted", SYSTEM, "beat", data={"url": server.url, "note": note}))
        tell(Hint("agents", "server", str(server.pk), "server.noted", 0))
    if found.tries:
        log.append(Entry(f"server:{server.pk}", "server.reached", SYSTEM, "beat", data={"url": server.url, "tries": found.tries}))
        tell(Hint("agents", "server", str(server.pk), "server.reached", 0))


@transaction.atomic
def missed(server: Server, error: ServerTrouble) -> None:
    """It did not answer: the next look comes later, and later; told once."""
    found = Server.objects.select_for_update().get(pk=server.pk)
    rest = timedelta(seconds=min(LONGEST_S, PERIOD_S * 2 ** min(found.tries, 6)))
    Server.objects.filter(pk=server.pk).update(tries=F("tries") + 1, error=error.message, look_at=Now() + rest)
    if not found.tries:
        log.append(Entry(f"server:{server.pk}", "server.missed", SYSTEM, "beat", data={"url": server.url, "error": error.message}))
        tell(Hint("agents", "server", str(server.pk), "server.missed", 0))


def _agent(server: Server, assistant: Assistant, prefix: str, owner: str, by: Actor, door: str) -> Agent:
    """The agent of one assistant: the same however often it is registered, under a name nobody else has."""
    slug = slugify(f"{prefix}{assistant.name}")[:60] or f"agent-{assistant.id[:8]}"
    agent = Agent.objects.select_for_update().filter(server=server, assistant=assistant.id).first()
    if agent is None and Agent.objects.filter(pk=slug, server=server).exists():  # a server calls as many of them "Untitled" as it likes
        slug = f"{slug[:51]}-{assistant.id[:8]}"
    if agent is None and Agent.objects.filter(pk=slug).exists():
        raise BadInput(
            say("There is an agent %(slug)s already: give those of this server a name of their own with --prefix", slug=slug),
            fields={"prefix": say("would make names their own")},
        )
    created = agent is None
    if agent is None:
        user = people.ensure_agent_user(slug=slug)
        agent = Agent(slug=slug, user=user, owner=people.find(owner), project="", server=server, assistant=assistant.id)
    agent.title = str(canonical.storable(assistant.name))
    agent.description = str(canonical.storable(assistant.description))
    agent.save()
    version = _version(agent, assistant)
    if agent.current_id != version.pk:
        Agent.objects.filter(pk=agent.pk).update(current=version)
        data = {"version": version.number, "sha256": version.sha256, "server": server.url, "graph": assistant.graph}
        kind = "agent.registered" if created else "agent.version_changed"
        log.append(Entry(f"agent:{agent.pk}", kind, by, door, agent=agent.slug, policy=version.policy, data=data))
        tell(Hint("agents", "agent", agent.slug, "agent.registered", version.number))
    return agent


def _version(agent: Agent, assistant: Assistant) -> AgentVersion:
    content = {
        "drawing": canonical.storable(assistant.drawing), "tools": [], "input_schema": {"type": "object"}, "model": NO_MODEL,
        "policy": policies.in_force().version,
    }  # fmt: skip
    sha256 = canonical.fingerprint({"assistant": assistant.id, "graph": assistant.graph, "title": agent.title, **content})
    if found := AgentVersion.objects.filter(agent=agent, sha256=sha256).first():
        return found
    last = AgentVersion.objects.filter(agent=agent).aggregate(last=Max("number"))["last"] or 0
    return AgentVersion.objects.create(agent=agent, number=last + 1, sha256=sha256, **content)


def _checked(url: str, headers: Mapping[str, str]) -> str:
    """The address as it is kept. Raises BadInput."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username and parts.port != 0
        fine = (
            fine and not parts.query and not parts.fragment and url.isascii() and url.isprintable() and " " not in url and len(url) <= 500
        )
    except ValueError:
        fine = False
    if not fine:
        raise BadInput(
            say("That is no address of an Agent Server: write https://host or http://host:port"), fields={"url": say("no address")}
        )
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable() or len(value) > 4_000:
            raise BadInput(say("The header %(name)s cannot be sent", name=repr(name[:60])), fields={"header": say("cannot be sent")})
    if headers and parts.scheme == "http" and any(address.is_global for address in _addresses(str(parts.hostname))):
        raise BadInput(
            say("Keys are not sent in the clear through the internet: use https, or an address of a network of your own"),
            fields={"url": say("use https")},
        )
    return url.rstrip("/")


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = {str(info[4][0]).partition("%")[0] for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return []  # it cannot be reached either, which says so
    return [ipaddress.ip_address(one) for one in found]


def _hook(server: Server) -> str:
    """The secret of its address, sealed; a new one when the key that sealed it is lost."""
    try:
        unsealed(server.hook)
    except ServerTrouble:
        return sealing.seal(secrets.token_urlsafe(32))
    return server.hook


def _headers(server: Server) -> dict[str, str]:
    found: dict[str, str] = json.loads(unsealed(server.headers) or "{}")
    return found
