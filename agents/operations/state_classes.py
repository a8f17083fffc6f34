"""Classes of a project in what a paused run has kept, and whether the code on disk still knows them. Used before a deploy; reads, runs nothing."""

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from agents import history
from agents.graphs.loader import Loaded
from agents.graphs.project import Project, read
from agents.graphs.unpacked import TYPE
from agents.models import Run


def lost_classes(run: Run, loaded: Loaded) -> list[str]:
    """Names of those that the state of a run holds, and that neither the graph's schemas name nor the project defines any more: they come out
    of the pause as plain data."""
    if not (head := history.head(run.thread)):
        return []
    held = {name for value in history.values(run.thread, head).values() for name in _types(value)}
    known = {".".join(one) for one in getattr(loaded.compile(None), "_serde_allowlist", None) or ()}
    project = read(Path(loaded.project))
    left = [name for name in sorted(held - known) if not _is_elsewhere(name, project)]
    return [name for name in left if name.rpartition(".")[2] not in _defined(project)] if left else []


def _types(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(name := value.get(TYPE), str) and "." in name:
            yield name
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _types(one)


def _is_elsewhere(name: str, project: Project) -> bool:
    """Whether it is of an installed library, or of Python."""
    try:
        spec = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return False
    origin = Path(spec.origin).resolve() if spec and spec.origin and spec.has_location else None
    return spec is not None and not (origin and any(origin.is_relative_to(folder.resolve()) for folder in project.folders))


def _defined(project: Project) -> set[str]:
    found: set[str] = set()
    for _, file in project.files():
        with suppress(OSError, SyntaxError, ValueError, RecursionError):
            found |= {node.name for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.ClassDef)}
    return found
