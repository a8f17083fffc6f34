"""What a project depends on: packages that have to be installed here, and folders of its own. Reads files; imports nothing of the project."""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from agents.errors import BadProject

OURS = frozenset({"agents", "approvals", "audit", "config"})


def lacking(dependency: str) -> str:
    """Why a dependency is not met by what is installed, "" when it is. Extras, and where a package comes from, are not looked at."""
    try:
        wanted = Requirement(dependency)
    except InvalidRequirement:
        return f"{dependency!r}, which names no package"
    if wanted.marker and not wanted.marker.evaluate():
        return ""
    try:
        have = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{dependency}, which this installation does not have"
    return "" if wanted.specifier.contains(have, prereleases=True) else f"{dependency}, of which this installation has {have}"


def unmet(folders: Sequence[Path]) -> Iterator[str]:
    """What these local dependencies themselves want and is not installed here, each with the file that says so.

    Read are `project.dependencies` of a pyproject.toml and the plain lines of a requirements.txt: no options, files or addresses. What is one of
    these folders itself is there without being installed.
    """
    said = [(folder / "pyproject.toml", _pyproject(folder)) for folder in folders]
    own = {canonicalize_name(str(_at(found, "project").get("name", ""))) for _, found in said}
    listed = [(file, _list(_at(found, "project").get("dependencies"))) for file, found in said]
    listed += [(folder / "requirements.txt", _lines(folder / "requirements.txt")) for folder in folders]
    for file, wanted in listed:
        missing = [why for one in wanted if (name := _package(one)) and name not in own and (why := lacking(str(one)))]
        if missing:
            yield f"{file} wants {'; '.join(missing)}"


def _package(line: Any) -> str:
    """The name of the package that a requirement is of, "" for what is none."""
    try:
        return canonicalize_name(Requirement(str(line)).name)
    except InvalidRequirement:
        return ""


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return []
    return [re.split(r"\s#|\s--", line)[0].strip() for line in text.replace("\\\n", " ").splitlines()]


def roots_of(folder: Path) -> list[Path]:
    """Where a local dependency's packages are imported from, as an editable install of it would have it; its folder itself comes after these.

    Read from its pyproject.toml: setuptools (`package-dir`, `packages.find.where`, and `src` where it finds packages by itself), hatch, poetry,
    pdm and uv's own. A package that lies in a folder of another name is nowhere to be imported from: `pip install -e` makes it so.

    Raises:
        BadProject: the file is no TOML.
    """
    if not (folder / "pyproject.toml").is_file():
        return []
    tools = _at(_pyproject(folder), "tool")
    named = [*_setuptools(_at(tools, "setuptools")), *_others(tools)]
    if not (folder / "src" / "__init__.py").exists():  # then it is a package called src
        named.append("src")
    found = {(folder / name).resolve() for name in named if isinstance(name, str) and "\0" not in name}
    return sorted(one for one in found if one.is_dir() and one != folder.resolve())


def _pyproject(folder: Path) -> Mapping[str, Any]:
    """What it says, nothing where there is none. Raises BadProject."""
    file = folder / "pyproject.toml"
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadProject(f"{file} cannot be read: {error}") from error


def _setuptools(said: Mapping[str, Any]) -> Iterator[Any]:
    yield from _list(_at(said, "packages", "find").get("where"))
    for package, place in _at(said, "package-dir").items():
        parts, below = package.split("."), Path(str(place)).parts
        if not package:
            yield place
        elif list(below[-len(parts) :]) == parts:
            yield str(Path(*below[: -len(parts)]))


def _others(said: Mapping[str, Any]) -> Iterator[Any]:
    yield from (str(Path(str(one)).parent) for one in _list(_at(said, "hatch", "build", "targets", "wheel").get("packages")))
    yield from (one.get("from") for one in _list(_at(said, "poetry").get("packages")) if isinstance(one, dict))
    yield _at(said, "pdm", "build").get("package-dir")
    yield _at(said, "uv", "build-backend").get("module-root")


def _at(said: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The table at this place, an empty one where there is something else."""
    for name in names:
        found = said.get(name)
        said = found if isinstance(found, dict) else {}
    return said


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def advice(module: str, folders: Sequence[str]) -> str:
    """What to do about a module that is not found, as the end of a sentence. `folders`: where the project is imported from."""
    name = module.partition(".")[0]
    if name in OURS:
        return f'; "{name}" is a package of Countersign itself here: give yours another name' if any(_has(f, name) for f in folders) else ""
    built = [folder for folder in folders if any((Path(folder) / file).is_file() for file in ("pyproject.toml", "setup.py", "setup.cfg"))]
    if built:
        return f'; if "{name}" is the project\'s own, install that beside Countersign: pip install -e {built[0]}'
    return f'; install "{name}" into the same environment as Countersign'


def _has(folder: str, name: str) -> bool:
    return (Path(folder) / name).is_dir() or (Path(folder) / f"{name}.py").is_file()
