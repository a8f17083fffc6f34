"""A trash batch: one folder per Idempotency-Key, holding the files and the manifest that says where they came from."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from agents.tools.registry import ToolError
from janitor_agent.rooms import DIRECTORY, TRASH

MANIFEST = "manifest.json"
PLAIN_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Entry:
    """One file of a batch: where it was, what it looked like, and under which name it lies in the trash."""

    path: str
    bytes: int
    mtime_us: int
    stored: str


@dataclass(frozen=True)
class Manifest:
    state: str  # moving, done
    entries: tuple[Entry, ...]


def batch_name(key: str) -> str:
    """A folder name for an Idempotency-Key; a key with odd characters is hashed."""
    if not key:
        raise ToolError("no_key", "There is no Idempotency-Key.")
    return key if PLAIN_KEY.fullmatch(key) else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@contextlib.contextmanager
def batch(root: int, name: str, *, create: bool) -> Iterator[int]:
    """The batch's open folder, locked against a second worker with the same key."""
    trash = _folder(root, TRASH, create=create)
    try:
        descriptor = _folder(trash, name, create=create)
    finally:
        os.close(trash)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _folder(parent: int, name: str, *, create: bool) -> int:
    try:
        if create:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, mode=0o700, dir_fd=parent)
        descriptor = os.open(name, DIRECTORY, dir_fd=parent)
    except OSError as error:
        raise ToolError("no_trash", f"The trash folder {name!r} is missing or not a plain directory.") from error
    if os.fstat(descriptor).st_uid != os.geteuid():
        os.close(descriptor)
        raise ToolError("no_trash", f"The trash folder {name!r} belongs to somebody else.")
    return descriptor


def read_manifest(descriptor: int) -> Manifest | None:
    """What the batch holds; None when it was never begun."""
    try:
        opened = os.open(MANIFEST, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
    except FileNotFoundError:
        return None
    with os.fdopen(opened, encoding="utf-8") as stream:
        stored: dict[str, Any] = json.load(stream)
    return Manifest(stored["state"], tuple(Entry(**entry) for entry in stored["entries"]))


def write_manifest(descriptor: int, manifest: Manifest) -> None:
    """Durably and at once: written aside, synced, renamed, and the folder synced."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    aside = f"{MANIFEST}.new"
    with os.fdopen(os.open(aside, flags, 0o600, dir_fd=descriptor), "w", encoding="utf-8") as stream:
        entries = [asdict(entry) for entry in manifest.entries]
        json.dump({"state": manifest.state, "entries": entries}, stream, ensure_ascii=False, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(aside, MANIFEST, src_dir_fd=descriptor, dst_dir_fd=descriptor)
    os.fsync(descriptor)


def drop_manifest(descriptor: int) -> None:
    """The batch was undone: nothing of it is in the trash any more."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(MANIFEST, dir_fd=descriptor)
