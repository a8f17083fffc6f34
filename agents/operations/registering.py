"""Projects become Agents and immutable AgentVersions. Runs the project's code: called by commands and workers."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Max

from agents.errors import BadInput, BadProject
from agents.graphs.hazards import hazards_of
from agents.graphs.loader import Loaded, code_sha256, load_project, ungranted_in
from agents.graphs.project import read
from agents.models import Agent, AgentVersion
from agents.operations.starting import SLUG
from agents.planner import name_of
from approvals.operations import Hint, people, policies, tell
from audit import canonical, log, schemas
from audit.actors import SYSTEM, Actor
from audit.log import Entry
from audit.sentences import say

logger = structlog.get_logger("agents.registering")
MOST_HAZARDS = 30  # of one project


def register_project(
    path: Path,
    *,
    by: Actor = SYSTEM,
    owner_username: str = "",
    prefix: str = "",
    replace: bool = False,
    gone: bool = False,
    door: str = "cli",
) -> list[Agent]:
    """Register every graph of a langgraph.json, or none; a graph that changed gets a new version, an unchanged one stays.

    Args:
        prefix: put before the names of its agents; those that are registered already keep the names they have.
        replace: agents of these names that came from elsewhere become this project's: it was moved.
        gone: the same, but only where the file they came from is no longer there.

    Raises:
        BadProject: with the file and the reason. BadInput: a name that another project's agent has, or a prefix that makes none.
    """
    loaded = load_project(path.resolve())
    with transaction.atomic():
        agents = [_register(one, f"{prefix}{one.slug}", owner_username, replace, gone, by, door) for one in loaded]
        found = [*hazards(path), *map(asdict, ungranted_in(read(path.resolve()), loaded))]
        for agent in agents:
            agent.hazards = found
            agent.save(update_fields=["hazards"])
        return agents


def hazards(path: Path | None = None) -> list[dict[str, str]]:
    """What in the code of one project on disk, or of all that are registered, would lose or repeat a pause: [{"at", "why"}].

    Raises:
        BadProject: its langgraph.json cannot be read.
    """
    every = (
        [path] if path else map(Path, Agent.objects.exclude(project="").order_by("project").values_list("project", flat=True).distinct())
    )
    return [asdict(found) for one in every for found in hazards_of(read(one.resolve()))[:MOST_HAZARDS]]


def lacks(path: Path) -> list[str]:
    """What a project asks for and does not get here, in sentences. Raises BadProject."""
    return read(path.resolve()).lacks


def _register(loaded: Loaded, slug: str, owner: str, replace: bool, gone: bool, by: Actor, door: str) -> Agent:
    agent, before = _agent(loaded, slug, owner, replace, gone)
    created, moved = before is None, before not in {None, loaded.project}
    spec = loaded.spec
    agent.title = spec.title if spec else agent.slug
    agent.description = (spec.description if spec else "") or str(canonical.storable(loaded.about))
    agent.environment = spec.environment if spec else "production"
    agent.project, agent.graph = loaded.project, loaded.slug
    agent.code_imported, agent.code_driven = code_sha256(Path(loaded.project)), ""
    agent.save()
    if moved:
        data = {"project": loaded.project, "before": before}
        log.append(Entry(f"agent:{agent.pk}", "agent.moved", by, door, agent=agent.slug, data=data))
    version = _version(agent, loaded)
    if agent.current_id != version.pk:
        _changed(agent, version, "agent.registered" if created else "agent.version_changed", by, door)
    return agent


def _agent(loaded: Loaded, slug: str, owner: str, replace: bool, gone: bool) -> tuple[Agent, str | None]:
    """The agent of a graph, locked, and the project it came from; of a new one, which is not saved yet, None.

    Raises:
        BadInput: the name is another's, or none.
    """
    agents = Agent.objects.select_for_update()
    if agent := agents.filter(project=loaded.project, graph=loaded.slug).first():
        return agent, agent.project
    if not SLUG.fullmatch(slug):
        raise BadInput(say("A name of an agent has at most 60 letters, digits, - and _"), fields={"prefix": say("not a name")})
    user = people.ensure_agent_user(slug=slug)  # first: whoever registers the same name at the same moment waits here
    agent = agents.filter(pk=slug).first()
    if agent is None:
        return Agent(slug=slug, user=user, owner=people.find(owner)), None
    if (agent.project, agent.graph) == (loaded.project, loaded.slug):  # by another process, which began at the same moment
        return agent, agent.project
    if agent.server_id or not (replace or (gone and agent.project and not Path(agent.project).exists())):
        raise BadInput(_taken(agent), fields={"prefix": say("would make names their own")})
    return agent, agent.project


def _taken(agent: Agent) -> str:
    if agent.server_id:
        return say(
            "There is an agent %(slug)s already, on an Agent Server: give those of this project names of their own with --prefix",
            slug=agent.slug,
        )
    return say(
        "There is an agent %(slug)s already, which is %(project)s: give those of this project names of their own with --prefix. "
        "If it is the same project, moved to here, import it with --replace",
        slug=agent.slug,
        project=agent.project or say("a program elsewhere"),
    )


def _changed(agent: Agent, version: AgentVersion, kind: str, by: Actor, door: str) -> None:
    tools = [tool["name"] for tool in version.tools]
    data = {"version": version.number, "sha256": version.sha256, "tools": tools, "model": version.model}
    agent.current = version
    agent.save(update_fields=["current"])
    log.append(Entry(f"agent:{agent.pk}", kind, by, door, agent=agent.slug, policy=version.policy, data=data))
    tell(Hint("agents", "agent", agent.slug, "agent.registered", version.number))


def _check_schemas(loaded: Loaded) -> None:
    """Raises BadProject when a schema has a pattern that can never be matched here: nothing would ever fit it."""
    for name, schema in [("its input", loaded.input_schema), *((tool["name"], tool["schema"]) for tool in loaded.described)]:
        if why := schemas.unmatchable(schema):
            raise BadProject(f"graph {loaded.slug} of {loaded.project}: {name}: {why}")


def _version(agent: Agent, loaded: Loaded) -> AgentVersion:
    _check_schemas(loaded)
    content: dict[str, Any] = {
        "drawing": {**loaded.drawing, **({"warnings": loaded.warnings} if loaded.warnings else {})},
        "tools": loaded.described,
        "input_schema": loaded.input_schema,
        "sample_inputs": list(loaded.spec.sample_inputs) if loaded.spec else [],
        "model": name_of(loaded.models),
        "policy": policies.in_force().version,
    }
    if loaded.spec and loaded.spec.compensate_on:  # else the fingerprints of versions stay what they were
        content["compensate_on"] = sorted(set(loaded.spec.compensate_on))
    if loaded.budget:
        content["budget"] = loaded.budget
    sha256 = canonical.fingerprint(
        {"code": code_sha256(Path(loaded.project)), "environment": agent.environment, **canonical.storable(content)}
    )
    found = AgentVersion.objects.filter(agent=agent, sha256=sha256).first()
    if found:
        return found
    last = AgentVersion.objects.filter(agent=agent).aggregate(last=Max("number"))["last"] or 0
    return AgentVersion.objects.create(agent=agent, number=last + 1, sha256=sha256, **content)
