"""What an agent that runs elsewhere says of its tools, as a version; and what of it people with power over policy have accepted.

Policy asks for less of a tool that only reads, that can be undone, or whose amounts nobody counts. So whoever owns an agent would
change what policy asks by declaring its tools anew. What was accepted stays beside a declaration that differs from it (`kept`), and
of the two whichever asks for more counts, call by call, until another administrator than the one who declared it accepts it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from agents.declarations import NOBODY_KNOWS
from agents.errors import BadInput, BadProject, UnknownAgent
from agents.models import Agent, AgentVersion
from agents.operations.starting import SLUG
from agents.tools.registry import RiskClass
from approvals import permissions
from approvals.errors import Conflict, NotAllowed
from approvals.models.people import User
from approvals.operations import Hint, people, policies, tell
from approvals.operations.halts import check_reason
from approvals.permissions import Standing
from audit import canonical, log, schemas
from audit.log import Entry
from audit.sentences import Frozen, say

TOOL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,99}", re.ASCII)
MOST_TOOLS = 200
NO_MODEL = "elsewhere"

# How a declaration differs from what was accepted, as it is kept with the version.
CLASS = Frozen("%(risk)s instead of %(was)s", parts=[])
NEW = Frozen("%(risk)s, and nobody knew the tool before", parts=[])
UNDONE = Frozen("can be undone, which it could not")
FIGURE = Frozen("%(figure)s is counted otherwise", parts=[])
NO_FIGURE = Frozen("%(figure)s is not counted any more", parts=[])
ONE_MORE = Frozen("%(figure)s is counted, which was not", parts=[])


@transaction.atomic
def declare(
    *, slug: str, title: str, description: str, environment: str | None, tools: Sequence[Mapping[str, Any]], by: User, door: str
) -> tuple[Agent, bool]:
    """Register an agent that runs elsewhere, or give it a new version. Returns it and whether it is new.

    Args:
        environment: where its tools act; None leaves it as it is (production for a new one).

    Raises:
        NotAllowed: only administrators register or say another environment, and the owner changes the rest.
        BadProject: it is a graph of ours. BadInput: a tool cannot be used.
    """
    who = permissions.standing(by)
    if not SLUG.fullmatch(slug):
        raise BadInput(say("A name of an agent has at most 60 letters, digits, - and _"), fields={"slug": say("not a name")})
    agent = Agent.objects.select_for_update(of=("self",)).select_related("owner").filter(pk=slug).first()
    _check_may(who, agent, environment)
    declared = [_tool(number, tool) for number, tool in enumerate(tools[: MOST_TOOLS + 1])]
    if len(declared) > MOST_TOOLS or len({tool["name"] for tool in declared}) != len(declared):
        raise BadInput(say("At most %(n)d tools, each name once", n=MOST_TOOLS), fields={"tools": say("too many, or a name twice")})
    created = agent is None
    if agent is None:
        agent = Agent(slug=slug, user=people.ensure_agent_user(slug=slug), owner=who.user, project="", environment="production")
    else:
        declared = [_beside(agent, tool, who) for tool in declared]
    agent.title, agent.description = title or slug, description
    agent.environment = environment or agent.environment
    agent.save()
    version = _version(agent, declared)
    if agent.current_id != version.pk:
        kind = "agent.registered" if created else "agent.version_changed"
        waits = {t["name"]: t["kept"]["why"] for t in declared if "kept" in t}
        _now(agent, version, kind, who, door, **({"waits": waits} if waits else {}))
    return agent, created


@transaction.atomic
def accept_declaration(*, slug: str, tool: str, version: int, reason: str, by: User, door: str) -> Agent:
    """Let a tool count as it is declared now, though that may ask less of people.

    Args:
        version: the version of the agent that was looked at.

    Raises:
        UnknownAgent: no such agent. NotAllowed: not an administrator, or whoever declared it. BadRequest: no reason.
        Conflict: nothing waits to be accepted there, or another version was declared meanwhile.
    """
    who = permissions.standing(by)
    permissions.check_edit_policy(who)
    reason = check_reason(reason)
    agent = Agent.objects.select_for_update(of=("self",)).select_related("current").filter(pk=slug).first()
    if agent is None or agent.current is None:
        raise UnknownAgent(say("There is no such agent; see the list of agents"))
    if agent.current.number != version:
        raise Conflict(say("The agent has been declared anew since: look at what it says now"))
    found = next((t for t in agent.current.tools if t["name"] == tool), None)
    if found is None or "kept" not in found:
        raise Conflict(say("Nothing of this tool waits to be accepted"))
    if found["kept"]["by"] == who.person:
        raise NotAllowed(say("You declared it: another administrator has to accept what may ask less of people"))
    plain = {key: value for key, value in found.items() if key != "kept"}
    tools = [plain if t["name"] == tool else t for t in agent.current.tools]
    _now(agent, _version(agent, tools), "agent.accepted", who, door, tool=tool, why=found["kept"]["why"], reason=reason)
    return agent


def _check_may(who: Standing, agent: Agent | None, environment: str | None) -> None:
    admin = permissions.ADMINS in who.groups
    if not admin and not (agent and agent.owner_id == who.user.pk):
        raise NotAllowed(say("Only administrators register an agent; afterwards its owner changes it as well"))
    if agent and agent.project:
        raise BadProject(say("%(slug)s is a graph that runs here: its tools are declared in its own code", slug=agent.slug))
    if agent and agent.server_id:
        raise BadProject(say("%(slug)s runs on an Agent Server: it is registered with manage.py agents remote", slug=agent.slug))
    if agent and not admin and environment not in (None, agent.environment):
        raise NotAllowed(say("The environment decides what policy asks: only an administrator says another one"))


def _now(agent: Agent, version: AgentVersion, kind: str, who: Standing, door: str, **data: Any) -> None:
    """Put a version in force, with its event."""
    agent.current = version
    agent.save(update_fields=["current"])
    data |= {"version": version.number, "sha256": version.sha256, "tools": [t["name"] for t in version.tools], "outside": True}
    log.append(Entry(f"agent:{agent.pk}", kind, who.user.actor, door, agent=agent.slug, policy=version.policy, data=data))
    tell(Hint("agents", "agent", agent.slug, "agent.registered", version.number))


def _beside(agent: Agent, tool: dict[str, Any], who: Standing) -> dict[str, Any]:
    """A declaration with what was accepted of this tool before, where that is something else."""
    accepted = _accepted(agent, tool["name"], who)
    why = _differs(accepted, tool) if accepted else []
    if not accepted or not why:
        return tool
    return {**tool, "kept": {**accepted, "why": why, "by": who.person, "name": who.user.get_username()}}


def _accepted(agent: Agent, name: str, who: Standing) -> dict[str, Any] | None:
    """What counts of a tool so far. A name that is new is an administrator's to add; one that was taken away once, or that its owner
    adds, is known to nobody: or else a tool would be loosened by giving it another name."""
    current = next((t for t in agent.current.tools if t["name"] == name), None) if agent.current else None
    if current is None:
        had = AgentVersion.objects.filter(agent=agent, tools__contains=[{"name": name}]).exists()
        if permissions.ADMINS in who.groups and not had:
            return None
        current = {"risk": NOBODY_KNOWS, "reversible": False, "figures": {}}
    return {key: current.get("kept", current)[key] for key in ("risk", "reversible", "figures")}


def _differs(accepted: Mapping[str, Any], tool: Mapping[str, Any]) -> list[str]:
    """How a declaration differs from what was accepted wherever that may ask less of people: rules may match on any class and figure."""
    was, now = accepted["figures"], tool["figures"]
    risk = NEW(risk=tool["risk"]) if accepted["risk"] == NOBODY_KNOWS else CLASS(risk=tool["risk"], was=accepted["risk"])
    return [
        *([risk] if tool["risk"] != accepted["risk"] else []),
        *([UNDONE()] if tool["reversible"] and not accepted["reversible"] else []),
        *(NO_FIGURE(figure=name) for name in sorted(was.keys() - now.keys())),
        *(FIGURE(figure=name) for name in sorted(was.keys() & now.keys()) if was[name] != now[name]),
        *(ONE_MORE(figure=name) for name in sorted(now.keys() - was.keys()) if accepted["risk"] != NOBODY_KNOWS),
    ]


def _tool(number: int, tool: Mapping[str, Any]) -> dict[str, Any]:
    """One declaration, checked. Raises BadInput with the place."""

    def wrong(field: str, why: str) -> BadInput:
        return BadInput(say("tools[%(n)d].%(field)s: %(why)s", n=number, field=field, why=why), fields={f"tools[{number}].{field}": why})

    name, schema = str(tool.get("name", "")), tool.get("schema") or {}
    if not TOOL.fullmatch(name):
        raise wrong("name", say("at most 100 letters, digits and _ . : / -"))
    if tool.get("risk") not in set(RiskClass):
        raise wrong("risk", say("one of %(names)s", names=", ".join(RiskClass)))
    try:
        canonical.dumps(dict(tool))
    except canonical.NotCanonical as error:
        raise wrong("schema", str(error)[:300]) from error
    if why := schemas.broken(schema) or ("references are not followed" if "$ref" in str(schema) else ""):
        raise wrong("schema", why)
    return {
        "name": name, "description": str(tool.get("description", "")), "risk": str(tool["risk"]), "reversible": bool(tool.get("reversible")),
        "idempotent": False, "has_preview": False, "untrusted_output": True, "timeout_s": 0, "summary": str(tool.get("summary", "")),
        "confirm": str(tool.get("confirm", "")), "figures": dict(tool.get("figures") or {}), "schema": schema,
        "schema_sha256": canonical.fingerprint(schema),
    }  # fmt: skip


def _version(agent: Agent, tools: list[dict[str, Any]]) -> AgentVersion:
    content = {"tools": tools, "model": NO_MODEL, "policy": policies.in_force().version}
    sha256 = canonical.fingerprint({"environment": agent.environment, "title": agent.title, **content})
    if found := AgentVersion.objects.filter(agent=agent, sha256=sha256).first():
        return found
    last = AgentVersion.objects.filter(agent=agent).aggregate(last=Max("number"))["last"] or 0
    nothing: dict[str, Any] = {"drawing": {"nodes": [], "edges": []}, "input_schema": {}}
    return AgentVersion.objects.create(agent=agent, number=last + 1, sha256=sha256, **nothing, **content)
