"""One directory the janitor may work in, and the only way to a file inside it.

Every path is walked from the directory's own descriptor, one component at a time, with O_NOFOLLOW: a symbolic link, a
`..` or a directory that is swapped for a link while we walk ends in an error, never outside.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from agents.tools.registry import ToolError

TRASH = ".countersign-trash"
DEMO = "janitor-demo"  # the one directory below the product's own that is there to be tidied
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# Nothing in or below these is ever tidied up; of the second list only what lies below may be.
SYSTEM_TREES = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys", "/usr",
    "/private/etc", "/System", "/Library", "/Applications",
)  # fmt: skip
SHARED_ROOTS = (
    "/", "/home", "/root", "/tmp", "/var", "/opt", "/srv", "/mnt", "/media", "/Users", "/Volumes", "/private",  # noqa: S108
    "/private/var", "/private/tmp", "/var/lib", "/var/tmp", "/var/log", "/var/cache", "/var/spool",  # noqa: S108
)  # fmt: skip


@contextlib.contextmanager
def room(directory: object) -> Iterator[int]:
    """The descriptor of the directory that this run was given, after it was found fit to be tidied."""
    path = checked_directory(directory)
    descriptor = _open_from_root(path)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise ToolError("not_ours", f"{path} does not belong to the user this runs as, or cannot be written.")
        yield descriptor
    finally:
        os.close(descriptor)


def checked_directory(directory: object) -> str:
    """The real path of a directory that may be tidied; a sentence about why not otherwise."""
    if not isinstance(directory, str) or not directory or "\0" in directory:
        raise ToolError("bad_directory", "The directory has to be an absolute path.")
    if not os.path.isabs(directory) or ".." in Path(directory).parts:
        raise ToolError("bad_directory", "The directory has to be an absolute path without '..'.")
    try:
        real = os.path.realpath(directory, strict=True)
    except (OSError, ValueError) as error:
        raise ToolError("no_directory", f"There is no directory {directory!r}.") from error
    if not os.path.isdir(real):
        raise ToolError("no_directory", f"{directory!r} is not a directory.")
    if real in SHARED_ROOTS or any(_within(real, tree) for tree in SYSTEM_TREES):
        raise ToolError("system_directory", f"{real} belongs to the system.")
    _refuse_inhabited(real)
    if real != os.path.normpath(directory):  # it may lead elsewhere by the time people have agreed to what they saw there
        raise ToolError("link", f"{directory!r} leads through a link to {real}: give that directory itself.")
    return real


def _refuse_inhabited(real: str) -> None:
    """Neither a home directory, nor what hides in one, nor this program, its data and its interpreter."""
    home = os.path.realpath(os.path.expanduser("~"))
    own = [os.path.realpath(path) for path in (sys.prefix, *_product_places())]
    if any(_within(path, real) for path in (home, os.getcwd(), *own)):
        raise ToolError("system_directory", f"{real} holds a home directory or this program itself.")
    if _within(real, home) and os.path.relpath(real, home).startswith("."):
        raise ToolError("system_directory", f"{real} is a hidden directory of the home directory.")
    if any(_within(real, path) for path in own) and DEMO not in Path(real).parts:
        raise ToolError("system_directory", f"{real} belongs to this program.")


def _product_places() -> list[str]:
    """The checkout and the data folder, when Django knows them; a tool that runs by itself has no settings."""
    try:
        return [str(settings.BASE_DIR), str(settings.VAR_DIR)]
    except (ImproperlyConfigured, AttributeError):
        return []


def _within(path: str, tree: str) -> bool:
    return path == tree or path.startswith(tree.rstrip("/") + "/")


def _open_from_root(path: str) -> int:
    """Open a real path without following any link, so that what was checked is what is opened."""
    descriptor = os.open("/", DIRECTORY)
    for part in Path(path).parts[1:]:
        descriptor = _step(descriptor, part, path)
    return descriptor


def _step(descriptor: int, part: str, path: str) -> int:
    try:
        return os.open(part, DIRECTORY, dir_fd=descriptor)
    except OSError as error:
        raise ToolError("outside", f"{path!r} leads through something that is not a plain directory.") from error
    finally:
        os.close(descriptor)


def relative_parts(path: str) -> list[str]:
    """The components of a relative path; refuses every spelling that could lead elsewhere."""
    if not path or "\0" in path or path.startswith("/") or len(path) > 4096:
        raise ValueError("The path has to be relative to the directory.")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("The path has to be valid text.") from error
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("The path must not contain '.', '..' or an empty component.")
    if parts[0] == TRASH:
        raise ValueError("The path lies in the trash.")
    return parts


@contextlib.contextmanager
def parent_of(root: int, path: str) -> Iterator[tuple[int, str]]:
    """The open directory that holds `path`, and the name in it."""
    try:
        *folders, name = relative_parts(path)
    except ValueError as error:
        raise ToolError("outside", f"{path!r}: {error}") from error
    descriptor = os.dup(root)
    for folder in folders:
        descriptor = _step(descriptor, folder, path)
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)


def plain_file(descriptor: int, name: str) -> os.stat_result | None:
    """The status of a plain file, without following a link; None when it is missing or anything else."""
    try:
        status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def mtime_us(status: os.stat_result) -> int:
    """Modification time in microseconds: nanoseconds do not fit the integers that JSON carries safely."""
    return status.st_mtime_ns // 1000
