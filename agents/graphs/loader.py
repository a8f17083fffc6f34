"""Loading a project by its langgraph.json (the ecosystem's convention). Runs the project's code: workers and commands only."""

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from agents import kept
from agents.dialects import Quirks
from agents.errors import BadProject
from agents.graphs import apart, awaiting, describing, hearing, inside, needing, packages, standing, typed
from agents.graphs.asking import Ask, asks_at_all, asks_of
from agents.graphs.between_tools import asks_by_mode, helpers_of
from agents.graphs.exported import Graph, compiler_of, graph_of, own_checkpointer
from agents.graphs.found import Found, tools_of, ungoverned
from agents.graphs.hazards import Hazard
from agents.graphs.prints import prints_of
from agents.graphs.project import Project, code_sha256
from agents.graphs.project import read as read_project
from agents.graphs.sources import SourceLoader
from agents.graphs.spec import AgentSpec
from agents.graphs.ungranted import ungranted
from agents.tools.registry import Tool
from audit import canonical
from audit.sentences import say

__all__ = ["Graph", "Loaded", "code_sha256", "load_agent", "load_project", "ungranted_in"]

_MESSAGES = {
    "type": "array",
    "items": {"type": "object", "properties": {"role": {"type": "string"}, "content": {}}, "required": ["content"]},
}
_versions: dict[tuple[str, str], int] = {}


@dataclass(frozen=True)
class Loaded:
    """A graph of a project, its declaration if it has one, and how to compile it with a saver.

    Attributes:
        own_checkpointer: the kind it was compiled with and does not get here, "" for none.
        quirks: what it expects beside its dialect. grants: the only tools it may call, None for every one of its version.
        about: what its langgraph.json says of it; time_limit_s: what that says of the time of its runs. models: chat models that stand in its module by a name.
    """

    slug: str
    project: str
    spec: AgentSpec | None
    compile: Callable[[Any], Graph]
    own_checkpointer: str = ""
    quirks: Quirks = field(default_factory=Quirks)
    grants: frozenset[str] | None = None
    about: str = ""
    time_limit_s: int | None = None
    models: tuple[BaseChatModel, ...] = ()

    @property
    def budget(self) -> dict[str, int]:
        """What each run may take, as its developer says: of time its langgraph.json has the last word."""
        said = self.spec.budget if self.spec else {}
        return said if self.time_limit_s is None else {**said, "seconds": self.time_limit_s}

    @property
    def tools(self) -> dict[str, Tool]:
        return {tool.name: tool for tool in self.spec.tools} if self.spec else {}

    @cached_property
    def found(self) -> dict[str, Found]:
        """Tools that its graph calls itself."""
        return tools_of(self.compile(None))

    @cached_property
    def described(self) -> list[dict[str, Any]]:
        """Every tool, declared or found, as it is kept with the agent's version."""
        declared = self.tools
        tools = [*(t.describe() for t in declared.values()), *(f.describe() for name, f in self.found.items() if name not in declared)]
        unseen = sorted((self.grants or frozenset()) - declared.keys() - self.found.keys())  # made while it runs; granted by name
        tools += [Found(name, "", {"type": "object"}).describe() for name in unseen]
        return [tool if self.grants is None or tool["name"] in self.grants else {**tool, "granted": False} for tool in tools]

    @cached_property
    def warnings(self) -> list[str]:
        """What whoever imports it should know."""
        unknown = self._own_input.warnings if self.spec is None else []
        undrawn = describing.undrawn(self.drawing)
        cut = [kept.DRAWING_CUT(n=len(undrawn), first=undrawn[0])] if undrawn else []
        return [*standing.warnings(self.compile(None)), *needing.warnings(self.compile(None)), *unknown, *cut]

    @cached_property
    def code_sha256(self) -> str:
        """Of its project's code as it was when this process loaded it; "" when that cannot be read."""
        try:
            return code_sha256(Path(self.project))
        except (BadProject, OSError):
            return ""

    @cached_property
    def nodes(self) -> frozenset[str]:
        """Where a question can be asked."""
        return frozenset(self.compile(None).nodes)

    def sees(self, place: Mapping[str, Any]) -> str:
        """How the node that asked can be seen in a graph inside this one (see `inside.sees`)."""
        return inside.sees(self.compile(None), inside.path_of(place)) if place.get("ns") else ""

    def lost(self, path: Sequence[str], *, seen: str) -> bool:
        """Whether a node that asked inside is certainly gone (see `inside.lost`)."""
        return inside.lost(self.compile(None), path, seen=seen)

    def has_no_tool(self, path: Sequence[str], tool: str) -> bool:
        """Whether the tool node at the end of this path certainly has no such tool (see `inside.has_no_tool`)."""
        return inside.has_no_tool(self.compile(None), path, tool)

    @cached_property
    def names(self) -> frozenset[str]:
        """Of its nodes and of those inside it."""
        return inside.names_of(self.compile(None))

    @cached_property
    def fingerprint(self) -> str:
        """Of the graph's form: its nodes and how they are joined."""
        return canonical.fingerprint(canonical.storable(self.drawing))

    @cached_property
    def asks(self) -> dict[str, list[Ask]]:
        """What each node would ask, as far as it is written down."""
        return {name: asks_of(node) for name, node in self.compile(None).nodes.items()}

    @cached_property
    def ungoverned(self) -> frozenset[str]:
        """Tools of its own that stand nowhere behind our own line (see `found.ungoverned`)."""
        return ungoverned(self.compile(None))

    @cached_property
    def modes(self) -> dict[str, frozenset[str]]:
        """In which modes LangChain's middleware asks about a tool's calls (see `between_tools`)."""
        return asks_by_mode(self.compile(None))

    @cached_property
    def helpers(self) -> dict[str, frozenset[str]]:
        """Names of the helpers that a tool starts by name."""
        return helpers_of(self.compile(None))

    @cached_property
    def speaking(self) -> dict[str, bool | None]:
        """Whether the code of each node asks anything (see `asking.asks_at_all`)."""
        return {name: asks_at_all(node) for name, node in self.compile(None).nodes.items()}

    @cached_property
    def prints(self) -> dict[str, dict[str, str]]:
        """Of the code of each node (see `prints`)."""
        return {name: prints_of(node) for name, node in self.compile(None).nodes.items()}

    @cached_property
    def needs_a_loop(self) -> bool:
        """Whether it has nodes, tools or other parts that can only be awaited."""
        return any(found.only_async for found in self.found.values()) or awaiting.awaits(self.compile(None))

    def prepare(self, run_input: dict[str, Any]) -> Any:
        """The graph's input: native graphs get their validated model under "input", others the JSON as it is; of what takes no object, its one field."""
        if self.spec is None:
            return run_input[describing.ONLY] if self._own_input.is_field else run_input
        return {"input": self.spec.input_model.model_validate(run_input).model_dump(mode="json")}

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        if self.spec is not None:
            return self.spec.input_model.model_json_schema()
        return self._own_input.schema

    @cached_property
    def _own_input(self) -> "_OwnInput":
        """Of a graph without a declaration."""
        try:
            schema = describing.input_schema(self.compile(None))
        except Exception as error:  # a state that nobody can describe as JSON: any object may start it
            return _OwnInput({"type": "object"}, [kept.INPUT_UNKNOWN(why=f"{type(error).__name__}: {error}".split("\n")[0][:200])])
        if describing.takes_objects(schema):
            return _OwnInput(_startable(schema))
        return _OwnInput(describing.as_field(schema), is_field=True)

    @cached_property
    def drawing(self) -> dict[str, Any]:
        """Nodes and edges, for the picture on the run page."""
        drawn = self.compile(None).get_graph(xray=True)
        return {
            "nodes": [{"id": n.id, "name": n.name} for n in drawn.nodes.values()],
            "edges": [{"source": e.source, "target": e.target, "conditional": e.conditional} for e in drawn.edges],
        }


@dataclass(frozen=True)
class _OwnInput:
    """What may start a graph, and what to warn of if that is anything at all. `is_field`: it takes no object, and gets what is in the one field."""

    schema: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
    is_field: bool = False


class Elsewhere(Loaded):
    """A graph that runs on another server: nothing of it can be looked at here, and nothing of it runs here."""

    @cached_property
    def found(self) -> dict[str, Found]:
        return {}

    @cached_property
    def code_sha256(self) -> str:
        return ""


def elsewhere(slug: str) -> Loaded:
    """What is known here of an agent that runs on an Agent Server."""

    def compile_(_: Any) -> Graph:
        raise BadProject(say("%(slug)s runs on another server: its graph cannot be looked at here", slug=slug))

    return Elsewhere(slug, "", None, compile_)


def load_project(path: Path) -> list[Loaded]:
    """Every graph of a langgraph.json.

    Raises:
        BadProject: the file or graphs cannot be used; the message says which and why, of every one.
    """
    hearing.install()  # before the project imports `interrupt`
    read, streams = read_project(path), _open_streams()
    apart.enter(read)
    loaded, unfit = [], []
    for slug, target in read.graphs.items():
        try:
            loaded.append(_load(read, slug, target))
        except BadProject as error:
            unfit.append(error)
    if unfit:
        raise _together(unfit)
    if closed := streams - _open_streams():
        raise BadProject(
            f"{path}: its code closes {' and '.join(sorted(closed))}, which other agents' code writes to as well; leave it open"
        )
    return loaded


def _together(unfit: list[BadProject]) -> BadProject:
    """One refusal that tells all of it: who has four graphs to mend need not ask four times."""
    if len(unfit) == 1:
        return unfit[0]
    return BadProject(f"{len(unfit)} of its graphs cannot be used\n" + "\n".join(f"* {error}" for error in unfit))


def ungranted_in(project: Project, loaded: Sequence[Loaded]) -> list[Hazard]:
    """Tools with our own line in its modules that none of its graphs may call (see `ungranted`)."""
    granted = {str(tool["name"]) for one in loaded for tool in one.described if tool.get("granted", True)}
    return ungranted(apart.modules_of(project).values(), granted)


def _open_streams() -> set[str]:
    return {name for name in ("stdout", "stderr") if not getattr(getattr(sys, name), "closed", False)}


def load_agent(project: str, slug: str, version: int = 0) -> Loaded:
    """One graph of a project, loaded once per process and version: registering a new version makes workers read it anew.

    This process stands in its project from here on, until it loads an agent of another.
    """
    if not project:
        return elsewhere(slug)
    loaded = _load_agent(project, slug, version)
    apart.enter_again(Path(project))
    return loaded


@lru_cache(maxsize=64)
def _load_agent(project: str, slug: str, version: int) -> Loaded:
    if _versions.setdefault((project, slug), version) != version:
        _versions[project, slug] = version
        apart.forget(read_project(Path(project)))
    hearing.install()
    read = read_project(Path(project))
    if slug in read.graphs:
        apart.enter(read)
        loaded = _load(read, slug, read.graphs[slug])
        _ = loaded.code_sha256
        _ = loaded.prints  # before any of it has run: what it keeps in a dictionary later is not its code
        return loaded
    raise BadProject(f"{project} has no graph named {slug}; it may have been renamed")


def _startable(schema: dict[str, Any]) -> dict[str, Any]:
    """An input schema that takes what LangGraph takes: pydantic's own for messages wants exactly one of a dozen kinds that overlap."""
    properties = schema.get("properties", {})
    # A list of AnyMessage names every kind, one of BaseMessage (`create_react_agent`) only that.
    chat = [
        name for name, one in properties.items() if any(kind in str(one.get("items", "")) for kind in ("HumanMessage", "/BaseMessage'"))
    ]
    plain = {name: {"title": properties[name].get("title", name), **_MESSAGES} for name in chat}
    found = {**schema, "properties": {**properties, **plain}}
    rest = {key: value for key, value in found.items() if key != "$defs"}
    return found if "$ref" in str(rest) else rest


def _load(read: Project, slug: str, target: str) -> Loaded:
    file, _, variable = target.rpartition(":")
    try:
        module = _module((read.path.parent / file).resolve()) if file.endswith(".py") else importlib.import_module(file)
        graph = graph_of(slug, getattr(module, variable))
        compiler = compiler_of(slug, graph)
        if why := standing.refusal(compiler(None)) or needing.refusal(compiler(None)):
            raise BadProject(say("graph %(slug)s: %(why)s", slug=slug, why=why))
    except BadProject:
        raise
    except ModuleNotFoundError as error:
        raise BadProject(f"graph {slug} of {read.path}: {error}{packages.advice(str(error.name), read.importable)}") from error
    except (Exception, SystemExit) as error:  # the project's own code may raise anything
        raise BadProject(f"graph {slug} of {read.path}: {type(error).__name__}: {error}") from error
    spec = getattr(module, "AGENT", None)
    return Loaded(
        slug, str(read.path), spec if isinstance(spec, AgentSpec) else None, _in_its_project(read.path, compiler),
        own_checkpointer(graph), read.quirks.get(slug, Quirks()), read.grants.get(slug), read.about.get(slug, ""), read.limits.get(slug),
        tuple(one for one in vars(module).values() if isinstance(one, BaseChatModel)),
    )  # fmt: skip


def _in_its_project(path: Path, compiler: Callable[[Any], Graph]) -> Callable[[Any], Graph]:
    def compile_(saver: Any) -> Graph:
        apart.enter_again(path)
        return typed.with_its_types(compiler(saver))

    return compile_


def _module(source: Path) -> Any:
    """Import by the package name when the file lies on sys.path, so that the project's own imports agree with ours."""
    # The longest root: the project's own folder, not a folder above it that happens to be on the path too.
    roots = [root for root in map(Path, sys.path) if source.is_relative_to(root) and root != Path()]
    if roots and (source.parent / "__init__.py").exists():
        root = max(roots, key=lambda path: len(path.parts))
        return importlib.import_module(".".join(source.relative_to(root).with_suffix("").parts))
    name = f"countersign_project_{source.parent.name}_{source.stem}"
    spec = importlib.util.spec_from_file_location(name, source, loader=SourceLoader(name, str(source)))
    if spec is None or spec.loader is None:
        raise BadProject(f"{source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
