"""Moving files to the trash and back: all of a batch or none of it, never over another file, at most once per key.

The order matters: 1. every file is checked against what was approved; 2. the manifest says what is about to move;
3. each file is renamed and checked *again* in the trash, where nobody else renames; 4. the manifest says done.
A crash after 2 is continued with the same key; a surprise in 3 puts everything back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agents.tools.registry import ToolError
from janitor_agent.manifest import Entry, Manifest, batch, batch_name, drop_manifest, read_manifest, write_manifest
from janitor_agent.rooms import mtime_us, parent_of, plain_file


class Surprise(Exception):
    """A file is not what was approved any more."""


def move_all(root: int, wanted: Sequence[Entry], key: str) -> dict[str, Any]:
    """Move the files into the key's batch. Sent again with the same key, it answers with what was done."""
    name = batch_name(key)
    if batch_state(root, key) == "not_done":  # begun before: some files are in the trash already
        _check_all(root, wanted)
    with batch(root, name, create=True) as trash:
        manifest = read_manifest(trash)
        if manifest is None:
            manifest = Manifest("moving", tuple(wanted))
            write_manifest(trash, manifest)
        elif manifest.entries != tuple(wanted):
            raise ToolError("key_reused", "This Idempotency-Key belongs to another batch of files.")
        if manifest.state == "moving":
            _move_or_undo(root, trash, manifest)
            write_manifest(trash, replace(manifest, state="done"))
    return {"batch": name, "files": len(wanted), "bytes": sum(entry.bytes for entry in wanted)}


def _check_all(root: int, wanted: Sequence[Entry]) -> None:
    """Refuse before anything is made."""
    for entry in wanted:
        state = state_of(root, entry)
        if state != "unchanged":
            raise ToolError("changed", f"{entry.path!r} is {state} since it was proposed; nothing was moved.")


def batch_state(root: int, key: str) -> str:
    """`done`, `not_done` or `unknown` (stopped half way): what the key's manifest says."""
    try:
        with batch(root, batch_name(key), create=False) as trash:
            manifest = read_manifest(trash)
    except ToolError:
        return "not_done"
    if manifest is None:
        return "not_done"
    return "done" if manifest.state == "done" else "unknown"


def state_of(root: int, entry: Entry) -> str:
    """`unchanged`, `changed` or `missing`, compared with what was approved."""
    try:
        with parent_of(root, entry.path) as (parent, name):
            status = plain_file(parent, name)
    except ToolError as error:
        if error.code == "outside" and _folder_is_gone(root, entry.path):
            return "missing"
        raise
    if status is None:
        return "missing"
    return "unchanged" if _same(status, entry) else "changed"


def _folder_is_gone(root: int, path: str) -> bool:
    try:
        os.stat(os.path.dirname(path), dir_fd=root, follow_symlinks=False)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _same(status: os.stat_result, entry: Entry) -> bool:
    return status.st_size == entry.bytes and mtime_us(status) == entry.mtime_us


def _move_or_undo(root: int, trash: int, manifest: Manifest) -> None:
    try:
        for entry in manifest.entries:
            _move(root, trash, entry)
    except (Surprise, OSError, ToolError) as problem:
        for entry in manifest.entries:
            put_back(root, trash, entry)  # raises when it cannot: then the outcome is for a person to judge
        drop_manifest(trash)
        raise ToolError("changed", f"{problem}; everything was put back.") from problem


def _move(root: int, trash: int, entry: Entry) -> None:
    if plain_file(trash, entry.stored) is not None:
        return  # moved before a crash
    with parent_of(root, entry.path) as (parent, name):
        status = plain_file(parent, name)
        if status is None or not _same(status, entry):
            raise Surprise(f"{entry.path!r} changed since it was proposed")
        os.rename(name, entry.stored, src_dir_fd=parent, dst_dir_fd=trash)
    moved = plain_file(trash, entry.stored)
    if moved is None or not _same(moved, entry) or moved.st_ino != status.st_ino:
        raise Surprise(f"{entry.path!r} was swapped while it was moved")


def put_back(root: int, trash: int, entry: Entry) -> bool:
    """Return one stored file to its place without ever replacing another; False when it is not in the trash."""
    if not _taken(trash, entry.stored):
        return False
    with parent_of(root, entry.path) as (parent, name):
        if plain_file(trash, entry.stored) is not None:
            os.link(entry.stored, name, src_dir_fd=trash, dst_dir_fd=parent, follow_symlinks=False)  # fails if taken
            os.unlink(entry.stored, dir_fd=trash)
        else:  # not a plain file: a link or folder that was swapped in; it cannot be hard-linked
            os.rename(entry.stored, name, src_dir_fd=trash, dst_dir_fd=parent)
    return True


def restore_all(root: int, name: str) -> dict[str, Any]:
    """Put a whole batch back; what is back already stays. Refuses, before moving, when a place is taken."""
    with batch(root, batch_name(name), create=False) as trash:
        manifest = read_manifest(trash)
        if manifest is None:
            raise ToolError("no_batch", f"There is no batch {name!r} in the trash.")
        waiting = [entry for entry in manifest.entries if plain_file(trash, entry.stored) is not None]
        for entry in waiting:
            with parent_of(root, entry.path) as (parent, file_name):
                if _taken(parent, file_name):
                    raise ToolError("taken", f"{entry.path!r} exists again; nothing was restored.")
        for entry in waiting:
            put_back(root, trash, entry)
    restored = sum(entry.bytes for entry in manifest.entries)
    return {"batch": name, "files": len(manifest.entries), "bytes": restored}


def _taken(parent: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
