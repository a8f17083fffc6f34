"""Projects become Agents and immutable AgentVersions. Runs the project's code: called by commands and workers."""

from pathlib import Path

import structlog
from django.db import transaction
from django.db.models import Max

from agents.graphs.loader import Loaded, code_sha256, load_project
from agents.models import Agent, AgentVersion
from agents.planner import model_name
from approvals.operations import Hint, people, policies, tell
from audit import canonical, log
from audit.actors import SYSTEM, Actor
from audit.log import Entry

logger = structlog.get_logger("agents.registering")


def register_project(path: Path, *, by: Actor = SYSTEM, owner_username: str = "", door: str = "cli") -> list[Agent]:
    """Register every graph of a langgraph.json; a graph that changed gets a new version, an unchanged one stays.

    Raises:
        BadProject: with the file and the reason.
    """
    return [_register(loaded, by=by, owner_username=owner_username, door=door) for loaded in load_project(path.resolve())]


@transaction.atomic
def _register(loaded: Loaded, *, by: Actor, owner_username: str, door: str) -> Agent:
    spec = loaded.spec
    agent, created = Agent.objects.get_or_create(
        slug=loaded.slug,
        defaults={
            "title": spec.title if spec else loaded.slug,
            "project": loaded.project,
            "user": people.ensure_agent_user(slug=loaded.slug),
            "owner": people.find(owner_username),
        },
    )
    agent = Agent.objects.select_for_update().get(pk=agent.pk)
    agent.title = spec.title if spec else loaded.slug
    agent.description = spec.description if spec else ""
    agent.environment = spec.environment if spec else "production"
    agent.project = loaded.project
    version = _version(agent, loaded)
    if agent.current_id != version.pk:
        log.append(
            Entry(
                stream=f"agent:{agent.pk}",
                kind="agent.registered" if created else "agent.version_changed",
                by=by,
                door=door,
                agent=agent.slug,
                policy=version.policy,
                data={
                    "version": version.number,
                    "sha256": version.sha256,
                    "tools": [t["name"] for t in version.tools],
                    "model": version.model,
                },
            )
        )
        tell(Hint("agents", "agent", agent.slug, "agent.registered", version.number))
    agent.current = version
    agent.save()
    return agent


def _version(agent: Agent, loaded: Loaded) -> AgentVersion:
    content = {
        "drawing": loaded.drawing,
        "tools": loaded.described,
        "input_schema": loaded.input_schema,
        "sample_inputs": list(loaded.spec.sample_inputs) if loaded.spec else [],
        "model": model_name(),
        "policy": policies.in_force().version,
    }
    sha256 = canonical.fingerprint(
        {"code": code_sha256(Path(loaded.project)), "environment": agent.environment, **canonical.storable(content)}
    )
    found = AgentVersion.objects.filter(agent=agent, sha256=sha256).first()
    if found:
        return found
    last = AgentVersion.objects.filter(agent=agent).aggregate(last=Max("number"))["last"] or 0
    return AgentVersion.objects.create(agent=agent, number=last + 1, sha256=sha256, **content)
