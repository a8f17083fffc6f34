"""What a project depends on: packages that have to be installed here, and folders of its own. Reads files; imports nothing of the project."""

import importlib.metadata

from packaging.requirements import InvalidRequirement, Requirement


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
