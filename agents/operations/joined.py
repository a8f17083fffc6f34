"""Rows that are always wanted together, read in one statement written by hand: joining them through the ORM costs more than asking.

The names are columns of ours; whoever writes a statement selects them with `columns` and takes them apart with `of`.
"""

import json
from collections.abc import Sequence
from typing import Any

from agents.models import Agent, Run

RUN: Sequence[str] = ("thread", "trace", "state", "input", "agent_id", "fence", "started_by_id")
AGENT: Sequence[str] = (
    "title",
    "project",
    "graph",
    "environment",
    "enabled",
    "current_id",
    "user_id",
    "owner_id",
    "server_id",
    "assistant",
    "code_imported",
)


def columns(alias: str, prefix: str, names: Sequence[str]) -> str:
    """For a SELECT list or RETURNING: `a.title AS agent_title, ...`."""
    return ", ".join(f"{alias}.{name} AS {prefix}_{name}" for name in names)


def agent_of(row: Any, slug: str) -> Agent:
    """The agent whose columns came with a row, under the prefix "agent"."""
    return Agent(slug=slug, **{name: getattr(row, f"agent_{name}") for name in AGENT})


def run_of(row: Any) -> Run:
    """The run and its agent whose columns came with a row that has a `run_id`, under the prefixes "run" and "agent"."""
    run = Run(id=row.run_id, **{name: getattr(row, f"run_{name}") for name in RUN})
    run.input = json.loads(row.run_input)  # an added column is given as it is stored
    run.agent = agent_of(row, run.agent_id)
    return run
