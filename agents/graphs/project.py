"""A langgraph.json as that convention defines it: graphs, env, dependencies. Reads files; imports nothing of the project."""

import hashlib
import io
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.variables import parse_variables

from agents.dialects import Quirks
from agents.errors import BadProject
from agents.graphs.packages import lacking, roots_of, unmet
from agents.graphs.spec import is_limit
from audit import canonical

MAX_FILES = 2_000
_OPERATORS = dict(os.environ)  # as this process was started
NOT_CODE = frozenset({"__pycache__", "node_modules", "venv", "site-packages", "dist-packages"})


@dataclass(frozen=True)
class Project:
    """What the file says.

    Attributes:
        graphs: name -> "./file.py:variable" or "package.module:variable".
        local: folders it depends on; roots: where those that are packages are imported from.
        quirks: name -> what an agent expects beside its dialect (our own key "countersign").
        grants: name -> the only tools it may call; a graph that is not named may call every tool of its version.
        limits: name -> how many seconds each of its runs may be driven, 0 for no limit; a graph that is not named, as the installation says.
        about: name -> what its author says of it there, in the longer form {"path": ..., "description": ...}.
        python: the `python_version` it asks for, "" when it does not say.
    """

    path: Path
    graphs: Mapping[str, str]
    local: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    quirks: Mapping[str, Quirks] = field(default_factory=dict)
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    python: str = ""

    @property
    def folders(self) -> list[Path]:
        """The project's own folders: its file's, local dependencies, and those its graphs lie in."""
        files = [target.partition(":")[0] for target in self.graphs.values()]
        beside = {(self.path.parent / f).resolve().parent for f in files if f.endswith(".py")}
        return sorted({Path(folder) for folder in self.importable} | beside)

    @property
    def importable(self) -> list[str]:
        """What its code is imported from, first to last: local dependencies, then the folder of its file, as `langgraph dev` has it."""
        return list(dict.fromkeys([*self.roots, *(str((self.path.parent / d).resolve()) for d in [*self.local, "."])]))

    def files(self) -> Iterator[tuple[str, Path]]:
        """Its own Python files, each with its path below the folder it was found in."""
        for folder in self.folders:
            names = (file.relative_to(folder) for file in sorted(folder.rglob("*.py")))
            own = (name for name in names if not any(part.startswith(".") or part in NOT_CODE for part in name.parts))
            yield from ((str(name), folder / name) for name in islice(own, MAX_FILES) if (folder / name).is_file())

    @property
    def lacks(self) -> list[str]:
        """What it asks for and does not get here, in sentences: its code may do without."""
        folders = {name: (self.path.parent / name).resolve() for name in self.local}
        found = [f"{self.path} depends on {name}, and there is no such folder" for name, folder in folders.items() if not folder.is_dir()]
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        if self.python and self.python != here:
            found.append(f"{self.path} asks for Python {self.python}, and its code runs with {here} here: `python_version` changes nothing")
        return [*found, *(f"{said}: install what its code needs into the same environment" for said in unmet([*folders.values()]))]

    def check_packages(self) -> None:
        """Raises:
        BadProject: a package it depends on is not installed here.
        """
        missing = [found for found in map(lacking, self.packages) if found]
        if missing:
            raise BadProject(f"{self.path} depends on {', '.join(missing)}; install what is missing into the same environment")


def read(path: Path) -> Project:
    """The file, checked.

    Raises:
        BadProject: it cannot be read, or says something we cannot follow; the message says which and why.
    """
    config = _parsed(path)
    graphs = config.get("graphs")
    if not isinstance(graphs, dict) or not graphs:
        raise BadProject(f'{path} names no graphs; it needs "graphs": {{"name": "./file.py:variable"}}')
    dependencies = config.get("dependencies", [])
    if not isinstance(dependencies, list) or not all(isinstance(d, str) for d in dependencies):
        raise BadProject(f'{path}: "dependencies" must be a list of folders and packages')
    local = tuple(d for d in dependencies if d.startswith("."))
    packages = tuple(d for d in dependencies if not d.startswith("."))
    return Project(
        path,
        {slug: _target(path, slug, found) for slug, found in graphs.items()},
        local,
        tuple(str(root) for folder in local for root in roots_of(path.parent / folder)),
        packages,
        _env(path, config),
        _quirks(path, config),
        _grants(path, config),
        _limits(path, config),
        {slug: text for slug, found in graphs.items() if (text := _about(path, slug, found))},
        str(config.get("python_version") or ""),
    )


def code_sha256(path: Path) -> str:
    """Hex SHA-256 over the Python files of a project's own folders: what a version of an agent is made of, beside its tools."""
    found = hashlib.sha256()
    for name, file in read(path).files():
        found.update(f"{name}\n".encode() + file.read_bytes())
    return found.hexdigest()


def _parsed(path: Path) -> dict[str, Any]:
    try:
        config = canonical.parse(path.read_bytes())
    except OSError as error:
        raise BadProject(f"{path} cannot be read: {error.strerror}") from error
    except canonical.NotCanonical as error:
        raise BadProject(f"{path}: {error}") from error
    return config if isinstance(config, dict) else {}


def _target(path: Path, slug: str, found: Any) -> str:
    target = found.get("path") if isinstance(found, dict) else found
    if not isinstance(target, str) or ":" not in target:
        raise BadProject(f'{path}: graph {slug} must name a file and a variable, as in "./file.py:graph"')
    if target.partition(":")[0].endswith((".ts", ".js", ".mts", ".mjs", ".tsx")):
        raise BadProject(f"{path}: graph {slug} is not Python; run it on an Agent Server of its own")
    if not re.fullmatch(r"[-\w]{1,60}", slug, re.ASCII):
        raise BadProject(f"{path}: a graph is named with letters, digits, - and _, at most 60 of them; not {slug[:60]!r}")
    return target


def _about(path: Path, slug: str, found: Any) -> str:
    text = found.get("description") if isinstance(found, dict) else None
    if not isinstance(text, str | None):
        raise BadProject(f'{path}: the "description" of graph {slug} must be text')
    return (text or "").strip()


def _env(path: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """The environment: an object, or the name of a file, which means what it means to python-dotenv, as for `langgraph dev`.

    `${NAME}` is looked for in the file, then in what the operator has set: never in what another project has put into this process.
    """
    env = config.get("env", {})
    if isinstance(env, dict):
        return {str(name): str(value) for name, value in env.items()}
    if not isinstance(env, str):
        raise BadProject(f'{path}: "env" must be the name of a file, or an object')
    try:
        text = (path.parent / env).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadProject(f'{path}: "env" names {env}, which cannot be read: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise BadProject(f'{path}: "env" names {env}, which is not UTF-8 text') from error
    found: dict[str, str] = {}
    for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items():
        if value is not None and "\0" not in f"{name}{value}":
            known = {**_OPERATORS, **found}
            found[name] = "".join(part.resolve(known) for part in parse_variables(value))
    return found


def _quirks(path: Path, config: Mapping[str, Any]) -> dict[str, Quirks]:
    ours = config.get("countersign", {})
    if not isinstance(ours, dict) or not all(isinstance(one, dict) for one in ours.values()):
        raise BadProject(f'{path}: "countersign" must be an object with an object per graph')
    return {slug: Quirks(stringify=bool(one.get("stringify_values"))) for slug, one in ours.items()}


def _grants(path: Path, config: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    found = {slug: one["grants"] for slug, one in config.get("countersign", {}).items() if "grants" in one}
    for slug, names in found.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BadProject(f'{path}: "grants" of {slug} must be a list of names of tools')
    return {slug: frozenset(names) for slug, names in found.items()}


def _limits(path: Path, config: Mapping[str, Any]) -> dict[str, int]:
    found = {slug: one["time_limit_s"] for slug, one in config.get("countersign", {}).items() if "time_limit_s" in one}
    for slug, seconds in found.items():
        if not is_limit(seconds):
            raise BadProject(f'{path}: "time_limit_s" of {slug} must be a whole number of seconds, 0 for no limit')
    return found
