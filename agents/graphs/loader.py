"""Loading a project by its langgraph.json (the ecosystem's convention). Runs the project's code: workers and commands only."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.errors import BadProject
from agents.graphs.spec import AgentSpec
from agents.tools.registry import Tool
from audit import canonical

Graph = CompiledStateGraph[Any, Any, Any, Any]
MAX_FILES = 2_000
_NOT_CODE = {"__pycache__", "node_modules", "venv", "site-packages"}
_OURS = ("agents", "approvals", "audit", "config", "__main__", "tests.")
_versions: dict[tuple[str, str], int] = {}


@dataclass(frozen=True)
class Loaded:
    """A graph of a project, its declaration if it has one, and how to compile it with a saver."""

    slug: str
    project: str
    spec: AgentSpec | None
    compile: Callable[[Any], Graph]

    @property
    def tools(self) -> dict[str, Tool]:
        return {tool.name: tool for tool in self.spec.tools} if self.spec else {}

    def prepare(self, run_input: dict[str, Any]) -> Any:
        """The graph's input: native graphs get their validated model under "input", others the JSON as it is."""
        if self.spec is None:
            return run_input
        return {"input": self.spec.input_model.model_validate(run_input).model_dump(mode="json")}

    @property
    def input_schema(self) -> dict[str, Any]:
        if self.spec is not None:
            return self.spec.input_model.model_json_schema()
        try:
            schema: dict[str, Any] = self.compile(None).get_input_jsonschema()
        except Exception:  # a state pydantic cannot describe (typing.TypedDict before Python 3.12): any object may start it
            return {"type": "object"}
        return schema

    @property
    def drawing(self) -> dict[str, Any]:
        """Nodes and edges, for the picture on the run page."""
        drawn = self.compile(None).get_graph(xray=1)
        return {
            "nodes": [{"id": n.id, "name": n.name} for n in drawn.nodes.values()],
            "edges": [{"source": e.source, "target": e.target, "conditional": e.conditional} for e in drawn.edges],
        }


def load_project(path: Path) -> list[Loaded]:
    """Every graph of a langgraph.json.

    Raises:
        BadProject: the file or a graph cannot be used; the message says which and why.
    """
    try:
        config = canonical.parse(path.read_bytes())
    except OSError as error:
        raise BadProject(f"{path} cannot be read: {error.strerror}") from error
    except canonical.NotCanonical as error:
        raise BadProject(f"{path}: {error}") from error
    graphs = config.get("graphs") if isinstance(config, dict) else None
    if not isinstance(graphs, dict) or not graphs:
        raise BadProject(f'{path} names no graphs; it needs "graphs": {{"name": "./file.py:variable"}}')
    dependencies = config.get("dependencies", [])
    if not isinstance(dependencies, list) or not all(isinstance(d, str) for d in dependencies):
        raise BadProject(f'{path}: "dependencies" must be a list of folders and packages')
    for dependency in dependencies:
        folder = str((path.parent / dependency).resolve())
        if dependency.startswith(".") and folder not in sys.path:
            sys.path.insert(0, folder)
    return [_load(path, slug, str(target)) for slug, target in graphs.items()]


@lru_cache(maxsize=64)
def load_agent(project: str, slug: str, version: int = 0) -> Loaded:
    """One graph of a project, loaded once per process and version: registering a new version makes workers read it anew."""
    if _versions.setdefault((project, slug), version) != version:
        _versions[project, slug] = version
        _forget_modules(Path(project))
    for loaded in load_project(Path(project)):
        if loaded.slug == slug:
            return loaded
    raise BadProject(f"{project} has no graph named {slug}; it may have been renamed")


def code_sha256(path: Path) -> str:
    """Hex SHA-256 over the Python files of a project's own folders: what a version of an agent is made of, beside its tools."""
    found = hashlib.sha256()
    for folder in _folders(path):
        for file in sorted(folder.rglob("*.py"))[:MAX_FILES]:
            if not any(part.startswith(".") or part in _NOT_CODE for part in file.relative_to(folder).parts):
                found.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return found.hexdigest()


def _folders(path: Path) -> list[Path]:
    """The project's own folders: local dependencies and the folders its graphs lie in."""
    config = canonical.parse(path.read_bytes())
    local = [d for d in config.get("dependencies", []) if d.startswith(".")]
    graphs = [str(target).partition(":")[0] for target in config["graphs"].values()]
    return sorted({(path.parent / d).resolve() for d in local} | {(path.parent / g).resolve().parent for g in graphs})


def _forget_modules(path: Path) -> None:
    """Let the next import read a project's files again; graphs already compiled keep what they have."""
    folders = _folders(path)
    importlib.invalidate_caches()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and any(Path(file).is_relative_to(folder) for folder in folders) and not name.startswith(_OURS):
            del sys.modules[name]


def _load(project: Path, slug: str, target: str) -> Loaded:
    file, _, variable = target.partition(":")
    source = (project.parent / file).resolve()
    try:
        module = _module(source)
        found = getattr(module, variable)
    except (Exception, SystemExit) as error:  # the project's own code may raise anything
        raise BadProject(f"graph {slug} of {project}: {type(error).__name__}: {error}") from error
    spec = getattr(module, "AGENT", None)
    return Loaded(slug, str(project), spec if isinstance(spec, AgentSpec) else None, _compiler(slug, found))


def _module(source: Path) -> Any:
    """Import by the package name when the file lies on sys.path, so that the project's own imports agree with ours."""
    # The longest root: the project's own folder, not a folder above it that happens to be on the path too.
    roots = [root for root in map(Path, sys.path) if source.is_relative_to(root) and root != Path()]
    if roots and (source.parent / "__init__.py").exists():
        root = max(roots, key=lambda path: len(path.parts))
        return importlib.import_module(".".join(source.relative_to(root).with_suffix("").parts))
    spec = importlib.util.spec_from_file_location(f"countersign_project_{source.parent.name}_{source.stem}", source)
    if spec is None or spec.loader is None:
        raise BadProject(f"{source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _compiler(slug: str, found: Any) -> Callable[[Any], Graph]:
    if isinstance(found, StateGraph):
        _check_nodes(slug, found)
        return lambda saver: found.compile(checkpointer=saver, name=slug)
    if isinstance(found, CompiledStateGraph):
        if found.interrupt_before_nodes or found.interrupt_after_nodes:
            # They pause without a question: driving on would walk through them with nobody asked.
            raise BadProject(f"graph {slug} has static breakpoints (interrupt_before/after); use interrupt() inside the node instead")
        _check_nodes(slug, found.builder)
        return lambda saver: found.builder.compile(checkpointer=saver, name=slug)
    raise BadProject(f"graph {slug} is a {type(found).__name__}; export a StateGraph or a compiled graph")


def _check_nodes(slug: str, builder: "StateGraph[Any]") -> None:
    """Raises BadProject for nodes that only an event loop can run: better now than in every run."""
    for name, node in builder.nodes.items():
        if getattr(node.runnable, "func", name) is None and getattr(node.runnable, "afunc", None):
            raise BadProject(f"graph {slug} has the node {name} as async def only, which is not driven yet; write it as def")
