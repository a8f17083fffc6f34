"""The janitor's tools. The directory is never an argument: it is the one the run was started with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agents.tools.registry import Preview, RiskClass, ToolContext, ToolError, tool
from agents.tools.summaries import human_bytes
from janitor_agent.manifest import PLAIN_KEY, Entry, batch, batch_name, read_manifest
from janitor_agent.rooms import plain_file, relative_parts, room
from janitor_agent.scan import duplicates, scan
from janitor_agent.trash import batch_state, move_all, restore_all, state_of

MOST_FILES = 500
MEGABYTE = 1_000_000


class Args(BaseModel):
    """What all arguments here have in common: nothing but the declared fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ScanArgs(Args):
    older_than_days: int = Field(ge=1, le=36_500, description="Files not changed for this many days are old.")
    larger_than_mb: int = Field(ge=1, le=1_000_000, description="Files above this many megabytes are large.")


class DuplicatesArgs(Args):
    pass


class FileRef(Args):
    path: str = Field(max_length=4096, description="Where the file is, relative to the directory.")
    bytes: int = Field(ge=0, description="Its size when it was looked at; if it differs later, nothing is moved.")
    mtime_us: int = Field(description="Its modification time then, in microseconds since 1970.")

    @field_validator("path")
    @classmethod
    def stays_inside(cls, path: str) -> str:
        """Refuse absolute paths, '..', NUL and the trash itself."""
        relative_parts(path)
        return path


class TrashArgs(Args):
    files: list[FileRef] = Field(min_length=1, max_length=MOST_FILES, description="The files to move to the trash.")

    @field_validator("files")
    @classmethod
    def once_each(cls, files: list[FileRef]) -> list[FileRef]:
        """A file cannot be moved twice."""
        if len({file.path for file in files}) != len(files):
            raise ValueError("A file is listed twice.")
        return files


class RestoreArgs(Args):
    batch: str = Field(pattern=f"^{PLAIN_KEY.pattern}$", description="The batch to restore, as move_to_trash named it.")


@tool(
    name="scan_directory",
    risk=RiskClass.READ,
    reversible=True,
    summary="List files older than {older_than_days} days or larger than {larger_than_mb} MB",
    idempotent=True,
    untrusted_output=True,
    timeout_s=60,
)
def scan_directory(args: ScanArgs, ctx: ToolContext) -> dict[str, Any]:
    """Walk the directory; names are reported as they are and may be hostile."""
    with room(ctx.run_input.get("directory")) as root:
        return scan(root, older_than_days=args.older_than_days, larger_than_bytes=args.larger_than_mb * MEGABYTE)


@tool(
    name="find_duplicates",
    risk=RiskClass.READ,
    reversible=True,
    summary="Look for files with the same content",
    idempotent=True,
    untrusted_output=True,
    timeout_s=120,
)
def find_duplicates(args: DuplicatesArgs, ctx: ToolContext) -> dict[str, Any]:
    """Compare by size, then by SHA-256; in each group the oldest file is kept."""
    with room(ctx.run_input.get("directory")) as root:
        return duplicates(root)


def preview_trash(args: TrashArgs, ctx: ToolContext) -> Preview:
    """How many files and bytes, and whether each file still is what was proposed."""
    with room(ctx.run_input.get("directory")) as root:
        states = [state_of(root, entry) for entry in entries(args.files)]
    listed = [
        {**file.model_dump(exclude={"mtime_us"}), "changed": _day(file.mtime_us), "state": state}
        for file, state in zip(args.files, states, strict=True)
    ]
    total, surprises = sum(file.bytes for file in args.files), sum(state != "unchanged" for state in states)
    warnings = [f"{surprises} of the files changed or went missing; the move will be refused."] if surprises else []
    return Preview(
        summary=f"Move {_many(len(listed))} ({human_bytes(total)}) to the trash",
        facts={"files": len(listed), "bytes": total},
        details={"directory": str(ctx.run_input.get("directory")), "files": listed, "warnings": warnings},
    )


def outcome_of_move(args: TrashArgs, ctx: ToolContext) -> str:
    """Whether the batch of this key was moved; `unknown` when it stopped half way, which sending it again mends."""
    with room(ctx.run_input.get("directory")) as root:
        return batch_state(root, ctx.idempotency_key)


def bring_back(args: TrashArgs, result: dict[str, Any], ctx: ToolContext) -> dict[str, Any]:
    """Put the batch back where it was; what is back already stays, and nothing is replaced."""
    with room(ctx.run_input.get("directory")) as root:
        return restore_all(root, str(result.get("batch")))


@tool(
    name="move_to_trash",
    risk=RiskClass.DELETE,
    reversible=True,
    compensate=bring_back,
    summary="Move {files|count:file} to the trash",
    preview=preview_trash,
    idempotent=True,
    timeout_s=120,
    check_outcome=outcome_of_move,
)
def move_to_trash(args: TrashArgs, ctx: ToolContext) -> dict[str, Any]:
    """Move exactly these files, all or none; refuses when one of them changed since it was proposed."""
    with room(ctx.run_input.get("directory")) as root:
        return move_all(root, entries(args.files), ctx.idempotency_key)


def preview_restore(args: RestoreArgs, ctx: ToolContext) -> Preview:
    """What lies in the batch and would go back."""
    with room(ctx.run_input.get("directory")) as root, batch(root, batch_name(args.batch), create=False) as trash:
        manifest = read_manifest(trash)
        stored = [entry for entry in (manifest.entries if manifest else ()) if plain_file(trash, entry.stored)]
    total = sum(entry.bytes for entry in stored)
    return Preview(
        summary=f"Restore {_many(len(stored))} ({human_bytes(total)}) from the trash",
        facts={"files": len(stored), "bytes": total},
        details={"files": [{"path": entry.path, "bytes": entry.bytes} for entry in stored]},
    )


def move_again(args: RestoreArgs, result: dict[str, Any], ctx: ToolContext) -> dict[str, Any]:
    """Move the files of the batch to the trash once more, unless one of them was changed since."""
    with room(ctx.run_input.get("directory")) as root:
        with batch(root, batch_name(args.batch), create=False) as trash:
            manifest = read_manifest(trash)
        if manifest is None:
            raise ToolError("no_batch", f"There is no batch {args.batch!r} in the trash.")
        return move_all(root, manifest.entries, ctx.idempotency_key)


@tool(
    name="restore_from_trash",
    risk=RiskClass.WRITE,
    reversible=True,
    compensate=move_again,
    summary="Restore batch {batch} from the trash",
    preview=preview_restore,
    idempotent=True,
    timeout_s=120,
)
def restore_from_trash(args: RestoreArgs, ctx: ToolContext) -> dict[str, Any]:
    """Put a batch back where it was, without replacing anything."""
    with room(ctx.run_input.get("directory")) as root:
        return restore_all(root, args.batch)


def entries(files: Sequence[FileRef]) -> list[Entry]:
    """The files in the order they were approved; in the trash they get plain numbers for names."""
    return [Entry(file.path, file.bytes, file.mtime_us, f"{number:05}") for number, file in enumerate(files, start=1)]


def _many(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"


def _day(mtime_us: int) -> str:
    """When a file was changed last, in UTC, as people read it. It may be any number: file systems keep odd ones."""
    try:
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=mtime_us):%Y-%m-%d %H:%M} UTC"
    except OverflowError:
        return f"{mtime_us} microseconds from 1970"


TOOLS = [scan_directory, find_duplicates, move_to_trash, restore_from_trash]
