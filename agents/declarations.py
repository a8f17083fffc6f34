"""What tools were declared to be, by version: since when a standing approval speaks of another tool. Reads only."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache

from agents.models import Agent, AgentVersion
from agents.tools.registry import declared_sha256
from approvals.queries.declarations import Bound

NOBODY_KNOWS = "unknown"
# A tool as a call over the API reads it, where it leaves something undeclared.
UNDECLARED = {"schema": {}, "schema_sha256": "", "risk": NOBODY_KNOWS, "reversible": False, "summary": "", "confirm": "", "figures": {}}
MOST_VERSIONS = 200
Declared = frozenset[tuple[str, str, str]]  # of one version: each tool with its two fingerprints


def otherwise(bounds: Collection[Bound]) -> dict[Bound, datetime]:
    """Those whose tool is another one, or none, in the version in force, with the moment of the version that made it so.

    Only what some version declared just so is called changed: of a tool nobody declared, or declared elsewhere, nothing is said.
    """
    current = dict(Agent.objects.filter(pk__in={b[0] for b in bounds}, current__isnull=False).values_list("pk", "current"))
    changed = [b for b in bounds if b[0] in current and b[1:] not in _declared(current[b[0]])]
    return {bound: since for bound in changed if (since := _since(bound, current[bound[0]]))}


def _since(bound: Bound, current: int) -> datetime | None:
    """When the version came that first said otherwise, after the last that said this; None when none ever did."""
    after: datetime | None = None
    versions = AgentVersion.objects.filter(agent=bound[0]).order_by("-number").values_list("pk", "created_at")[:MOST_VERSIONS]
    for pk, at in versions:
        if bound[1:] in _declared(pk):
            return after or AgentVersion.objects.values_list("created_at", flat=True).get(pk=current)
        after = at
    return None


@lru_cache(maxsize=1_000)
def _declared(version: int) -> Declared:
    """A version is never changed, so this is worked out once. A call over the API has what was left undeclared filled in."""
    tools = AgentVersion.objects.values_list("tools", flat=True).get(pk=version)
    return frozenset((t["name"], t.get("schema_sha256", ""), declared_sha256(said)) for t in tools for said in (t, {**UNDECLARED, **t}))
