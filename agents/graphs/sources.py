"""How the code of a project is read: from its source, each time, never from what Python compiled of it once.

Python takes what it compiled for the file as it is when both name one second and one size, so two deploys within a second, or files that all
bear one time (as reproducible images have them), would run code that is not the code registered. Nothing is written into the project's
folder, either. Imports nothing of ours but `project`.
"""

import sys
from collections.abc import Iterable
from importlib.abc import PathEntryFinder
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from types import CodeType

from agents.graphs.project import NOT_CODE


class SourceLoader(SourceFileLoader):
    """Compiles the source it finds, and keeps nothing of it."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


_folders: set[str] = set()
_within = FileFinder.path_hook(
    (ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceLoader, SOURCE_SUFFIXES), (SourcelessFileLoader, BYTECODE_SUFFIXES)
)


def read_from(folders: Iterable[Path]) -> None:
    """From now on, modules in these folders are read so. Packages that were installed into an environment there are not theirs."""
    if new := {str(folder) for folder in folders} - _folders:
        _folders.update(new)
        if _hook not in sys.path_hooks:
            sys.path_hooks.insert(0, _hook)
        for path in [path for path in sys.path_importer_cache if _theirs(path)]:
            del sys.path_importer_cache[path]


def _hook(path: str) -> PathEntryFinder:
    if not _theirs(path):
        raise ImportError("another finder's")
    return _within(path)


def _theirs(path: str) -> bool:
    place = Path(path)
    return not NOT_CODE.intersection(place.parts) and any(place.is_relative_to(folder) for folder in _folders)
