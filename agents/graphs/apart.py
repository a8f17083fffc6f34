"""Projects kept apart in one process: the code of one finds no module, no folder and no setting of another, whatever they are called.

A process of a worker has one run at a time, so it stands in one project at a time: `enter` comes before any code of a project runs. What
the project before has imported is put aside and is there again, the same objects, when it is entered anew (ADR 39). Imports `project` and
`sources`.
"""

import importlib
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from agents.graphs import sources
from agents.graphs.project import NOT_CODE, Project

_OURS = ("agents", "approvals", "audit", "config", "__main__", "tests.")


@dataclass
class _Stand:
    """What of one project this process knows. `paths` and `names` are those that were added when it was entered."""

    project: Project
    modules: dict[str, ModuleType] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def come(self) -> None:
        sources.read_from(self.project.folders)
        for folder in reversed(self.project.importable):
            if folder not in sys.path:
                sys.path.insert(0, folder)
                self.paths.append(folder)
        for name, value in self.project.env.items():
            if name not in os.environ:  # what the operator has set stands
                os.environ[name] = value
                self.names.append(name)
        sys.modules.update(self.modules)
        self.modules = {}

    def go(self) -> None:
        self.modules = self.take_modules()
        for folder in self.paths:
            sys.path.remove(folder)
        for name in self.names:
            os.environ.pop(name, None)
        self.paths, self.names = [], []

    def take_modules(self) -> dict[str, ModuleType]:
        """Its modules, taken out of `sys.modules`."""
        mine = modules_of(self.project)
        for name in mine:
            del sys.modules[name]
        return mine


_lock = threading.RLock()
_stands: dict[Path, _Stand] = {}
_here: list[_Stand] = []


def enter(project: Project) -> None:
    """Stand in this project, read anew or for the first time.

    Raises:
        BadProject: a package it depends on is not installed here.
    """
    project.check_packages()
    with _lock:
        stand = _stands.setdefault(project.path, _Stand(project))
        if stand.project != project:  # its file says something else than before
            if stand in _here:
                _leave()
            stand.project = project
        _move(stand)


def enter_again(path: Path) -> None:
    """Stand in a project that was entered before; a path that never was is nobody's."""
    with _lock:
        if stand := _stands.get(path):
            _move(stand)


def modules_of(project: Project) -> dict[str, ModuleType]:
    """Its modules among those that are imported now."""
    within = tuple(f"{folder}{os.sep}" for folder in project.folders)
    return {name: module for name, module in list(sys.modules.items()) if not name.startswith(_OURS) and _lies(module, within)}


def forget(project: Project) -> None:
    """Let the next import read its files again; what was made from them keeps what it has."""
    with _lock:
        stand = _stands.setdefault(project.path, _Stand(project))
        stand.modules = {}
        if stand in _here:
            stand.take_modules()
        importlib.invalidate_caches()


def _move(stand: _Stand) -> None:
    if stand not in _here:
        _leave()
        stand.come()
        _here.append(stand)


def _leave() -> None:
    while _here:
        _here.pop().go()


def _lies(module: ModuleType, within: tuple[str, ...]) -> bool:
    """Whether a module's file, or a namespace package's folder, is in one of these folders, and not in an environment that lies there too."""
    known = getattr(module, "__dict__", {})
    place = known.get("__file__") or next(iter(known.get("__path__") or ()), None)
    return isinstance(place, str) and f"{place}{os.sep}".startswith(within) and not NOT_CODE.intersection(Path(place).parts)
