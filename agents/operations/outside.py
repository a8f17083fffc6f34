"""Agents that run elsewhere, proposing over the API. Nothing of theirs is ever driven or executed by us.

What a tool is (its class, whether it can be undone, its schema, its summary) is declared by the person who answers for the agent and kept
as a version (`declaring`); a proposal only names it. A tool nobody declared counts as the worst class the policy knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from agents.declarations import NOBODY_KNOWS, UNDECLARED
from agents.errors import UnknownAgent
from agents.models import Agent, AgentVersion
from agents.operations.declaring import TOOL
from agents.operations.starting import SLUG, found_agent
from agents.tools import taint
from agents.tools.registry import declared_sha256
from agents.tools.summaries import names, summarize
from approvals import operations as approvals
from approvals.covering import version_name
from approvals.errors import BadArguments, BadRequest
from approvals.models.people import User
from approvals.operations import Accepted, Proposal, api_keys, outside, people
from approvals.operations.outside import Among, Proposed
from approvals.queries import WantedEdit
from approvals.queries import outside as outside_queries
from audit import canonical, formats, schemas
from audit.sentences import cause, say

# What the policy weighs beside the call itself. `rationale` is only told: who says it in other words the second time asks for the same.
WEIGHED = ("level", "expires_in_s", "estimated_cost", "confidence", "evidence")
MAX_KEY, MOST_ERRORS, MOST_EVIDENCE = 200, 20, 20


@dataclass(frozen=True)
class Wanted:
    """What a caller proposes, as it came.

    Attributes:
        key: the caller's own id of it; the same again is the same action.
        requested_by: the account of the person it acts for, who is then kept from approving it where the policy says so.
        level: the least level it is to be decided at. expires_in_s: how soon. These and whatever else the policy weighs (`WEIGHED`), said otherwise
            under the same key, are another body.
        among: what it knows of its own keys that begin alike; something new is opened only where there are no others.
    """

    tool: str
    args: Any
    key: str
    kind: str = "tool"
    rationale: str = ""
    evidence: Sequence[Mapping[str, Any]] = ()
    requested_by: str = ""
    expires_in_s: int | None = None
    estimated_cost: float | None = None
    confidence: float | None = None
    level: str | None = None
    among: Among | None = None


def propose(*, agent: str, wanted: Wanted, door: str = "api") -> Proposed:
    """What an agent wants done, or asks, put before policy and people.

    Raises:
        UnknownAgent, BadRequest, BadArguments: no such agent; what cannot be read; arguments that do not fit the declared schema.
        Conflict: the key was used for something else.
    """
    found, version = found_agent(agent)
    asked = {"kind": wanted.kind, "tool": wanted.tool, "args": wanted.args}
    _check(wanted)
    try:
        said = {
            name: value for name in WEIGHED if (value := getattr(wanted, name)) not in (None, [], ())
        }  # not said: the digests of before stand
        digest = canonical.fingerprint({**asked, "requested_by": wanted.requested_by, **said})
        if before := outside.proposed(thread=_thread(found.slug), key=wanted.key, digest=digest):
            return before
        return outside.propose(_proposal(found, version, wanted, digest), among=wanted.among, door=door)
    except canonical.NotCanonical as error:
        raise BadArguments(say("These arguments cannot be used: %(why)s", why=cause(error)), fields={"args": cause(error)}) from error


def known_keys(*, agent: str, begin: str, after: str = "", limit: int) -> list[tuple[str, UUID, str]]:
    """The keys that an agent has proposed something under, of those that begin so: with the action, and the SHA-256 of the arguments."""
    return outside_queries.proposed(_thread(agent), begin=begin, after=after, limit=limit)


def make_key(*, agent: str, name: str, scopes: Sequence[str], days: int | None, by: User, door: str) -> tuple[Any, str]:
    """A key by which an agent proposes. Raises UnknownAgent and what `api_keys.make` does."""
    found = Agent.objects.select_related("user").filter(pk=agent).first() if SLUG.fullmatch(agent) else None
    if found is None:
        raise UnknownAgent(say("There is no agent %(slug)s; see: .venv/bin/python manage.py agents list", slug=repr(agent[:60])))
    return api_keys.make(of=found.user, name=name, scopes=scopes, days=days, by=by, door=door, answers_for=found.owner_id == by.pk)


def checked(wanted: WantedEdit) -> None:
    """An edit of an action from outside is tried with what was declared: its schema. Its tool is not here to preview it."""
    tool = _declared(*found_agent(wanted.agent), wanted.tool)
    if errors := _misfits(tool["schema"], wanted.args) or formats.wrong(tool["schema"], wanted.args, wanted.before):
        approvals.refuse_edit(wanted.id, errors=errors)
        return
    said = summarize(tool["summary"], wanted.args, wanted.tool), names(tool["summary"], wanted.args, tool["confirm"])
    approvals.apply_edit(
        wanted.id, args=wanted.args, summary=said[0], names=said[1], preview={}, figures=_larger(tool, wanted.args),
        untrusted_text=taint.untrusted_paths(wanted.args, wanted.read),
    )  # fmt: skip


def _check(wanted: Wanted) -> None:
    if not TOOL.fullmatch(wanted.tool):
        raise BadRequest(say("The name of a tool has at most 100 letters, digits and _ . : / -"))
    if not wanted.key or len(wanted.key) > MAX_KEY or not wanted.key.isprintable():
        raise BadRequest(say("The idempotency key cannot be used: at most %(max_key)d printable characters", max_key=MAX_KEY))
    if not isinstance(wanted.args, dict):
        raise BadArguments(say("Arguments are a JSON object"), fields={"args": say("must be a JSON object")})
    asked = wanted.args.get("question")
    if wanted.kind == "question" and not (isinstance(asked, str) and asked.strip()):
        raise BadArguments(say("A question says in args.question what is asked"), fields={"args.question": say("must be a text")})


def _proposal(agent: Agent, version: AgentVersion, wanted: Wanted, digest: str) -> Proposal:
    requester = _person(wanted.requested_by)
    read = [str(e.get("text", "")) for e in wanted.evidence]
    proposal = Proposal(
        agent=agent.slug,
        thread=_thread(agent.slug),
        interrupt_id=wanted.key,
        by=agent.user.actor,
        kind=wanted.kind,
        tool="ask_human" if wanted.kind == "question" else wanted.tool,
        args=wanted.args,
        summary="",
        proposal_digest=digest,
        environment=agent.environment,
        agent_version=version_name(agent.slug, version.number),
        rationale=canonical.storable(wanted.rationale),
        evidence=[canonical.storable(dict(e)) for e in wanted.evidence][:MOST_EVIDENCE],
        untrusted_text=taint.untrusted_paths(wanted.args, read) if read else (),
        estimated_cost=wanted.estimated_cost,
        confidence=wanted.confidence,
        at_least=wanted.level or "",
        deadline_s=wanted.expires_in_s,
        requested_by=requester,
        owner=agent.owner,
    )
    if wanted.kind == "question":
        return replace(proposal, summary=f"Question: {' '.join(str(wanted.args.get('question', '')).split())[:120]}")
    tool = _declared(agent, version, wanted.tool)
    if errors := _misfits(tool["schema"], wanted.args):
        first = next(iter(errors.items()))
        raise BadArguments(say("The arguments do not fit: %(path)s: %(why)s", path=first[0] or "args", why=first[1]), fields=errors)
    return replace(
        proposal,
        tool_schema_sha256=tool["schema_sha256"],
        declared_sha256=tool["declared_sha256"],
        tool_class=tool["risk"],
        reversible=tool["reversible"],
        accepted=_accepted(tool, wanted.args),
        summary=summarize(tool["summary"], wanted.args, wanted.tool),
        names=names(tool["summary"], wanted.args, tool["confirm"]),
        figures=_figures(tool, wanted.args),
    )


def _thread(agent: str) -> str:
    return f"api:{agent}"


def _person(username: str) -> User | None:
    found = people.find(username)
    if username and (found is None or found.kind != User.Kind.HUMAN):
        raise BadRequest(say("There is no account %(username)s to act for", username=repr(username[:60])))
    return found


def _declared(agent: Agent, version: AgentVersion, name: str) -> dict[str, Any]:
    """The tool as it was declared; one nobody declared may be anything.

    So may a call that the key of a graph of ours proposes: in a run its amounts are read by the tool's preview, and out here nobody reads them.
    """
    found = next((t for t in version.tools if t["name"] == name), None) or {}
    found = {**UNDECLARED, **found}
    if agent.project or agent.server_id:
        found |= {"risk": NOBODY_KNOWS, "reversible": False, "figures": {}}
    return {**found, "declared_sha256": declared_sha256(found)}


def _accepted(tool: Mapping[str, Any], args: Mapping[str, Any]) -> Accepted | None:
    """The tool as it was last accepted, about this call. A figure that cannot be read any more may be anything: so may the tool."""
    kept = tool.get("kept")
    if not kept:
        return None
    figures = {name: value for name, path in kept["figures"].items() if (value := _whole(args, path)) is not None}
    known = len(figures) == len(kept["figures"])
    return Accepted(kept["risk"] if known else NOBODY_KNOWS, kept["reversible"], figures, tuple(kept["why"]))


def _larger(tool: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, int]:
    """The figures of an edited call, by what is declared and by what was accepted: of each the larger."""
    figures, accepted = _figures(tool, args), _accepted(tool, args)
    for name, value in (accepted.figures if accepted else {}).items():
        figures[name] = max(value, figures.get(name, value))
    return figures


def _whole(args: Any, path: str) -> int | None:
    """The whole number at a path of the arguments; None where there is none."""
    for part in str(path).split("."):
        args = args.get(part) if isinstance(args, Mapping) else None
    return args if isinstance(args, int) and not isinstance(args, bool) else None


def _figures(tool: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, int]:
    """Numbers for the policy, taken from the arguments its owner named; one that is no whole number makes the proposal unusable."""
    found = {}
    for figure, path in tool["figures"].items():
        if (value := _whole(args, path)) is None:
            raise BadArguments(
                say("%(path)s has to be a whole number: the policy reads it as %(figure)s", path=path, figure=figure),
                fields={str(path): say("must be a whole number")},
            )
        found[str(figure)] = value
    return found


def _misfits(schema: Mapping[str, Any], args: Any) -> dict[str, str]:
    """What does not fit a declared schema, by path."""
    if not schema:
        return {} if isinstance(args, dict) else {"": say("must be a JSON object")}
    errors = sorted(schemas.errors(schema, args), key=lambda e: e.json_path)[:MOST_ERRORS]
    return {error.json_path.removeprefix("$").lstrip("."): error.message[:300] for error in errors}
