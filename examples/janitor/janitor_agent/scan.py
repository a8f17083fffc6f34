"""Looking: which files are old or large, and which have the same content. Nothing is changed, no link is followed."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from janitor_agent.rooms import TRASH, mtime_us, parent_of, plain_file

MOST_ENTRIES = 50_000
MOST_LISTED = 200
HASH_AT_MOST = 4 * 1024**3  # bytes read in one look for duplicates
SMALLEST_DUPLICATE = 1024
DAY = 86_400
VERSION_CONTROL = frozenset({".git", ".hg", ".svn"})  # old files in there are the history


@dataclass(frozen=True)
class Found:
    """One plain file inside the directory."""

    path: str
    bytes: int
    mtime_us: int
    identity: tuple[int, int]

    def listed(self, **more: Any) -> dict[str, Any]:
        return {"path": self.path, "bytes": self.bytes, "mtime_us": self.mtime_us, **more}


@dataclass
class Skipped:
    """What the walk passed over, so that the report can say so."""

    links: int = 0
    unreadable: int = 0
    undecodable_names: int = 0
    special: int = 0
    truncated: bool = False


def walk(root: int, skipped: Skipped) -> Iterator[Found]:
    """Every plain file below the directory, on its own file system, outside the trash; in a stable order."""
    device, seen = os.fstat(root).st_dev, 0
    for folder, folders, names, descriptor in os.fwalk(".", dir_fd=root, follow_symlinks=False, onerror=lambda _: _count(skipped)):
        folders[:] = sorted(name for name in folders if _enter(descriptor, folder, name, device, skipped))
        for name in sorted(names):
            seen += 1
            if seen > MOST_ENTRIES:
                skipped.truncated = True
                return
            found = _found(descriptor, os.path.normpath(os.path.join(folder, name)), name, skipped)
            if found is not None:
                yield found


def _count(skipped: Skipped) -> None:
    skipped.unreadable += 1


def _enter(descriptor: int, folder: str, name: str, device: int, skipped: Skipped) -> bool:
    if (folder == "." and name == TRASH) or name in VERSION_CONTROL:
        return False
    try:
        status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except OSError:
        return False
    if stat.S_ISLNK(status.st_mode):
        skipped.links += 1
        return False
    return status.st_dev == device


def _found(descriptor: int, path: str, name: str, skipped: Skipped) -> Found | None:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:  # such a name cannot travel through JSON, so it cannot be proposed
        skipped.undecodable_names += 1
        return None
    status = plain_file(descriptor, name)
    if status is None:
        skipped.special += 1
        return None
    return Found(path, status.st_size, mtime_us(status), (status.st_dev, status.st_ino))


def scan(root: int, *, older_than_days: int, larger_than_bytes: int) -> dict[str, Any]:
    """The old and the large files, largest first, with the reason for each."""
    skipped, files, total, candidates = Skipped(), 0, 0, []
    oldest_us = int((time.time() - older_than_days * DAY) * 1_000_000)
    for found in walk(root, skipped):
        files, total = files + 1, total + found.bytes
        reasons = ["old"] * (found.mtime_us < oldest_us) + ["large"] * (found.bytes > larger_than_bytes)
        if reasons:
            candidates.append((found, reasons))
    candidates.sort(key=lambda pair: (-pair[0].bytes, pair[0].path))
    listed = [found.listed(reasons=reasons) for found, reasons in candidates[:MOST_LISTED]]
    return {
        "files": files,
        "bytes": total,
        "candidates": listed,
        "not_listed": len(candidates) - len(listed),
        "skipped": vars(skipped),
    }


def duplicates(root: int) -> dict[str, Any]:
    """Groups of files with the same content: compared by size first, then by SHA-256."""
    skipped, by_size = Skipped(), defaultdict(list)
    for found in walk(root, skipped):
        if found.bytes >= SMALLEST_DUPLICATE:
            by_size[found.bytes].append(found)
    budget, groups, not_compared = HASH_AT_MOST, [], 0
    for size in sorted(by_size, reverse=True):
        same = list({found.identity: found for found in by_size[size]}.values())  # hard links share their bytes
        if len(same) < 2:
            continue
        if size * len(same) > budget:
            not_compared += len(same)
            continue
        budget -= size * len(same)
        groups.extend(_same_content(root, same))
    listed = groups[:MOST_LISTED]
    return {"groups": listed, "not_listed": len(groups) - len(listed), "not_compared": not_compared, "skipped": vars(skipped)}


def _same_content(root: int, files: list[Found]) -> list[dict[str, Any]]:
    by_digest = defaultdict(list)
    for found in files:
        digest = _digest(root, found)
        if digest is not None:
            by_digest[digest].append(found)
    groups = []
    for digest, same in by_digest.items():
        if len(same) > 1:
            keep, *extra = sorted(same, key=lambda found: (found.mtime_us, len(found.path), found.path))
            groups.append({"sha256": digest, "keep": keep.listed(), "extra": [found.listed() for found in extra]})
    return groups


def _digest(root: int, found: Found) -> str | None:
    with parent_of(root, found.path) as (parent, name):
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        except OSError:
            return None
    with os.fdopen(descriptor, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
