"""The scripted planner of the janitor: the labelled stand-in for a language model.

It looks twice (old or large files, duplicates), proposes at most two batches at once, and stops. File names are data:
nothing in a name changes what it does.
"""

from __future__ import annotations

import re
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from scripted_kit.conversation import Call, Step, finish, propose, steps, task_text

TASK = re.compile(r"older than (\d+) days or larger than (\d+) MB")
BATCH = 100


def script(messages: list[BaseMessage]) -> AIMessage:
    """The next thing to say, from the conversation alone."""
    taken = steps(messages)
    if not taken:
        limits = TASK.search(task_text(messages))
        if limits is None:
            return finish("The task does not say what is old and what is large.")
        args = {"older_than_days": int(limits.group(1)), "larger_than_mb": int(limits.group(2))}
        looks = [Call("scan_directory", args), Call("find_duplicates", {})]
        return propose(messages, looks, "Looking at the directory.")
    moved = [step for step in taken if step.name == "move_to_trash"]
    if moved:
        return finish(" ".join(_told(step) for step in moved))
    batches = plan(taken)
    if not batches:
        failed = next((step.reason for step in taken if not step.done), "")
        return finish(f"Nothing to move. {failed}".strip())
    calls = [Call("move_to_trash", {"files": files}) for files in batches]
    return propose(messages, calls, "These can go to the trash; they can be restored from there.")


def plan(taken: list[Step]) -> list[list[dict[str, Any]]]:
    """Two batches: superfluous copies, and what is old or large. No file is in both."""
    copies: dict[str, dict[str, Any]] = {}
    kept: set[str] = set()
    for step in taken:
        for group in step.result.get("groups", []) if step.done and step.name == "find_duplicates" else []:
            kept.add(group["keep"]["path"])
            copies.update({file["path"]: _ref(file) for file in group["extra"]})
    stale = [
        _ref(file)
        for step in taken
        if step.done and step.name == "scan_directory"
        for file in step.result.get("candidates", [])
        if file["path"] not in copies and file["path"] not in kept
    ]
    return [files[:BATCH] for files in (list(copies.values()), stale) if files]


def _ref(file: dict[str, Any]) -> dict[str, Any]:
    return {key: file[key] for key in ("path", "bytes", "mtime_us")}


def _told(step: Step) -> str:
    if step.done:
        if step.by_hand:
            return f"Moved by a person, not by me: {step.result.get('outcome', '')}"
        return f"Moved {step.result['files']} files ({step.result['bytes']} bytes) to batch {step.result['batch']}."
    return f"Left {len(step.args['files'])} files alone: {step.status}{f' ({step.reason})' if step.reason else ''}."
