"""Code that nobody imported: a worker that starts anew loads what is on disk, under the version that was imported last.

It is not refused: what waits for people is bound by digest, and a deploy is one. It is said, on the agent's page, by `doctor` and in the run's story.
"""

from pathlib import Path

from agents import kept
from agents.errors import BadProject
from agents.graphs.loader import Loaded, load_agent
from agents.graphs.project import code_sha256
from agents.models import Agent, Run
from agents.operations import events, versions
from audit.log import Entry


def seen(run: Run) -> list[Entry]:
    """What the log says of a stretch that was driven with other code than was imported, in the caller's transaction; nothing when it was not."""
    agent = run.agent
    if not agent.code_imported or not agent.project:
        return []
    try:
        code = load_agent(*agent.code).code_sha256
    except BadProject:  # then nothing of it was driven
        return []
    if code in {"", agent.code_imported}:
        return []
    Agent.objects.filter(pk=agent.pk, code_imported=agent.code_imported).exclude(code_driven=code).update(code_driven=code)
    return [events.entry(run, "run.other_code", fence=run.fence, code=code, imported=agent.code_imported)]


def driven_by(run: Run, loaded: Loaded) -> str:
    """The version that this code goes by, and that it is other code than was imported as that, if it is."""
    version, code = versions.version_of(run), loaded.code_sha256
    return str(kept.WITH_OTHER_CODE(version=version)) if run.agent.code_imported and code not in {"", run.agent.code_imported} else version


def not_imported() -> list[tuple[str, bool]]:
    """Agents whose code, on this machine's disk or as a worker had it, is not what was imported: name, and whether a worker drove it."""
    found, on_disk = [], dict[str, str]()
    for slug, project, imported, driven in (
        Agent.objects.exclude(code_imported="").order_by("slug").values_list("slug", "project", "code_imported", "code_driven")
    ):
        if project not in on_disk:
            try:
                on_disk[project] = code_sha256(Path(project))
            except (BadProject, OSError):  # gone, which is a finding of its own; or elsewhere
                on_disk[project] = ""
        if driven or on_disk[project] not in {"", imported}:
            found.append((slug, bool(driven)))
    return found
