"""What a policy is checked against: the agents with their tools, the people, the customers there have been. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from approvals.policy.matching import Facts


@dataclass(frozen=True)
class KnownAgent:
    """A registered agent.

    Attributes:
        environment: where it acts.
        tools: the class of each of its tools by name; `schemas`, the JSON Schema of the arguments.
        owner: the person it belongs to, "" when nobody is named.
        figures: what is counted of a tool's calls, where its owner declared all of it; of others only a preview says.
        counted: where in the arguments of such a tool those figures stand, as paths ("total.cents"): these arguments are declared by it.
    """

    slug: str
    environment: str
    tools: Mapping[str, str]
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    owner: str = ""
    figures: Mapping[str, frozenset[str]] = field(default_factory=dict)
    counted: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What there is.

    Attributes:
        rosters: the active persons of each group, those without anybody included; None when nobody knows.
        names: what a person is called in a sentence.
        customers: those that the newest calls were for; figures: those they came with.
    """

    agents: tuple[KnownAgent, ...] = ()
    rosters: Mapping[str, frozenset[str]] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    customers: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()

    @cached_property
    def tools(self) -> list[str]:
        return sorted({tool for agent in self.agents for tool in agent.tools})

    @cached_property
    def calls(self) -> list[Facts]:
        """Every agent with every tool of its own, as a call that says nothing yet."""
        return [Facts(tool, cls, environment=a.environment, agent=a.slug) for a in self.agents for tool, cls in a.tools.items()]

    def schema(self, agent: str, tool: str) -> Mapping[str, Any]:
        """The schema of a tool's arguments; empty when nobody knows it."""
        return self._schemas.get((agent, tool), {})

    def declared_figures(self, agent: str, tool: str) -> frozenset[str] | None:
        """The figures a tool's owner declared; None when that is not where its figures come from."""
        return self._figures.get((agent, tool))

    def counts(self, agent: str, tool: str, steps: Sequence[str]) -> bool:
        """Whether a figure is read from this argument of the tool, or from within it: no schema need name it."""
        return any(path[: len(steps)] == tuple(steps) for path in self._counted.get((agent, tool), ()))

    def schema_key(self, agent: str, tool: str) -> str:
        """The same for tools whose arguments are the same."""
        return self._schema_keys.get((agent, tool), "")

    @cached_property
    def all_figures(self) -> frozenset[str]:
        """Every figure a declaration or one of the newest calls knows of."""
        return frozenset(self.figures).union(*self._figures.values())

    @cached_property
    def _figures(self) -> dict[tuple[str, str], frozenset[str]]:
        return {(a.slug, tool): names for a in self.agents for tool, names in a.figures.items()}

    @cached_property
    def _counted(self) -> dict[tuple[str, str], list[tuple[str, ...]]]:
        return {(a.slug, tool): [tuple(path.split(".")) for path in paths] for a in self.agents for tool, paths in a.counted.items()}

    @cached_property
    def _schema_keys(self) -> dict[tuple[str, str], str]:
        return {named: json.dumps(schema, sort_keys=True, default=str) for named, schema in self._schemas.items()}

    @cached_property
    def _schemas(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        return {(a.slug, tool): schema for a in self.agents for tool, schema in a.schemas.items()}

    def owners(self, agents: frozenset[str]) -> dict[str, frozenset[str]]:
        """The agents among these that each person owns."""
        found: dict[str, set[str]] = {}
        for agent in self.agents:
            if agent.owner and agent.slug in agents:
                found.setdefault(agent.owner, set()).add(agent.slug)
        return {owner: frozenset(slugs) for owner, slugs in found.items()}


@dataclass(frozen=True)
class Finding:
    """Something to mend or to know; `refused` when it must be mended before the policy can be saved."""

    line: int
    why: str
    refused: bool = False
